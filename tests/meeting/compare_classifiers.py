#!/usr/bin/env python3
"""Embeddings that today's NumPy writes, learnt by scikit-learn and by our program: the same people named.

    compare_classifiers.py PROGRAM FOLDER
"""
import pathlib
import subprocess
import sys

import numpy as np
from sklearn.svm import SVC


def faces(rng, centres, count):
    labels = np.repeat([f"person {i}" for i in range(len(centres))], count)
    points = np.repeat(centres, count, axis=0) + rng.normal(0, 0.6, (len(labels), centres.shape[1]))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), labels


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    rng = np.random.default_rng(4)
    centres = rng.normal(0, 1, (6, 32))
    train, train_labels = faces(rng, centres, 20)
    test, test_labels = faces(rng, centres, 30)
    np.savez_compressed(folder / "people.npz", train, train_labels, test, test_labels)
    right = (SVC(kernel="linear", C=1).fit(train, train_labels).predict(test) == test_labels).sum()
    subprocess.run([program, "train", folder / "people.npz", "-o", folder / "model.npz"], check=True)
    answer = subprocess.run([program, "evaluate", folder / "model.npz", folder / "people.npz"], check=True,
                            capture_output=True, text=True).stdout
    words = f"{right} of {len(test_labels)}"
    if words not in answer:
        sys.exit(f"scikit-learn names {words} right; the program says:\n{answer}")
    print(f"scikit-learn and the program name {words} right")


main()
