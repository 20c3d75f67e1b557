#!/usr/bin/env bash
# Believed: a transposed convolution with auto_pad (an upsampling layer of a detector or segmenter) has one size and one place.
# True: for SAME_UPPER with stride 2 and 2 x 2 pixels ONNX says 4 x 4. ONNX Runtime, onnx.reference and OpenVINO give that, OpenCV 3 x 3. With output_shape
#   given as well (4 x 4), OpenVINO cuts at the other end: its SAME_UPPER is ONNX Runtime's SAME_LOWER, a shift by one pixel of the
#   finer map; SAME_LOWER agrees.
# Versions: openvino 2026.4.1, opencv-python-headless 5.0.0.93, onnxruntime 1.32.0, onnx 1.23.2.
# Hurts: masks and heat maps of landmarks exported from TensorFlow, where SAME is the usual padding.
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

x = np.ones((1, 1, 2, 2), np.float32)
kernel = [helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 3, 3], np.arange(9, dtype=np.float32))]
file = network("ConvTranspose", x, 19, ["w"], kernel, strides=[2, 2], auto_pad="SAME_UPPER")
sizes = {name: run(file, x).shape[2:] for name, run in
         (("onnx.reference", by_reference), ("onnxruntime", by_onnxruntime), ("openvino", by_openvino), ("opencv", by_opencv))}
print("SAME_UPPER:", sizes)
assert sizes["onnx.reference"] == sizes["onnxruntime"] == sizes["openvino"] == (4, 4)
assert sizes["opencv"] == (3, 3), "opencv gives another size now"
rows = {}
for padding in ("SAME_UPPER", "SAME_LOWER"):
    file = network("ConvTranspose", x, 19, ["w"], kernel, strides=[2, 2], auto_pad=padding, output_shape=[4, 4])
    for name, run in (("onnx.reference", by_reference), ("onnxruntime", by_onnxruntime), ("openvino", by_openvino)):
        rows[padding, name] = run(file, x)[0, 0]
        print(f"{padding} and output_shape, {name}: first row {rows[padding, name][0].tolist()}")
    assert np.array_equal(rows[padding, "onnx.reference"], rows[padding, "onnxruntime"])
assert np.array_equal(rows["SAME_LOWER", "openvino"], rows["SAME_LOWER", "onnxruntime"])
assert np.array_equal(rows["SAME_UPPER", "openvino"], rows["SAME_LOWER", "onnxruntime"]), "openvino cuts at the right end now"
assert not np.array_equal(rows["SAME_UPPER", "openvino"], rows["SAME_UPPER", "onnxruntime"])
END
