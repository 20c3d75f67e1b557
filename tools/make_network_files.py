#!/usr/bin/env python3
"""Writes small networks as today's exporters leave them, and what each gives: right numbers for `model import`, or a line.

    make_network_files.py TOOL FOLDER     TOOL: torch, keras, quantised or openvino, in this order, each in an environment
                                          that has it (tests/meeting/run.sh has them)
    make_network_files.py committed FOLDER TARGET      copies those that the repository keeps

FOLDER gets the files; networks_TOOL.txt: a line each, `FILE TOLERANCE` or `FILE ! WORDS` of the line it is refused with;
networks_TOOL.npz: `picture` and, for each file that is taken, what the tool that made it gives for the two pictures at
(x - 127.5) / 128. Quantised files are told by ONNX Runtime with its optimizations off, which rounds as ONNX says.
Seeded. COMMITTED are in likeness/embed/testdata/networks.
"""
import copy
import os
import pathlib
import sys

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
SIDE, NUMBERS = 16, 24
EXACT, HALF, BYTES = 3e-5, 2e-2, 6e-3
COMMITTED = """torch_depthwise.onnx torch_batch4.onnx torch_two_outputs.onnx qdq_uint8.onnx torch_opset23.onnx
 torch_unread_inputs.onnx torch_yunet.onnx torch_opset24.onnx torch_attention_any_batch.onnx keras_nhwc.onnx qdq_int8.onnx
 quantised_blocks.onnx""".split()


def picture():
    n, y, x, c = np.mgrid[0:2, 0:SIDE, 0:SIDE, 0:3]
    return ((x * 29 + y * 53 + c * 71 + n * 97 + x * y * 5) % 256).astype(np.uint8)


class Results:
    def __init__(self, tool, folder):
        self.tool, self.folder, self.lines, self.outputs = tool, folder, [], {}
        self.rows = ((picture().astype(np.float32) - 127.5) / 128).astype(np.float32)
        self.planes = np.ascontiguousarray(self.rows.transpose(0, 3, 1, 2))

    def right(self, file, output, tolerance=EXACT):
        self.lines.append(f"{file} {tolerance:g}\n")
        self.outputs[file] = np.asarray(output, np.float32).reshape(2, -1)

    def refused(self, file, words):
        self.lines.append(f"{file} ! {words}\n")

    def write(self):
        (self.folder / f"networks_{self.tool}.txt").write_text("".join(self.lines))
        np.savez_compressed(self.folder / f"networks_{self.tool}.npz", picture=picture(), **self.outputs)
        print(f"{self.tool}: {len(self.lines)} files")


def torch_networks():
    import torch
    from torch import nn
    functional = nn.functional

    class Squeeze(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1),
                                      nn.Hardsigmoid())

        def forward(self, x):
            return x * self.gate(x)

    class Shortcut(nn.Module):
        def __init__(self, inside):
            super().__init__()
            self.inside = inside

        def forward(self, x):
            return torch.relu(x + self.inside(x))

    class Lambda(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, x):
            return self.function(x)

    class Patches(nn.Module):
        """A transformer's layer over patches."""

        def __init__(self):
            super().__init__()
            self.cut = nn.Conv2d(3, 16, 4, stride=4)
            self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu")
            self.row = nn.Linear(16, NUMBERS)

        def forward(self, x):
            tokens = self.cut(x).flatten(2).transpose(1, 2)
            return self.row(self.layer(tokens).mean(1))

    def network(*middle, out=8, last=None):
        first = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8))
        return nn.Sequential(first, *middle, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * out, NUMBERS),
                             *([last] if last else []))

    def conv(*args, **options):
        return nn.Conv2d(*args, **options)

    return {
        "relu": network(nn.ReLU()),
        "depthwise": network(nn.ReLU6(), conv(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU6(), conv(8, 8, 1)),
        "shortcut": network(Shortcut(nn.Sequential(conv(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), conv(8, 8, 1)))),
        "prelu": network(nn.PReLU(8), conv(8, 8, 3, padding=1), nn.PReLU()),
        "squeeze": network(nn.Hardswish(), Squeeze()),
        "gelu": network(nn.GELU(), conv(8, 8, 1), nn.SiLU(), conv(8, 8, 1), nn.Mish()),
        "elu": network(nn.ELU(), conv(8, 8, 1), nn.LeakyReLU(0.2), conv(8, 8, 1), nn.Softplus()),
        "instance": network(nn.InstanceNorm2d(8, affine=True), nn.ReLU()),
        "group": network(nn.GroupNorm(2, 8), nn.ReLU()),
        "layernorm": network(nn.ReLU(), last=nn.LayerNorm(NUMBERS)),
        "batchnorm1d": network(nn.ReLU(), last=nn.BatchNorm1d(NUMBERS)),
        "normalized": network(nn.ReLU(), last=Lambda(lambda x: functional.normalize(x))),
        "divided": network(nn.ReLU(), last=Lambda(lambda x: x / x.norm(dim=1, keepdim=True))),
        "grouped": network(conv(8, 8, 3, padding=2, dilation=2, groups=4), nn.ReLU()),
        "pools": network(nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2, 1, count_include_pad=False)),
        "upsampled": network(nn.Upsample(scale_factor=2), conv(8, 8, 3, padding=1)),
        "bilinear": network(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)),
        "transposed": network(nn.ConvTranspose2d(8, 8, 2, stride=2)),
        "shuffled": network(nn.PixelShuffle(2), conv(2, 8, 3, padding=1)),
        "reflected": network(nn.ReflectionPad2d(1), conv(8, 8, 3)),
        "maxout": network(Lambda(lambda x: torch.maximum(x[:, :4], x[:, 4:])), out=4),
        "concatenated": network(Lambda(lambda x: torch.cat([x, torch.relu(-x)], 1)), out=16),
        "softmax": network(Lambda(lambda x: x * torch.softmax(x.mean((2, 3)), 1)[:, :, None, None])),
        "attention": Patches(),
    }


