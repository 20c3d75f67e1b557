// Everybody who is enrolled.
import { get, may, within } from "./api.js";
import { ofFace } from "./pictures.js";
import { announce, emptyState, face, field, h, pagedList } from "./dom.js";
import { plural } from "./words.js";

/** Names to choose from under a text field: those in the gallery that hold what was typed. */
export function nameInput(attributes = {}) {
  const id = `names-${Math.random().toString(36).slice(2)}`;
  const options = h("datalist", { id });
  const input = h("input", { type: "text", list: id, autocomplete: "off", maxlength: "200", spellcheck: "false", ...attributes });
  let asked = 0;
  input.addEventListener("input", async () => {
    const mine = ++asked;
    await new Promise((done) => setTimeout(done, 150));
    if (mine !== asked || input.value.trim() === "") return;
    try {
      const { people } = await get(within("people"), { contains: input.value.trim(), order: "name", limit: 20 });
      if (mine === asked) options.replaceChildren(...people.map((person) => h("option", { value: person.name })));
    } catch {
      // it is only a help
    }
  });
  return { input, options };
}

/** The person of that name, or nothing. */
export async function personCalled(name) {
  let cursor;
  const wanted = name.trim().normalize("NFC");
  do {
    const page = await get(within("people"), { prefix: wanted, limit: 1000, cursor });
    const found = page.people.find((person) => person.name === wanted);
    if (found) return found;
    cursor = page.next;
  } while (cursor);
  return null;
}

function card(person) {
  return h("li", {}, h("a", { class: "card person", href: `#/person/${person.id}` },
    face(person.name, ofFace({ id: person.face, has_crop: person.face !== null })),
    h("span", { class: "words" }, h("span", { class: "name" }, person.name), h("span", { class: "hint" }, plural(person.faces, "photo")))));
}

export async function peopleView({ body, query }) {
  const gallery = await get(within());
  const add = may("enrol") ? h("a", { href: "#/add", class: "button primary" }, "Add photos") : null;
  if (gallery.people === 0) {
    body.append(emptyState("Nobody is enrolled yet", may("enrol")
      ? "Add a few photos of somebody: three or more, from different days, are better than one. Then search in other photos."
      : "Somebody with a key that may enrol adds photos first.", add));
    return undefined;
  }
  const input = h("input", { type: "search", spellcheck: "false", value: query.get("name") ?? "" });
  const count = h("p", { class: "hint" });
  const place = h("div");
  let shown = null;
  const fill = () => {
    shown?.stop();
    const contains = input.value.trim();
    const list = h("ul", { class: "cards", "aria-label": "People" });
    shown = pagedList({
      list,
      fetchPage: async (cursor, signal) => {
        const page = await get(within("people"), { order: "name", contains, cursor, limit: 120 }, signal);
        return { items: page.people, next: page.next };
      },
      render: card,
      empty: () => emptyState("Nobody is called so", "Another part of the name may be.", add?.cloneNode(true)),
      onPage: (many, all) => {
        count.textContent = contains
          ? `${all ? plural(many, "person", "people") : `the first ${many}`} of ${gallery.people.toLocaleString()} with \u201c${contains}\u201d in the name`
          : `${plural(gallery.people, "person", "people")}, ${plural(gallery.faces, "photo")}`;
        announce(count.textContent);
      },
    });
    place.replaceChildren(shown.box);
    return shown.first;
  };
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(fill, 200);
  });
  body.append(h("div", { class: "bar" }, field("Find by name", input), add), count, place);
  await fill();
  return () => {
    clearTimeout(timer);
    shown?.stop();
  };
}
