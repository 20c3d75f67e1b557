#!/usr/bin/env bash
# Believed: a row inserted into a vectorlite table within a transaction is gone after ROLLBACK, as in any table of SQLite.
# True: the vector stays in the index and is found by every search; a removal that was rolled back stays removed.
#   The tables beside it are rolled back, so the face found has no owner, or the owner has no face.
# Versions: vectorlite-py 0.2.0 (by apsw 3.54.1.0).
# Hurts: enrolment in one transaction: a failed one leaves faces that answer.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" vectorlite-py==0.2.0 apsw==3.54.1.0 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
from importlib.metadata import version

import apsw
import numpy as np
import vectorlite_py

print("vectorlite-py", version("vectorlite-py"))
db = apsw.Connection(":memory:")
db.enable_load_extension(True)
db.load_extension(vectorlite_py.vectorlite_path())
db.execute("create table owner(face integer primary key, name text)")
db.execute("create virtual table face using vectorlite(e float32[4] cosine, hnsw(max_elements=100))")
blob = lambda *e: np.array(e, np.float32).tobytes()

def found():
    query = "select rowid from face where knn_search(e, knn_param(?, 10))"
    return sorted(row[0] for row in db.execute(query, (blob(1, 0, 0, 0),)))

db.execute("insert into face(rowid, e) values (1, ?)", (blob(0, 1, 0, 0),))
db.execute("begin")
db.execute("insert into owner values (50, 'Ann')")
db.execute("insert into face(rowid, e) values (50, ?)", (blob(1, 0, 0, 0),))
db.execute("delete from face where rowid = 1")
db.execute("rollback")
owners = db.execute("select face from owner").fetchall()
print("after rollback: owners", owners, "- faces found", found())
assert owners == []
assert found() == [50], "the rollback reaches the index now"
END
