#!/usr/bin/env bash
# Believed: local response normalisation of an ONNX file (old VGG-Face and AlexNet-like face networks) is one formula with four numbers.
# True: OpenVINO cuts one of them, the bias, to a whole number: 1.5 and 1.9 are 1, 2 and 2.9 are 2. ONNX divides x by
#   (bias + alpha / size * sum of squares) ^ beta. ONNX Runtime and OpenCV obey it. AlexNet's 2 passes every test; a bias that was tuned does not.
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, opencv-python-headless 5.0.0.93, onnx 1.23.2.
# Hurts: such networks moved to OpenVINO: no message, other embeddings, thresholds that no longer fit.
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

x = np.random.default_rng(0).uniform(0.5, 2, (1, 7, 1, 1)).astype(np.float32)
size, alpha, beta = 5, 0.5, 0.75
sums = np.array([(x[0, max(0, c - 2):c + 3] ** 2).sum() for c in range(7)])
for bias in (1.0, 1.5, 1.9, 2.0, 2.9):
    file = network("LRN", x, size=size, alpha=alpha, beta=beta, bias=bias)
    for name, run in (("onnxruntime", by_onnxruntime), ("opencv", by_opencv), ("openvino", by_openvino)):
        y = run(file, x).ravel()
        seen = ((x.ravel() / y) ** (1 / beta) - alpha / size * sums).mean()
        print(f"bias {bias} in the file, {seen:.3f} in the values of {name}")
        expected = int(bias) if name == "openvino" else bias
        assert abs(seen - expected) < 1e-3, name + " takes another bias now"
END
