#!/bin/sh
# Believed: with an HNSW index, `where collection = 7 order by distance limit 10` gives the ten nearest of that collection, by
#   the index or by a scan; the index changes the speed only.
# True: the index's few nearest of *all* faces are taken and then filtered: none of the 40 faces of the collection comes back, with no
#   error, where the same query without the index gives ten. The planner takes the index though the condition keeps 2 %.
# Versions: duckdb 1.5.5, duckdb-extension-vss 1.5.5.
# Hurts: galleries with tenants or cameras in one table: people become unknown when an index is added.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q duckdb==1.5.5 duckdb-extension-vss==1.5.5 numpy==2.4.6
"$dir/env/bin/python" - <<'END'
from pathlib import Path

import duckdb
import duckdb_extension_vss
import numpy as np

print("duckdb", duckdb.__version__)
extension = next(Path(duckdb_extension_vss.__file__).parent.rglob("vss.duckdb_extension"))
db = duckdb.connect()
db.execute(f"load '{extension}'")
faces = np.random.default_rng(0).normal(size=(2000, 64)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
db.execute("create table face(id int, collection int, e float[64])")
db.executemany("insert into face values (?, ?, ?)", [(i, i % 50, e.tolist()) for i, e in enumerate(faces)])

def nearest(condition):
    query = f"select id from face where {condition} order by array_cosine_distance(e, ?::float[64]) limit 10"
    return [row[0] for row in db.execute(query, [faces[3].tolist()]).fetchall()]

conditions = ("true", "collection = 7", "collection < 25")
exact = {c: nearest(c) for c in conditions}
db.execute("create index by_face on face using hnsw(e) with (metric = 'cosine')")
indexed = {c: nearest(c) for c in conditions}
for c in conditions:
    print(f"where {c:16} without the index {len(exact[c])} rows, with it {len(indexed[c])}")
assert all(len(rows) == 10 for rows in exact.values())
assert len(indexed["true"]) == 10
assert len(indexed["collection = 7"]) <= 1 and len(indexed["collection < 25"]) < 10, "the index keeps all rows now"
END
