#!/usr/bin/env bash
# Believed: a saved hnswlib index of 512 values is refused by an Index made for 256 values.
# True: it loads without a word, `dim` still says 256, and searches answer with distances computed over the first half of each
#   stored vector. (The README says that the *space* may be changed at loading; of the dimension it says nothing.)
#   A face is at distance 0.29 from itself.
# Versions: hnswlib 0.8.0.
# Hurts: a gallery after a change of the recogniser's model: old files go on answering, with meaningless scores.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" hnswlib==0.8.0 numpy==2.4.6
cd "$dir"
PYTHONPATH=site python3 - <<'END'
from importlib.metadata import version

import hnswlib
import numpy as np

print("hnswlib", version("hnswlib"))
faces = np.random.default_rng(0).normal(size=(200, 512)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
old = hnswlib.Index("cosine", 512)
old.init_index(200)
old.add_items(faces, np.arange(200))
old.save_index("faces.hnsw")

new = hnswlib.Index("cosine", 256)
new.load_index("faces.hnsw")  # believed to raise
ids, distances = new.knn_query(faces[3, :256], k=2)
exact = 1 - faces[3, :256] @ faces[3, :256] / np.linalg.norm(faces[3, :256])
print(f"loaded as {new.dim} values, {new.element_count} faces; nearest {ids[0].tolist()}, distances {distances[0].tolist()}")
print(f"distance of half a unit vector, query normalised, stored not: {exact:.4f}")
assert new.dim == 256 and new.element_count == 200
assert ids[0, 0] == 3 and abs(distances[0, 0] - exact) < 1e-4 and distances[0, 0] > 0.2
END
