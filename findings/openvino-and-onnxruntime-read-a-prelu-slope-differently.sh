#!/usr/bin/env bash
# Believed: a PRelu slope of shape [C] in an ONNX file is one slope a channel, or is an error.
# True: by ONNX's rules of broadcasting it lies along the *last* axis. ONNX Runtime does so: it fails at run time when the map is not C wide,
#   and when it is, gives each column a slope. OpenVINO gives each channel its slope, always. So at a layer whose width happens to be C
#   both run and differ, each without a word; at other layers of the same file only one of them runs.
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2.
# Hurts: ArcFace- and MTCNN-type files (PRelu after each convolution) written with the slope's channel axis alone.
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

print("openvino", openvino.__version__, "onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
slopes = [0.1, 0.2, 0.3, 0.4]
options = onnxruntime.SessionOptions()
options.log_severity_level = 4

def both(width):
    x = -np.ones((1, 4, 5, width), np.float32)
    graph = helper.make_graph([helper.make_node("PRelu", ["x", "slope"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [helper.make_tensor("slope", TensorProto.FLOAT, [4], slopes)])
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8).SerializeToString()
    try:
        runtime = -onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    except Exception as error:
        runtime = type(error).__name__
    core = openvino.Core()
    return runtime, -core.compile_model(core.read_model(io.BytesIO(file)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]

runtime, vino = both(width=6)
print("6 wide: ONNX Runtime", runtime, "- OpenVINO by channel", vino[0, :, 0, 0])
assert isinstance(runtime, str)
np.testing.assert_allclose(vino[0, :, 0, 0], slopes)
runtime, vino = both(width=4)
print("4 wide: ONNX Runtime by channel", runtime[0, :, 0, 0], "by column", runtime[0, 0, 0], "- OpenVINO by channel", vino[0, :, 0, 0])
np.testing.assert_allclose(runtime[0, 0, 0], slopes)
np.testing.assert_allclose(vino[0, :, 0, 0], slopes, err_msg="OpenVINO broadcasts as ONNX says now")
assert (vino[0, 0] == vino[0, 0, 0, 0]).all() and (runtime[0, :, 0, 0] == runtime[0, 0, 0, 0]).all()
END
