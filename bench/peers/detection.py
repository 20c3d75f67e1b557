"""Times face detectors in turn on the same photos, one thread, and prints a Markdown table. Called by bench/peers/run.

Every round runs every detector once on every photo, so that noise of the machine hits all alike; the table holds
medians. Each detector must find at least half of the faces that likeness finds before it is timed.
"""
import argparse
import datetime
import importlib.metadata
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = [(225, 225), (640, 480), (1920, 1440), (4000, 3000)]
MIN_FACE = 20
# Wall time, or the process's CPU time where other work shares the machine: alike for one thread when it is quiet.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Likeness:
    """Ours, in a process of its own; it reports both times of detect() alone."""

    name = "likeness"

    def __init__(self, timer, models, clock):
        self.clock = clock
        self.process = subprocess.Popen(
            [timer, models, "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, path, _image):
        self.process.stdin.write(f"{MIN_FACE} {path}\n")
        self.process.stdin.flush()
        wall, cpu, faces = self.process.stdout.readline().split()
        return float(wall if self.clock == "wall" else cpu), int(faces)


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
                if 2 * count < faces[name, detectors[0].name]:
                    sys.exit(f"{detector.name} found {count} faces in {name}")
    return {key: statistics.median(values) for key, values in times.items()}, faces


def versions():
    known = {"facenet-pytorch", "torch", "mtcnn", "tensorflow-cpu", "numpy"}
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(known))


def cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def table(photos, detectors, medians, faces):
    ours, *peers = [d.name for d in detectors]
    yield "| photo | " + " | ".join(f"times faster than {p}" for p in peers) + f" | {ours}, ms | " + " | ".join(
        f"{p}, ms" for p in peers) + " | faces (" + ", ".join([ours, *peers]) + ") |"
    yield "|---|" + "---|" * (2 * len(peers) + 2)
    for name, _, _ in photos:
        own = medians[name, ours]
        ratios = [f"**{medians[name, p] / own:.1f}**" for p in peers]
        plain = [f"{medians[name, d]:.1f}" for d in (ours, *peers)]
        found = ", ".join(str(faces[name, d]) for d in (ours, *peers))
        yield "| " + " | ".join([name, *ratios, *plain, found]) + " |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("timer")
    parser.add_argument("models")
    parser.add_argument("one_face")
    parser.add_argument("eight_faces")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--out", help="also write the table here")
    args = parser.parse_args()
    detectors = [Likeness(args.timer, args.models, args.clock), FacenetPytorch(args.clock), Mtcnn(args.clock)]
    with tempfile.TemporaryDirectory() as folder:
        photos = list(resized_photos([("1", args.one_face), ("8", args.eight_faces)], folder))
        medians, faces = measure(detectors, photos, args.rounds)
    lines = [
        f"Detection, one thread, min face {MIN_FACE}, medians of {args.rounds} rounds in which all take turns; {args.clock} time.",
        "",
        *table(photos, detectors, medians, faces),
        "",
        f"{datetime.date.today()}; {cpu()}, {os.cpu_count()} cores; {versions()}.",
    ]
    print("\n".join(lines))
    if args.out:
        pathlib.Path(args.out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
