#!/bin/sh
# Believed: Chroma's add() with an id that is in the collection is an error, or replaces the old embedding.
# True: it returns without a word and keeps the old embedding: the new one is lost. update() of an id that is absent is lost
#   alike, and delete() of an absent id says {"deleted": 1}. Within one call two equal ids are an error (DuplicateIDError).
# Versions: chromadb 1.5.9.
# Hurts: galleries that use the person's name or the photo's number as the id: a second photo of a person never arrives, and
#   a report "removed" is given for people who were never there.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/env"
"$dir/env/bin/pip" install -q chromadb==1.5.9
cd "$dir"
env/bin/python - <<'END'
import chromadb
from chromadb.config import Settings
from chromadb.errors import DuplicateIDError

print("chromadb", chromadb.__version__)
client = chromadb.PersistentClient("gallery", Settings(anonymized_telemetry=False))
faces = client.create_collection("faces", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
faces.add(ids=["ann"], embeddings=[[1.0, 0.0]])
stored = lambda: faces.get(ids=["ann"], include=["embeddings"])["embeddings"][0].tolist()

print("add of a known id:", faces.add(ids=["ann"], embeddings=[[0.0, 1.0]]), "- stored", stored())
print("update of an absent id:", faces.update(ids=["bob"], embeddings=[[0.0, 1.0]]), "- faces", faces.count())
removed = faces.delete(ids=["carl"])
print("delete of an absent id:", removed, "- faces", faces.count())
assert stored() == [1.0, 0.0], "add() replaces now"
assert faces.count() == 1
assert removed == {"deleted": 1}, "delete() counts otherwise now"
faces.upsert(ids=["ann"], embeddings=[[0.0, 1.0]])
assert stored() == [0.0, 1.0]
try:
    faces.add(ids=["dan", "dan"], embeddings=[[1.0, 0.0], [0.0, 1.0]])
    raise SystemExit("two equal ids in one call are taken now")
except DuplicateIDError as error:
    print("two equal ids in one call:", type(error).__name__)
END
