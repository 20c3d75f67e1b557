#!/usr/bin/env bash
# Believed: in a KNN query of a vec0 table a condition on the rowid narrows the search, as one on a metadata column does.
# True: `rowid in (...)` and `person = 'b'` narrow it, but `rowid = 3` and `rowid > 2` are applied to the k rows already found:
#   with k = 1 the nearest face fails the condition and the answer is empty, no error. Only metadata and `in` are safe.
# Versions: sqlite-vec 0.1.9 (by apsw 3.54.1.0).
# Hurts: "compare with one face" and "search only faces enrolled since id n": right while the wanted face is among the k
#   nearest of the whole gallery, empty when it grows.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" sqlite-vec==0.1.9 apsw==3.54.1.0
PYTHONPATH="$dir/site" python3 - <<'END'
import apsw
import sqlite_vec

db = apsw.Connection(":memory:")
db.enable_load_extension(True)
db.load_extension(sqlite_vec.loadable_path())
print("sqlite-vec", db.execute("select vec_version()").fetchone()[0])
db.execute("create virtual table face using vec0(e float[4] distance_metric=cosine, person text)")
for id, (e, person) in enumerate([([1, 0, 0, 0], "a"), ([0.9, 0.1, 0, 0], "a"), ([0, 1, 0, 0], "b")], 1):
    db.execute("insert into face(rowid, e, person) values (?, ?, ?)", (id, sqlite_vec.serialize_float32(e), person))

def nearest(condition):
    query = sqlite_vec.serialize_float32([1, 0, 0, 0])
    rows = db.execute(f"select rowid from face where e match ? and k = 1 and {condition}", (query,)).fetchall()
    print(f"{condition:20} {rows}")
    return [row[0] for row in rows]

assert nearest("true") == [1]
assert nearest("person = 'b'") == [3]
assert nearest("rowid in (select 3)") == [3]
assert nearest("rowid = 3") == [], "rowid = narrows the search now"
assert nearest("rowid > 2") == [], "rowid > narrows the search now"
END
