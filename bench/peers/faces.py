"""Who finds whole, half and hidden faces: detectors beside likeness, all judged by `likeness eval detect`.

Prints two Markdown tables, the share of marked faces that were found and the count of detections that are none. Called
by bench/peers/run.
"""
import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

from common import add_output_options, table, tell, versions
from detectors import MIN_FACE, DlibHog, FacenetPytorch, made
from hidden_faces import hidden_dlib_sets, lfw_sets, whole_sets
from PIL import Image

# HOG sees faces from 80 pixels on, 40 where the photo is enlarged once.
HOG_MIN_FACE = 40
# Least scores of --curve, from far below each pack's own to above it.
CURVE = {"mtcnn": (0.3, 0.5, 0.7), "yunet": (0.4, 0.5, 0.6, 0.7), "centerface": (0.35, 0.4, 0.5, 0.55, 0.6)}


def judged(program, models, marked, marks, *more):
    """What eval detect prints about likeness, and about another detector's boxes."""
    answer = subprocess.run(
        [program, "eval", "detect", "--marks", marks, "--images", marked.folder, "--models", models, "--json", *more],
        stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(answer.stdout)


def own_ways(curve):
    """Names and options of likeness's detectors; for the curve with scores from low to high."""
    if not curve:
        return [("likeness", ["--min-face", str(MIN_FACE)]),
                (f"likeness, min face {HOG_MIN_FACE}", ["--min-face", str(HOG_MIN_FACE)]),
                ("likeness, YuNet", ["--detector", "yunet", "--min-face", str(MIN_FACE)]),
                ("likeness, CenterFace", ["--detector", "centerface", "--min-face", str(MIN_FACE)])]
    return [(f"{name} {score}", ["--detector", name, "--min-face", str(MIN_FACE), "--min-score", str(score)])
            for name, scores in CURVE.items() for score in scores]


def judge_set(program, models, detectors, marked, curve):
    """(found, false) of every detector, likeness first."""
    marks = marked.write_marks()
    counts = {}
    for name, options in own_ways(curve):
        counts[name] = judged(program, models, marked, marks, *options)["likeness"]
    for detector in detectors:
        photos = []
        for name in marked.pictures:
            with Image.open(marked.folder / name) as image:
                boxes = detector.boxes(detector.prepare(image.convert("RGB")))
            photos.append({"file": name, "faces": [{"box": box} for box in boxes]})
        found = marked.folder / "boxes.json"
        found.write_text(json.dumps({"photos": photos}))
        counts[detector.name] = judged(program, models, marked, marks, "--compare", found)["compared"]
    return {name: (count["matched"], count["detected"] - count["matched"]) for name, count in counts.items()}


def share(found, marked):
    return f"{found / marked:.3f}".lstrip("0") if marked else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder of test data")
    parser.add_argument("--people", type=int, default=100, help="of LFW, one photo each")
    parser.add_argument("--curve", action="store_true", help="likeness's detectors alone, each with several least scores")
    add_output_options(parser)
    args, _ = parser.parse_known_args()
    # dlib's own example asks for scores from -1 on, "including weak ones"; the last is half way there.
    detectors, missing = ([], []) if args.curve else made(lambda: DlibHog("as it is", 0), lambda: DlibHog("enlarged once", 1),
                              lambda: DlibHog("enlarged once, scores from -.5", 1, -0.5), FacenetPytorch)
    recall, false, names = [], [], []
    hidden = {"covered": [], "cut off": []}
    wrong_hidden = []
    with tempfile.TemporaryDirectory() as folder:
        for sets in (whole_sets(args.data, folder), hidden_dlib_sets(args.data, folder),
                     lfw_sets(args.data, folder, args.people)):
            for marked in sets:
                counts = judge_set(args.program, args.models, detectors, marked, args.curve)
                names = list(counts)
                head = [marked.name, marked.faces()]
                recall.append([*head, *(share(found, marked.faces()) for found, _ in counts.values())])
                for kind, rows in hidden.items():
                    if marked.name.endswith(kind):
                        rows.append([marked.faces(), *(found for found, _ in counts.values())])
                        wrong_hidden.append([wrong for _, wrong in counts.values()])
                false.append([marked.name, len(marked.pictures), *(wrong for _, wrong in counts.values())])
                print("peers:", marked.name, counts, file=sys.stderr, flush=True)
    tell([
        f"Marked faces found; min face {MIN_FACE} where it can be said.",
        *(["Missing: " + "; ".join(missing) + "."] if missing else []),
        "",
        *table(["faces", "marked", *names], (row for row in recall if row[1])),
        "",
        *table(["half of the face", "marked", *names],
               [*([kind, *map(sum, zip(*rows))] for kind, rows in hidden.items()),
                ["no marked face", "", *map(sum, zip(*wrong_hidden))]]),
        "",
        "Detections that are no marked face:",
        "",
        *table(["faces", "pictures", *names], false),
        "",
        f"{datetime.date.today()}; " + versions(*dict.fromkeys(p for d in detectors for p in d.packages)) + ".",
    ], args)


if __name__ == "__main__":
    main()
