#!/usr/bin/env python3
"""Writes what ONNX Runtime makes of SFace: the pack's self-test, and chips with embeddings for a test.

  python3 -m venv env && env/bin/pip install onnx==1.23.2 onnxruntime==1.32.0
  env/bin/python tools/make_sface_reference.py models/sface/face_recognition_sface_2021dec_int8bq.onnx \\
    packs/sface/selftest.npz likeness/embed/testdata/sface_reference.npz

ONNX Runtime refuses the published file for inputs that no node uses; they are taken out here, and the weights folded by
ONNX's own reference evaluator. The chips are drawn: waves and ovals, no photos. Embeddings have unit length.
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

SIDE = 112
source, self_test, reference = sys.argv[1:]


def folded(model):
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    rest = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            output = onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None)
            alone = onnx.helper.make_graph([node], "one", [], [output], [constants[name] for name in node.input])
            one = onnx.helper.make_model(alone, opset_imports=model.opset_import, ir_version=10)
            values = ReferenceEvaluator(one).run(None, {})[0].astype("f4")
            constants[node.output[0]] = numpy_helper.from_array(values, node.output[0])
        else:
            rest.append(node)
    used = {name for node in rest for name in node.input}
    inputs = [value for value in graph.input if value.name in used and value.name not in constants]
    tensors = [tensor for name, tensor in constants.items() if name in used]
    for field, values in ((graph.node, rest), (graph.input, inputs), (graph.initializer, tensors)):
        del field[:]
        field.extend(values)
    return model


def chip(kind):
    """A different one for each kind; 0 is the one of likeness/model/self_test.cpp."""
    u, v = np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE * 2 - 1] * 2)
    oval = np.exp(-2 * (u * u / (0.5 + 0.1 * kind) + v * v / 0.8))
    planes = [128 + 50 * np.sin((5 + c + kind) * u + 2 * v) * np.cos((4 - c) * v + kind) + (60 - 12 * c) * oval
              for c in range(3)]
    return np.floor(np.stack(planes, 2) + 0.5).clip(0, 255).astype("u1")


session = onnxruntime.InferenceSession(folded(onnx.load(source)).SerializeToString(), providers=["CPUExecutionProvider"])
chips = np.stack([chip(kind) for kind in range(5)])
rows = np.concatenate([session.run(None, {"data": one.transpose(2, 0, 1)[None].astype("f4")})[0] for one in chips])
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
np.savez_compressed(self_test, chip=chips[0], embedding=rows[0])
np.savez_compressed(reference, chips=chips[1:], embeddings=rows[1:])
print("cosines between the chips:", np.round(rows @ rows.T, 3)[0])
