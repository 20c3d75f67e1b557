// What runs, what was refused, how fast it is.
import { ask, get, may, post, state, within } from "./api.js";
import { button, confirmed, h, toast } from "./dom.js";
import { bytes, number, plural, time } from "./words.js";

/** Prometheus' text as [{name, labels, value}]. */
export function samples(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value.replace(/\\(.)/g, "$1");
    found.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return found;
}

const rows = (list) => h("dl", { class: "pairs" }, list.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

const table = (caption, columns, lines) => h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
  h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, columns.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, lines.map((line) => h("tr", {}, line.map((cell) => h("td", {}, cell)))))));

/** The time below which a share of a histogram's values lies: the bound of its bucket, seconds. */
function quantile(all, name, labels, share) {
  const mine = all.filter((one) => one.name === `${name}_bucket` && Object.entries(labels).every(([k, v]) => one.labels[k] === v));
  const count = mine.find((one) => one.labels.le === "+Inf")?.value ?? 0;
  if (count === 0) return null;
  const bucket = mine.find((one) => one.value >= share * count);
  return bucket.labels.le === "+Inf" ? Infinity : Number(bucket.labels.le);
}

const milliseconds = (seconds) => (seconds === null ? "" : seconds === Infinity ? "longer" : seconds * 1000 < 10 ? `${number(seconds * 1000, 1)} ms` : `${Math.round(seconds * 1000)} ms`);

function speed(all) {
  const operations = [...new Set(all.filter((one) => one.name === "likeness_requests_total").map((one) => one.labels.operation))].sort();
  const lines = operations.map((operation) => {
    const mine = all.filter((one) => one.name === "likeness_requests_total" && one.labels.operation === operation);
    const total = mine.reduce((sum, one) => sum + one.value, 0);
    const refused = mine.filter((one) => Number(one.labels.status) >= 400);
    const seconds = (name) => all.find((one) => one.name === `likeness_request_seconds_${name}` && one.labels.operation === operation)?.value ?? 0;
    return [operation, total.toLocaleString(), refused.map((one) => `${one.value} \u00d7 ${one.labels.status}`).join(", ") || "none",
      seconds("count") ? milliseconds(seconds("sum") / seconds("count")) : "", milliseconds(quantile(all, "likeness_request_seconds", { operation }, 0.95))];
  });
  const stages = ["read", "detect", "align", "embed"].map((stage) => {
    const value = (name) => all.find((one) => one.name === `likeness_stage_seconds_${name}` && one.labels.stage === stage)?.value ?? 0;
    return value("count") ? [stage, value("count").toLocaleString(), milliseconds(value("sum") / value("count"))] : null;
  }).filter(Boolean);
  return [table("Requests since the start", ["Operation", "Requests", "Refused", "Mean time", "95 of 100 within"], lines),
    stages.length ? table("What a photo takes", ["Stage", "Photos", "Mean time"], stages) : null];
}

function figures(all) {
  const one = (name, labels = {}) => all.find((found) => found.name === name && Object.entries(labels).every(([k, v]) => found.labels[k] === v))?.value ?? 0;
  const enrolled = all.filter((found) => found.name === "likeness_enrolments_total");
  return rows([
    ["Memory", bytes(one("process_resident_memory_bytes"))],
    ["Requests that wait", one("likeness_queue_length").toLocaleString()],
    ["Faces searched for", `${one("likeness_faces_total", { answer: "named" }).toLocaleString()} got a name, ${one("likeness_faces_total", { answer: "unknown" }).toLocaleString()} did not`],
    enrolled.length ? ["Photos to be enrolled", enrolled.map((found) => `${found.labels.status}: ${found.value.toLocaleString()}`).join(", ")] : null,
    one("likeness_events_lost_total") ? ["Events lost", one("likeness_events_lost_total").toLocaleString()] : null,
  ]);
}

async function refused() {
  const { entries } = await get("/v1/audit", { limit: 1000 });
  const wrong = entries.filter((one) => one.status >= 400).slice(0, 50);
  if (!wrong.length) return h("p", {}, "Of the newest requests none was refused.");
  return table("Refused of late", ["When", "Operation", "Status", "Gallery", "Key", "Request"],
    wrong.map((one) => [time(one.time_ms), one.action, one.status, one.gallery ?? "", one.key ?? "", one.request]));
}

async function backups(reload) {
  const { backups: list } = await get(within("backups"));
  const restore = async (file) => {
    if (!(await confirmed("Go back to this backup?", "Whoever was removed since is there again, and whoever was added since is gone.", "Go back"))) return;
    const answer = await post(within("backups", file, "restore"));
    toast(`The gallery is what it was: ${plural(answer.people, "person", "people")}.`);
    reload();
  };
  return h("section", { class: "card" }, h("h2", {}, "Backups of this gallery"),
    list.length ? h("ul", { class: "rows" }, list.map((one) => h("li", { class: "row" }, h("span", { class: "grow" }, one.file), h("span", { class: "hint" }, bytes(one.bytes)),
      button("Go back to it", () => restore(one.file))))) : h("p", {}, "There is none yet."),
    h("div", { class: "buttons" }, button("Back up now", async () => {
      const made = await post(within("backups"));
      toast(`Backed up as ${made.file}.`);
      reload();
    }, { kind: "primary" })));
}

export async function systemView({ body, reload }) {
  const [version, models, galleries] = await Promise.all([get("/v1/version"), get("/v1/models"), get("/v1/galleries")]);
  state.galleries = galleries.galleries;
  const { me } = state;
  body.append(h("section", { class: "card" }, h("h2", {}, "What runs"), rows([
    ["likeness", version.version],
    ...models.models.map((model) => ["Model", `${model.name}, ${model.dimension} values, ${model.precision}; finds faces with ${model.detector}`]),
    ...galleries.galleries.map((one) => [`Gallery ${one.name}`, `${plural(one.people, "person", "people")}, ${plural(one.faces, "photo")}, ${one.encrypted ? "encrypted" : "not encrypted"}, ${one.calibrated ? "calibrated" : "not calibrated"}`]),
    ["Faces without a name", me.keep_seen_days ? `kept for ${plural(me.keep_seen_days, "day")}, ${me.keep_crops ? "with pictures" : "without pictures"}` : "not kept"],
    ["You may", me.key ? `${me.right} (key ${me.key}, ${me.name})` : "do everything: this server asks for no key, and answers this machine alone"],
  ])));
  if (!may("administer")) return;
  const { response } = await ask("GET", "/metrics");
  if (response.ok) {
    const all = samples(await response.text());
    body.append(h("section", { class: "card" }, h("h2", {}, "How it goes"), figures(all), speed(all).filter(Boolean)));
  }
  body.append(h("section", { class: "card" }, h("h2", {}, "What was refused"), await refused()));
  if (me.backups) body.append(await backups(reload));
}
