// Faces that stayed without a name, on three shelves: to be named, confirmed or ignored, many at once.
import { eachOf, get, may, patch, post, remove, within } from "./api.js";
import { announce, button, confirmed, emptyState, face, field, h, pagedList, toast } from "./dom.js";
import { nameInput } from "./people.js";
import { ofGroup } from "./pictures.js";
import { day, number, plural } from "./words.js";

const shelves = [
  { name: "unknown", title: "Unknown", empty: ["Nobody is waiting here", "Faces that a search gave no name come here, one tile for each person."] },
  { name: "unconfirmed", title: "Unconfirmed", empty: ["Nothing to confirm", "Faces that may be somebody you know come here, the likest first."] },
  { name: "ignored", title: "Ignored", empty: ["Nobody is ignored", "Ignore passers-by, and they stay away from the other shelves."] },
];

const seenOn = (group) => (day(group.first_ms) === day(group.last_ms) ? day(group.last_ms) : `${day(group.first_ms)} to ${day(group.last_ms)}`);

function tile(group, changed) {
  const guess = group.suggestion;
  const words = guess ? `${guess.name}?` : "Nobody known";
  const input = h("input", { type: "checkbox", value: group.id, onchange: changed,
    "aria-label": `${words}, seen ${plural(group.count, "time")}, ${seenOn(group)}` });
  input.group = group;
  return h("li", { class: "tile" }, h("label", {}, input, face(guess?.name ?? "", ofGroup(group.id), { large: true })),
    h("span", { class: "name" }, words),
    h("span", { class: "hint" }, guess ? `similarity ${number(guess.similarity)} \u00b7 ` : "", `seen ${plural(group.count, "time")}`),
    h("span", { class: "hint" }, seenOn(group)));
}

/** Does something with each group; what failed is told, what was done can be undone together. */
async function withEach(groups, work, undoOne, words, reload) {
  const results = await eachOf(groups, work, { told: (done, all) => announce(`${done} of ${all}`) });
  const done = results.map((one, i) => ({ ...one, group: groups[i] })).filter((one) => !one.error);
  const wrong = results.find((one) => one.error);
  if (done.length)
    toast(words(done.length), {
      undo: undoOne ? async () => { await eachOf(done, undoOne, { atOnce: 1 }); reload(); } : null,
    });
  reload();
  if (wrong) throw wrong.error;
}

const nameGroup = (group, person) => post(within("seen", group.id, "name"), { person });
const unname = (one) => (one.value.faces.length ? post(within("seen"), { faces: one.value.faces }) : null);
const shelve = (group, shelf) => patch(within("seen", group.id), { shelf });

/** The bar of what can be done with the chosen groups, and the keys for it. */
function actions(shelf, list, reload, likeFirst) {
  const chosen = () => [...list.querySelectorAll("input:checked")].map((input) => input.group);
  const said = h("span", { class: "hint" }, "None chosen");
  const { input, options } = nameInput();
  const named = async () => {
    const person = input.value.trim();
    if (!person) return void input.focus();
    await withEach(chosen(), (group) => nameGroup(group, person), unname, (many) => `${plural(many, "group")} named ${person}.`, reload);
  };
  const confirm = () => withEach(chosen().filter((group) => group.suggestion), (group) => nameGroup(group, group.suggestion.name), unname,
    (many) => `${plural(many, "suggestion")} confirmed.`, reload);
  const refuse = () => withEach(chosen().filter((group) => group.suggestion),
    (group) => post(within("seen", group.id, "rejections"), { person: group.suggestion.person }),
    (one) => eachOf(one.value.rejections, (id) => remove(within("rejections", id)), { atOnce: 1 }),
    (many) => `${plural(many, "suggestion")} refused.`, reload);
  const ignore = () => withEach(chosen(), (group) => shelve(group, "ignored"), (one) => shelve(one.group, "unknown"),
    (many) => `${plural(many, "group")} ignored.`, reload);
  const back = () => withEach(chosen(), (group) => shelve(group, "unknown"), (one) => shelve(one.group, "ignored"),
    (many) => `${plural(many, "group")} taken back among the unknown.`, reload);
  const forget = async () => {
    const groups = chosen();
    if (!(await confirmed(`Forget ${plural(groups.length, "group")}?`, "Their faces are deleted for good. Seen again, they are new. This cannot be undone.", "Forget"))) return;
    await withEach(groups, (group) => remove(within("seen", group.id)), null, (many) => `${plural(many, "group")} forgotten.`, reload);
  };
  const like = () => likeFirst(chosen()[0].id);
  const known = shelf === "unconfirmed";
  const all = [
    known ? { key: "c", text: "Confirm", work: confirm, kind: "primary" } : null,
    known ? { key: "x", text: "Not this person", work: refuse } : null,
    shelf === "ignored" ? { key: "u", text: "Take back", work: back } : { key: "i", text: "Ignore", work: ignore },
    { key: "l", text: "Likest first", work: like },
    { key: "f", text: "Forget", work: forget, kind: "danger" },
  ].filter(Boolean);
  for (const one of all) one.button = button(one.text, one.work, { kind: one.kind, "aria-keyshortcuts": one.key, title: `Key: ${one.key}` });
  const form = h("form", { class: "inline", onsubmit: (event) => {
    event.preventDefault();
    give.click();
  } }, field("Name of the chosen", input), options);
  const give = button("Name", named, { kind: known ? null : "primary" });
  form.append(give);
  const bar = h("div", { class: "actions", role: "group", "aria-label": "With the chosen groups", hidden: true }, said, form, all.map((one) => one.button));
  const press = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !event.target.closest(".tile") || !chosen().length) return;
    if (event.key === "n") {
      event.preventDefault();
      input.focus();
    }
    all.find((one) => one.key === event.key)?.button.click();
  };
  return { bar, press, all, changed: () => {
    const many = chosen().length;
    bar.hidden = many === 0;
    said.textContent = `${plural(many, "group")} chosen`;
  } };
}

