#!/usr/bin/env bash
# Believed: fetch_lfw_people() reads the photos under data_home: with a person added or removed the next call says so.
# True: the first answer is kept by joblib in a folder beside the photos, under the *arguments* of the call: new people stay absent and people
#   whose photos were deleted are given out for ever, names and faces. A call with other arguments sees the present photos, so
#   colour and grey of the same data hold different people.
# Versions: scikit-learn 1.9.1.
# Hurts: users who put faces of their own into the LFW layout, and whoever must delete a person: the faces stay in the cache.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" scikit-learn==1.9.1 pillow==13.0.0
cd "$dir"
PYTHONPATH=site python3 - <<'END'
import shutil
from pathlib import Path

import sklearn
from PIL import Image
from sklearn.datasets import fetch_lfw_people

print("scikit-learn", sklearn.__version__)
home = Path("data/lfw_home")

def add(name):
    folder = home / "lfw_funneled" / name
    folder.mkdir(parents=True)
    for number in (1, 2):
        Image.new("RGB", (250, 250), (90, 90, 90)).save(folder / f"{name}_{number:04d}.jpg")

def names(**options):
    return fetch_lfw_people(data_home="data", download_if_missing=False, **options).target_names.tolist()

add("Ann_Lee")
add("Bob_Ray")
for file in ("pairs", "pairsDevTrain", "pairsDevTest"):
    (home / f"{file}.txt").write_text("0\n")
first = names()
shutil.rmtree(home / "lfw_funneled" / "Bob_Ray")
add("Cat_Moe")
again, colour = names(), names(color=True)
print("first", first, "- Bob removed, Cat added:", again, "- color=True:", colour)
assert first == ["Ann Lee", "Bob Ray"]
assert colour == ["Ann Lee", "Cat Moe"]
assert again == ["Ann Lee", "Bob Ray"], "the photos are read again now"
END
