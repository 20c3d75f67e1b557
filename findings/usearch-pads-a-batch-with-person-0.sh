#!/usr/bin/env bash
# Believed: where a batch search has fewer answers than asked for, the rest of the keys is a value that no face has (-1, as in faiss, or the
#   largest number).
# True: it is 0, a key like any other, at distance NaN. `counts` tells how many are true; `keys` read without it name person 0,
#   who may not even be in the index. A search for one face is cut to the true answers.
# Versions: usearch 2.26.6.
# Hurts: votes over the nearest k (`np.unique(keys)`) in small galleries: person 0 wins.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" usearch==2.26.6 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
import numpy as np
import usearch
from usearch.index import Index

print("usearch", usearch.__version__)
faces = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
index = Index(ndim=64, metric="cos", dtype="f32")
index.add(np.array([7, 8, 9]), faces)  # there is no face 0
one, batch = index.search(faces[0], 6), index.search(faces[:2], 6)
print("one face:", one.keys.tolist())
print("batch:", batch.keys.tolist(), batch.distances[0].round(2).tolist(), "counts", batch.counts.tolist())
assert sorted(one.keys.tolist()) == [7, 8, 9]
assert batch.counts.tolist() == [3, 3]
assert (batch.keys[:, 3:] == 0).all() and np.isnan(batch.distances[:, 3:]).all(), "batches are padded otherwise now"
END
