#!/usr/bin/env python3
"""Writes likeness/image/testdata/resample.txt: random resizes by Pillow and the SHA-256 of what came out.

Run from the root with Pillow older than 13:
  python3 tools/make_resample_fixture.py > likeness/image/testdata/resample.txt
Pillow 13 resizes vertically first where the height shrinks much more than the width (its pull request 9549), which moves
some values by one; models and published figures are older than that, so the older order is kept.
"""
import hashlib
import random

import numpy as np
import PIL
from PIL import Image

FILTERS = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR,
           "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def noise(seed, width, height):
    """The same pixels as noise() of likeness/image/test_pictures.h."""
    v = (np.arange(width * height * 3, dtype=np.uint64) + np.uint64(seed) * np.uint64(1000003)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((15, 2654435761), (13, 2246822519)):
        v = (v ^ (v >> np.uint64(shift))) * np.uint64(factor) & np.uint64(0xFFFFFFFF)
    return Image.fromarray((v >> np.uint64(24)).astype(np.uint8).reshape(height, width, 3))


def main():
    rng = random.Random(4)
    print(f"# Pillow {PIL.__version__}, by tools/make_resample_fixture.py")
    print("# seed, width, height, target width and height, filter, region, start of SHA-256 of the target's pixels")
    for seed in range(600):
        width, height = rng.choice([(rng.randint(1, 12), rng.randint(1, 12)), (rng.randint(1, 400), rng.randint(1, 300))])
        target = rng.choice([(160, 160), (rng.randint(1, 40), rng.randint(1, 40)), (rng.randint(1, 250), rng.randint(1, 250)),
                             (width, rng.randint(1, 90)), (rng.randint(1, 90), height), (width, height)])
        region = (0.0, 0.0, float(width), float(height))
        if rng.random() < 0.6:
            left, right = sorted(rng.uniform(0, width) for _ in range(2))
            top, bottom = sorted(rng.uniform(0, height) for _ in range(2))
            region = tuple(float(np.float32(v)) for v in (left, top, min(right + 0.5, width), min(bottom + 0.5, height)))
        name = rng.choice(list(FILTERS))
        result = noise(seed, width, height).resize(target, FILTERS[name], box=region)
        digest = hashlib.sha256(np.asarray(result).tobytes()).hexdigest()[:16]
        print(seed, width, height, *target, name, *(f"{v:.9g}" for v in region), digest)


if __name__ == "__main__":
    main()
