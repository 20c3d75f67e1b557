"""Enrols everybody of a folder, PEOPLE/NAME/photo.jpg, and says who is in a photo.

faces.py PEOPLE PHOTO [--model NAME]
"""

from __future__ import annotations

import argparse
import pathlib

import likeness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=pathlib.Path)
    parser.add_argument("photo", type=pathlib.Path)
    parser.add_argument("--model", default="sface")
    options = parser.parse_args()

    recognizer = likeness.Recognizer(options.model, threads=2)
    gallery = likeness.Gallery.in_memory(recognizer.space)
    for folder in sorted(p for p in options.people.iterdir() if p.is_dir()):
        recognizer.enrol(gallery, folder.name, folder)
    for face in recognizer.search(gallery, options.photo):
        box, nearest = face.face.box, face.nearest
        likely = f"{nearest.similarity:.3f} to {nearest.name}" if nearest else "nobody enrolled"
        print(f"{face.name or 'unknown'}\t{likely}\tat {box.left:.0f}, {box.top:.0f}")


if __name__ == "__main__":
    main()
