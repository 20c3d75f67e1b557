#!/usr/bin/env bash
# Believed: where engines differ, onnx.reference, the evaluator that comes with the format, says who is right.
# True: of local response normalisation it gets all but the first channel wrong (it sums other channels than the formula in its own
#   documentation), and LpNormalization with p=1 it divides by the sum instead of the sum of sizes: (3, -4) becomes (-3, 4). Average
#   pooling that rounds its size up has all windows a pixel too far to the left and up: 3 x 3 with stride 3 on 10 pixels begins
#   before the picture. ONNX Runtime and OpenCV give the formulas' values in all three.
# Versions: onnx 1.23.2, onnxruntime 1.32.0, openvino 2026.4.1, opencv-python-headless 5.0.0.93.
# Hurts: whoever stores "expected outputs" for VGG-Face-like networks or embeddings normalised by their L1 length from it.
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

x = np.random.default_rng(0).uniform(0, 2, (1, 7, 1, 1)).astype(np.float32)
size, alpha, beta, bias = 5, 0.5, 0.75, 1.5
formula = np.stack([x[0, c] / (bias + alpha / size * (x[0, max(0, c - 2):c + 3] ** 2).sum()) ** beta for c in range(7)])
file = network("LRN", x, size=size, alpha=alpha, beta=beta, bias=bias)
for name, run in (("onnxruntime", by_onnxruntime), ("opencv", by_opencv), ("onnx.reference", by_reference)):
    off = np.abs(run(file, x)[0] - formula).ravel()
    print(f"LRN, {name}: off by", np.round(off, 4).tolist())
    assert (off.max() > 0.1) == (name == "onnx.reference"), name + " normalises otherwise now"

pair = np.array([[3, -4]], np.float32)
file = network("LpNormalization", pair, p=1, axis=1)
for name, run in (("onnxruntime", by_onnxruntime), ("openvino", by_openvino), ("opencv", by_opencv),
                  ("onnx.reference", by_reference)):
    y = run(file, pair)
    print(f"LpNormalization p=1, {name}: {y[0].tolist()}")
    expected = [-3, 4] if name == "onnx.reference" else [3 / 7, -4 / 7]
    assert np.abs(y[0] - expected).max() < 1e-6, name + " normalises otherwise now"

places = np.arange(10, dtype=np.float32).reshape(1, 1, 1, 10).repeat(10, axis=2)  # each pixel is its column
file = network("AveragePool", places, kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1)
for name, run in (("onnxruntime", by_onnxruntime), ("openvino", by_openvino), ("opencv", by_opencv),
                  ("onnx.reference", by_reference)):
    y = run(file, places)
    print(f"middles of windows, {name}: {y[0, 0, 0].tolist()}")
    expected = [0.5, 3, 6, 8] if name == "onnx.reference" else [1, 4, 7, 9]
    assert np.abs(y[0, 0] - expected).max() < 1e-6, name + " averages otherwise now"
END
