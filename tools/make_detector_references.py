#!/usr/bin/env python3
"""Writes what other programs find with the networks of YuNet and CenterFace, for tests and for the packs' self-tests.

  make_detector_references.py MODELS PHOTOS

MODELS has the packs yunet and centerface, PHOTOS is the test data's folder photos/. Writes
likeness/detect/testdata/yunet.npz and centerface.npz (faces of every photo without a colour profile; for CenterFace of at most 1.5 megapixels) and
packs/yunet/selftest.npz and packs/centerface/selftest.npz (of a drawn picture, no photo). YuNet is run by OpenCV's
FaceDetectorYN 5.0; CenterFace by ONNX Runtime 1.32 on the picture stretched by Pillow to sides of multiples of 32, its
boxes and landmarks not cut at the picture's edge. Needs opencv-python-headless, onnx, onnxruntime, Pillow.
"""
import pathlib
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
from PIL import Image, ImageOps

# Pixels of a photo: all with YuNet; fewer with CenterFace, so that the tests are quick and need little memory.
LARGEST = {"yunet": 40e6, "centerface": 1.5e6}
SCORES = {"yunet": 0.6, "centerface": 0.5}
OVERLAP = 0.3


class Yunet:
    def __init__(self, folder):
        self.file = str(folder / "yunet/face_detection_yunet_2023mar_int8bq.onnx")

    def faces(self, pixels):
        height, width = pixels.shape[:2]
        detector = cv2.FaceDetectorYN.create(self.file, "", (width, height), SCORES["yunet"], OVERLAP, 5000)
        rows = detector.detect(np.ascontiguousarray(pixels[..., ::-1]))[1]
        if rows is None:
            rows = np.zeros((0, 15), np.float32)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], 1)
        return boxes, rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2)


class Centerface:
    def __init__(self, folder):
        model = onnx.load(folder / "centerface/centerface.onnx")
        for value, sizes in ((model.graph.input[0], "bchw"), *((out, "bkxy") for out in model.graph.output)):
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                if axis != 1:
                    dimension.dim_param = sizes[axis]
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def faces(self, pixels):
        sides = np.array(pixels.shape[1::-1])
        stretched = -(-sides // 32) * 32
        image = Image.fromarray(pixels).resize(tuple(int(side) for side in stretched), Image.Resampling.BILINEAR)
        planes = np.asarray(image, np.float32).transpose(2, 0, 1)[None]
        score, size, offset, points = (out[0] for out in self.session.run(None, {"input.1": planes}))
        rows, columns = np.nonzero(score[0] >= SCORES["centerface"])
        height, width = np.exp(size[:, rows, columns]) * 4
        x = (columns + offset[1, rows, columns] + 0.5) * 4 - width / 2
        y = (rows + offset[0, rows, columns] + 0.5) * 4 - height / 2
        landmarks = np.stack([points[1::2, rows, columns] * width + x, points[::2, rows, columns] * height + y], -1)
        ratio = sides / stretched
        boxes = np.stack([x, y, x + width, y + height], 1)
        kept = without_overlaps(boxes, score[0, rows, columns])
        landmarks = (landmarks.transpose(1, 0, 2) * ratio)[kept]
        return (boxes * np.tile(ratio, 2))[kept], score[0, rows, columns][kept], landmarks


def without_overlaps(boxes, scores):
    """Places of the boxes that stay, best first."""
    left = list(np.argsort(-scores, kind="stable"))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[left, :2]), np.minimum(boxes[best, 2:], boxes[left, 2:])
        common = np.prod(np.clip(high - low, 0, None), axis=1)
        area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        left = [i for i, c in zip(left, common) if c / (area[i] + area[best] - c) <= OVERLAP]
    return kept


