"""Drawn people: no photos, no weights. The packs of tests/tiny find them and tell them apart."""

import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))
from make_tiny_packs import draw_face, ellipse  # noqa: E402


def person_of(number):
    """Of the ranges that the packs were fitted to; any two of 27 people differ in three properties or more."""
    a, b, c = number % 3, number // 3 % 3, number // 9 % 3

    def value(digit, low, high):
        return low + (high - low) * (digit % 3) / 2.5

    red, grey, blue = value(b + c, 190, 250), value(a, 20, 245), value(a + c, 150, 240)
    return {
        "skin": (red, value(a + b + c, 60, 235), red - 140),
        "hair": (grey, value(b, 10, 255), grey),
        "eyes": (blue - 150, value(a + 2 * b + c, 0, 220), blue),
        "mouth": np.array([value(c, 20, 220), value(2 * c + b, 20, 220), value(2 * a + c, 20, 220)]),
        "aspect": value(2 * a + b, 0.75, 0.95),
    }


def picture(people, seed, width=160, height=120, each=None):
    """uint8 (height, width, 3) with these people side by side, and their boxes."""
    random = np.random.default_rng(seed)
    top, bottom = random.uniform(0, 255, (2, 3))
    canvas = top + (bottom - top) * np.linspace(0, 1, height)[:, None, None] + np.zeros((height, width, 3))
    for _ in range(4):
        ellipse(canvas, random.uniform(0, width), random.uniform(0, height), *random.uniform(3, 30, 2),
                random.uniform(0, 255, 3))
    boxes = []
    for place, number in enumerate(people):
        x = width * (place + 0.5) / len(people) + random.uniform(-4, 4)
        face_height = each or random.uniform(50, 80)
        box, _ = draw_face(canvas, person_of(number), x, height / 2 + random.uniform(-5, 5), face_height,
                           random.uniform(0.96, 1.04))
        boxes.append(box)
    canvas += random.uniform(-3, 3, canvas.shape)
    return np.clip(canvas + 0.5, 0, 255).astype(np.uint8), boxes


def portrait(person, seed):
    """uint8 (120, 160, 3) with one person."""
    return picture([person], seed)[0]


def nobody(seed):
    return picture([], seed)[0]


def photos_in(folder, people=3, each=2):
    """Writes folder/person_0/0.png and so on. Returns their paths."""
    from PIL import Image

    names = []
    for person in range(people):
        (folder / f"person_{person}").mkdir(parents=True)
        for i in range(each):
            names.append(str(folder / f"person_{person}" / f"{i}.png"))
            Image.fromarray(portrait(person, 10 * person + i)).save(names[-1])
    return names
