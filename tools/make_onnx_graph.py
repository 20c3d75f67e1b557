#!/usr/bin/env python3
"""Writes a small ONNX network of the layers that likeness/model/onnx_graph.h reads, and what ONNX's reference makes of it.

  python3 -m venv env && env/bin/pip install onnx==1.23.2
  env/bin/python tools/make_onnx_graph.py likeness/model/testdata/onnx_graph.npz

Padding that TensorFlow has too (3 x 3, stride 1) and that it has not (3 x 3, stride 2, zeros on all sides) are among them.
"""
import sys

import numpy as np
from onnx import TensorProto as T, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

random = np.random.default_rng(11)
nodes, constants = [], []


def constant(name, values):
    constants.append(numpy_helper.from_array(np.asarray(values, "f4"), name))
    return name


def layer(kind, inputs, output, **attributes):
    nodes.append(helper.make_node(kind, inputs, [output], **attributes))
    return output


def some(name, *shape):
    return constant(name, random.normal(0, 0.4, shape))


def normalized(x, name, channels):
    return layer("BatchNormalization", [x, some(name + "_gamma", channels), some(name + "_beta", channels), some(name + "_mean", channels),
                                        constant(name + "_variance", random.uniform(0.5, 2, channels))], name, epsilon=1e-3)  # fmt: skip


x = layer("Sub", ["picture", constant("middle", [127.5])], "less")
x = layer("Mul", [x, constant("part", [0.0078125])], "small")
x = layer("Conv", [x, some("k1", 8, 3, 3, 3)], "c1", pads=[1, 1, 1, 1], kernel_shape=[3, 3])
x = normalized(x, "n1", 8)
first = layer("PRelu", [x, some("slope", 8, 1, 1)], "p1")
x = layer("Conv", [first, some("k2", 8, 8, 1, 1), some("b2", 8)], "c2")
x = layer("Add", [x, first], "sum")
x = layer("LeakyRelu", [x], "leaky", alpha=0.2)
x = layer("Conv", [x, some("k3", 4, 8, 3, 3)], "c3", pads=[1, 1, 1, 1], strides=[2, 2])
x = layer("Relu", [x], "relu")
nodes.append(helper.make_node("Constant", [], ["ratio"], value=numpy_helper.from_array(np.float32(0.4), "")))
x = layer("Dropout", [x, "ratio"], "dropped")
x = layer("Flatten", [x], "flat")
x = layer("Gemm", [x, some("dense", 5, 4 * 6 * 5), some("bias", 5)], "g", transB=1)
layer("Identity", [normalized(x, "n2", 5)], "row")

graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("picture", T.FLOAT, [1, 3, 12, 10])],
                          [helper.make_tensor_value_info("row", T.FLOAT, [1, 5])], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
pictures = random.integers(0, 256, (3, 12, 10, 3)).astype("f4")
rows = [ReferenceEvaluator(model).run(None, {"picture": one.transpose(2, 0, 1)[None]})[0][0] for one in pictures]
np.savez_compressed(sys.argv[1], model=np.frombuffer(model.SerializeToString(), "u1"), pictures=pictures,
                    rows=np.stack(rows).astype("f4"))  # fmt: skip
print(np.stack(rows))