def ellipse(picture, x, y, rx, ry, colour, edge=0.3, strength=1.0):
    """Its edge is soft over this share of the radius."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    distance = np.hypot((columns - x) / rx, (rows - y) / ry)
    inside = strength * np.clip((1 + edge / 2 - distance) / edge, 0, 1)[..., None]
    picture += (np.asarray(colour, float) - picture) * inside


def draw_face(picture, x, y, h, skin, hair):
    skin = np.array(skin, float)

    def put(cx, cy, rx, ry, *more):
        ellipse(picture, x + cx * h, y + cy * h, rx * h, ry * h, *more)

    put(0, -0.08, 0.46, 0.56, hair, 0.2)
    put(0, 0.62, 0.2, 0.3, skin * 0.8, 0.2)
    put(0, 0.95, 0.75, 0.35, (60, 70, 110), 0.2)
    put(0, 0, 0.37, 0.5, skin * 0.92, 0.25)
    put(0, -0.02, 0.3, 0.42, skin, 0.8)
    for side in (-1, 1):
        put(side * 0.165, -0.1, 0.1, 0.07, skin * 0.72, 0.9)
        put(side * 0.165, -0.08, 0.075, 0.036, (235, 232, 228))
        put(side * 0.165, -0.08, 0.034, 0.036, (50, 35, 25))
        put(side * 0.165, -0.095, 0.08, 0.018, (40, 25, 20), 0.6)
        put(side * 0.165, -0.17, 0.095, 0.022, hair, 0.6)
        put(side * 0.055, 0.13, 0.028, 0.018, skin * 0.5, 0.9)
    put(0, 0.02, 0.04, 0.14, skin * 1.06, 1.0)
    put(0, 0.1, 0.07, 0.05, skin * 1.05, 1.0)
    put(0, 0.15, 0.08, 0.02, skin * 0.7, 1.0)
    put(0, 0.255, 0.13, 0.036, (165, 75, 75), 0.5)
    put(0, 0.25, 0.125, 0.008, (90, 35, 35), 0.8)


def drawn():
    """Two drawn faces before a plain background."""
    rows, columns = np.mgrid[:240, :320]
    picture = np.stack([120 + columns / 8, 135 + rows / 8, 150 - columns / 10], -1).astype(float)
    draw_face(picture, 100, 105, 110, (224, 172, 140), (60, 40, 30))
    draw_face(picture, 240, 120, 70, (150, 105, 80), (25, 20, 20))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def main():
    models, photos = map(pathlib.Path, sys.argv[1:])
    root = pathlib.Path(__file__).resolve().parent.parent
    (root / "likeness/detect/testdata").mkdir(exist_ok=True)
    for name, made in (("yunet", Yunet), ("centerface", Centerface)):
        detector = made(models)
        files, counts, found = [], [], []
        for path in sorted(photos.rglob("*")):
            if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
                continue
            with Image.open(path) as image:
                if image.width * image.height > LARGEST[name] or image.mode != "RGB" or image.info.get("icc_profile"):
                    continue  # colours are not what is compared
                faces = detector.faces(np.asarray(ImageOps.exif_transpose(image)))
            files.append(path.relative_to(photos).as_posix())
            counts.append(len(faces[1]))
            found.append(faces)
        boxes, scores, landmarks = (np.concatenate(part).astype(np.float32) for part in zip(*found))
        np.savez_compressed(root / f"likeness/detect/testdata/{name}.npz", files=files, counts=np.array(counts, np.int64),
                            boxes=boxes, scores=scores, landmarks=landmarks)
        picture = drawn()
        boxes, scores, landmarks = (part.astype(np.float32) for part in detector.faces(picture))
        np.savez_compressed(root / f"packs/{name}/selftest.npz", picture=picture, boxes=boxes, scores=scores,
                            landmarks=landmarks, min_score=np.array([SCORES[name]], np.float32))
        print(name, len(files), "photos,", sum(counts), "faces; drawn:", np.round(boxes, 1).tolist(), scores)


if __name__ == "__main__":
    main()
