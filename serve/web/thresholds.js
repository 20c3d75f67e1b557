// From which similarity on a face gets a name, what that costs, and the gallery's own curve.
import { get, may, post, within } from "./api.js";
import { button, emptyState, h, newId, svg, toast } from "./dom.js";
import { number, percent, plural, ruleSentence, sentence, share, time } from "./words.js";

const rates = [
  [0.1, "ten of a hundred strangers"],
  [0.05, "five of a hundred strangers"],
  [0.02, "two of a hundred strangers"],
  [0.01, "one of a hundred strangers"],
  [0.005, "one of two hundred strangers"],
  [0.001, "one of a thousand strangers"],
];

const origins = {
  calibration: "This gallery\u2019s own calibration says so.",
  model: "The gallery is not calibrated: the model\u2019s measurements on other people say so, for as many people as are enrolled.",
  caller: "Whoever asked said so.",
  none: "Neither the gallery nor the model says anything.",
};

/** Probability over similarity, with the threshold. */
function curve(calibration) {
  const [width, height, left, bottom] = [640, 260, 56, 44];
  const x = (similarity) => left + similarity * (width - left - 12);
  const y = (probability) => 12 + (1 - probability) * (height - bottom - 12);
  const line = calibration.curve.map((point, i) => `${i ? "L" : "M"}${x(point.similarity).toFixed(1)} ${y(point.probability).toFixed(1)}`).join("");
  const id = newId("curve");
  const at = x(Math.min(1, Math.max(0, calibration.threshold)));
  return h("figure", { class: "curve" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": id },
      svg("title", { id }, `The probability of a name rises with the similarity, and is one half at ${number(calibration.threshold)}.`),
      [0, 0.25, 0.5, 0.75, 1].map((p) => [svg("line", { class: "grid", x1: left, x2: width - 12, y1: y(p), y2: y(p) }),
        svg("text", { x: left - 8, y: y(p) + 5, "text-anchor": "end" }, `${p * 100} %`)]),
      [0, 0.2, 0.4, 0.6, 0.8, 1].map((s) => svg("text", { x: x(s), y: height - bottom + 20, "text-anchor": "middle" }, s)),
      svg("text", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, "similarity to the person"),
      svg("line", { class: "limit", x1: at, x2: at, y1: 12, y2: height - bottom }),
      svg("path", { class: "line", d: line }),
      svg("text", { class: "limit", x: at + (at > width * 0.6 ? -8 : 8), y: 28, "text-anchor": at > width * 0.6 ? "end" : "start" }, `a name from ${number(calibration.threshold)} on`)),
    h("figcaption", { class: "hint" }, "How likely the name is right, by the similarity."),
    h("details", {}, h("summary", {}, "The same as a table"), h("table", {},
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Similarity"), h("th", { scope: "col" }, "Probability"))),
      h("tbody", {}, calibration.curve.filter((_, i) => i % 4 === 0).map((point) =>
        h("tr", {}, h("td", {}, number(point.similarity)), h("td", {}, percent(point.probability))))))));
}

function calibrated(calibration) {
  const unnamed = calibration.known_unnamed;
  return h("section", { class: "card" }, h("h2", {}, "What this gallery\u2019s calibration found"),
    h("ul", { class: "facts" },
      h("li", {}, `Of strangers ${share(calibration.strangers_named)} got a name; of others like them it is between ${percent(calibration.strangers_named_low)} and ${percent(calibration.strangers_named_high)}.`),
      h("li", {}, unnamed === null ? "How many photos of enrolled people stay without a name is not known: nobody has two photos."
        : unnamed === 0 ? "Of photos of enrolled people every one got its name." : `Of photos of enrolled people ${share(unnamed)} stayed without a name.`),
      h("li", {}, `Measured on ${plural(calibration.strangers, "face")} as strangers, ${time(calibration.made_ms)}.`)),
    curve(calibration));
}

function calibrateForm(current, reload) {
  const name = newId("rate");
  const target = current?.target ?? 0.01;
  const calibrate = (rate) => post(within("calibration"), { strangers_named: rate });
  const trouble = h("p", { class: "trouble", role: "alert" });
  const form = h("form", { class: "card", onsubmit: (event) => event.preventDefault() }, h("h2", {}, "Calibrate"),
    h("p", {}, "Every enrolled person is a stranger to all the others. So the gallery itself tells from which similarity on strangers are taken for somebody."),
    h("fieldset", {}, h("legend", {}, "Who may get a wrong name at most"), rates.map(([rate, words]) =>
      h("label", { class: "choice" }, h("input", { type: "radio", name, value: rate, checked: Math.abs(rate - target) < 1e-9 }), words))),
    h("p", { class: "hint" }, "Fewer wrong names mean more people you know without one."), trouble,
    h("div", { class: "buttons" }, button("Calibrate", async () => {
      const rate = Number(form.querySelector(`input[name="${name}"]:checked`)?.value ?? target);
      trouble.textContent = "";
      try {
        await calibrate(rate);
      } catch (error) {
        if (error.code !== "too_few_faces") throw error;
        trouble.textContent = `${sentence(error.message)} Add photos of more people, or allow more wrong names.`;
        return;
      }
      toast(`Calibrated: at most ${rates.find(([one]) => one === rate)[1]} get a name.`,
        current ? { undo: async () => { await calibrate(current.target); reload(); } } : {});
      reload();
    }, { kind: "primary" })));
  return form;
}

function measured(list) {
  if (!list.length) return null;
  return h("section", { class: "card" }, h("h2", {}, "What is known of the model"),
    h("p", {}, "Two photos of different people are taken for one person as often as this, whoever is enrolled:"),
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Of pairs of strangers"), h("th", { scope: "col" }, "From a similarity of"), h("th", { scope: "col" }, "Measured on"))),
      h("tbody", {}, list.map((one) => h("tr", {}, h("td", {}, share(one.false_match_rate)), h("td", {}, number(one.threshold, 3)),
        h("td", {}, one.pairs === null ? one.origin : `${plural(one.pairs, "pair")}, ${one.origin}`))))));
}

export async function thresholdsView({ body, reload }) {
  const [thresholds, gallery] = await Promise.all([get(within("thresholds")), get(within())]);
  body.append(h("p", { class: "lead" }, ruleSentence(thresholds.rule)), h("p", { class: "hint" }, origins[thresholds.rule.origin]));
  if (gallery.people === 0) body.append(emptyState("Nobody is enrolled yet", "Thresholds mean something once there are people to be taken for."));
  if (thresholds.calibration) body.append(calibrated(thresholds.calibration));
  if (may("administer") && gallery.people > 0) body.append(calibrateForm(thresholds.calibration, reload));
  body.append(measured(thresholds.measured) ?? "");
}
