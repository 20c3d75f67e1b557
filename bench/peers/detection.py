"""Times face detectors in turn on the same photos, one thread, and prints Markdown tables. Called by bench/peers/run.

Every round runs every detector once on every photo, so that noise of the machine hits all alike; the tables hold
medians. Before anything is timed each detector's boxes are compared with those of its own reference (detectors.py), and
one that finds others is left out by name. Each must also find at least half of the faces that likeness finds; dlib's finds
no small faces, and is left out of that.
"""
import argparse
import datetime
import pathlib
import sys
import tempfile

from common import add_output_options, CLOCKS, machine, median, table, tell, Timer, versions
from detectors import MIN_FACE, agreement, FaceRecognition, FacenetPytorch, Mtcnn, MtcnnOnnxruntime, MtcnnOpencv, made

SIZES = [(225, 225), (640, 480), (1920, 1440), (4000, 3000)]
LARGEST_CHECKED = 640  # side of the photos on which references are computed, which are slow


class Likeness:
    name = "likeness"

    def __init__(self, timer, models, clock):
        self.timer = Timer(timer, models, clock)

    def run(self, path, _image):
        milliseconds, (faces,) = self.timer.ask(f"detect {MIN_FACE} {path}")
        return milliseconds, int(faces)


class Peer:
    def __init__(self, detector, clock):
        self.detector = detector
        self.name = detector.name
        self.small_faces = not isinstance(detector, FaceRecognition)
        self.clock = CLOCKS[clock]

    def run(self, _path, image):
        photo = self.detector.prepare(image)
        start = self.clock()
        faces = self.detector.boxes(photo)
        return (self.clock() - start) * 1e3, len(faces)


def resized_photos(sources, folder):
    from PIL import Image

    for label, source in sources:
        for width, height in SIZES:
            path = pathlib.Path(folder) / f"{label}_{width}x{height}.png"
            image = Image.open(source).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
            image.save(path, compress_level=1)
            yield f"{label} face{'s' if label != '1' else ''}, {width}x{height}", str(path), image


def as_their_references(detectors, photos):
    """The detectors that find what they should, and a line for each that does not."""
    kept, strayed = [], []
    for detector in detectors:
        for name, _, image in photos:
            if max(image.size) > LARGEST_CHECKED:
                continue
            problem = agreement(detector, image)
            if problem:
                strayed.append(f"{detector.name} ({problem}, {name})")
                print(f"peers: left out: {strayed[-1]}", file=sys.stderr)
                break
        else:
            kept.append(detector)
    return kept, strayed


def measure(detectors, photos, rounds):
    times = {(photo[0], d.name): [] for photo in photos for d in detectors}
    faces = {}
    for turn in range(rounds + 1):  # The first turn warms up and checks.
        for name, path, image in photos:
            for detector in detectors:
                milliseconds, count = detector.run(path, image)
                if turn > 0:
                    times[name, detector.name].append(milliseconds)
                    continue
                faces[name, detector.name] = count
                if 2 * count < faces[name, detectors[0].name] and detector.small_faces:
                    sys.exit(f"{detector.name} found {count} faces in {name}")
    return {key: median(values) for key, values in times.items()}, faces


def ratio_rows(photos, names, medians):
    ours, *peers = names
    for name, _, _ in photos:
        yield [name, *(f"**{medians[name, p] / medians[name, ours]:.1f}**" for p in peers)]


def time_rows(photos, names, medians, faces):
    for name, _, _ in photos:
        yield [name, *(f"{medians[name, n]:.1f}" for n in names), ", ".join(str(faces[name, n]) for n in names)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("timer")
    parser.add_argument("models")
    parser.add_argument("--one", required=True, help="a photo with one face")
    parser.add_argument("--eight", required=True, help="a photo with eight faces")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    add_output_options(parser)
    args, _ = parser.parse_known_args()
    found, missing = made(FacenetPytorch, Mtcnn, MtcnnOpencv, MtcnnOnnxruntime, FaceRecognition)
    with tempfile.TemporaryDirectory() as folder:
        photos = list(resized_photos([("1", args.one), ("8", args.eight)], folder))
        found, strayed = as_their_references(found, photos)
        missing += strayed
        detectors = [Likeness(args.timer, args.models, args.clock), *(Peer(d, args.clock) for d in found)]
        medians, faces = measure(detectors, photos, args.rounds)
    names = [d.name for d in detectors]
    tell([
        f"Detection, one thread, min face {MIN_FACE}, medians of {args.rounds} rounds in which all take turns; {args.clock} time.",
        *(["Missing: " + "; ".join(missing) + "."] if missing else []),
        "",
        *table(["times faster than", *names[1:]], ratio_rows(photos, names, medians)),
        "",
        *table(["ms", *names, "faces, in this order"], time_rows(photos, names, medians, faces)),
        "",
        f"{datetime.date.today()}; {machine()}; "
        + versions(*dict.fromkeys(p for d in found for p in d.packages), "numpy") + ".",
    ], args)


if __name__ == "__main__":
    main()
