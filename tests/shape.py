#!/usr/bin/env python3
"""Sizes of functions and files, and lines written twice. Run from the root; tests/shape.sh does.

What is over a limit today stands in tests/shape.txt with its size. The list is a ratchet: a new entry fails, a listed
one that grows fails, and one that shrinks fails until the list says so. `shape.py --list` prints what it should be.
"""
import itertools
import pathlib
import re
import sys

FUNCTION, FILE, EQUAL = 80, 600, 12  # Most lines of a function and a file; so many equal lines are too many.
CODE = sorted(p for folder in ("likeness", "cli", "train") for p in pathlib.Path(folder).rglob("*")
              if p.suffix in (".cpp", ".h"))
OPENS = re.compile(r"^( *)(?!(?:if|for|while|switch|else|do|try|catch|namespace|struct|class|enum|union)\b)\S.*\{$")


def is_test(path):
    return bool(re.search(r"_(test|bench|fuzz)\.cpp$", path.name))


def is_kernel(path):
    return "kernel" in path.stem or path.stem.endswith("-inl")


def functions(lines):
    """Name and number of lines, of every function whose body has lines of its own (clang-format's layout)."""
    last = 0
    for number, line in enumerate(lines):
        found = OPENS.match(line)
        if not found or number < last:
            continue
        first = number
        while first > 0 and "(" not in lines[first]:  # A signature or a list of initialisers over several lines.
            if lines[first].strip() in ("", "}", "};"):
                break
            first -= 1
        indent = found.group(1) if "(" in line else lines[first][:len(lines[first]) - len(lines[first].lstrip())]
        if "(" not in lines[first] or " = " in lines[first].split("(")[0] or len(indent) > 2:
            continue
        for end in range(number + 1, len(lines)):
            if lines[end].rstrip(";") == found.group(1) + "}":
                name = re.search(r"([\w:~]+)\(", lines[first])
                yield name.group(1) if name else lines[first].strip(), end - first + 1
                last = end
                break


def same_lines(paths):
    """Pairs of files that share EQUAL lines in a row; blank lines, includes and comments do not count."""
    where = {}
    for path in paths:
        lines = [line.strip() for line in path.read_text().splitlines()]
        lines = [line for line in lines if line and not line.startswith(("//", "#"))]
        for at in range(len(lines) - EQUAL + 1):
            where.setdefault(tuple(lines[at:at + EQUAL]), set()).add(str(path))
    return {pair for files in where.values() for pair in itertools.combinations(sorted(files), 2)}


def measured():
    found = {}
    for path in CODE:
        lines = path.read_text().splitlines()
        if is_test(path):
            continue
        if len(lines) > FILE and not is_kernel(path):
            found[f"file {path}"] = len(lines)
        for name, size in functions(lines):
            if size > FUNCTION:
                found[f"function {path} {name}"] = size
    for one, other in same_lines([p for p in CODE if p.parts[0] == "likeness" and not is_test(p)]):
        found[f"equal {one} {other}"] = EQUAL
    return found


def main():
    now = measured()
    if sys.argv[1:] == ["--list"]:
        print("\n".join(f"{size} {what}" for what, size in sorted(now.items())))
        return 0
    listed = {}
    for line in pathlib.Path("tests/shape.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            size, what = line.split(" ", 1)
            listed[what] = int(size)
    wrong = [f"{what}: {size} lines, the limit is {listed.get(what) or (FILE if what.startswith('file') else FUNCTION if what.startswith('function') else 'fewer')}"
             for what, size in sorted(now.items()) if size > listed.get(what, 0)]
    wrong += [f"{what}: better than tests/shape.txt says ({size}); shorten the list" for what, size in sorted(listed.items())
              if now.get(what, 0) < size]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


sys.exit(main())
