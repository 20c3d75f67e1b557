// What was changed, and the way back.
import { get, post, within } from "./api.js";
import { button, doneHere, emptyState, h, toast } from "./dom.js";
import { plural, time } from "./words.js";

const words = {
  rename: (one) => `${one.from} was renamed to ${one.to}`,
  merge: (one) => `${one.from} was merged into ${one.to}: ${plural(one.faces, "photo")}`,
  move: (one) => `${plural(one.faces, "photo")} of ${one.from} given to ${one.to}`,
};

const row = (text, at, action) => h("li", { class: "row" }, h("span", { class: "grow" }, text), h("time", { class: "hint", datetime: new Date(at).toISOString() }, time(at)), action);

export async function changesView({ body, reload }) {
  const { changes } = await get(within("changes"));
  if (!changes.length && !doneHere.length) {
    body.append(emptyState("Nothing was changed yet", "Renames, merges and photos given to somebody else are listed here, to be undone."));
    return;
  }
  const undo = (work) => button("Undo", async () => {
    await work();
    toast("Undone.");
    reload();
  });
  if (doneHere.length)
    body.append(h("section", {}, h("h2", {}, "Done in this tab"), h("p", { class: "hint" }, "Remembered until the tab is closed."),
      h("ul", { class: "rows" }, doneHere.map((one) => row(one.text, one.at, undo(one.undo))))));
  if (changes.length)
    body.append(h("section", {}, h("h2", {}, "Names"), h("p", { class: "hint" }, "The gallery remembers the newest hundred."),
      h("ul", { class: "rows" }, changes.map((one) => row(words[one.kind](one), one.time_ms,
        one.undone ? h("span", { class: "hint" }, "undone") : undo(() => post(within("changes", one.id, "undo"))))))));
}
