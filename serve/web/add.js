// Enrolment: photos of people, dropped by person, and what became of each photo.
import { call, get, remove, within } from "./api.js";
import { announce, button, field, h, toast } from "./dom.js";
import { dropZone, preview } from "./files.js";
import { nameInput } from "./people.js";
import { plural, statusWords } from "./words.js";

// What a request may hold (docs/service.md, Limits), with room to spare, and few enough to see progress.
const kMostBytes = 40 << 20;
const kMostPhotos = 12;
const kPhotoBytes = 20 << 20;

/** Photos by the folder they lie in: one folder a person. Of loose photos the name is still to be given. */
function byPerson(photos) {
  const groups = new Map();
  for (const photo of photos) {
    const folder = photo.path.length > 1 ? photo.path[photo.path.length - 2] : "";
    groups.set(folder, [...(groups.get(folder) ?? []), photo]);
  }
  return [...groups].map(([name, some]) => ({ name, photos: some }))
    .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

function batches(photos) {
  const all = [];
  let bytes = 0;
  for (const photo of photos) {
    if (!all.length || all.at(-1).length === kMostPhotos || bytes + photo.file.size > kMostBytes) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1).push(photo);
    bytes += photo.file.size;
  }
  return all;
}

function photoRow(photo) {
  const said = h("span", { class: "said" });
  const row = h("li", { class: "row" }, preview(photo.file, { class: "thumb", loading: "lazy" }),
    h("span", { class: "file", title: photo.path.join("/") }, photo.file.name), said);
  return { row, tell: (status, reasons) => {
    row.dataset.status = status;
    said.replaceChildren(h("strong", {}, statusWords[status] ?? status), reasons.length ? `: ${reasons.join("; ")}` : "");
  } };
}

/** One person's photos: the name, the photos, and the button that sends them. */
function personCard(group, options) {
  const { input, options: names } = nameInput({ value: group.name, required: true });
  const rows = new Map();
  const list = h("ul", { class: "photos" });
  const count = h("p", { class: "hint" });
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Progress" });
  const take = (photos) => {
    for (const photo of photos) {
      const made = photoRow(photo);
      rows.set(photo, made);
      list.append(made.row);
    }
    count.textContent = plural(rows.size, "photo");
  };
  take(group.photos);
  const waiting = () => [...rows].filter(([, row]) => !row.row.dataset.status).map(([photo]) => photo);
  const send = async (name, photos) => {
    const faces = [];
    let person = null;
    let done = 0;
    for (const some of batches(photos)) {
      const form = new FormData();
      form.set("person", name);
      form.set("review", options.review());
      for (const photo of some) form.append("photo", photo.file, photo.file.name);
      const answer = await call("POST", within("faces"), { form });
      answer.photos.forEach((one, i) => rows.get(some[i]).tell(one.status, one.reasons));
      faces.push(...answer.photos.filter((one) => one.status === "enrolled").map((one) => one.face));
      person = answer.person ?? person;
      done += some.length;
      bar.value = done / photos.length;
      announce(`${done} of ${plural(photos.length, "photo")} sent`);
    }
    return { person, faces };
  };
  const go = button("Add to the gallery", async () => {
    const name = input.value.trim();
    if (!name) {
      input.focus();
      throw new Error("Say who is in the photos");
    }
    const photos = waiting();
    for (const photo of photos.filter((one) => one.file.size > kPhotoBytes)) rows.get(photo).tell("refused", ["more than 20 MiB"]);
    const small = waiting();
    if (!small.length) throw new Error("There is no photo that is not sent yet");
    bar.hidden = false;
    try {
      const { person, faces } = await send(name, small);
      const others = small.length - faces.length;
      card.dataset.done = "true";
      toast(`${name}: ${plural(faces.length, "photo")} added${others ? `, ${others} not; the list says why` : ""}.`, {
        kind: faces.length ? "done" : "failure",
        link: person ? { href: `#/person/${person.id}`, text: `See ${person.name}` } : null,
        undo: faces.length ? () => takeBack(person, faces) : null,
      });
    } finally {
      bar.hidden = true;
    }
  }, { kind: "primary" });
  const card = h("section", { class: "card enrol", "aria-label": group.name ? `Photos of ${group.name}` : "Photos" },
    h("div", { class: "bar" }, field("Who is in these photos", input), names, go,
      button("Take off the list", () => card.remove(), { kind: "quiet" })), count, bar, list);
  return { card, input, take, go };
}

/** A person who was made by this goes whole; else the new faces go. */
async function takeBack(person, faces) {
  const now = await get(within("people", person.id));
  if (now.faces === faces.length) {
    await remove(within("people", person.id));
  } else {
    for (const id of faces) await remove(within("faces", id));
  }
}

export async function addView({ body, query }) {
  const review = h("select", {}, [["standard", "Leave out small, dark and blurred faces"], ["strict", "Take only good portraits"], ["off", "Take every face"]]
    .map(([value, text]) => h("option", { value }, text)));
  const cards = h("div", { class: "stack" });
  const wanted = query.get("person") ?? "";
  const all = [];
  const addAll = button("Add all of them", async () => {
    for (const one of all.filter((made) => made.card.isConnected && !made.card.dataset.done)) one.go.click();
  }, { hidden: true });
  const { zone, stop } = dropZone((photos, others) => {
    if (others) toast(`${plural(others, "file")} left out: no photos.`, { kind: "failure" });
    for (const group of byPerson(photos)) {
      const name = group.name || wanted;
      const open = all.find((made) => made.card.isConnected && made.input.value === name);
      if (open) {
        open.take(group.photos);
        delete open.card.dataset.done;
        continue;
      }
      const made = personCard({ name, photos: group.photos }, { review: () => review.value });
      all.push(made);
      cards.append(made.card);
      if (!name) made.input.focus();
    }
    addAll.hidden = all.filter((made) => made.card.isConnected).length < 2;
    announce(`${plural(photos.length, "photo")} on the list`);
  }, { folders: true, words: "Drop photos of one person here, or a folder with a folder for each person" });
  body.append(
    h("p", {}, wanted ? `More photos of ${wanted}: ` : "",
      "The largest face of each photo is taken. Photos are not kept: what is kept is what makes a face recognisable."),
    zone, field("Which faces", review), h("div", { class: "buttons" }, addAll), cards);
  return stop;
}
