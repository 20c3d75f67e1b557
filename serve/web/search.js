// Who is in a photo: boxes on it, and a word for each face.
import { call, get, may, remove, within, state } from "./api.js";
import { announce, button, emptyState, failed, field, h, svg, toast } from "./dom.js";
import { dropZone, preview } from "./files.js";
import { nameInput } from "./people.js";
import { number, percent, plural, ruleSentence, sentence } from "./words.js";

const kMargin = 0.6; // of the face's size, around it: the detector wants to see the head

/** The part of a photo around a box, as a file; nothing where the browser cannot read the photo. */
async function cut(file, box) {
  const bitmap = await createImageBitmap(file);
  const [left, top, right, bottom] = box;
  const margin = kMargin * Math.max(right - left, bottom - top);
  const x = Math.max(0, Math.floor(left - margin));
  const y = Math.max(0, Math.floor(top - margin));
  const width = Math.min(bitmap.width, Math.ceil(right + margin)) - x;
  const height = Math.min(bitmap.height, Math.ceil(bottom + margin)) - y;
  const canvas = h("canvas", { width, height });
  canvas.getContext("2d").drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  bitmap.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Boxes over a photo, numbered as the list beside it. */
function boxes(answer) {
  const size = Math.max(answer.width, answer.height);
  const drawing = svg("svg", { viewBox: `0 0 ${answer.width} ${answer.height}`, class: "boxes", "aria-hidden": "true" });
  answer.faces.forEach((one, i) => {
    const [left, top, right, bottom] = one.box;
    const label = Math.max(size / 36, 9);
    drawing.append(svg("g", { class: one.name === null ? "stranger" : "named", "data-face": i },
      svg("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: size / 200, "stroke-width": size / 220 }),
      svg("rect", { class: "plate", x: left, y: Math.max(0, top - label * 1.4), width: label * (`${i + 1}`.length * 0.7 + 0.7), height: label * 1.4 }),
      svg("text", { x: left + label * 0.35, y: Math.max(label * 1.4, top) - label * 0.35, "font-size": label }, `${i + 1}`)));
  });
  return drawing;
}

/** How sure a name is, or how near a stranger came to one. */
function evidence(one, rule) {
  if (!one.nearest) return "Nobody is enrolled to compare with.";
  const limit = rule.threshold === null ? "" : `; a name needs ${number(rule.threshold)}`;
  if (one.name !== null)
    return `Similarity ${number(one.similarity)}${limit}${one.probability === null ? "" : `. That it is right: ${percent(one.probability)}`}.`;
  return `Most alike is ${one.nearest.name}, with a similarity of ${number(one.similarity)}${limit}.`;
}

async function enrolFace(file, one, alone, name) {
  const photo = alone ? file : await cut(file, one.box);
  const form = new FormData();
  form.set("person", name);
  form.append("photo", photo, file.name);
  const answer = await call("POST", within("faces"), { form });
  const [told] = answer.photos;
  if (told.status !== "enrolled") throw new Error(told.reasons.join("; ") || `This face is not taken: ${told.status}`);
  toast(`${name} has ${plural(answer.person.faces, "photo")} now.`, {
    link: { href: `#/person/${answer.person.id}`, text: `See ${name}` },
    undo: () => remove(within("faces", told.face)),
  });
}

async function rejectName(file, one) {
  const form = new FormData();
  form.set("photo", file, file.name);
  await call("POST", within("people", one.person, "rejections"), { form });
  const { rejections } = await get(within("people", one.person, "rejections"));
  const last = rejections.at(-1);
  toast(`This face is not called ${one.name} again.`, { undo: last ? () => remove(within("rejections", last.id)) : null });
}

function faceItem(one, i, file, answer, again) {
  const actions = [];
  if (may("enrol") && one.name !== null)
    actions.push(button(`Not ${one.name}`, async () => { await rejectName(file, one); again(); }));
  if (may("enrol") && one.name === null) {
    const { input, options } = nameInput();
    actions.push(h("form", { class: "inline", onsubmit: (event) => {
      event.preventDefault();
      go.click();
    } }, field(`Who is face ${i + 1}?`, input), options));
    const go = button("Add", async () => {
      if (!input.value.trim()) return void input.focus();
      await enrolFace(file, one, answer.faces.length === 1, input.value.trim());
      again();
    });
    actions[0].append(go);
  }
  return h("li", { "data-face": i },
    h("p", { class: "who" }, h("span", { class: "number" }, `${i + 1}`), one.name === null
      ? h("strong", { class: "stranger" }, "Stranger") : h("a", { href: `#/person/${one.person}` }, one.name)),
    h("p", { class: "hint" }, evidence(one, answer.rule)), actions.length ? h("div", { class: "buttons" }, actions) : null);
}

function said(answer) {
  const named = answer.faces.filter((one) => one.name !== null);
  if (!answer.faces.length) return "No face was found in this photo.";
  const strangers = answer.faces.length - named.length;
  return [named.length ? named.map((one) => one.name).join(", ") : "", strangers ? plural(strangers, "stranger") : ""].filter(Boolean).join(" and ");
}

function result(file) {
  const words = h("p", { class: "hint" }, "Looking\u2026");
  const list = h("ol", { class: "found", "aria-label": `Faces in ${file.name}` });
  const picture = h("div", { class: "photo" }, preview(file, { alt: `The photo ${file.name}` }));
  const card = h("section", { class: "card result", "aria-label": `Result for ${file.name}` }, h("h2", {}, file.name), h("div", { class: "halves" }, picture, h("div", {}, words, list)));
  const light = (event) => {
    const number_ = event.target.closest?.("[data-face]")?.dataset.face;
    picture.querySelectorAll("g").forEach((box) => box.classList.toggle("lit", box.dataset.face === number_));
  };
  list.addEventListener("mouseover", light);
  list.addEventListener("focusin", light);
  const again = async () => {
    const form = new FormData();
    form.set("photo", file, file.name);
    try {
      const answer = await call("POST", "/v1/search", { query: { gallery: state.gallery }, form });
      picture.querySelector("svg")?.remove();
      picture.append(boxes(answer));
      words.textContent = said(answer);
      list.replaceChildren(...answer.faces.map((one, i) => faceItem(one, i, file, answer, again)));
      card.dataset.done = "true";
      announce(`${file.name}: ${words.textContent}`);
    } catch (error) {
      words.textContent = sentence(error.message);
      words.classList.add("trouble");
      if (error.status === 401) failed(error);
    }
  };
  return { card, again };
}

export async function searchView({ body }) {
  const [gallery, thresholds] = await Promise.all([get(within()), get(within("thresholds"))]);
  const results = h("div", { class: "stack" });
  const { zone, stop } = dropZone(async (photos, others) => {
    if (others) toast(`${plural(others, "file")} left out: no photos.`, { kind: "failure" });
    for (const { file } of photos) {
      const made = result(file);
      results.prepend(made.card);
      await made.again();
    }
  }, { words: "Drop photos here to see who is in them" });
  if (gallery.people === 0)
    body.append(emptyState("Nobody is enrolled yet", "Every face will be a stranger until there are people to compare with.",
      may("enrol") ? h("a", { href: "#/add", class: "button primary" }, "Add photos") : null));
  body.append(zone, h("p", { class: "hint" }, ruleSentence(thresholds.rule), " Photos are not kept.",
    state.me.keep_seen_days > 0 ? ` Strangers\u2019 faces are kept for ${plural(state.me.keep_seen_days, "day")}, to be named under Unnamed faces.` : ""), results);
  return stop;
}
