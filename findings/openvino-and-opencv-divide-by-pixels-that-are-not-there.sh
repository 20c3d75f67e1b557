#!/usr/bin/env bash
# Believed: average pooling with count_include_pad divides by what lies in the window, padding included, whoever computes it.
# True: where ceil_mode lets the last window reach beyond the padding too, ONNX Runtime, onnx.reference (and PyTorch, by its
#   documentation) divide by the part inside the padded picture; OpenVINO and OpenCV divide by the whole window: 3 x 3 at the corner of a
#   padded 10 x 10 is 4/9 of the value. Windows that stay inside agree, so a look at the middle of a map finds nothing.
# Versions: openvino 2026.4.1, opencv-python-headless 5.0.0.93, onnxruntime 1.32.0, onnx 1.23.2.
# Hurts: ResNet-D-like face networks (average pooling in the shortcut) whose file is run by another engine than it was checked with.
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

picture = np.random.default_rng(0).uniform(1, 2, (1, 1, 10, 10)).astype(np.float32)
file = network("AveragePool", picture, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1,
               count_include_pad=1)
right = by_onnxruntime(file, picture)
corner = picture[0, 0, 9, 9] / 4  # one pixel and three of padding; the rest of the window is beyond
print(f"onnxruntime {right[0, 0, 5, 5]:.4f}, by hand {corner:.4f}")
assert abs(right[0, 0, 5, 5] - corner) < 1e-6
assert np.abs(by_reference(file, picture) - right).max() < 1e-6
for name, run in (("openvino", by_openvino), ("opencv", by_opencv)):
    y = run(file, picture)
    print(f"{name} {y[0, 0, 5, 5]:.4f}; inside the map off by {np.abs(y - right)[..., :5, :5].max():.1g}")
    assert np.abs(y - right)[..., :5, :5].max() < 1e-6
    assert abs(y[0, 0, 5, 5] - corner * 4 / 9) < 1e-6, name + " divides otherwise now"
END
