#!/usr/bin/env bash
# Believed: a Resize by the factor 1.5 in an ONNX file steps through the picture by 1/1.5 of a pixel.
# True: that holds in ONNX Runtime, OpenVINO and onnx.reference. OpenCV's DNN takes the factor only for the size (7 * 1.5 = 10, rounded down),
#   then steps by 7/10: values drift apart toward the far end, by half a pixel of ten. And coordinate_transformation_mode "half_pixel_symmetric",
#   which is made for this very case, is taken without a word and computed as "asymmetric". Whole factors are right.
# Versions: opencv-python-headless 5.0.0.93, onnxruntime 1.32.0, openvino 2026.4.1, onnx 1.23.2.
# Hurts: feature pyramids and preprocessing with factors that do not fit the size: boxes and landmarks shift with the engine.
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

row = np.arange(7, dtype=np.float32).reshape(1, 1, 1, 7).repeat(7, axis=2)  # each pixel is its column
for mode in ("half_pixel", "asymmetric"):
    for factor in (2.0, 1.5):
        constants = [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, factor, factor])]
        file = network("Resize", row, 19, ["", "scales"], constants, mode="linear", coordinate_transformation_mode=mode)
        right = by_onnxruntime(file, row)
        apart = {name: np.abs(run(file, row) - right).max() for name, run in
                 (("openvino", by_openvino), ("onnx.reference", by_reference), ("opencv", by_opencv))}
        print(mode, factor, "farthest from onnxruntime, in pixels:", {k: round(float(v), 3) for k, v in apart.items()})
        assert apart["openvino"] < 1e-5 and apart["onnx.reference"] < 1e-5
        assert (apart["opencv"] > 0.2) == (factor == 1.5), "opencv steps otherwise now"

constants = [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 2.3, 2.3])]
symmetric, asymmetric = (network("Resize", row, 19, ["", "scales"], constants, mode="linear",
                                 coordinate_transformation_mode=mode) for mode in ("half_pixel_symmetric", "asymmetric"))
right, other = by_onnxruntime(symmetric, row)[0, 0, 0], by_opencv(symmetric, row)[0, 0, 0]
print("half_pixel_symmetric, onnxruntime", [round(float(v), 2) for v in right[:6]])
print("half_pixel_symmetric, opencv     ", [round(float(v), 2) for v in other[:6]])
assert np.abs(right - by_reference(symmetric, row)[0, 0, 0]).max() < 1e-5
assert np.abs(right - other).max() > 0.2, "opencv knows half_pixel_symmetric now"
assert np.abs(other - by_opencv(asymmetric, row)[0, 0, 0]).max() < 1e-6
END
