// One person: the photos, the most doubtful first, and what can be changed.
import { ask, eachOf, get, may, patch, post, remove, within } from "./api.js";
import { button, confirmed, dialog, emptyState, face, field, h, pagedList, toast } from "./dom.js";
import { nameInput, personCalled } from "./people.js";
import { ofFace } from "./pictures.js";
import { day, number, plural, time } from "./words.js";

const undoChange = (change) => () => post(within("changes", change, "undo"));

/** Shows what a merge would do, and does it. Resolves to whether it was done. */
export async function merge(from, into) {
  const target = within("people", from.id, "merge");
  const preview = await post(target, { into: into.id, preview: true });
  const side = (person) => h("div", { class: "side" }, face(person.name, null, { large: true }),
    h("strong", {}, person.name), h("span", { class: "hint" }, plural(person.faces, "photo")));
  const body = h("div", {},
    h("div", { class: "sides" }, side(preview.from), h("span", { class: "arrow", "aria-hidden": "true" }, "\u2192"), side(preview.into)),
    h("p", {}, `All photos of ${preview.from.name} become photos of ${preview.into.name}, and the name ${preview.from.name} is gone. You can undo it.`),
    preview.similarity === null ? null : h("p", {}, `Their likest photos have a similarity of ${number(preview.similarity)}.`),
    preview.warning ? h("p", { class: "warning" }, `Careful: ${preview.warning}.`) : null);
  let merged = null;
  const done = await dialog("Merge two people?", body, {
    yes: "Merge",
    accept: async () => { merged = await post(target, { into: into.id }); },
  });
  if (done) toast(`${preview.from.name} and ${preview.into.name} are one person now.`, { undo: undoChange(merged.change), logged: true });
  return done;
}

async function rename(person, reload) {
  const { input, options } = nameInput({ value: person.name, required: true });
  let other = null;
  let change = null;
  const done = await dialog(`Rename ${person.name}`, h("div", {}, field("Name", input), options), {
    yes: "Rename",
    accept: async () => {
      try {
        ({ change } = await patch(within("people", person.id), { name: input.value }));
      } catch (error) {
        if (error.status !== 409) throw error;
        other = await personCalled(input.value);
        if (!other) throw error;
      }
    },
  });
  if (!done) return;
  if (other) {
    if (await merge(person, other)) location.hash = `#/person/${other.id}`;
    return;
  }
  toast(`${person.name} is called ${input.value.trim()} now.`, { undo: async () => { await undoChange(change)(); reload(); }, logged: true });
  reload();
}

async function mergeInto(person) {
  const { input, options } = nameInput({ required: true });
  let other = null;
  const chosen = await dialog(`Merge ${person.name} into somebody`, h("div", {}, field("Into whom", input, "Type a part of the name."), options), {
    yes: "Show what happens",
    accept: async () => {
      other = await personCalled(input.value);
      if (!other) throw new Error("Nobody is called so.");
      if (other.id === person.id) throw new Error("That is the same person.");
    },
  });
  if (chosen && (await merge(person, other))) location.hash = `#/person/${other.id}`;
}

async function removePerson(person) {
  if (!(await confirmed(`Remove ${person.name}?`,
    `The name and ${plural(person.faces, "photo")} are deleted from the gallery for good. This cannot be undone; backups made before still hold them.`, "Remove for good"))) return;
  await remove(within("people", person.id));
  toast(`${person.name} was removed.`);
  location.hash = "#/people";
}

