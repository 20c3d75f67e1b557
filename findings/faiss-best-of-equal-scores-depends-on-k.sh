#!/usr/bin/env bash
# Believed: of faces with exactly equal scores IndexFlat gives the first enrolled first, and asking for more neighbours
#   does not change who is first.
# True: with the inner product the first answer of six equal vectors is id 0 for k = 1, id 1 for k = 2, id 3 for k = 4 and
#   id 5 for k = 6: the k oldest are kept and then listed from the newest to the oldest. With L2 it is id 0 for each k.
# Versions: faiss-cpu 1.15.1.
# Hurts: galleries where one photo is enrolled under two names (twins' albums, a double import): the name said changes with
#   the number of neighbours asked for, and a check "the same answer as before" fails after a change of k.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" faiss-cpu==1.15.1 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
import faiss
import numpy as np

print("faiss", faiss.__version__)
face = np.random.default_rng(0).normal(size=(1, 512)).astype(np.float32)
face /= np.linalg.norm(face)
first = {}
for name, metric in (("inner product", faiss.METRIC_INNER_PRODUCT), ("L2", faiss.METRIC_L2)):
    index = faiss.IndexFlat(512, metric)
    index.add(np.repeat(face, 6, axis=0))
    answers = {k: index.search(face, k) for k in (1, 2, 4, 6)}
    for scores, ids in answers.values():
        assert (scores == scores[0, 0]).all()
    print(name, {k: ids[0].tolist() for k, (_, ids) in answers.items()})
    first[name] = [int(ids[0, 0]) for _, ids in answers.values()]
assert first["L2"] == [0, 0, 0, 0]
assert first["inner product"] == [0, 1, 3, 5], "ties are ordered otherwise now"
END
