#!/usr/bin/env bash
# Believed: ONNX Resize with keep_aspect_ratio_policy="not_larger" (a face fitted into the network's square, not stretched) either works
#   or is refused.
# True: OpenVINO reads the file and stretches to the given sides: 4 x 8 into 6 x 6 gives 6 x 6, where ONNX Runtime and onnx.reference give
#   3 x 6 ("not_smaller": 6 x 12). Other things that it does not know of Resize it refuses by name; this attribute it does not look at.
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2.
# Hurts: networks exported with their preprocessing: faces come out squashed, and embeddings of wide and tall crops drift.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
import warnings

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")
onnxruntime.set_default_logger_severity(4)
print("openvino", openvino.__version__, "onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)


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


def by_reference(file, x):
    return ReferenceEvaluator(onnx.load_from_string(file)).run(None, {"x": x})[0]

sides = [helper.make_tensor("sides", TensorProto.INT64, [2], [6, 6])]
photo = np.random.default_rng(0).uniform(0, 255, (1, 1, 4, 8)).astype(np.float32)
for policy, right in (("stretch", (6, 6)), ("not_larger", (3, 6)), ("not_smaller", (6, 12))):
    file = network("Resize", photo, 19, ["", "", "sides"], sides, mode="linear", axes=[2, 3],
                   keep_aspect_ratio_policy=policy)
    a, b, c = (run(file, photo).shape[2:] for run in (by_reference, by_onnxruntime, by_openvino))
    print(f"{policy}: onnx.reference {a}, onnxruntime {b}, openvino {c}")
    assert a == b == right
    assert c == (6, 6), "openvino obeys the policy now"
END