/** Arrow keys go from tile to tile. */
function moveFocus(event, list) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0 }[event.key];
  if (step === undefined || event.target.type !== "checkbox") return;
  const tiles = [...list.querySelectorAll("input")];
  const here = tiles.indexOf(event.target);
  const left = (input) => input.closest("li").offsetLeft;
  let next = tiles[here + step];
  if (event.key === "ArrowDown") next = tiles.slice(here + 1).find((one) => left(one) === left(event.target));
  if (event.key === "ArrowUp") next = tiles.slice(0, here).reverse().find((one) => left(one) === left(event.target));
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export async function unnamedView({ body, parts, query, reload }) {
  const shelf = shelves.find((one) => one.name === parts[0]) ?? shelves[0];
  const list = h("ul", { class: "tiles", "aria-label": `${shelf.title} faces` });
  const like = query.get("like");
  const { bar, press, all, changed } = actions(shelf.name, list, reload, (id) => { location.hash = `#/unnamed/${shelf.name}?like=${id}`; });
  const shown = pagedList({
    list,
    fetchPage: async (cursor, signal) => {
      const page = await get(within("seen"), { shelf: shelf.name, like, cursor, limit: 100 }, signal);
      return { items: page.groups, next: page.next };
    },
    render: (group) => tile(group, changed),
    empty: () => emptyState(...shelf.empty, shelf.name === "unknown" ? h("a", { href: "#/search", class: "button primary" }, "Search in photos") : null),
    onPage: (many, whole) => {
      pick.hidden = many === 0 || !may("enrol");
      count.textContent = many === 0 ? "" : `${whole ? "" : "The first "}${plural(many, "group")}`;
    },
  });
  const count = h("span", { class: "hint" });
  const pick = button("Choose all shown", () => {
    const boxes = [...list.querySelectorAll("input")];
    const on = boxes.some((one) => !one.checked);
    for (const one of boxes) one.checked = on;
    changed();
  }, { hidden: true });
  list.addEventListener("keydown", (event) => {
    moveFocus(event, list);
    if (may("enrol")) press(event);
  });
  body.append(
    h("nav", { class: "tabs", "aria-label": "Shelves" }, shelves.map((one) =>
      h("a", { href: `#/unnamed/${one.name}`, "aria-current": one === shelf ? "true" : null }, one.title))),
    h("div", { class: "bar" }, count, like ? h("a", { href: `#/unnamed/${shelf.name}` }, "Back to the usual order") : null, pick),
    may("enrol") ? bar : "", shown.box,
    may("enrol") ? h("p", { class: "hint keys" }, "Keys, on a tile: space chooses, arrows move, ",
      [{ key: "n", text: "Name" }, ...all].map((one, i) => [i ? ", " : "", h("kbd", {}, one.key), ` ${one.text.toLowerCase()}`]), ".") : "");
  await shown.first;
  return shown.stop;
}
