#!/usr/bin/env python3
"""Rewrites a Keras 2 .h5 in the spellings that different versions of Keras and h5py give the same model.

  make_facenet_variants.py MODEL.h5 FOLDER

Writes into FOLDER, each in one respect different from MODEL.h5:
  vlen.h5          attribute strings of variable length
  fixed.h5         attribute strings of fixed length
  axis_list.h5     `axis` of batch normalisations as a list, as Keras 2.4 writes it
  split_names.h5   layer_names split into layer_names0, layer_names1, ...
  numbered.h5      weight names numbered, as Keras does with a model built twice: Conv_1/kernel_1:0
  weights_only.h5  what save_weights() writes: no model_config, the layers' groups at the root
Needs h5py and numpy.
"""
import json
import pathlib
import shutil
import sys

import h5py
import numpy as np

source, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def variant(name):
    shutil.copyfile(source, folder / name)
    return h5py.File(folder / name, "r+")


def respell(name, spelling):
    """Every list of texts written anew by `spelling`; the lists without texts stay."""
    with variant(name) as f:
        root = f["model_weights"]
        root.attrs["layer_names"] = spelling([text(n) for n in root.attrs["layer_names"]])
        for group in root.values():
            if group.attrs["weight_names"].size:
                group.attrs["weight_names"] = spelling([text(n) for n in group.attrs["weight_names"]])


respell("vlen.h5", lambda texts: np.array(texts, dtype=h5py.string_dtype()))
respell("fixed.h5", lambda texts: np.array([t.encode() for t in texts]))

with variant("axis_list.h5") as f:
    config = json.loads(text(f.attrs["model_config"]))
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "BatchNormalization" and isinstance(layer["config"]["axis"], int):
            layer["config"]["axis"] = [layer["config"]["axis"]]
    f.attrs["model_config"] = json.dumps(config).encode()

with variant("split_names.h5") as f:
    attributes = f["model_weights"].attrs
    for part, names in enumerate(np.array_split(attributes["layer_names"], 3)):
        attributes[f"layer_names{part}"] = names
    del attributes["layer_names"]

with variant("numbered.h5") as f:
    for layer, group in f["model_weights"].items():
        numbered = []
        for old in map(text, group.attrs["weight_names"]):
            scope, weight = old.rsplit("/", 1)
            new = f"{scope}_1/{weight.split(':')[0]}_1:0"
            group.move(old, new)
            numbered.append(new.encode())
        if numbered:
            group.attrs["weight_names"] = np.array(numbered)

with h5py.File(source, "r") as f, h5py.File(folder / "weights_only.h5", "w", libver="earliest") as out:
    root = f["model_weights"]
    for key, value in root.attrs.items():
        out.attrs[key] = value
    for layer in root:
        f.copy(root[layer], out, layer)
