"""Times face detectors in turn on the same photos, one thread, and prints a Markdown table. Called by bench/peers/run.

Every round runs every detector once on every photo, so that noise of the machine hits all alike; the table holds
medians. Each detector must find at least half of the faces that likeness finds before it is timed; dlib's finds no
small faces, and is left out of that.
"""
import argparse
import datetime
import pathlib
import sys
import tempfile

from common import CLOCKS, Timer, machine, median, table, tell, versions

SIZES = [(225, 225), (640, 480), (1920, 1440), (4000, 3000)]
MIN_FACE = 20


class Likeness:
    name = "likeness"

    def __init__(self, timer, models, clock):
        self.timer = Timer(timer, models, clock)

    def run(self, path, _image):
        milliseconds, (faces,) = self.timer.ask(f"detect {MIN_FACE} {path}")
        return milliseconds, int(faces)


class FacenetPytorch:
    name = "facenet-pytorch"

    def __init__(self, clock):
        import facenet_pytorch
        import torch

        torch.set_num_threads(1)
        self.clock = CLOCKS[clock]
        self.detector = facenet_pytorch.MTCNN(keep_all=True, min_face_size=MIN_FACE, device="cpu")

    def run(self, _path, image):
        start = self.clock()
        boxes, _ = self.detector.detect(image)
        return (self.clock() - start) * 1e3, 0 if boxes is None else len(boxes)


class Mtcnn:
    name = "mtcnn"

    def __init__(self, clock):
        import mtcnn
        import numpy
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self.asarray = numpy.asarray
        self.clock = CLOCKS[clock]
        self.detector = mtcnn.MTCNN()

    def run(self, _path, image):
        pixels = self.asarray(image)
        start = self.clock()
        faces = self.detector.detect_faces(pixels, min_face_size=MIN_FACE)
        return (self.clock() - start) * 1e3, len(faces)


class FaceRecognition:
    """dlib's HOG detector as face_recognition calls it: another method, for faces from 40 pixels on (once enlarged)."""

    name = "face_recognition (HOG)"

    def __init__(self, clock):
        import face_recognition
        import numpy

        self.asarray = numpy.asarray
        self.locate = face_recognition.face_locations
        self.clock = CLOCKS[clock]

    def run(self, _path, image):
        pixels = self.asarray(image)
        start = self.clock()
        faces = self.locate(pixels)
        return (self.clock() - start) * 1e3, len(faces)


def resized_photos(sources, folder):
    from PIL import Image

    for label, source in sources:
        for width, height in SIZES:
            path = pathlib.Path(folder) / f"{label}_{width}x{height}.png"
            image = Image.open(source).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
            image.save(path, compress_level=1)
            yield f"{label} face{'s' if label != '1' else ''}, {width}x{height}", str(path), image


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
                if 2 * count < faces[name, detectors[0].name] and not isinstance(detector, FaceRecognition):
                    sys.exit(f"{detector.name} found {count} faces in {name}")
    return {key: median(values) for key, values in times.items()}, faces


def rows(photos, detectors, medians, faces):
    ours, *peers = [d.name for d in detectors]
    for name, _, _ in photos:
        own = medians[name, ours]
        yield [name, *(f"**{medians[name, p] / own:.1f}**" for p in peers),
               *(f"{medians[name, d]:.1f}" for d in (ours, *peers)),
               ", ".join(str(faces[name, d]) for d in (ours, *peers))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("timer")
    parser.add_argument("models")
    parser.add_argument("--one", required=True, help="a photo with one face")
    parser.add_argument("--eight", required=True, help="a photo with eight faces")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--out", help="also append the table to this file")
    args, _ = parser.parse_known_args()
    detectors = [Likeness(args.timer, args.models, args.clock), FacenetPytorch(args.clock), Mtcnn(args.clock)]
    try:
        detectors.append(FaceRecognition(args.clock))
    except (ImportError, SystemExit):
        print("peers: face_recognition is left out: dlib is not installed", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        photos = list(resized_photos([("1", args.one), ("8", args.eight)], folder))
        medians, faces = measure(detectors, photos, args.rounds)
    ours, *peers = [d.name for d in detectors]
    head = ["photo", *(f"times faster than {p}" for p in peers), *(f"{d}, ms" for d in (ours, *peers)),
            "faces (" + ", ".join((ours, *peers)) + ")"]
    tell([
        f"Detection, one thread, min face {MIN_FACE}, medians of {args.rounds} rounds in which all take turns; {args.clock} time.",
        "",
        *table(head, rows(photos, detectors, medians, faces)),
        "",
        f"{datetime.date.today()}; {machine()}; "
        + versions("facenet-pytorch", "torch", "mtcnn", "tensorflow-cpu", "dlib", "face-recognition", "numpy") + ".",
    ], args.out)


if __name__ == "__main__":
    main()
