#!/usr/bin/env python3
"""How many faces likeness's detectors find by the faces' size.

  bench/face_sizes.py PROGRAM MODELS --lfw LFW [--people 60]

PROGRAM is likeness; LFW has images/ and peopleDevTrain.txt, whose people alone are looked at: one photo each, scaled so
that the middle 1/2.2 of it, LFW's own box of the face, has each of the sizes. Found is a face whose box holds the
photo's middle. Prints a Markdown table. Needs Pillow.
"""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile

from PIL import Image

SIZES = (12, 16, 20, 24, 30, 60, 113, 200, 400, 800, 1600)
DETECTORS = ("mtcnn", "yunet", "centerface")
LFW_SIDE = 250
LFW_FACE = LFW_SIDE / 2.2
LARGE = 800  # from here on every fourth photo is enough


def photos(lfw, count):
    lines = (lfw / "peopleDevTrain.txt").read_text().splitlines()[1:]
    names = sorted(line.split("\t")[0] for line in lines if (lfw / "images" / line.split("\t")[0]).is_dir())
    return [sorted((lfw / "images" / name).iterdir())[0] for name in random.Random(7).sample(names, count)]


def found(program, models, detector, folder, least):
    answer = subprocess.run(
        [program, "eval", "detect", "--marks", folder / "marks.json", "--images", folder, "--models", models,
         "--detector", detector, "--min-face", str(least), "--json"], stdout=subprocess.PIPE, check=True, text=True)
    count = json.loads(answer.stdout)["likeness"]
    return f"{count['matched']} of {count['marked']}, {count['detected'] - count['matched']}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--lfw", type=pathlib.Path, required=True)
    parser.add_argument("--people", type=int, default=60)
    args = parser.parse_args()
    files = photos(args.lfw, args.people)
    print("| face, pixels | " + " | ".join(f"`{name}`" for name in DETECTORS) + " |")
    print("|---|" + "---|" * len(DETECTORS))
    for size in SIZES:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            side = round(LFW_SIDE * size / LFW_FACE)
            marks = {}
            for i, file in enumerate(files[:: 4 if size >= LARGE else 1]):
                with Image.open(file) as image:
                    image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
                marks[f"{i}.png"] = [[side / 2, side / 2]]
            (folder / "marks.json").write_text(json.dumps({"noses": marks}))
            # Boxes are smaller than LFW's: a face of 20 pixels there is asked for from 12 on.
            least = max(12, min(20, size // 2))
            row = [found(args.program, args.models, detector, folder, least) for detector in DETECTORS]
        print(f"| {size} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