def forget_places(file):
    """Takes out where on this machine each line of the exporter lies; nothing reads it."""
    import onnx
    model = onnx.load(file, load_external_data=False)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
    file.write_bytes(model.SerializeToString())


def edited(source, target, change):
    import onnx
    model = onnx.load(source)
    change(model)
    target.write_bytes(model.SerializeToString())


def torch_tool(results):
    import torch
    from torch import nn
    torch.manual_seed(7)
    folder, pictures = results.folder, torch.from_numpy(results.planes)
    networks = {name: network.eval() for name, network in torch_networks().items()}
    for network in networks.values():  # as after training: no mean 0, no variance 1
        for part in network.modules():
            if isinstance(part, (nn.BatchNorm2d, nn.BatchNorm1d)):
                part.running_mean.normal_(0, 0.2)
                part.running_var.uniform_(0.5, 1.5)

    def export(network, name, inputs=pictures[:1], **options):
        file = folder / f"torch_{name}.onnx"
        options = {"verbose": False, "dynamo": True, "external_data": False, **options}
        if not options["dynamo"]:
            del options["external_data"]
        torch.onnx.export(network, (inputs,), str(file), **options)
        forget_places(file)
        return file.name

    def output(network):
        with torch.no_grad():
            return network(pictures).numpy()

    attention = networks.pop("attention")
    for name, network in networks.items():
        results.right(export(network, name), output(network))
    # Heads and pictures share a dimension, which an export of one picture writes down as a number.
    results.refused(export(attention, "attention"), "export it with a free batch")
    results.refused(export(attention, "script_attention", dynamo=False), "export it with a free batch")
    results.right(export(attention, "attention_any_batch", pictures, dynamic_shapes=({0: torch.export.Dim("n")},)),
                  output(attention))
    relu, depthwise = networks["relu"], networks["depthwise"]
    for name in ("relu", "depthwise", "squeeze", "normalized"):
        results.right(export(networks[name], f"script_{name}", dynamo=False), output(networks[name]))
    for opset in (9, 11, 13, 17):
        results.right(export(relu, f"opset{opset}", dynamo=False, opset_version=opset), output(relu))
    for opset in (20, 23):
        results.right(export(relu, f"opset{opset}", opset_version=opset), output(relu))
    results.right(export(depthwise, "any_batch", pictures, dynamic_shapes=({0: torch.export.Dim("n")},)), output(depthwise))
    four = torch.cat([pictures, pictures])
    results.right(export(relu, "batch4", four), output(relu))
    results.right(export(relu, "outside", external_data=True), output(relu))
    results.right(export(copy.deepcopy(depthwise).half(), "half", pictures[:1].half()), output(depthwise), HALF)
    refused_by_torch(results, export, networks, pictures)

    def unread(model):
        import onnx
        for i in range(3):
            model.graph.input.append(onnx.helper.make_tensor_value_info(f"unread{i}", 1, [4, 4]))
    edited(folder / "torch_relu.onnx", folder / "torch_unread_inputs.onnx", unread)
    results.right("torch_unread_inputs.onnx", output(relu))

    def later(model):
        model.opset_import[0].version = 24
    edited(folder / "torch_opset23.onnx", folder / "torch_opset24.onnx", later)
    results.refused("torch_opset24.onnx", "ONNX opset 24")


