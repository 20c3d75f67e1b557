#!/usr/bin/env bash
# Believed: a failed embedding (all zeros) in a gallery is far from everybody, and a search with one finds somebody at distance 1, or is an error:
#   LanceDB refuses NaN by name.
# True: with the cosine distance a stored embedding of zeros is never found, however many rows are asked for, though count_rows() counts it; and a
#   search with zeros gives an empty list, without a word, in a table full of faces. By L2 the same row is found.
# Versions: lancedb 0.40.0.
# Hurts: programs that take the first row of the answer (IndexError far from the cause), and whoever compares the number of answers with
#   the number of people.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" lancedb==0.40.0 numpy==2.4.6
PYTHONPATH="$dir/site" FOLDER="$dir/tables" python3 - <<'END'
import os
from importlib.metadata import version

import lancedb
import numpy as np

print("lancedb", version("lancedb"))
faces = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
faces[7] = 0
table = lancedb.connect(os.environ["FOLDER"]).create_table("faces", [{"id": i, "vector": f.tolist()} for i, f in enumerate(faces)])
found = {kind: {row["id"] for row in table.search(faces[3]).distance_type(kind).limit(1000).to_list()} for kind in ("l2", "cosine")}
print("rows", table.count_rows(), "found by l2", len(found["l2"]), "by cosine", len(found["cosine"]))
assert table.count_rows() == len(found["l2"]) == 50
assert found["l2"] - found["cosine"] == {7}, "the zero embedding has an answer now"
answer = table.search(np.zeros(64, np.float32)).distance_type("cosine").limit(5).to_list()
print("asked with zeros:", answer)
assert answer == [], "a search with zeros has an answer now"
try:
    table.add([{"id": 100, "vector": [float("nan")] * 64}])
    raise SystemExit("NaN is taken now")
except ValueError as error:
    print("NaN:", str(error)[:80])
END
