// Elements, lists, dialogs, messages. Texts become text nodes: nothing here reads markup.

import { sentence } from "./words.js";

const kSvg = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** h("p", {class: "note"}, "text", child, ...) */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(kSvg, tag), attributes, children);

let lastId = 0;
export const newId = (word = "id") => `${word}-${++lastId}`;

/** Said by screen readers, and seen nowhere. */
export function announce(text) {
  document.getElementById("live").textContent = text;
}

const kToastRead = 5000; // milliseconds
const kToastStays = 20000; // what can be undone is under Changes as well

/** What was done in this tab and can be undone, newest first; what the server itself remembers is not here. */
export const doneHere = [];

/**
 * A message, with a way back where there is one; a failure stays until it is dismissed or another view comes.
 * `logged`: the server remembers how to undo it.
 */
export function toast(text, { undo, kind = "done", link, logged = false } = {}) {
  if (undo && !logged) {
    const entry = { text, at: Date.now(), undo };
    doneHere.unshift(entry);
    const plain = undo;
    undo = async () => {
      await plain();
      doneHere.splice(doneHere.indexOf(entry), 1);
    };
    entry.undo = undo;
  }
  const region = document.getElementById("toasts");
  const box = h("div", { class: `toast ${kind}` }, h("span", {}, text));
  const close = () => box.remove();
  if (link) box.append(h("a", { href: link.href, onclick: close }, link.text));
  if (undo) {
    const button = h("button", {
      type: "button",
      onclick: async () => {
        button.disabled = true;
        try {
          await undo();
          close();
          toast("Undone.");
        } catch (error) {
          close();
          failed(error);
        }
      },
    }, "Undo");
    box.append(button);
  }
  box.append(h("button", { type: "button", class: "quiet", "aria-label": `Dismiss: ${text}`, onclick: close }, "\u00d7"));
  region.append(box);
  while (region.children.length > 3) region.firstElementChild.remove();
  announce(text);
  setTimeout(() => box.dataset.read = "true", kToastRead);
  const fade = () => (box.matches(":hover, :focus-within") ? setTimeout(fade, kToastRead) : close());
  if (kind === "done") setTimeout(fade, undo || link ? kToastStays : kToastRead);
}

/** What was done belongs to a gallery: with another one it is not undone from here. */
export function forgetDone() {
  doneHere.length = 0;
  document.getElementById("toasts").replaceChildren();
}

/** Messages that there was time to read go when the view changes. */
export function clearToasts() {
  document.querySelectorAll(".toast[data-read]").forEach((box) => box.remove());
}

export function failed(error) {
  if (error.name === "AbortError" || error.status === 401) return;
  toast(sentence(error.message ?? String(error)), { kind: "failure" });
}

/** A button whose work is told of when it fails, and which is not pressed twice. */
export function button(text, work, { kind, ...attributes } = {}) {
  const made = h("button", {
    type: "button",
    class: kind,
    ...attributes,
    onclick: async () => {
      made.setAttribute("aria-busy", "true");
      made.disabled = true;
      try {
        await work(made);
      } catch (error) {
        failed(error);
      } finally {
        made.removeAttribute("aria-busy");
        made.disabled = false;
      }
    },
  }, text);
  return made;
}

/** An input under its label. */
export function field(label, input, hint) {
  const id = input.id || newId("field");
  input.id = id;
  const note = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  if (note) input.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: id }, label), input, note);
}

/** A dialog with what `body` holds. Resolves to whether it was accepted; `accept` may refuse by throwing. */
export function dialog(title, body, { yes = "OK", no = "Cancel", kind = "primary", accept = async () => {} } = {}) {
  return new Promise((resolve) => {
    const trouble = h("p", { class: "trouble", role: "alert" });
    const id = newId("dialog");
    let accepted = false;
    const made = h("dialog", { "aria-labelledby": id });
    const ok = h("button", { type: "submit", class: kind }, yes);
    const form = h("form", {
      onsubmit: async (event) => {
        event.preventDefault();
        ok.disabled = true;
        trouble.textContent = "";
        try {
          if ((await accept(made)) === false) return;
          accepted = true;
          made.close();
        } catch (error) {
          trouble.textContent = sentence(error.message);
        } finally {
          ok.disabled = false;
        }
      },
    }, h("h2", { id }, title), body, trouble, h("div", { class: "buttons" },
      h("button", { type: "button", onclick: () => made.close() }, no), ok));
    made.append(form);
    made.addEventListener("close", () => {
      made.remove();
      resolve(accepted);
    });
    document.body.append(made);
    made.showModal();
  });
}

export const confirmed = (title, text, yes) => dialog(title, h("p", {}, text), { yes, kind: "danger" });

const kColours = 6;
function colourOf(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % kColours;
}

/** The first letters of the first and the last word. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).map((word) => [...word].find((c) => /[\p{L}\p{N}]/u.test(c))).filter(Boolean);
  if (!words.length) return "?";
  return (words[0] + (words.length > 1 ? words[words.length - 1] : "")).toUpperCase();
}

const pictures = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    pictures.unobserve(entry.target);
    entry.target.dispatchEvent(new Event("likeness:seen"));
  }
}, { rootMargin: "200px" });

/** A face: initials, and over them the picture that `load` resolves to, once it is on the screen. */
export function face(name, load, { large = false } = {}) {
  const box = h("span", { class: `face c${colourOf(name ?? "")}${large ? " large" : ""}`, "aria-hidden": "true" },
    name ? initials(name) : "?");
  if (load) {
    box.addEventListener("likeness:seen", async () => {
      const address = await load().catch(() => null);
      if (!address) return;
      const image = h("img", { src: address, alt: "", onload: () => URL.revokeObjectURL(address) });
      box.replaceChildren(image);
    }, { once: true });
    pictures.observe(box);
  }
  return box;
}

/** A list that is fetched page by page: the next one when its end comes near, or by the button there. */
export function pagedList({ fetchPage, render, list, empty, onPage = () => {} }) {
  const box = h("div", { class: "paged" }, list);
  const more = h("button", { type: "button", class: "more", hidden: true }, "Show more");
  box.append(more);
  const abort = new AbortController();
  let cursor;
  let shown = 0;
  let loading = false;
  const end = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && shown > 0) load(false);
  }, { rootMargin: "600px" });
  const load = async (byHand) => {
    if (loading || cursor === null) return;
    loading = true;
    try {
      const page = await fetchPage(cursor, abort.signal);
      const nodes = page.items.map(render);
      list.append(...nodes);
      shown += nodes.length;
      cursor = page.next;
      more.hidden = cursor === null;
      if (shown === 0) box.replaceChildren(empty());
      else if (byHand) nodes[0]?.querySelector("a, button, input")?.focus();
      onPage(shown, cursor === null);
    } catch (error) {
      if (error.name !== "AbortError") {
        failed(error);
        more.hidden = false;
      }
    } finally {
      loading = false;
      // Looked at anew: the end of a short page is still in sight.
      end.unobserve(more);
      if (cursor !== null) end.observe(more);
    }
  };
  more.addEventListener("click", () => load(true));
  const first = load(false);
  return { box, first, stop: () => { abort.abort(); end.disconnect(); } };
}

/** What a page without anything says: what it is, and what to do first. */
export const emptyState = (title, text, ...actions) =>
  h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, text), actions.length ? h("p", { class: "buttons" }, actions) : null);
