#!/usr/bin/env python3
"""Embeddings that today's NumPy writes, learnt by scikit-learn and by our program: the same people named, the same
decision values. NumPy reads what ours wrote.

    compare_classifiers.py PROGRAM FOLDER
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.svm import SVC


def faces(rng, centres, count):
    labels = np.repeat([f"person {i}" for i in range(len(centres))], count)
    points = np.repeat(centres, count, axis=0) + rng.normal(0, 1.6, (len(labels), centres.shape[1]))
    return unit(points), labels


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def answer(program, *words):
    done = subprocess.run([program, *words, "--json"], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: exit code {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def decision_values(model, rows):
    """One a pair of people, from the members of people.npz as docs/people.md tells them."""
    support, owner = model["embeddings"][model["support"]], model["people"][model["support"]]
    products = rows.astype(np.float64) @ support.T.astype(np.float64)
    people = len(json.loads(str(model["model"]))["labels"])
    values = []
    for i in range(people):
        for j in range(i + 1, people):
            values.append(products[:, owner == i] @ model["coefficients"][j - 1, owner == i] +
                          products[:, owner == j] @ model["coefficients"][i, owner == j])
    return np.array(values).T + model["intercepts"]


def compare(name, program, folder, dtype, number):
    rng = np.random.default_rng(4)
    centres = rng.normal(0, 1, (6, 32))
    train, train_labels = faces(rng, centres, 20)
    test, test_labels = faces(rng, centres, 30)
    file, model = folder / f"{name}.npz", folder / f"{name}_model.npz"
    labels = [np.char.replace(part, "person ", "").astype(int) if number else part
              for part in (train_labels, test_labels)]
    np.savez_compressed(file, emdTrainX=train.astype(dtype), trainy=labels[0], emdTestX=test.astype(dtype),
                        testy=labels[1])
    train, test = (unit(part.astype(dtype).astype(np.float32)) for part in (train, test))  # as the program does
    right = SVC(kernel="linear", C=1, decision_function_shape="ovo").fit(train, labels[0].astype(str))
    told = answer(program, "train", file, "-o", model)
    if told["people"] != list(right.classes_):
        sys.exit(f"{name}: scikit-learn knows {list(right.classes_)}, the program {told['people']}")
    table = confusion_matrix(labels[1].astype(str), right.predict(test))
    got = answer(program, "evaluate", model, file)["confusion"]
    if not np.array_equal(table, got):
        sys.exit(f"{name}: scikit-learn's confusion is\n{table}\nthe program's\n{np.array(got)}")
    differ = np.abs(decision_values(np.load(model, allow_pickle=False), test) - right.decision_function(test)).max()
    if not differ < 1e-5:
        sys.exit(f"{name}: decision values differ from scikit-learn's by {differ:.2g}")
    print(f"{name}: {np.trace(table)} of {len(test)} named rightly by both, decision values differ by {differ:.1g}")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    compare("text labels, float32", program, folder, np.float32, False)
    compare("whole numbers, float16", program, folder, np.float16, True)
    compare("text labels, float64", program, folder, np.float64, False)


main()
