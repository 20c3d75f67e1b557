#!/usr/bin/env bash
# Believed: LanceDB's cosine distance is 1 - cosine, with an index as without one; an index costs some accuracy.
# True: with every index that stores shortened embeddings (IVF_PQ, IVF_SQ, IVF_RQ, IVF_HNSW_SQ, IVF_HNSW_PQ) the distances are about twice as large:
#   squared lengths between unit vectors. Without an index, with IVF_FLAT, and with refine_factor they are 1 - cosine. And as soon as one row
#   is added that the index does not know, all rows are back at 1 - cosine; when it is indexed, they double again. distance_range() works on
#   the doubled values and then finds less than half.
# Versions: lancedb 0.40.0.
# Hurts: galleries with a fixed threshold: with the index on, the right person is "unknown", except while somebody was just enrolled.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" lancedb==0.40.0 numpy==2.4.6
PYTHONPATH="$dir/site" FOLDER="$dir/tables" python3 - <<'END'
import os
from importlib.metadata import version

import lancedb
import numpy as np
from lancedb.index import HnswSq, IvfFlat, IvfPq, IvfSq

print("lancedb", version("lancedb"))
faces = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
probe, nearest = faces[3], int(np.argsort(faces @ faces[3])[-2])
exact = 1 - float(faces[nearest] @ probe)
tables = lancedb.connect(os.environ["FOLDER"])


def distance(table, **how):
    search = table.search(probe).distance_type("cosine").limit(20).nprobes(2)
    if how:
        search = search.refine_factor(how["refine"])
    return {row["id"]: row["_distance"] for row in search.to_list()}[nearest]


for kind, more in ((IvfFlat, {}), (IvfSq, {}), (IvfPq, {"num_sub_vectors": 16}), (HnswSq, {})):
    name = kind.__name__
    table = tables.create_table(name, [{"id": i, "vector": face.tolist()} for i, face in enumerate(faces)])
    before = distance(table)
    table.create_index("vector", config=kind(distance_type="cosine", num_partitions=2, **more))
    indexed, refined = distance(table), distance(table, refine=1)
    close = table.search(probe).distance_type("cosine").distance_range(0, exact + 0.06).limit(50).nprobes(2).to_list()
    table.add([{"id": 9000, "vector": faces[5].tolist()}])
    added = distance(table)
    table.optimize()
    again = distance(table)
    print(f"{name}: the same face is at {before:.3f} without index, {indexed:.3f} with it, {refined:.3f} refined, {added:.3f} after"
          f" somebody else was added, {again:.3f} when that row is indexed; within {exact + 0.06:.2f}: {len(close)} faces")
    assert abs(before - exact) < 1e-5 and abs(refined - exact) < 1e-5 and abs(added - exact) < 1e-5
    assert abs(again - indexed) < 0.2
    if kind is IvfFlat:
        assert abs(indexed - exact) < 1e-5
    else:
        assert 1.7 < indexed / exact < 2.3, "the scale is one now"
        assert len(close) == 1  # the probe itself; exactly there are more
assert (1 - faces @ probe < exact + 0.06).sum() > 2
END
