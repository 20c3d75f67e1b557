#!/usr/bin/env bash
# Believed: a network file that shrinks its picture itself (ONNX Resize, antialias=1) gives the same picture in each runtime, or is
#   refused where antialias is not known.
# True: OpenVINO reads the file and computes the plain linear or cubic resize: from 32 to 8 pixels it looks at 2 (or 4) of the pixels
#   that should be averaged, and on noise of 0 to 255 is off by 24 (cubic 37) in the mean. ONNX Runtime and onnx.reference agree.
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2.
# Hurts: face networks exported with their preprocessing: embeddings of large faces change with the runtime.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
import io

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

print("openvino", openvino.__version__, "onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
photo = np.random.default_rng(0).uniform(0, 255, (1, 1, 32, 32)).astype(np.float32)

def resized(mode, antialias):
    node = helper.make_node("Resize", ["x", "", "", "size"], ["y"], mode=mode, antialias=antialias)
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, photo.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 8, 8])],
                              [helper.make_tensor("size", TensorProto.INT64, [4], [1, 1, 8, 8])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    file = model.SerializeToString()
    runtime = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": photo})[0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(io.BytesIO(file)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return runtime, ReferenceEvaluator(model).run(None, {"x": photo})[0], compiled(photo)[0]

for mode in ("linear", "cubic"):
    runtime, reference, vino = resized(mode, 1)
    plain = resized(mode, 0)[2]
    off = np.abs(vino - runtime)
    print(f"{mode}, antialias=1: ONNX Runtime to reference {np.abs(runtime - reference).max():.4f}, OpenVINO to ONNX Runtime "
          f"{off.mean():.1f} in the mean, {off.max():.1f} at most; OpenVINO to its own antialias=0 {np.abs(vino - plain).max():.4f}")
    assert np.abs(runtime - reference).max() < 0.01
    assert np.abs(vino - plain).max() == 0 and off.mean() > 10, "OpenVINO minds antialias now"
END
