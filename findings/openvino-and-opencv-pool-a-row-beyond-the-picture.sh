#!/usr/bin/env bash
# Believed: max pooling that rounds its size up (ceil_mode, as in MTCNN and many PyTorch networks) has one size for one file, and each
#   of its windows holds at least one pixel.
# True: where the last window would lie wholly beyond the picture, PyTorch, ONNX Runtime and onnx.reference leave it out; OpenVINO and
#   OpenCV keep it: a row and a column more, filled with -3.4e38 (average pooling in OpenCV: with NaN). 12 pixels in windows of 2
#   with stride 3 give 4 x 4 or 5 x 5. No message.
# Versions: openvino 2026.4.1, opencv-python-headless 5.0.0.93, onnxruntime 1.32.0, onnx 1.23.2; opsets 11 to 22 alike.
# Hurts: detectors exported from PyTorch: boxes counted by rows of the map are shifted, the layers behind are computed from -3.4e38.
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

picture = np.random.default_rng(0).uniform(1, 2, (1, 1, 12, 12)).astype(np.float32)
for opset in (11, 22):
    file = network("MaxPool", picture, opset, kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)
    sizes = {}
    for name, run in (("onnx.reference", by_reference), ("onnxruntime", by_onnxruntime), ("openvino", by_openvino),
                      ("opencv", by_opencv)):
        y = run(file, picture)
        sizes[name] = y.shape[2:]
        print(f"opset {opset}, {name}: {y.shape[2]} x {y.shape[3]}, least value {y.min():.3g}")
        assert (y.min() < -3e38) == (y.shape[2] == 5)
    assert sizes["onnx.reference"] == sizes["onnxruntime"] == (4, 4)
    assert sizes["openvino"] == sizes["opencv"] == (5, 5), "the windows are counted otherwise now"
average = by_opencv(network("AveragePool", picture, 19, kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1), picture)
print("opencv, average pooling:", average.shape[2:], "values that are no number:", int(np.isnan(average).sum()))
assert np.isnan(average).sum() == 9
END
