# The work of tests/one_definition.sh: ctags lists the types of all sources; a name that two files define is said.
import collections
import json
import subprocess
import sys

KINDS = {"class", "struct", "union", "enum"}


def types_of(files):
    """(qualified name, file, line) of every type in a namespace that other files can name."""
    command = ["ctags", "--output-format=json", "--languages=C++", "--langmap=C++:+.h", "--kinds-C++=csugn",
               "--fields=+nsk", "-f", "-", "-L", "-"]
    tags = subprocess.run(command, input="\n".join(files), capture_output=True, text=True, check=True).stdout
    for tag in map(json.loads, tags.splitlines()):
        scope = tag.get("scope", "")
        if tag["kind"] in KINDS and tag.get("scopeKind", "namespace") == "namespace" and "__anon" not in scope + tag["name"]:
            yield f"{scope}::{tag['name']}", tag["path"], tag["line"]


def main():
    listed = subprocess.run(["git", "ls-files", "*.cpp", "*.h"], capture_output=True, text=True, check=True)
    found = collections.defaultdict(set)
    for name, file, line in types_of(listed.stdout.splitlines()):
        found[name].add((file, line))
    if len(found) < 400:
        sys.exit(f"one_definition: ctags finds {len(found)} types only; is it Debian's universal-ctags?")
    bad = {name: places for name, places in found.items() if len({file for file, _ in places}) > 1}
    for name, places in sorted(bad.items()):
        print(f"one_definition: {name} is defined at " + " and at ".join(f"{f}:{n}" for f, n in sorted(places)))
    sys.exit(1 if bad else 0)


main()
