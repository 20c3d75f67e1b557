// Any operation of the API: fill in, send, and see the request and the answer.
import { ask, key, may, state } from "./api.js";
import { announce, button, failed, field, h } from "./dom.js";

/** Operations that whoever asks may use; events never end, and a shard speaks in bytes. */
function operations() {
  const all = [];
  for (const [path, methods] of Object.entries(state.paths)) {
    for (const [method, described] of Object.entries(methods)) {
      const right = described["x-right"];
      if (["streamEvents", "askShard"].includes(described.operationId) || (right !== "none" && right !== "observe" && !may(right))) continue;
      if (right === "observe" && !may("administer")) continue;
      all.push({ id: described.operationId, path, method: method.toUpperCase(), described });
    }
  }
  return all;
}

function resolved(schema) {
  let found = schema;
  while (found.$ref) found = found.$ref.slice(2).split("/").reduce((at, part) => at[part], state.description);
  return found;
}

const isFile = (schema) => schema.format === "binary" || schema.items?.format === "binary";

/** An input for a schema; `value()` gives what goes into the request, undefined where nothing was given. */
function inputFor(name, schema, required, example) {
  let input;
  const plain = resolved(schema);
  if (isFile(plain)) input = h("input", { type: "file", multiple: plain.type === "array" });
  else if (plain.enum) input = h("select", {}, required ? null : h("option", { value: "" }, "as the server has it"), plain.enum.map((one) => h("option", { value: one }, one)));
  else if (plain.type === "boolean") input = h("select", {}, ["", "true", "false"].map((one) => h("option", { value: one }, one || "as the server has it")));
  else if (plain.type === "integer" || plain.type === "number") input = h("input", { type: "number", step: plain.type === "integer" ? 1 : "any", min: plain.minimum, max: plain.maximum });
  else input = h("input", { type: "text", spellcheck: "false", autocomplete: "off" });
  if (name === "gallery") input.value = state.gallery;
  else if (example !== undefined) input.value = example;
  const value = () => {
    if (isFile(plain)) return input.files.length ? [...input.files] : undefined;
    if (input.value === "") return undefined;
    if (plain.type === "boolean") return input.value === "true";
    if (plain.type === "array" || plain.type === "object") return JSON.parse(input.value);
    return plain.type === "integer" || plain.type === "number" ? Number(input.value) : input.value;
  };
  const more = plain.type === "array" && !isFile(plain) ? " As JSON, like [1, 2]." : "";
  return { name, value, file: isFile(plain), element: field(`${name}${required ? "" : " (optional)"}`, input, (schema.description ?? plain.description ?? "") + more || undefined) };
}

/** What is sent, as a target, a body, and the same for curl. */
function requestOf(operation, parameters, fields, form) {
  let target = operation.path;
  const query = new URLSearchParams();
  for (const one of parameters) {
    const value = one.value();
    if (one.where === "path") {
      if (value === undefined) throw new Error(`Give ${one.name}`);
      target = target.replace(`{${one.name}}`, encodeURIComponent(value));
    } else if (value !== undefined) {
      query.set(one.name, value);
    }
  }
  if ([...query].length) target += `?${query}`;
  const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
  const curl = [`curl -X ${operation.method}`];
  if (key.get()) curl.push("-H 'Authorization: Bearer KEY'");
  const given = fields.map((one) => [one, one.value()]).filter(([, value]) => value !== undefined);
  let body;
  let type;
  const shown = [`${operation.method} ${target}`];
  if (key.get()) shown.push("Authorization: Bearer \u2026");
  if (form) {
    body = new FormData();
    for (const [one, value] of given) {
      for (const item of one.file ? value : [value]) {
        if (one.file) body.append(one.name, item, item.name);
        else body.append(one.name, item);
        curl.push(one.file ? `-F ${quoted(`${one.name}=@${item.name}`)}` : `-F ${quoted(`${one.name}=${item}`)}`);
        shown.push(one.file ? `${one.name}: ${item.name}, ${item.size} bytes` : `${one.name}: ${item}`);
      }
    }
  } else if (operation.described.requestBody) {
    body = JSON.stringify(Object.fromEntries(given.map(([one, value]) => [one.name, value])), null, 1);
    type = "application/json";
    curl.push("-H 'Content-Type: application/json'", `-d ${quoted(body)}`);
    shown.push("Content-Type: application/json", "", body);
  }
  curl.push(quoted(location.origin + target));
  return { target, body, type, shown: shown.join("\n"), curl: curl.join(" \\\n  ") };
}

