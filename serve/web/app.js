// The page: who asks, which gallery, and which view stands in the middle.
import { ApiError, call, get, key, may, state } from "./api.js";
import { announce, button, clearToasts, emptyState, field, forgetDone, h } from "./dom.js";
import { addView } from "./add.js";
import { changesView } from "./changes.js";
import { peopleView } from "./people.js";
import { personView } from "./person.js";
import { searchView } from "./search.js";
import { systemView } from "./system.js";
import { thresholdsView } from "./thresholds.js";
import { tryView } from "./tryit.js";
import { unnamedView } from "./unnamed.js";
import { sentence } from "./words.js";

const kGallery = "likeness.gallery";

/** What stands in the menu; a view that nobody here can use is not shown. */
const pages = [
  { name: "people", title: "People", view: peopleView, shown: () => true },
  { name: "add", title: "Add photos", view: addView, shown: () => may("enrol") },
  { name: "search", title: "Search", view: searchView, shown: () => true },
  { name: "unnamed", title: "Unnamed faces", view: unnamedView, shown: () => state.me.keep_seen_days > 0 },
  { name: "thresholds", title: "Thresholds", view: thresholdsView, shown: () => true },
  { name: "changes", title: "Changes", view: changesView, shown: () => may("enrol") },
  { name: "try", title: "Try the API", view: tryView, shown: () => true },
  { name: "system", title: "System", view: systemView, shown: () => true },
  { name: "person", title: "Person", view: personView, shown: () => true, hidden: true },
];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
let leave = () => {};
let turn = 0; // of a view that is still being made while the next is asked for, nothing is shown

function showNav(current) {
  nav.hidden = false;
  nav.replaceChildren(h("ul", {}, pages.filter((page) => !page.hidden && page.shown()).map((page) =>
    h("li", {}, h("a", { href: `#/${page.name}`, "aria-current": page.name === current ? "page" : null }, page.title)))));
  nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function showGalleries() {
  const place = document.getElementById("gallery");
  place.hidden = state.galleries.length < 2;
  if (place.hidden) return;
  const select = h("select", {
    onchange: () => {
      state.gallery = select.value;
      forgetDone();
      sessionStorage.setItem(kGallery, state.gallery);
      location.hash = "#/people";
      show();
    },
  }, state.galleries.map((gallery) => h("option", { value: gallery.name, selected: gallery.name === state.gallery }, gallery.name)));
  place.replaceChildren(field("Gallery", select));
}

function showWho() {
  const place = document.getElementById("who");
  place.replaceChildren();
  if (!state.me?.key) return;
  place.append(h("span", {}, state.me.name), button("Sign out", () => {
    key.forget();
    state.me = null;
    place.replaceChildren();
    signIn();
  }, { kind: "quiet" }));
}

function signIn(reason = "") {
  leave();
  leave = () => {};
  ++turn;
  nav.hidden = true;
  document.getElementById("gallery").hidden = true;
  document.title = "Sign in \u2013 likeness";
  const input = h("input", { type: "password", autocomplete: "current-password", spellcheck: "false", required: true });
  const trouble = h("p", { class: "trouble", role: "alert" }, reason);
  const form = h("form", {
    class: "card narrow",
    onsubmit: async (event) => {
      event.preventDefault();
      const text = input.value.trim();
      key.set(text);
      try {
        await start();
      } catch (error) {
        key.forget();
        trouble.textContent = error.status === 401 ? "This key is not known here. It may have been withdrawn." : sentence(error.message);
        input.focus();
      }
    },
  }, h("h1", { tabindex: "-1" }, "Sign in"),
  h("p", {}, "This server asks for a key. Whoever runs it makes one with ", h("code", {}, "likeness key add"), "."),
  field("Key", input, "It is kept in this tab alone, and gone when you close it."), trouble,
  h("div", { class: "buttons" }, h("button", { type: "submit", class: "primary" }, "Sign in")));
  main.replaceChildren(form);
  input.focus();
}

/** #/person/3?order=added as a name, its parts and its query. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...parts] = path.split("/").map(decodeURIComponent);
  return { name: name || "people", parts, query: new URLSearchParams(query ?? "") };
}

async function show() {
  if (!state.me) return;
  leave();
  leave = () => {};
  const mine = ++turn;
  const { name, parts, query } = place();
  const page = pages.find((one) => one.name === name && one.shown()) ?? pages[0];
  showNav(page.name === "person" ? "people" : page.name);
  const title = h("h1", { tabindex: "-1" }, page.title);
  const body = h("div", { class: `view ${page.name}` }, title);
  main.replaceChildren(body);
  document.title = `${page.title} \u2013 likeness`;
  try {
    const stop = await page.view({ body, title, parts, query, reload: show, entitle: (text) => {
      title.textContent = text;
      if (mine === turn) document.title = `${text} \u2013 likeness`;
    } });
    if (mine === turn) leave = stop ?? (() => {});
    else stop?.();
  } catch (error) {
    if (mine !== turn || error.status === 401) return;
    if (!(error instanceof ApiError)) console.error(error);
    body.append(emptyState(error.status === 404 ? "Not here" : "That did not work", sentence(error.message),
      h("a", { href: "#/people", class: "button" }, "To the people"), button("Try again", show)));
  }
  if (mine === turn) body.setAttribute("data-ready", "true");
}

async function start() {
  state.me = null;
  const [me, galleries, document_] = await Promise.all([get("/v1/me"), get("/v1/galleries"), call("GET", "/v1/openapi.json")]);
  state.galleries = galleries.galleries;
  state.paths = document_.paths;
  state.description = document_;
  const wanted = sessionStorage.getItem(kGallery);
  state.gallery = (state.galleries.find((one) => one.name === wanted) ?? state.galleries[0])?.name ?? null;
  state.me = me;
  showWho();
  showGalleries();
  if (state.gallery === null) {
    main.replaceChildren(emptyState("No gallery", "This key may see no gallery of this server."));
    return;
  }
  await show();
}

// The address after # is the view's: the link that skips the menu must not change it.
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", async () => {
  clearToasts();
  await show();
  window.scrollTo(0, 0);
  const title = main.querySelector("h1");
  title?.focus({ preventScroll: true });
  if (title) announce(title.textContent);
});
document.addEventListener("likeness:signin", () => {
  if (state.me) {
    state.me = null;
    signIn("The key is not taken any more: sign in again.");
  }
});
start().catch((error) => {
  if (error.status === 401) return signIn();
  main.replaceChildren(emptyState("The server cannot be used", sentence(error.message), button("Try again", () => location.reload())));
  return announce(sentence(error.message));
});