async function giveHeld(person) {
  const { response } = await ask("GET", within("people", person.id, "held"));
  if (!response.ok) throw new Error("What is held could not be read");
  const address = URL.createObjectURL(await response.blob());
  h("a", { href: address, download: `held-${person.id}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

/** What a similarity to the other photos says. */
function verdict(one, threshold) {
  if (one.similarity === null) return { text: "the only photo", kind: "" };
  if (one.looks_like && one.looks_like.similarity > one.similarity)
    return { text: `looks more like ${one.looks_like.name}`, kind: "bad" };
  if (threshold !== null && one.similarity < threshold) return { text: "doubtful: the other photos would not give it this name", kind: "doubt" };
  return { text: "fits the others", kind: "good" };
}

function tile(one, person, threshold, changed) {
  const said = verdict(one, threshold);
  const label = one.photo.split("/").pop() || `photo ${one.id}`;
  return h("li", { class: "tile" }, h("label", {},
    may("enrol") ? h("input", { type: "checkbox", value: one.id, onchange: changed, "aria-label": `Choose ${label}: ${said.text}` }) : null,
    face(person.name, ofFace(one), { large: true })),
  h("span", { class: `verdict ${said.kind}` }, said.text),
  h("span", { class: "hint file", title: one.photo }, label),
  h("span", { class: "hint" }, one.similarity === null ? day(one.added_ms) : `similarity ${number(one.similarity)} \u00b7 ${day(one.added_ms)}`));
}

function actionsFor(list, person, reload) {
  const chosen = () => [...list.querySelectorAll("input:checked")].map((input) => Number(input.value));
  const { input, options } = nameInput({ placeholder: "Name" });
  const said = h("span", { class: "hint" }, "None chosen");
  const move = button("Give to this person", async () => {
    const name = input.value.trim();
    if (!name) return void input.focus();
    const faces = chosen();
    const results = await eachOf(faces, (id) => patch(within("faces", id), { person: name }), { atOnce: 1 });
    const changes = results.filter((one) => one.value).map((one) => one.value.change);
    const wrong = results.find((one) => one.error);
    if (changes.length)
      toast(`${plural(changes.length, "photo")} given to ${name}.`, {
        logged: true,
        undo: async () => { await eachOf(changes.reverse(), (id) => undoChange(id)(), { atOnce: 1 }); reload(); },
      });
    if (wrong) throw wrong.error;
    reload();
  });
  const gone = button("Remove", async () => {
    const faces = chosen();
    if (!(await confirmed(`Remove ${plural(faces.length, "photo")}?`, "They are deleted from the gallery for good. This cannot be undone.", "Remove for good"))) return;
    const results = await eachOf(faces, (id) => remove(within("faces", id)), { atOnce: 1 });
    toast(`${plural(results.filter((one) => one.value).length, "photo")} removed.`);
    reload();
  }, { kind: "danger" });
  const bar = h("div", { class: "actions", role: "group", "aria-label": "With the chosen photos", hidden: true }, said, field("Belongs to", input), options, move, gone);
  return { bar, changed: () => {
    const many = chosen().length;
    bar.hidden = many === 0;
    said.textContent = `${plural(many, "photo")} chosen`;
  } };
}

async function rejections(person, reload) {
  const { rejections: list } = await get(within("people", person.id, "rejections"));
  if (!list.length) return null;
  return h("details", {}, h("summary", {}, `${plural(list.length, "face")} of which somebody said: not ${person.name}`),
    h("ul", { class: "rows" }, list.map((one) => h("li", {}, h("span", {}, `said on ${time(one.time_ms)}`),
      may("enrol") ? button("Take back", async () => {
        await remove(within("rejections", one.id));
        toast("Taken back.");
        reload();
      }) : null))));
}

export async function personView({ body, parts, query, reload, entitle }) {
  const [person, thresholds] = await Promise.all([get(within("people", parts[0])), get(within("thresholds"))]);
  entitle(person.name);
  const order = query.get("order") === "added" ? "added" : "doubtful";
  const list = h("ul", { class: "tiles", "aria-label": `Photos of ${person.name}` });
  const { bar, changed } = actionsFor(list, person, reload);
  const shown = pagedList({
    list,
    fetchPage: async (cursor, signal) => {
      const page = await get(within("people", person.id, "faces"), { order, cursor, limit: 60 }, signal);
      return { items: page.faces, next: page.next };
    },
    render: (one) => tile(one, person, thresholds.rule.threshold, changed),
    empty: () => emptyState("No photos", "This person has no photos any more."),
  });
  const orders = [["doubtful", "Most doubtful first"], ["added", "Oldest first"]];
  body.append(
    h("p", { class: "hint" }, plural(person.faces, "photo")),
    may("enrol") ? h("div", { class: "buttons" },
      h("a", { class: "button primary", href: `#/add?person=${encodeURIComponent(person.name)}` }, "Add photos"),
      button("Rename", () => rename(person, reload)),
      button("Merge into\u2026", () => mergeInto(person)),
      may("administer") ? button("Save what is held", () => giveHeld(person)) : null,
      button("Remove", () => removePerson(person), { kind: "danger" })) : null,
    h("nav", { class: "tabs", "aria-label": "Order" }, orders.map(([name, text]) =>
      h("a", { href: `#/person/${person.id}?order=${name}`, "aria-current": name === order ? "true" : null }, text))),
    bar, shown.box, (await rejections(person, reload)) ?? "");
  await shown.first;
  return shown.stop;
}
