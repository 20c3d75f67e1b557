#!/usr/bin/env python3
"""How the naming rule of a gallery without a calibration does as the gallery grows (docs/people.md).

    likeness embed LFW --val-share 0 -o lfw.npz
    likeness embed STRANGERS --val-share 0 -o strangers.npz
    tools/naming_by_people.py lfw.npz strangers.npz packs/20180408-102900/model.json

For galleries of 10, 100, 1,000 and all people: the rule's threshold; the one that names 1 % of the people who are not in
the gallery (of everybody, where all are in it: each of the others); the share of known faces, taken out before, that get
their name by either; the share of those others and how many of the strangers get one. Needs numpy; computes
similarity as likeness/gallery/person_faces.h does.
"""
import json
import sys

import numpy as np

WANTED = 0.01  # share of strangers aimed at: NamingOptions::strangers_named
SIZES = (10, 100, 1000)
TRIALS = 5


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def load(path, centre):
    data = np.load(path)
    rows = unit(data["arr_0"].astype(np.float64))
    return unit(rows - centre), data["arr_1"]


def threshold_at(rate, measured):
    """likeness/gallery/naming.cpp, threshold_at()."""
    rates = [entry[0] for entry in measured]
    return np.interp(np.log(rate), np.log(rates[::-1]), [entry[1] for entry in measured][::-1])


def similarities(queries, faces, people):
    result = np.empty((len(queries), len(people)))
    for column, rows in enumerate(people.values()):
        own = faces[rows[:32]]
        shared = np.clip((own @ own.T - 0.9) / 0.07, 0, 1)
        np.fill_diagonal(shared, 0)
        middle = (own / (1 + shared.sum(1))[:, None]).sum(0)
        middle /= np.linalg.norm(middle)
        result[:, column] = ((queries @ faces[rows].T).max(1) + queries @ middle) / 2
    return result


def trial(size, faces, people, strangers, measured, random):
    several = [name for name in people if len(people[name]) > 1]
    random.shuffle(several)
    asked = several[: min(size, 200)]
    others = several[len(asked):] + [name for name in people if len(people[name]) == 1]
    others[len(several) - len(asked):] = random.permutation(others[len(several) - len(asked):])
    gallery = {name: people[name][:-1] for name in asked}
    gallery.update({name: people[name] for name in others[: size - len(asked)]})
    names = list(gallery)
    outside = [name for name in people if name not in gallery]
    if len(outside) >= 300:
        top = similarities(faces[[people[name][0] for name in outside]], faces, gallery).max(1)
    else:
        own = similarities(faces[[gallery[name][0] for name in names]], faces, gallery)
        np.fill_diagonal(own, -1)
        top = own.max(1)
    scores = similarities(faces[[people[name][-1] for name in asked]], faces, gallery)
    right = np.array([names[best] == name for best, name in zip(scores.argmax(1), asked)])
    rule = threshold_at(WANTED / size, measured)
    calibrated = np.quantile(top, 1 - WANTED)
    return (rule, calibrated, (right & (scores.max(1) >= rule)).mean(), (right & (scores.max(1) >= calibrated)).mean(),
            (top >= rule).mean(), (similarities(strangers, faces, gallery).max(1) >= rule).sum())


def main(known, unknown, model):
    contract = json.load(open(model))["contract"]
    measured = sorted(((t["false_match_rate"], t["cosine"]) for t in contract["thresholds"] if t["precision"] == "f32"),
                      reverse=True)
    centre = np.array([float(value) for value in contract["centre"].split()])
    faces, labels = load(known, centre)
    strangers, _ = load(unknown, centre)
    people = {}
    for row, label in enumerate(labels):
        people.setdefault(label, []).append(row)
    random = np.random.default_rng(1)
    print("people  rule    for 1 %  named by the rule, for 1 %  others named  of", len(strangers), "strangers")
    for size in (*SIZES, len(people)):
        runs = np.array([trial(size, faces, people, strangers, measured, random)
                         for _ in range(TRIALS if size < len(people) else 1)])
        mean = runs.mean(0)
        print(f"{size:6d}  {mean[0]:.4f}  {mean[1]:.4f}   {mean[2]:.3f}, {mean[3]:.3f}               "
              f"{mean[4]:.4f}        {mean[5]:.1f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
