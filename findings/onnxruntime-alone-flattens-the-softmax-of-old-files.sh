#!/usr/bin/env bash
# Believed: a detector's Softmax over "axis 1" of its 2 x H x W scores gives each place a share of 1, in each engine.
# True: before opset 13 ONNX flattens all axes from that one on: one softmax over both classes and all places. ONNX Runtime does so, and the
#   scores of all places together are 1. OpenVINO, OpenCV and even onnx.reference compute the softmax of opset 13 for opsets 11 and 12
#   too. So an old file works in three engines and is next to zero in the fourth, which is the one that is right.
# Versions: onnxruntime 1.32.0, openvino 2026.4.1, opencv-python-headless 5.0.0.93, onnx 1.23.2.
# Hurts: P-Net and other fully convolutional detectors in files of opset 12 or less: no face passes the threshold in ONNX Runtime, or a
#   file that was checked elsewhere is "broken".
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" openvino==2026.4.1 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 onnx==1.23.2 numpy==2.4.6
PYTHONPATH="$dir/site" OPENCV_LOG_LEVEL=SILENT python3 - <<'END'
import warnings

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")
onnxruntime.set_default_logger_severity(4)
print("openvino", openvino.__version__, "onnxruntime", onnxruntime.__version__, "opencv", cv2.__version__,
      "onnx", onnx.__version__)


def network(op, picture, opset=19, inputs=(), constants=(), **attributes):
    """One layer between x and y, as an ONNX file's bytes."""
    node = helper.make_node(op, ["x", *inputs], ["y"], **attributes)
    shape = [f"side{i}" for i in range(picture.ndim)]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, picture.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)], list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8).SerializeToString()


def by_onnxruntime(file, x):
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def by_openvino(file, x):
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return list(core.compile_model(core.read_model(file), "CPU", options)(x).values())[0]


def by_opencv(file, x):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
    net.setInput(x)
    return net.forward()


def by_reference(file, x):
    return ReferenceEvaluator(onnx.load_from_string(file)).run(None, {"x": x})[0]

scores = np.random.default_rng(0).normal(size=(1, 2, 5, 5)).astype(np.float32)
each = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
whole = np.exp(scores) / np.exp(scores).sum()
for opset in (11, 12, 13):
    file = network("Softmax", scores, opset, axis=1)
    for name, run in (("onnxruntime", by_onnxruntime), ("openvino", by_openvino), ("opencv", by_opencv),
                      ("onnx.reference", by_reference)):
        y = run(file, scores)
        print(f"opset {opset}, {name}: all scores together {y.sum():.2f}, the best place {y[0, 1].max():.3f}")
        expected = whole if name == "onnxruntime" and opset < 13 else each
        assert np.abs(y - expected).max() < 1e-5, f"{name} computes opset {opset} otherwise now"
END