def refused_by_torch(results, export, networks, pictures):
    import torch
    from torch import nn

    class Heads(nn.Module):
        """Several outputs, from maps of 8 channels: `heads` makes each."""

        def __init__(self, *heads):
            super().__init__()
            self.trunk = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU())
            self.heads = nn.ModuleList(heads)

        def forward(self, x):
            x = self.trunk(x)
            return tuple(head(x) for head in self.heads)

    class Rows(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.map, self.channels = nn.Conv2d(8, channels, 1), channels

        def forward(self, x):
            return self.map(x).permute(0, 2, 3, 1).reshape(1, -1, self.channels)

    def row(numbers):
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, numbers))

    def refused(network, name, words, **options):
        results.refused(export(network.eval(), name, **options), words)
    refused(Heads(row(NUMBERS), row(1)), "two_outputs", "may be the embedding")
    refused(Heads(row(NUMBERS), row(10), row(2)), "three_outputs", "the places of 5 landmarks")
    refused(Heads(*(Rows(n) for n in (1, 1, 1, 1, 1, 1, 4, 4, 4, 10, 10, 10))), "yunet", "as YuNet has them")
    refused(Heads(*(nn.Conv2d(8, n, 1) for n in (1, 2, 2, 10))), "centerface", "as CenterFace has them")
    refused(Heads(*(Rows(n) for n in (4, 2, 10))), "retinaface", "it finds faces")
    refused(Heads(nn.Conv2d(8, 2, 1), nn.Conv2d(8, 4, 1)), "pnet", "as MTCNN has them")
    refused(nn.Sequential(networks["relu"][0], nn.ReLU()), "maps", "no row of numbers a picture")
    refused(nn.Sequential(nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, NUMBERS)), "grey",
            "not pictures of three channels", inputs=pictures[:1, :1])
    sides = {2: torch.export.Dim("h", min=8), 3: torch.export.Dim("w", min=8)}
    refused(nn.Sequential(networks["relu"][0], Heads(row(NUMBERS)).heads[0]), "any_size", "pictures of any size",
            dynamic_shapes=(sides,))


def keras_networks(keras):
    layers = keras.layers

    def network(*middle, last=()):
        return keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(8, 3, strides=2, padding="same"),
                                 layers.BatchNormalization(), *middle, layers.GlobalAveragePooling2D(),
                                 layers.Dense(NUMBERS), *last])
    return {
        "nhwc": network(layers.ReLU()),
        "depthwise": network(layers.DepthwiseConv2D(3, padding="same"), layers.ReLU(max_value=6.0), layers.Conv2D(8, 1)),
        "separable": network(layers.SeparableConv2D(8, 3, activation="relu")),
        "prelu": network(layers.PReLU(shared_axes=[1, 2]), layers.Conv2D(8, 3)),
        "pools": network(layers.MaxPooling2D(2), layers.ZeroPadding2D(1), layers.Conv2D(8, 3)),
        "unit": network(layers.ReLU(), last=[layers.UnitNormalization()]),
        "swish": network(layers.Activation("swish")),
        "gelu": network(layers.Activation("gelu")),
    }


def keras_tool(results):
    import keras
    import tensorflow as tf
    import tf2onnx
    keras.utils.set_random_seed(9)
    rng = np.random.default_rng(9)
    for name, model in keras_networks(keras).items():
        for layer in model.layers:
            if type(layer).__name__ == "BatchNormalization":
                layer.set_weights([rng.uniform(0.5, 1.5, w.shape).astype(np.float32) for w in layer.get_weights()])
        output = model.predict(results.rows, verbose=0)
        model.export(str(results.folder / f"keras_{name}.onnx"), format="onnx", verbose=False)
        if name == "gelu":  # Keras 3.15's own export leaves TensorFlow's operator in the file
            results.refused(f"keras_{name}.onnx", "operators that are not known: Erfc")
            continue
        results.right(f"keras_{name}.onnx", output)
        if name in ("nhwc", "prelu"):
            model.save(results.folder / f"keras_{name}.keras")
            results.right(f"keras_{name}.keras", output)
        if name not in ("nhwc", "separable"):
            continue
        call = tf.function(lambda x, model=model: model(x, training=False))
        for opset, planes in ((12, False), (17, True)):
            spec = [tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32, name="image")]
            file = results.folder / f"tf2onnx_{name}_{opset}.onnx"
            tf2onnx.convert.from_function(call, spec, opset=opset, inputs_as_nchw=["image"] if planes else None,
                                          output_path=str(file))
            results.right(file.name, output)


