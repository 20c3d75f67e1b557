#!/usr/bin/env python3
"""Writes one small dataset of faces and one of embeddings in the forms in which people store theirs with today's
NumPy and scikit-learn, and what there is to be read in each.

    make_datasets.py FOLDER

FOLDER gets the files, right.npz (the same arrays in the tutorial's form) and datasets.txt: a line for each file, its
fields between tabs: the file, "faces" or "embeddings", what its labels are ("text" or "numbers"; right.npz has both)
or "refused", and then the members to name or words of the refusal. Seeded. run.sh has the environment. A copy of
the folder is likeness/dataset/testdata/meeting.
"""
import pathlib
import pickle
import sys

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, Normalizer

PEOPLE = ("Bo", "Zoë", "李")


class Forms:
    def __init__(self, folder):
        self.folder, self.lines = folder, []

    def note(self, name, kind, what, words=""):
        self.lines.append("\t".join((name, kind, what, words)).rstrip("\t") + "\n")

    def add(self, name, kind, what, arrays, words="", compressed=False):
        (np.savez_compressed if compressed else np.savez)(self.folder / name, **arrays)
        self.note(name, kind, what, words)

    def write(self):
        (self.folder / "datasets.txt").write_text("".join(self.lines))


def embeddings(forms, x, y, x_test, y_test, number, number_test):
    def add(name, what, arrays, words="", **options):
        forms.add(name, "embeddings", what, arrays, words, **options)

    def named(*names, rows=lambda a: a, labels=lambda a: a, text=True):
        return dict(zip(names, (rows(x), labels(y if text else number), rows(x_test),
                                labels(y_test if text else number_test))))

    usual = ("X_train", "y_train", "X_test", "y_test")
    np.savez(forms.folder / "positional.npz", x, y, x_test, y_test)
    forms.note("positional.npz", "embeddings", "text")
    add("compressed.npz", "text", named("arr_0", "arr_1", "arr_2", "arr_3"), compressed=True)
    add("tutorials_names.npz", "text", named("emdTrainX", "trainy", "emdTestX", "testy"))
    add("half.npz", "text", named(*usual, rows=lambda a: a.astype(np.float16)))
    add("double.npz", "text", named(*usual, rows=lambda a: a.astype(np.float64)))
    add("big_endian.npz", "text", named(*usual, rows=lambda a: a.astype(">f4"), labels=lambda a: a.astype(">U8")))
    add("fortran.npz", "text", named(*usual, rows=np.asfortranarray))
    add("bytes.npz", "text", named(*usual, labels=lambda a: np.strings.encode(a, "utf-8")))
    add("column.npz", "text", named(*usual, labels=lambda a: a[:, None]))
    for kind in (np.int64, np.int32, np.uint8):
        add(f"{np.dtype(kind).name}.npz", "numbers", named(*usual, labels=lambda a: a.astype(kind), text=False))
    add("number_column.npz", "numbers", named(*usual, labels=lambda a: a.reshape(-1, 1), text=False))
    add("val.npz", "text", named("train_embeddings", "train_labels", "val_embeddings", "val_labels"))
    add("beside.npz", "text", {**named(*usual), "classes": np.array(PEOPLE), "seed": np.int64(4)})
    two = {**named(*usual), "X_train_raw": x * 2}
    add("two_readings.npz", "text", two, "X_train,y_train,X_test,y_test")
    add("two_readings_refused.npz", "refused", two, "not clear; it holds X_train <f4 (9, 8)")
    # Which no reader of .npz takes without running what is inside.
    add("objects.npz", "refused", named(*usual, labels=lambda a: a.astype(object)),
        "y_train holds Python objects")
    strings = np.array(y.tolist(), np.dtypes.StringDType())
    add("variable_strings.npz", "refused", {"X_train": x, "y_train": strings}, "by .astype(str)")
    np.save(forms.folder / "rows.npy", x)
    forms.note("rows.npy", "embeddings", "refused", "rows.npy is one NumPy array")
    with open(forms.folder / "pickled.npz", "wb") as file:
        pickle.dump({"X": x, "y": y}, file)
    forms.note("pickled.npz", "embeddings", "refused", "pickled.npz is a Python pickle")


def faces(forms, x, y, x_test, y_test, number, number_test):
    def add(name, what, convert, words="", labels=(y, y_test)):
        forms.add(name, "faces", what, {"trainX": convert(x), "trainy": labels[0], "testX": convert(x_test),
                                        "testy": labels[1]}, words, compressed=True)

    add("faces.npz", "text", lambda a: a)
    add("faces_numbered.npz", "numbers", lambda a: a, labels=(number[:, None], number_test[:, None]))
    add("faces_to_one.npz", "text", lambda a: (a / 255).astype(np.float32))
    add("faces_to_one_double.npz", "text", lambda a: a / 255)
    add("faces_to_one_half.npz", "text", lambda a: (a / 255).astype(np.float16))
    add("faces_float.npz", "text", lambda a: a.astype(np.float32))
    add("faces_int64.npz", "text", lambda a: a.astype(np.int64))
    add("faces_fortran.npz", "text", np.asfortranarray)
    add("faces_standardised.npz", "refused", lambda a: ((a - 127.5) / 128).astype(np.float32),
        "trainX holds values from -")
    add("faces_channels_first.npz", "refused", lambda a: a.transpose(0, 3, 1, 2), "trainX |u1 (9, 3, 6, 5)")
    add("faces_grey.npz", "refused", lambda a: a[..., 0], "trainX |u1 (9, 6, 5)")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(15)
    labels = np.repeat(PEOPLE, 4)
    number = LabelEncoder().fit_transform(labels)
    rows = Normalizer().fit_transform(rng.normal(0, 1, (12, 8))).astype(np.float32)
    # Numbers that half precision has, so that all forms hold the same.
    rows = rows.astype(np.float16).astype(np.float32)
    pixels = rng.integers(0, 256, (12, 6, 5, 3), np.uint8)
    split = train_test_split(rows, pixels, labels, number, test_size=0.25, random_state=1, stratify=labels)
    x, x_test, p, p_test, y, y_test, n, n_test = split
    np.savez(folder / "right.npz", train=x, val=x_test, train_faces=p, val_faces=p_test, train_text=y, val_text=y_test,
             train_numbers=n, val_numbers=n_test)
    forms = Forms(folder)
    embeddings(forms, x, y, x_test, y_test, n, n_test)
    faces(forms, p, y, p_test, y_test, n, n_test)
    forms.write()


main()
