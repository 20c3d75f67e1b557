#!/usr/bin/env bash
# Believed: Milvus Lite does what Milvus does, or is stricter: insert() with an id that is there is an error, or (as Milvus documents it) both rows stay, and
#   replacing takes upsert().
# True: insert() replaces the row without a word: the answer says insert_count 1, the number of rows stays, and the face that had the id is gone.
# Versions: milvus-lite 3.2.2, pymilvus 3.0.2.
# Hurts: two enrolment programs that count ids from 0: the second overwrites the first one's people. Tests against Milvus Lite do not show what
#   a server would do.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" milvus-lite==3.2.2 pymilvus==3.0.2 numpy==2.4.6
PYTHONPATH="$dir/site" FILE="$dir/gallery.db" python3 - <<'END'
import os
from importlib.metadata import version

import numpy as np
from pymilvus import MilvusClient

print("milvus-lite", version("milvus-lite"), "pymilvus", version("pymilvus"))
faces = np.random.default_rng(0).normal(size=(20, 32)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
gallery = MilvusClient(os.environ["FILE"])
gallery.create_collection("faces", dimension=32, metric_type="COSINE")


def rows():
    return gallery.query("faces", filter="id >= 0", output_fields=["count(*)"])[0]["count(*)"]


gallery.insert("faces", [{"id": i, "vector": f.tolist(), "name": f"person {i}"} for i, f in enumerate(faces[:10])])
before = rows()
told = gallery.insert("faces", [{"id": 3, "vector": faces[15].tolist(), "name": "somebody else"}])
name = gallery.query("faces", filter="id == 3", output_fields=["name"])
best = gallery.search("faces", data=[faces[3].tolist()], limit=1, output_fields=["name"])[0][0]
print("rows", before, "then", rows(), "| told:", dict(told), "| id 3 is", [row["name"] for row in name])
print(f"person 3 is now taken for {best['entity']['name']} at {best['distance']:.3f}")
assert before == rows() == 10 and told["insert_count"] == 1
assert [row["name"] for row in name] == ["somebody else"], "the first row is kept now"
assert best["id"] != 3
END
