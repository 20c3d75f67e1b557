#!/usr/bin/env python3
"""Writes the small networks that likeness/embed/import_test.cpp imports, and what they must give.

  make_model_fixtures.py likeness/embed/testdata

Seeded, a few KB each; outputs are computed here with numpy alone. Needs numpy and h5py.
  functional.h5   Keras 2 Functional model of every layer class, variable-length strings
  variant.h5      the same: fixed-length strings, axis as a list, split layer_names, numbered weight names
  sequential.h5   a Sequential model
  frozen.pb       a frozen graph, batch of 1 baked in, batch normalisation behind phase_train, input pipeline
  aligned.onnx    another family: 112 x 112, planes (NCHW)
"""
import json
import pathlib
import struct
import sys

import h5py
import numpy as np

from protobuf_writer import message, varint

rng = np.random.default_rng(5)
out = pathlib.Path(sys.argv[1])
picture = rng.integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)
x = (picture.astype("f8") - 127.5) / 128


def weights(*shape):
    return rng.normal(0, 0.3, shape).astype("f4")


def pad_same(a, window, stride, value=0.0):
    pads = [(0, 0)]
    for size, w, s in zip(a.shape[1:3], window, stride):
        total = max((-(-size // s) - 1) * s + w - size, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(a, pads + [(0, 0)], constant_values=value)


def windows(a, window, stride, same, value=0.0):
    if same:
        a = pad_same(a, window, stride, value)
    rows = range(0, a.shape[1] - window[0] + 1, stride[0])
    columns = range(0, a.shape[2] - window[1] + 1, stride[1])
    return np.array([[a[:, r:r + window[0], c:c + window[1]] for c in columns] for r in rows]).transpose(2, 0, 1, 3, 4, 5)


def conv(a, k, stride=(1, 1), same=True, bias=0.0):
    return np.einsum("nrcijk,ijko->nrco", windows(a, k.shape[:2], stride, same), k.astype("f8")) + bias


def max_pool(a, window, stride, same):
    return windows(a, window, stride, same, -np.inf).max((3, 4))


def batch_norm(a, n):
    return (a - n["moving_mean"]) / np.sqrt(n["moving_variance"].astype("f8") + 0.001) * n.get("gamma", 1) + n["beta"]


def norm_weights(channels, gamma):
    n = {"gamma": weights(channels) + 1} if gamma else {}
    return n | {"beta": weights(channels), "moving_mean": weights(channels),
                "moving_variance": rng.uniform(0.5, 1.5, channels).astype("f4")}


def layer(kind, name, inputs, **config):
    nodes = [[[i, 0, 0, {}] for i in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def conv_layer(name, source, k, stride, padding, use_bias):
    return layer("Conv2D", name, [source], filters=k.shape[3], kernel_size=list(k.shape[:2]), strides=list(stride),
                 padding=padding, data_format="channels_last", dilation_rate=[1, 1], activation="linear", use_bias=use_bias)


def write_h5(path, config, layers, fixed=False, split=False, suffix="", chunks=None):
    """layers: name -> {role: array}, in order."""
    def texts(values):
        return np.array([v.encode() for v in values]) if fixed else np.array(values, dtype=h5py.string_dtype())
    with h5py.File(path, "w", libver="earliest") as f:
        text = json.dumps(config)
        f.attrs["model_config"] = np.bytes_(text.encode()) if fixed else text
        f.attrs["keras_version"] = "2.2.4"
        f.attrs["backend"] = "tensorflow"
        root = f.create_group("model_weights")
        names = list(layers)
        if split:
            root.attrs["layer_names0"] = texts(names[:4])
            root.attrs["layer_names1"] = texts(names[4:])
        else:
            root.attrs["layer_names"] = texts(names)
        for name, w in layers.items():
            g = root.create_group(name)
            keys = [f"{name}{suffix}/{role}{suffix}:0" for role in w]
            g.attrs["weight_names"] = texts(keys) if keys else np.zeros((0,))
            for key, value in zip(keys, w.values()):
                g.create_dataset(key, data=value)


def functional(axis, concatenate_axis):
    k1, k2, b2, k3 = F["k1"], F["k2"], F["b2"], F["k3"]
    layers = [
        layer("InputLayer", "picture", [], batch_input_shape=[None, 12, 12, 3], dtype="float32", sparse=False),
        layer("Add", "sum", ["wide", "scaled"]),  # out of order on purpose
        conv_layer("first", "picture", k1, (2, 2), "same", False),
        layer("BatchNormalization", "first_norm", ["first"], axis=axis, epsilon=0.001, center=True, scale=True),
        layer("Activation", "first_relu", ["first_norm"], activation="relu"),
        conv_layer("second", "first_relu", k2, (1, 1), "same", True),
        layer("MaxPooling2D", "pool", ["first_relu"], pool_size=[3, 3], strides=[1, 1], padding="same", data_format="channels_last"),
        layer("Concatenate", "wide", ["second", "pool"], axis=concatenate_axis),
        conv_layer("third", "wide", k3, (1, 1), "valid", False),
        layer("Lambda", "scaled", ["third"], function=["c2NhbGluZw==\n", None, None], function_type="lambda", arguments={"scale": 0.25}),
        layer("GlobalAveragePooling2D", "average", ["sum"], data_format="channels_last"),
        layer("Dropout", "dropout", ["average"], rate=0.2),
        layer("Dense", "embedding", ["dropout"], units=6, activation="linear", use_bias=True),
        layer("BatchNormalization", "embedding_norm", ["embedding"], axis=-1 if axis == 3 else [1], epsilon=0.001, center=True, scale=False),
    ]
    config = {"class_name": "Model", "config": {"name": "tiny", "layers": layers, "input_layers": [["picture", 0, 0]],
                                                "output_layers": [["embedding_norm", 0, 0]]}}
    named = {l["name"]: {} for l in layers}
    named |= {"first": {"kernel": k1}, "first_norm": F["n1"], "second": {"kernel": k2, "bias": b2}, "third": {"kernel": k3},
              "embedding": {"kernel": F["kd"], "bias": F["bd"]}, "embedding_norm": F["nd"]}
    return config, named


F = {"k1": weights(3, 3, 3, 4), "n1": norm_weights(4, True), "k2": weights(1, 3, 4, 5), "b2": weights(5),
     "k3": weights(1, 1, 9, 9), "kd": weights(9, 6), "bd": weights(6), "nd": norm_weights(6, False)}
y = np.maximum(batch_norm(conv(x, F["k1"], (2, 2)), F["n1"]), 0)
y = np.concatenate([conv(y, F["k2"], bias=F["b2"]), max_pool(y, (3, 3), (1, 1), True)], 3)
y = y + 0.25 * conv(y, F["k3"], same=False)
expected = {"picture": picture, "functional": batch_norm(y.mean((1, 2)) @ F["kd"] + F["bd"], F["nd"]).astype("f4")}
write_h5(out / "functional.h5", *functional(3, 3))
write_h5(out / "variant.h5", *functional([3], -1), fixed=True, split=True, suffix="_1")

S = {"k": weights(3, 3, 3, 4), "d": weights(4, 5)}
sequential = {"class_name": "Sequential", "config": [
    {"class_name": "Conv2D", "config": {"name": "c", "batch_input_shape": [None, 12, 12, 3], "filters": 4, "kernel_size": [3, 3],
                                        "strides": [1, 1], "padding": "valid", "activation": "relu", "use_bias": False}},
    {"class_name": "GlobalAveragePooling2D", "config": {"name": "g"}},
    {"class_name": "Dense", "config": {"name": "d", "units": 5, "activation": "linear", "use_bias": False}}]}
write_h5(out / "sequential.h5", sequential, {"c": {"kernel": S["k"]}, "g": {}, "d": {"kernel": S["d"]}})
expected["sequential"] = (np.maximum(conv(x, S["k"], same=False), 0).mean((1, 2)) @ S["d"]).astype("f4")


def shape_proto(shape):
    return message(*[(2, message((1, d))) for d in shape])


def attr(key, *fields):
    return (5, message((1, key), (2, message(*fields))))


def const(name, a):
    dtype = {"f": 1, "i": 3}[a.dtype.kind]
    tensor = message((1, dtype), (2, shape_proto(a.shape)), (4, a.tobytes()))
    return message((1, name), (2, "Const"), attr("dtype", (6, dtype)), attr("value", (8, tensor)))


def node(name, op, inputs, *attrs, dtype="T"):
    return message((1, name), (2, op), *[(3, i) for i in inputs], attr(dtype, (6, 1)), *attrs)


def placeholder(name, dtype, shape):
    return message((1, name), (2, "Placeholder"), attr("dtype", (6, dtype)), attr("shape", (7, shape_proto(shape))))


def ints(key, values):
    return attr(key, (1, message((3, b"".join(varint(v) for v in values)))))


P = {"k": weights(3, 3, 3, 4), "scale": weights(4), "d": weights(4, 8)}
graph = [
    placeholder("batch_size", 3, []), placeholder("phase_train", 10, []),
    node("queue", "Placeholder", [], attr("shape", (7, shape_proto([1, 12, 12, 3]))), dtype="dtype"),
    node("flip", "Relu", ["queue"]), node("input", "Identity", ["flip"]),
    const("net/weights", P["k"]),
    node("net/conv", "Conv2D", ["input", "net/weights"], ints("strides", [1, 2, 2, 1]), attr("padding", (2, "SAME")), attr("data_format", (2, "NHWC"))),
    message((1, "net/cond/pred_id"), (2, "Identity"), (3, "phase_train"), attr("T", (6, 10))),
    const("net/scale", P["scale"]), const("net/training", np.full(4, 100, "f4")),
    node("net/cond/Switch", "Switch", ["net/conv", "net/cond/pred_id"]),
    node("net/cond/infer", "Mul", ["net/cond/Switch", "net/scale"]),
    node("net/cond/train", "Mul", ["net/cond/Switch:1", "net/training"]),
    node("net/cond/Merge", "Merge", ["net/cond/infer", "net/cond/train"], attr("N", (3, 2))),
    node("net/relu", "Relu", ["net/cond/Merge"]),
    const("net/axes", np.array([1, 2], "i4")), node("net/mean", "Mean", ["net/relu", "net/axes"], attr("Tidx", (6, 3))),
    const("net/shape", np.array([1, 4], "i4")), node("net/flat", "Reshape", ["net/mean", "net/shape"], attr("Tshape", (6, 3))),
    const("net/dense", P["d"]), node("net/matmul", "MatMul", ["net/flat", "net/dense"]),
    const("net/one", np.array([1], "i4")), const("net/tiny", np.array(1e-10, "f4")),
    node("net/square", "Square", ["net/matmul"]),
    node("net/sum", "Sum", ["net/square", "net/one"], attr("Tidx", (6, 3)), attr("keep_dims", (5, 1))),
    node("net/max", "Maximum", ["net/sum", "net/tiny"]), node("net/rsqrt", "Rsqrt", ["net/max"]),
    node("embeddings", "Mul", ["net/matmul", "net/rsqrt"]),
]
(out / "frozen.pb").write_bytes(message(*[(1, n) for n in graph], (4, message((1, 27)))))
z = np.maximum(conv(x, P["k"], (2, 2)) * P["scale"], 0).mean((1, 2)) @ P["d"]
expected["frozen"] = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype("f4")

A = {"k": weights(8, 3, 3, 3), "b": weights(8), "d": weights(8, 16)}


def initializer(name, a):
    return (5, message(*[(1, d) for d in a.shape], (2, {"f": 1, "i": 7}[a.dtype.kind]), (8, name), (9, a.tobytes())))


def onnx_node(op, inputs, outputs, *attributes):
    return (1, message(*[(1, i) for i in inputs], *[(2, o) for o in outputs], (3, outputs[0]), (4, op), *[(5, a) for a in attributes]))


def value_info(name, shape):
    dims = [(1, message((2, d)) if isinstance(d, str) else message((1, d))) for d in shape]
    return message((1, name), (2, message((1, message((1, 1), (2, message(*dims)))))))


def int_list(name, values):
    return message((1, name), *[(8, v) for v in values], (20, 7))


onnx = message(
    onnx_node("Conv", ["data", "k", "b"], ["c"], int_list("strides", [4, 4]), int_list("kernel_shape", [3, 3])),
    onnx_node("Relu", ["c"], ["r"]), onnx_node("GlobalAveragePool", ["r"], ["g"]),
    onnx_node("Flatten", ["g"], ["f"]), onnx_node("MatMul", ["f", "d"], ["fc1"]), (2, "tiny"),
    initializer("k", A["k"]), initializer("b", A["b"]), initializer("d", A["d"]),
    (11, value_info("data", ["batch", 3, 112, 112])), (12, value_info("fc1", ["batch", 16])))
(out / "aligned.onnx").write_bytes(message((1, 8), (7, onnx), (8, message((1, ""), (2, 13)))))
face = rng.integers(0, 256, (1, 112, 112, 3)).astype(np.uint8)
bgr = (face[..., ::-1].astype("f8") - 127.5) / 128
a = np.maximum(conv(bgr, A["k"].transpose(2, 3, 1, 0), (4, 4), False, A["b"]), 0).mean((1, 2)) @ A["d"]
expected |= {"face": face, "aligned": a.astype("f4")}
np.savez_compressed(out / "expected.npz", **expected)
for p in sorted(out.iterdir()):
    print(p.name, p.stat().st_size)
