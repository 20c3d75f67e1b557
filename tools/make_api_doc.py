#!/usr/bin/env python3
"""Writes docs/api.md from serve/openapi.json. With --check it only says whether the file is current."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def resolved(document, schema):
    while "$ref" in schema:
        target = document
        for part in schema["$ref"][2:].split("/"):
            target = target[part]
        schema = target
    return schema


def type_of(document, schema):
    """A schema in a few words: "list of Face", "text or null"."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        kind = resolved(document, schema)
        return f"[{name}](#{name.lower()})" if kind.get("type") == "object" else type_of(document, kind)
    if "oneOf" in schema:
        return " or ".join(type_of(document, one) for one in schema["oneOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    types = schema.get("type", "object")
    types = types if isinstance(types, list) else [types]
    words = []
    for kind in types:
        if kind == "array":
            words.append("list of " + type_of(document, schema.get("items", {})))
        elif kind == "string":
            words.append("file" if schema.get("format") == "binary" else "base64" if "contentEncoding" in schema else "text")
        else:
            words.append(kind)
    return " or ".join(words)


def bounds_of(schema):
    words = []
    for key, text in (("minimum", "at least"), ("exclusiveMinimum", "more than"), ("maximum", "at most")):
        if key in schema:
            words.append(f"{text} {schema[key]}")
    if "default" in schema:
        words.append(f"default {json.dumps(schema['default'])}")
    return ", ".join(words)


def row(document, name, schema, required):
    words = [schema.get("description", "") or resolved(document, schema).get("description", "")]
    bounds = bounds_of(schema)
    if bounds:
        words.append(bounds[0].upper() + bounds[1:] + ".")
    text = " ".join(word for word in words if word)
    return f"| `{name}`{'' if required else ' (optional)'} | {type_of(document, schema)} | {text} |"


def table(document, rows):
    return ["| name | type | meaning |", "|---|---|---|", *rows, ""]


def operation(document, method, path, op):
    lines = [f"### {method.upper()} {path}", "", op["summary"] + "."]
    if "description" in op:
        lines[-1] += " " + op["description"]
    right = op["x-right"]
    lines += ["", "Right: " + ("none." if right == "none" else f"`{right}`."), ""]
    parameters = op.get("parameters", [])
    if parameters:
        lines += table(document, [row(document, p["name"], {"description": p["description"], **p["schema"]}, p["required"])
                                  for p in parameters])
    body = op.get("requestBody")
    if body:
        types = " or ".join(f"`{name}`" for name in body["content"])
        lines += [f"Body: {types}.", ""]
        fields = {}
        for content in body["content"].values():
            for name, schema in content["schema"].get("properties", {}).items():
                fields.setdefault(name, (schema, name in content["schema"].get("required", [])))
        if fields:
            lines += table(document, [row(document, name, schema, required) for name, (schema, required) in fields.items()])
    good = []
    bad = []
    for status, answer in op["responses"].items():
        if "$ref" in answer:
            bad.append(status)
            continue
        content = next(iter(answer["content"].items()))
        good.append(f"{status}: {content[0]}" + (f", {type_of(document, content[1]['schema'])}" if "$ref" in content[1]["schema"] else ""))
    lines += [f"Answers {'; '.join(good)}. Errors: {', '.join(bad)}.", ""]
    return lines


def document_text():
    document = json.loads((ROOT / "serve/openapi.json").read_text())
    lines = ["# The API", "", "Made by `tools/make_api_doc.py` from `serve/openapi.json`, which the server itself serves at",
             "`/v1/openapi.json` and is held to by tests. How to start it: [service.md](service.md).", "",
             document["info"]["description"], "", "A key goes into `Authorization: Bearer KEY` or `X-Api-Key: KEY`.", ""]
    for tag in document["tags"]:
        lines += [f"## {tag['name'].capitalize()}", "", tag["description"], ""]
        for path, methods in document["paths"].items():
            for method, op in methods.items():
                if tag["name"] in op["tags"]:
                    lines += operation(document, method, path, op)
    lines += ["## Errors", "", "| status | meaning |", "|---|---|"]
    lines += [f"| {name[1:]} | {answer['description']} |" for name, answer in document["components"]["responses"].items()]
    lines += ["", "## Objects", ""]
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") != "object":
            continue
        lines += [f"### {name}", ""]
        if "description" in schema:
            lines += [schema["description"], ""]
        required = schema.get("required", [])
        lines += table(document, [row(document, key, value, key in required) for key, value in schema["properties"].items()])
    return "\n".join(lines).rstrip() + "\n"


def main():
    file = ROOT / "docs/api.md"
    text = document_text()
    if "--check" in sys.argv:
        if not file.exists() or file.read_text() != text:
            sys.exit("docs/api.md is not what serve/openapi.json says; run tools/make_api_doc.py")
        return
    file.write_text(text)


if __name__ == "__main__":
    main()
