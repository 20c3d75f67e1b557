#!/usr/bin/env bash
# Believed: a model that Keras exports as ONNX without an error can be read by ONNX's checker and its runtimes.
# True: of a layer with GELU (and no other activation tried) the file holds TensorFlow's operator Erfc under ONNX's own name, which ONNX
#   never had. A line is logged, export() returns as if all were well, and the file stays. The checker and ONNX Runtime refuse it.
# Versions: keras 3.15.1, tensorflow-cpu 2.21.0, tf2onnx 1.17.0, onnx 1.23.2, onnxruntime 1.32.0.
# Hurts: whoever exports a face network of today's kind (GELU) and finds out where it is to be used.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" tensorflow-cpu==2.21.0 keras==3.15.1 onnx==1.23.2 \
  onnxruntime==1.32.0 numpy==2.4.6
python3 -m pip install -q --no-compile --root-user-action=ignore --no-deps --target "$dir/site" tf2onnx==1.17.0
cd "$dir"
PYTHONPATH="$dir/site" TF_CPP_MIN_LOG_LEVEL=3 python3 -W ignore - <<'END'
import keras
import numpy as np
import onnx
import onnxruntime

print("keras", keras.__version__, "onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)


def readable(activation):
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation=activation), layers.GlobalAveragePooling2D()])
    model.predict(np.zeros((1, 8, 8, 3)), verbose=0)
    file = activation + ".onnx"
    model.export(file, format="onnx", verbose=False)  # returns
    try:
        onnx.checker.check_model(file)
        onnxruntime.InferenceSession(file)
        said = "can be read"
    except Exception as error:
        said = str(error).strip().splitlines()[0][:100]
    print(f"{activation}: {sorted({node.op_type for node in onnx.load(file).graph.node})}: {said}")
    return said == "can be read"


assert all(readable(activation) for activation in ("relu", "silu", "mish", "elu"))
assert not readable("gelu"), "GELU can be read now"
END
