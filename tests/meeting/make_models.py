#!/usr/bin/env python3
"""Writes small networks as today's tools leave them, and what those tools compute with them.

    make_models.py TOOL FOLDER      TOOL: keras, tf_keras, torch, openvino or onnxruntime, in this order, each in an
                                    environment that has it

FOLDER gets the models; models_TOOL.txt: a file and the greatest difference of a number, a line each; expected_TOOL.npz:
for each file what the tool gives for the two pictures of picture(), brought to (x - 127.5) / 128. Seeded.
run.sh has the environments. A copy of the folder is likeness/embed/testdata/meeting.
"""
import os
import pathlib
import sys

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from make_network_files import forget_places  # noqa: E402

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
SIDE, NUMBERS = 12, 16
EXACT, HALF = 2e-5, 2e-2


def picture():
    n, y, x, c = np.mgrid[0:2, 0:SIDE, 0:SIDE, 0:3]
    return ((x * 37 + y * 59 + c * 83 + n * 101 + x * y * 7) % 256).astype(np.uint8)


class Results:
    def __init__(self, tool, folder):
        self.tool, self.folder, self.lines, self.outputs = tool, folder, [], {}
        self.input = ((picture().astype(np.float32) - 127.5) / 128).astype(np.float32)

    def add(self, file, output, tolerance):
        self.lines.append(f"{file} {tolerance:g}\n")
        self.outputs[file] = np.asarray(output, np.float32).reshape(2, -1)

    def write(self):
        (self.folder / f"models_{self.tool}.txt").write_text("".join(self.lines))
        np.savez(self.folder / f"expected_{self.tool}.npz", picture=picture(), **self.outputs)


def every_layer(keras, three):
    """A model with every layer class that is read; Keras 2 and 3 spell some arguments otherwise."""
    layers, slope = keras.layers, "negative_slope" if three else "alpha"
    uniform = keras.initializers.RandomUniform(0.1, 0.4, seed=3)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Rescaling(0.75, offset=0.1)(image)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x)
    x = layers.ZeroPadding2D(((1, 2), (0, 1)))(x)
    x = layers.Conv2D(8, 3, strides=3, use_bias=False)(x)
    x = layers.BatchNormalization(name="first_norm")(x)
    x = layers.PReLU(shared_axes=[1, 2], alpha_initializer=uniform)(x)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    y = layers.LeakyReLU(**{slope: 0.1})(y)
    z = layers.SeparableConv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.Add()([y, z])
    x = layers.ReLU(max_value=1.5, negative_slope=0.2)(x)
    x = layers.PReLU(alpha_initializer=uniform)(x)
    x = layers.Conv2D(8, 1, groups=4)(x)
    x = layers.MaxPooling2D(2, strides=1, padding="same")(x)
    largest = layers.GlobalMaxPooling2D()(x)
    mean = layers.GlobalAveragePooling2D()(x)
    row = layers.Flatten()(x)
    row = layers.BatchNormalization()(row)
    row = layers.Dropout(0.2)(row)
    row = layers.Dense(NUMBERS, activation="relu")(row)
    x = layers.Concatenate()([largest, mean, row])
    x = layers.Dense(NUMBERS, use_bias=False)(x)
    x = layers.BatchNormalization(scale=False)(x)
    return keras.Model(image, layers.UnitNormalization()(x), name="every")


def short(keras):
    layers = keras.layers
    learnt = layers.Normalization()
    learnt.adapt(picture().astype(np.float32) / 255)
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), learnt, layers.Conv2D(8, 3, strides=2),
                             layers.BatchNormalization(), layers.Activation("relu"), layers.GlobalAveragePooling2D(),
                             layers.Dense(NUMBERS), layers.Activation("linear", dtype="float32")])