def quantised_tool(results):
    """What quantises ONNX files, on torch's and Keras's networks."""
    import logging

    import onnx
    import onnxruntime as ort
    from onnx import helper, numpy_helper
    from onnxruntime import quantization as q
    logging.disable(logging.WARNING)
    folder = results.folder

    class Reader(q.CalibrationDataReader):
        def __init__(self, source):
            name = ort.InferenceSession(source).get_inputs()[0]
            pictures = results.rows if name.shape[-1] == 3 else results.planes
            self.rows = iter([{name.name: pictures[i:i + 1]} for i in range(2)])

        def get_next(self):
            return next(self.rows, None)

    def told(file, tolerance):
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(folder / file, options)
        wanted = session.get_inputs()[0]
        pictures = results.rows if wanted.shape[-1] == 3 else results.planes
        results.right(file, np.concatenate([session.run(None, {wanted.name: pictures[i:i + 1]})[0] for i in range(2)]),
                      tolerance)

    for name, source, weights, channels in (("int8", "torch_depthwise", q.QuantType.QInt8, True),
                                            ("uint8", "torch_depthwise", q.QuantType.QUInt8, False),
                                            ("shortcut", "torch_shortcut", q.QuantType.QInt8, True),
                                            ("nhwc", "keras_nhwc", q.QuantType.QInt8, True)):
        source = folder / f"{source}.onnx"
        q.quantize_static(source, folder / f"qdq_{name}.onnx", Reader(source), quant_format=q.QuantFormat.QDQ,
                          per_channel=channels, weight_type=weights, activation_type=q.QuantType.QUInt8)
        told(f"qdq_{name}.onnx", BYTES)
    source = folder / "torch_depthwise.onnx"
    q.quantize_static(source, folder / "qoperator.onnx", Reader(source), quant_format=q.QuantFormat.QOperator)
    results.refused("qoperator.onnx", "operators that are not known: com.microsoft.QGemm")
    q.quantize_static(source, folder / "qoperator_conv.onnx", Reader(source), quant_format=q.QuantFormat.QOperator,
                      op_types_to_quantize=["Conv"])
    told("qoperator_conv.onnx", BYTES)
    q.quantize_dynamic(source, folder / "dynamic.onnx")
    told("dynamic.onnx", BYTES)

    def blocks(model):
        """The dense layer's weights in bytes, one scale for 8 of them."""
        graph = model.graph
        weights = next(t for t in graph.initializer if list(t.dims) == [NUMBERS, 32])
        values = numpy_helper.to_array(weights)
        scales = np.abs(values.reshape(NUMBERS, 4, 8)).max(2) / 127
        rounded = np.round(values / scales.repeat(8, 1)).astype(np.int8)
        name = weights.name
        graph.initializer.remove(weights)
        graph.initializer.extend([numpy_helper.from_array(rounded, name + "_q"),
                                  numpy_helper.from_array(scales.astype(np.float32), name + "_s")])
        graph.node.insert(0, helper.make_node("DequantizeLinear", [name + "_q", name + "_s"], [name], axis=1, block_size=8))
        model.opset_import[0].version = 21
    edited(folder / "torch_relu.onnx", folder / "quantised_blocks.onnx", blocks)
    told("quantised_blocks.onnx", EXACT)


def openvino_tool(results):
    import openvino as ov
    for name, half in (("depthwise", False), ("attention_any_batch", False), ("shortcut", True)):
        model = ov.convert_model(results.folder / f"torch_{name}.onnx")
        ov.save_model(model, results.folder / f"openvino_{name}.xml", compress_to_fp16=half)
        compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        rows = [next(iter(compiled(results.planes[i:i + 1]).values())) for i in range(2)]
        results.right(f"openvino_{name}.xml", np.concatenate(rows), HALF if half else EXACT)


def committed(folder, target):
    """Copies what the repository keeps, with one list and one file of numbers."""
    target.mkdir(parents=True, exist_ok=True)
    lines, outputs = {}, {}
    for tool in ("torch", "keras", "quantised", "openvino"):
        lines |= {line.split()[0]: line for line in (folder / f"networks_{tool}.txt").read_text().splitlines(True)}
        outputs |= np.load(folder / f"networks_{tool}.npz")
    for name in COMMITTED:
        (target / name).write_bytes((folder / name).read_bytes())
    (target / "networks.txt").write_text("".join(lines[name] for name in COMMITTED))
    np.savez_compressed(target / "networks.npz", picture=picture(),
                        **{name: outputs[name] for name in COMMITTED if name in outputs})


def main():
    if sys.argv[1] == "committed":
        return committed(*map(pathlib.Path, sys.argv[2:4]))
    tool, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(tool, folder)
    {"torch": torch_tool, "keras": keras_tool, "quantised": quantised_tool, "openvino": openvino_tool}[tool](results)
    results.write()


if __name__ == "__main__":
    main()
