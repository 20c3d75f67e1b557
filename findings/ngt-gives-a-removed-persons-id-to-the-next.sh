#!/usr/bin/env bash
# Believed: after remove() an object's id in NGT stays unused: a new face gets a new id.
# True: the next insert() after remove(3) returns 3, not the next new id: a table of id and name that was kept beside the
#   index names the new face with the removed person's name.
# Versions: ngt 2.8.0.post1.
# Hurts: galleries that keep names outside the index and remove people.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" ngt==2.8.0.post1 numpy==2.4.6
cd "$dir"
PYTHONPATH=site python3 - 2>/dev/null <<'END'
from importlib.metadata import version

import ngtpy
import numpy as np

print("ngt", version("ngt"))
faces = np.random.default_rng(0).normal(size=(101, 128)).astype(np.float32)
ngtpy.create("index", 128, distance_type="Cosine")
index = ngtpy.Index("index")
index.batch_insert(faces[:100])
names = {i: f"person {i}" for i in range(100)}
index.remove(3)
new = index.insert(faces[100])
index.build_index()
best = index.search(faces[100], 1)[0][0]
print("removed 3; the next insert() returned", new, "- a search for the new face finds", best, "=", names.get(best))
assert new == best == 3, "the id is not used again now"
END
