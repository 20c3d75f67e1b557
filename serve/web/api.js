// Requests to /v1. The key lives in this tab's session storage: a new tab asks for it, and closing this one
// forgets it.

const kStored = "likeness.key";

/** What the page knows of the server and of whoever asks. */
export const state = {
  me: null, // GET /v1/me
  paths: {}, // of the API's description: what the server can do
  galleries: [],
  gallery: null,
};

export const key = {
  get: () => sessionStorage.getItem(kStored),
  set: (text) => sessionStorage.setItem(kStored, text),
  forget: () => sessionStorage.removeItem(kStored),
};

export class ApiError extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.field = error.field;
    this.request = error.request;
  }
}

const rights = ["search", "enrol", "administer"];
/** Whether whoever asks may do what needs a right. */
export const may = (right) => state.me !== null && rights.indexOf(state.me.right) >= rights.indexOf(right);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function headers(more) {
  const all = new Headers(more);
  if (key.get()) all.set("Authorization", `Bearer ${key.get()}`);
  return all;
}

/** A request as it is, for pages that show it. */
export async function ask(method, target, { body, type, signal } = {}) {
  const began = performance.now();
  const response = await fetch(target, {
    method,
    body,
    signal,
    headers: headers(type ? { "Content-Type": type } : {}),
    credentials: "omit",
    redirect: "error",
    cache: "no-store",
  });
  return { response, ms: () => performance.now() - began };
}

async function refusal(response) {
  let error = { code: "none", message: `the server answered ${response.status}` };
  try {
    error = (await response.json()).error;
  } catch {
    // no JSON: the status has to do
  }
  if (response.status === 401) document.dispatchEvent(new Event("likeness:signin"));
  return new ApiError(response.status, error);
}

/** The answer's JSON. Waits and asks again where too much work waits, for nothing was done then. */
export async function call(method, target, { query, json, form, signal } = {}) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const url = given.length ? `${target}?${new URLSearchParams(given)}` : target;
  const options = form ? { body: form, signal } : { signal };
  if (json !== undefined) Object.assign(options, { body: JSON.stringify(json), type: "application/json" });
  for (let attempt = 1; ; ++attempt) {
    let asked;
    try {
      asked = await ask(method, url, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, { code: "unreachable", message: "the server does not answer: is it running?" });
    }
    if (asked.response.ok) return asked.response.json();
    const refused = await refusal(asked.response);
    if (attempt === 5 || !["busy", "too_many_requests"].includes(refused.code)) throw refused;
    await pause(1000 * Number(asked.response.headers.get("Retry-After") ?? 1) * Math.random() + 200);
  }
}

/** A path within the gallery: in("people", 3) is /v1/galleries/NAME/people/3. */
export const within = (...parts) => ["/v1/galleries", state.gallery, ...parts].map((part, i) => (i ? encodeURIComponent(part) : part)).join("/");

export const get = (target, query, signal) => call("GET", target, { query, signal });
export const post = (target, json) => call("POST", target, { json });
export const patch = (target, json) => call("PATCH", target, { json });
export const remove = (target) => call("DELETE", target);

/** A picture as an address for <img>; null where there is none. Fetched, for an <img> sends no key. */
export async function picture(target, signal) {
  const { response } = await ask("GET", target, { signal });
  return response.ok ? URL.createObjectURL(await response.blob()) : null;
}

/** Does something with each of a list, a few at once; `told` hears how many are done. */
export async function eachOf(list, work, { atOnce = 4, told = () => {} } = {}) {
  const results = new Array(list.length);
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < list.length) {
      const place = next++;
      try {
        results[place] = { value: await work(list[place], place) };
      } catch (error) {
        results[place] = { error };
      }
      told(++done, list.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, list.length) }, worker));
  return results;
}
