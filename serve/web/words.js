// Numbers in words.

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** A share as "1 of 100": the smallest round number of which at least one. */
export function share(value) {
  if (value === null) return "an unknown number";
  if (value <= 0) return "none";
  if (value >= 0.995) return "all";
  for (const of of [10, 100, 1000, 10000, 100000, 1000000]) {
    const count = value * of;
    if (count >= 0.95) return `${count < 9.95 && count % 1 > 0.05 ? count.toFixed(1) : Math.round(count)} of ${of.toLocaleString()}`;
  }
  return "less than 1 of 1,000,000";
}

export const number = (value, digits = 2) => (value === null || value === undefined ? "none" : value.toFixed(digits));
export function percent(value) {
  if (value > 0.999 && value < 1) return "more than 99.9 %";
  return `${(value * 100).toFixed(value === 0 || value === 1 || (value > 0.1 && value < 0.99) ? 0 : 1)} %`;
}
export const day = (ms) => new Date(ms).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
export const time = (ms) => new Date(ms).toLocaleString(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
export const bytes = (count) => (count < 1e6 ? `${Math.ceil(count / 1e3)} kB` : count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(1)} GB`);

/** With a capital letter and a full stop. */
export const sentence = (text) => text.slice(0, 1).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** What the rule promises, as a sentence. */
export function ruleSentence(rule) {
  if (rule.threshold === null) return "Nobody gets a name yet: there is no threshold. Calibrate the gallery under Thresholds.";
  const from = `A face gets a name from a similarity of ${number(rule.threshold)} on`;
  if (rule.strangers_named === null) return `${from}. How many strangers get one is not known.`;
  return `${from}. Strangers who get one all the same: about ${share(rule.strangers_named)}.`;
}

export const statusWords = {
  enrolled: "added",
  known: "was there already",
  refused: "refused",
  "no face": "no face found",
  unreadable: "cannot be read",
};
