#!/usr/bin/env python3
"""Writes a small ONNX detector of the layers that read_onnx_detector() (likeness/model/onnx_graph.h) reads, and what ONNX's reference makes
of it for pictures of two sizes.

  python3 -m venv env && env/bin/pip install onnx==1.23.2
  env/bin/python tools/make_onnx_detector.py likeness/model/testdata/onnx_detector.npz

It has a pool, an enlarged map and a transposed convolution in sums, a depthwise layer of stride 2 whose zeros are on all sides, one output
that is a map and two that are rows of pixels.
"""
import sys

import numpy as np
from onnx import TensorProto as T, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

random = np.random.default_rng(12)
nodes, constants = [], []


def constant(name, values, kind="f4"):
    constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
    return name


def layer(kind, inputs, output, **attributes):
    nodes.append(helper.make_node(kind, inputs, [output], **attributes))
    return output


def convolution(x, name, outputs, inputs, side=1, **attributes):
    inputs_a_group = inputs // attributes.get("group", 1)
    kernel = constant(name + "_k", random.normal(0, (side * side * inputs_a_group) ** -0.5, (outputs, inputs_a_group, side, side)))
    bias = constant(name + "_b", random.normal(0, 0.2, outputs))
    return layer("Conv", [x, kernel, bias], name, **attributes)


x = layer("Relu", [convolution("picture", "stem", 8, 3, 3, pads=[1, 1, 1, 1], strides=[2, 2])], "stemmed")
near = layer("MaxPool", [x], "near", kernel_shape=[2, 2], strides=[2, 2])
x = layer("Relu", [convolution(near, "deep", 8, 8, 3, pads=[1, 1, 1, 1], strides=[2, 2], group=8)], "deeper")
x = layer("Relu", [convolution(x, "wide", 20, 8)], "far")
up = layer("Resize", [x, "", constant("twice", [1, 1, 2, 2])], "up", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
side = convolution(near, "side", 20, 8)
up = layer("Add", [side, up], "sum")
kernel = constant("turned_k", random.normal(0, 0.3, (20, 20, 2, 2)))
x = layer("Relu", [layer("ConvTranspose", [x, kernel], "larger", kernel_shape=[2, 2], strides=[2, 2])], "larger_relu")
x = layer("Add", [x, up], "last")
layer("Sigmoid", [convolution(x, "head1", 1, 20)], "score")
for name, channels in ("boxes", 4), ("points", 10):
    head = convolution(convolution(x, name + "1", channels, 20), name + "2", channels, channels, 3, pads=[1, 1, 1, 1], group=channels)
    head = layer("Transpose", [head], name + "_turned", perm=[0, 2, 3, 1])
    layer("Reshape", [head, constant(name + "_shape", [1, -1, channels], "i8")], name)

graph = helper.make_graph(
    nodes, "g", [helper.make_tensor_value_info("picture", T.FLOAT, [1, 3, 32, 32])],
    [helper.make_tensor_value_info(name, T.FLOAT, None) for name in ("score", "boxes", "points")], constants)  # fmt: skip
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
arrays = {"model": np.frombuffer(model.SerializeToString(), "u1")}
for name, shape in ("small", (32, 32, 3)), ("wide", (16, 72, 3)):
    picture = random.uniform(-1, 1, shape).astype("f4")
    score, boxes, points = ReferenceEvaluator(model).run(None, {"picture": picture.transpose(2, 0, 1)[None]})
    arrays[name] = picture
    arrays[name + "_outputs"] = np.concatenate([score.transpose(0, 2, 3, 1).ravel(), boxes.ravel(), points.ravel()]).astype("f4")
np.savez_compressed(sys.argv[1], **arrays)