def settle(model, seed):
    """Weights as after training: none 0 or 1 throughout."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape).astype(np.float32) for w in layer.get_weights()])
        elif getattr(layer, "use_bias", False):
            *others, bias = layer.get_weights()
            layer.set_weights([*others, rng.normal(0, 0.3, bias.shape).astype(np.float32)])
    return model


def with_keras(keras, three, results):
    tool, folder = results.tool, results.folder
    keras.utils.set_random_seed(11)
    every = settle(every_layer(keras, three), 1)
    for ending in ("keras", "h5"):
        every.save(folder / f"{tool}_every.{ending}")
        results.add(f"{tool}_every.{ending}", every.predict(results.input, verbose=0), EXACT)
    for policy, endings in {"float32": ("keras", "h5"), "mixed_float16": ("keras",), "float16": ("h5",)}.items():
        keras.mixed_precision.set_global_policy(policy)
        model = settle(short(keras), 2)
        output = model.predict(results.input, verbose=0)
        for ending in endings:
            model.save(folder / f"{tool}_{policy}.{ending}")
            results.add(f"{tool}_{policy}.{ending}", output, EXACT if policy == "float32" else HALF)
        if policy == "float32":
            model.save_weights(str(folder / f"{tool}_only.weights.h5"))
    keras.mixed_precision.set_global_policy("float32")


def keras_tool(results):
    import keras
    with_keras(keras, True, results)
    # Without the learnt Normalization, whose numbers Keras 3.15 leaves out of the ONNX file.
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *settle(short(keras), 2).layers[1:]])
    model.export(str(results.folder / "saved_model"), verbose=False)
    model.export(str(results.folder / "keras_export.onnx"), format="onnx", verbose=False)
    results.add("keras_export.onnx", model.predict(results.input, verbose=0), EXACT)


def tf_keras_tool(results):
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf
    import tf2onnx
    import tf_keras
    with_keras(tf_keras, False, results)
    model = settle(short(tf_keras), 2)
    output = model.predict(results.input, verbose=0)
    spec = (tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, name="image"),)
    tf2onnx.convert.from_keras(model, input_signature=spec, output_path=str(results.folder / "tf2onnx.onnx"))
    results.add("tf2onnx.onnx", output, EXACT)
    (results.folder / "lite.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def torch_tool(results):
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self, numbers=NUMBERS):
            super().__init__()
            self.picture = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.PReLU(8),
                                         nn.Conv2d(8, 8, 3, groups=8, padding=1))
            self.row = nn.Sequential(nn.Linear(8 * 5 * 5, numbers), nn.BatchNorm1d(numbers))

        def forward(self, x):
            return nn.functional.normalize(self.row(torch.flatten(self.picture(x), 1)))

    torch.manual_seed(5)
    network, folder = Network().eval(), results.folder
    pictures = torch.from_numpy(results.input.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        output = network(pictures).numpy()
    one = (pictures[:1],)
    torch.onnx.export(network, one, folder / "torch.onnx", verbose=False)  # its weights in torch.onnx.data
    torch.onnx.export(network, one, folder / "torch_any_batch.onnx", dynamic_shapes=({0: torch.export.Dim("n")},),
                      external_data=False, verbose=False)
    torch.onnx.export(network, one, str(folder / "torch_script.onnx"), dynamo=False)
    for name in ("torch.onnx", "torch_any_batch.onnx", "torch_script.onnx"):
        results.add(name, output, EXACT)
    torch.save(network.state_dict(), folder / "torch.pt")
    torch.save(network.state_dict(), folder / "torch_old.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(network).save(str(folder / "torch_jit.bin"))
    torch.onnx.export(Network(10).eval(), one, folder / "torch_landmarks.onnx", external_data=False, verbose=False)
    torch.onnx.export(network.half(), (one[0].half(),), folder / "torch_half.onnx", external_data=False, verbose=False)
    results.add("torch_half.onnx", output, HALF)
    for file in folder.glob("torch*.onnx"):
        forget_places(file)


def openvino_tool(results):
    """IR of torch's network, with weights in half precision as OpenVINO saves them."""
    import openvino as ov
    model = ov.convert_model(results.folder / "torch_any_batch.onnx")
    ov.save_model(model, results.folder / "openvino.xml")
    output = ov.compile_model(model, "CPU")(results.input.transpose(0, 3, 1, 2))
    results.add("openvino.xml", next(iter(output.values())), HALF)


def onnxruntime_tool(results):
    """Its own copy of torch's network, with layers joined; what it computes with each ONNX file is another witness."""
    import onnxruntime
    joined = results.folder / "onnxruntime.onnx"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(joined)
    onnxruntime.InferenceSession(results.folder / "torch_any_batch.onnx", options)
    for file in sorted(results.folder.glob("*.onnx")):
        session = onnxruntime.InferenceSession(file)
        wanted = session.get_inputs()[0]
        pictures = results.input if wanted.shape[-1] == 3 else results.input.transpose(0, 3, 1, 2)
        if "16" in wanted.type:
            pictures = pictures.astype(np.float16)
        output = np.concatenate([session.run(None, {wanted.name: pictures[i:i + 1]})[0] for i in range(2)])
        if output.shape[-1] == NUMBERS:
            results.add(file.name, output, HALF if "16" in wanted.type else EXACT)


def main():
    tool, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(tool, folder)
    {"keras": keras_tool, "tf_keras": tf_keras_tool, "torch": torch_tool, "openvino": openvino_tool,
     "onnxruntime": onnxruntime_tool}[tool](results)
    results.write()


main()
