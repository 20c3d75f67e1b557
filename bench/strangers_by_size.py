#!/usr/bin/env python3
"""How many strangers a gallery without a calibration names, and whom of its own, as the number of people grows: the
program's own answers, beside those of the same gallery calibrated for the same rate.

    bench/strangers_by_size.py LIKENESS PEOPLE CELEBRITIES [--people 10 100 1000] [--strangers NAME NAME]

PEOPLE: ../shared/data/lfw-view1/images; CELEBRITIES: ../shared/data/five-celebrity, of whose people two are strangers
(mindy_kaling and jerry_seinfeld are not among LFW's). A gallery of all people, and galleries of so many. From each one
200 photos of people with several are taken out before, one a person, and asked about; small galleries are drawn anew
until there are 200. Then the gallery is calibrated for 1 % of strangers named (`gallery calibrate`): with all people by
leaving each out in turn, else by those who are not in it; beside the names stand those that this threshold gives. A
known photo counts as named rightly where one of its faces gets that person's name. Seeded. Needs nothing but Python.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ASKED = 200


class Program:
    def __init__(self, path, threads):
        self.path, self.threads = path, threads

    def run(self, *words, json_lines=False):
        threads = ["--threads", self.threads] if {"add", "search"} & set(words) else []
        done = subprocess.run([self.path, *words, *threads, *(["--json"] if json_lines else [])], check=False,
                              capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"{' '.join(map(str, words))[:200]}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()] if json_lines else done.stdout


def link(folder, photos):
    """A folder of PERSON/photo links."""
    for photo in photos:
        person = folder / photo.parent.name
        person.mkdir(parents=True, exist_ok=True)
        (person / photo.name).symlink_to(photo)
    return folder


def drawn(people, size, draw):
    """The enrolled photos, and those asked about: the last one of up to 200 people with several."""
    names = list(people)
    draw.shuffle(names)
    several = [name for name in names if len(people[name]) > 1]
    asked = several[: min(size, ASKED)]
    chosen = set(asked)
    enrolled = asked + [name for name in names if name not in chosen][: size - len(asked)]
    kept = [photo for name in enrolled for photo in (people[name][:-1] if name in chosen else people[name])]
    return kept, [people[name][-1] for name in asked]


def answers(program, gallery, asked, strangers):
    """What `gallery search` says of each face: its photo, the name, the person most alike and how much."""
    lines = program.run("gallery", "search", asked, strangers, "--gallery", gallery, json_lines=True)
    for line in lines:
        if line.get("error"):
            sys.exit(line["error"])
    return [(pathlib.Path(line["file"]), line["name"], line["nearest"]) for line in lines if line["name"] is not None]


def counted(faces, asked):
    """Known photos named rightly, wrongly; strangers' faces that got a name."""
    right, wrong, named = set(), set(), 0
    for file, name, _ in faces:
        if name == "unknown":
            continue
        if not file.is_relative_to(asked):
            named += 1
        else:
            (right if name == file.parent.name else wrong).add(file)
    return [len(right), len(wrong), named]


def trial(program, people, size, draw, strangers, others, folder):
    enrolled, asked = drawn(people, size, draw)
    gallery = folder / "gallery"
    program.run("gallery", "add", link(folder / "enrolled", enrolled), "--gallery", gallery, "--model", "20180408-102900")
    photos = link(folder / "asked", asked)
    faces = answers(program, gallery, photos, strangers)
    # Those who are enrolled are left out of it by their names.
    how = ["--impostors", others] if size < len(people) else ["--leave-one-out"]
    told = program.run("gallery", "calibrate", "--gallery", gallery, *how, "--target-fpir", "0.01", json_lines=True)[0]
    # A calibrated gallery names whoever reaches its threshold.
    calibrated = [(file, nearest["name"] if nearest["similarity"] >= told["threshold"] else "unknown", nearest)
                  for file, _, nearest in faces]
    if size == len(people):
        program.run("gallery", "export", "-o", others, "--gallery", gallery)
    theirs = sum(not file.is_relative_to(photos) for file, _, _ in faces)
    return [len(asked), theirs, *counted(faces, photos), *counted(calibrated, photos)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("likeness", type=pathlib.Path)
    parser.add_argument("people", type=pathlib.Path, metavar="PEOPLE")
    parser.add_argument("celebrities", type=pathlib.Path)
    parser.add_argument("--people", dest="sizes", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--strangers", nargs="+", default=["mindy_kaling", "jerry_seinfeld"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", default="2")
    args = parser.parse_args()
    begun = time.monotonic()
    program = Program(args.likeness.absolute(), args.threads)
    people = {folder.name: sorted(folder.iterdir()) for folder in sorted(args.people.absolute().iterdir())}
    photos = [photo for name in args.strangers for photo in sorted(args.celebrities.absolute().glob(f"*/{name}/*"))]
    draw = random.Random(args.seed)
    print(f"{len(photos)} photos of {', '.join(args.strangers)}; {len(people)} people\n")
    print("| people | draws | known photos | named | the same, calibrated | wrongly | calibrated "
          "| strangers' faces | named | calibrated |\n|" + "---|" * 10)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        strangers = link(folder / "strangers", photos)
        others = folder / "others.npz"
        for size in [len(people), *args.sizes]:
            draws = -(-ASKED // min(size, ASKED))
            sums = [0] * 8
            for number in range(draws):
                place = folder / f"{size}_{number}"
                place.mkdir()
                sums = [a + b for a, b in zip(sums, trial(program, people, size, draw, strangers, others, place))]
            asked, faces, right, wrong, named, right_2, wrong_2, named_2 = sums
            print(f"| {size:,} | {draws} | {asked} | {right / asked:.3f} | {right_2 / asked:.3f} | {wrong} | {wrong_2} "
                  f"| {faces} | {named} | {named_2} |", flush=True)
    usage = os.times()
    print(f"\n{time.monotonic() - begun:.0f} s, {usage.children_user + usage.children_system:.0f} s of processor time")


main()
