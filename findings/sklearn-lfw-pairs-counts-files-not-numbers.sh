#!/usr/bin/env bash
# Believed: a line "Ann_Lee 1 3" of LFW's pairs.txt means Ann_Lee_0001.jpg and Ann_Lee_0003.jpg, and a missing one is an error.
# True: fetch_lfw_pairs() takes the first and the third *file of the sorted folder*. With Ann_Lee_0001.jpg away (no face found, say)
#   photos 2 and 4 are compared, and a hidden file of a photo viewer shifts all numbers by one and is itself a face. No error.
# Versions: scikit-learn 1.9.1.
# Hurts: LFW figures over a folder of aligned crops, from which the photos without a detected face are missing.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" scikit-learn==1.9.1 pillow==13.0.0
cd "$dir"
PYTHONPATH=site python3 - <<'END'
from pathlib import Path

import sklearn
from PIL import Image
from sklearn.datasets import fetch_lfw_pairs

print("scikit-learn", sklearn.__version__)
home = Path("data/lfw_home")
folder = home / "lfw_funneled" / "Ann_Lee"
folder.mkdir(parents=True)
save = lambda name, grey: Image.new("RGB", (250, 250), (grey, grey, grey)).save(folder / name, quality=95)
for number in (1, 2, 3, 4):
    save(f"Ann_Lee_{number:04d}.jpg", 20 * number)  # the grey level tells which photo was read
for file in ("pairs", "pairsDevTrain", "pairsDevTest"):
    (home / f"{file}.txt").write_text("1\nAnn_Lee\t1\t3\n")

def compared(resize):  # another size each time: the answer is cached by the arguments
    pairs = fetch_lfw_pairs(data_home="data", download_if_missing=False, resize=resize).pairs
    return [round(float(face.mean()) * 255 / 20) for face in pairs[0]]

whole = compared(0.5)
(folder / "Ann_Lee_0001.jpg").rename("away.jpg")
one_missing = compared(0.4)
Path("away.jpg").rename(folder / "Ann_Lee_0001.jpg")
save(".preview.jpg", 240)
hidden = compared(0.3)
print("all four photos", whole, "- first one missing", one_missing, "- with .preview.jpg (12)", hidden)
assert whole == [1, 3]
assert one_missing == [2, 4], "the numbers are looked up by name now"
assert hidden == [12, 2], "hidden files are left out now"
END
