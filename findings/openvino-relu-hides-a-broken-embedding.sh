#!/usr/bin/env bash
# Believed: a pixel or weight that is not a number shows at the end: NaN goes through a network, and a check of the embedding finds it.
# True: OpenVINO's ReLU gives 0 for NaN (so do its HardSigmoid and ThresholdedRelu; its max pooling and Max drop NaN too). A network with ReLUs turns a
#   picture of NaN into an embedding like any other, of unit length after normalisation. In ONNX Runtime, OpenCV and onnx.reference the
#   same file gives NaN, which the check finds.
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, opencv-python-headless 5.0.0.93, onnx 1.23.2.
# Hurts: services that look for NaN to reject failed crops (0/0 in the standardisation of a picture of one colour): moved to OpenVINO,
#   all failed crops become one and the same "person".
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

x = np.array([[np.nan, -1, 0, 1]], np.float32)
for op in ("Relu", "HardSigmoid"):
    file = network(op, x)
    for name, run in (("onnxruntime", by_onnxruntime), ("opencv", by_opencv), ("onnx.reference", by_reference),
                      ("openvino", by_openvino)):
        y = run(file, x)
        print(f"{op}, {name}: {y[0].tolist()}")
        if op == "Relu" or name == "onnxruntime":
            assert np.isnan(y[0, 0]) == (name != "openvino"), name + " treats NaN otherwise now"

# Two layers: failed pictures (0/0 in their standardisation) of two people get one embedding.
rng = np.random.default_rng(1)
first, second = rng.normal(size=(8, 16)).astype(np.float32), rng.normal(size=(16, 4)).astype(np.float32)
nodes = [helper.make_node("MatMul", ["x", "a"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
         helper.make_node("Add", ["r", "c"], ["s"]), helper.make_node("MatMul", ["s", "b"], ["z"]),
         helper.make_node("LpNormalization", ["z"], ["y"], p=2, axis=1)]
weights = [helper.make_tensor(n, TensorProto.FLOAT, v.shape, v.ravel())
           for n, v in (("a", first), ("b", second), ("c", rng.normal(size=16).astype(np.float32)))]
graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 8])],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])], weights)
file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=8).SerializeToString()
failed = np.full((2, 8), np.nan, np.float32)
a, b = by_onnxruntime(file, failed), by_openvino(file, failed)
print("embeddings of two failed crops, onnxruntime:", a.tolist())
print("openvino:", np.round(b, 3).tolist(), "cosine", round(float(b[0] @ b[1]), 4))
assert np.isnan(a).all()
assert np.isfinite(b).all() and b[0] @ b[1] > 0.9999, "openvino lets NaN through now"
END
