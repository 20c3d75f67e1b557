#!/usr/bin/env python3
"""Writes likeness/align/testdata/margin.txt: chips of profile margin, cut by Pillow.

Run from the root with Pillow older than 13 (see make_resample_fixture.py):
  python3 tools/make_margin_fixture.py > likeness/align/testdata/margin.txt
"""
import hashlib
import random

import numpy as np
import PIL
from PIL import Image

from make_resample_fixture import noise


def main():
    rng = random.Random(5)
    print(f"# Pillow {PIL.__version__}, by tools/make_margin_fixture.py")
    print("# seed, width, height, box, start of SHA-256 of the 160 x 160 chip (grown to 1.2, bilinear)")
    for seed in range(60):
        width, height = rng.randint(60, 320), rng.randint(60, 320)
        side = rng.uniform(10, 200)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        half = np.array([side, side * rng.uniform(1, 1.5)]) / 2
        box = np.float32([x - half[0], y - half[1], x + half[0], y + half[1]]).astype(float)
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * np.float64(np.float32(1.2))
        region = [*np.clip(centre - half, 0, (width, height)), *np.clip(centre + half, 0, (width, height))]
        chip = noise(seed, width, height).resize((160, 160), Image.BILINEAR, box=[float(np.float32(v)) for v in region])
        digest = hashlib.sha256(np.asarray(chip).tobytes()).hexdigest()[:16]
        print(seed, width, height, *(f"{v:.9g}" for v in box), digest)


main()
