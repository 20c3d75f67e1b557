#!/bin/sh
# Believed: with PRAGMA secure_delete=ON a removed row's bytes are overwritten with zeros, so that nothing of a removed
#   person is left in the file once the write-ahead log is emptied.
# True: rows that moved between pages while the tree was balanced leave copies in the unused part of pages, and these stay. Of
#   names added and removed at random a few are found in the file; VACUUM leaves none.
# Versions: SQLite 3.54.1, by apsw 3.54.1.0.
# Hurts: whoever promises that a person is gone from a file: galleries, and everything else that keeps people in SQLite.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q apsw==3.54.1.0
cd "$dir"
env/bin/python - <<'END'
import random
import apsw

print("SQLite", apsw.sqlite_lib_version())
random.seed(1)
db = apsw.Connection("people.db")
for pragma in ("journal_mode = WAL", "secure_delete = ON", "synchronous = OFF"):
    db.execute("PRAGMA " + pragma).fetchall()
db.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
db.execute("CREATE TABLE face (id INTEGER PRIMARY KEY, person INTEGER, photo TEXT, embedding BLOB NOT NULL)")
db.execute("CREATE INDEX face_by_person ON face(person)")
there, gone = {}, set()
for number in range(6000):
    if there and random.random() < 0.4:
        name = random.choice(list(there))
        person = there.pop(name)
        db.execute("DELETE FROM face WHERE person = ?", (person,))
        db.execute("DELETE FROM person WHERE id = ?", (person,))
        gone.add(name)
        continue
    name = "person-%08x" % random.getrandbits(32) + "x" * random.randint(0, 30)
    db.execute("INSERT INTO person (name) VALUES (?)", (name,))
    there[name] = db.last_insert_rowid()
    for photo in range(random.randint(1, 3)):
        face = (there[name], "photos/" + name, random.randbytes(512))
        db.execute("INSERT INTO face (person, photo, embedding) VALUES (?, ?, ?)", face)


def left():
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = open("people.db", "rb").read() + open("people.db-wal", "rb").read()
    return sum(name.encode() in content for name in gone)


before = left()
db.execute("VACUUM")
after = left()
print("removed names:", len(gone), "- found in the file:", before, "- after VACUUM:", after)
assert before > 0, "secure_delete leaves nothing now"
assert after == 0, "VACUUM leaves some now"
END