async function textOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("application/json")) {
    const text = await response.text();
    return JSON.stringify(JSON.parse(text), (name, value) =>
      (name === "embedding" && Array.isArray(value) && value.length > 8 ? [...value.slice(0, 6), `... ${value.length} values`] : value), 2);
  }
  if (type.startsWith("text/")) return response.text();
  return `(${(await response.blob()).size} bytes of ${type})`;
}

function formFor(operation, place) {
  const parameters = (operation.described.parameters ?? []).map((one) =>
    ({ ...inputFor(one.name, { ...one.schema, description: one.description }, one.required, one.in === "path" ? one.example : undefined), where: one.in }));
  const content = operation.described.requestBody?.content ?? {};
  const form = "multipart/form-data" in content;
  const schema = form ? content["multipart/form-data"].schema : content["application/json"]?.schema;
  const plain = schema ? resolved(schema) : {};
  const fields = Object.entries(plain.properties ?? {}).map(([name, one]) => inputFor(name, one, (plain.required ?? []).includes(name)));
  const output = h("div", { class: "output" });
  const careful = operation.method === "GET" || ["photos"].includes(operation.described.tags[0]) ? null
    : h("p", { class: "warning" }, "This changes the gallery.");
  const send = button("Send", async () => {
    const request = requestOf(operation, parameters, fields, form);
    const { response, ms } = await ask(operation.method, request.target, { body: request.body, type: request.type });
    const text = await textOf(response);
    const took = ms();
    const words = `${response.status} after ${took.toFixed(0)} ms`;
    output.replaceChildren(h("h2", {}, "Request"), h("pre", { tabindex: "0", "aria-label": "Request" }, request.shown),
      h("details", {}, h("summary", {}, "The same with curl"), h("pre", { tabindex: "0", "aria-label": "curl" }, request.curl)),
      h("h2", {}, "Answer"), h("p", { class: response.ok ? "verdict good" : "verdict bad" }, words, h("span", { class: "hint" }, ` request ${response.headers.get("X-Request-Id") ?? ""}`)),
      h("pre", { tabindex: "0", "aria-label": "Answer", class: "answer" }, text.length > 200000 ? `${text.slice(0, 200000)}\n\u2026` : text));
    announce(`Answer: ${words}`);
  }, { kind: "primary" });
  place.replaceChildren(h("form", { class: "card", onsubmit: (event) => {
    event.preventDefault();
    send.click();
  } }, h("p", {}, h("code", {}, `${operation.method} ${operation.path}`)), h("p", { class: "hint" }, operation.described.description ?? ""), careful,
  parameters.map((one) => one.element), fields.map((one) => one.element), h("div", { class: "buttons" }, send)), output);
}

export function tryView({ body, query }) {
  const all = operations();
  const place = h("div", { class: "stack" });
  const select = h("select", { onchange: () => {
    try {
      formFor(all[select.selectedIndex], place);
    } catch (error) {
      failed(error);
    }
  } }, all.map((one) => h("option", { value: one.id }, `${one.described.summary} (${one.method} ${one.path})`)));
  select.value = all.some((one) => one.id === query.get("operation")) ? query.get("operation") : "searchFaces";
  body.append(h("p", {}, "Every request that this page makes, and those that your own programs can make. All of them are described in ",
    h("a", { href: "/v1/openapi.json" }, "/v1/openapi.json"), "."), field("Operation", select), place);
  formFor(all[select.selectedIndex], place);
}
