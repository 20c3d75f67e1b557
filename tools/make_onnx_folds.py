#!/usr/bin/env python3
"""Writes small ONNX models with quantised weights, and the weights that ONNX's reference evaluator makes of them.

  python3 -m venv env && env/bin/pip install onnx==1.23.2
  env/bin/python tools/make_onnx_folds.py likeness/infer/testdata/onnx_folds.npz

Every model is output = input + weights, where `weights` is what the quantised constants stand for.
"""
import sys

import ml_dtypes
import numpy as np
from onnx import TensorProto as T, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

random = np.random.default_rng(7)
models = {}

BITS = {T.UINT2: 2, T.INT2: 2, T.UINT4: 4, T.INT4: 4, T.FLOAT4E2M1: 4, T.UINT8: 8, T.INT8: 8, T.UINT16: 16, T.INT16: 16,
        T.FLOAT8E4M3FN: 8, T.FLOAT8E4M3FNUZ: 8, T.FLOAT8E5M2: 8, T.FLOAT8E5M2FNUZ: 8}


def tensor(name, kind, shape, raw):
    return T(name=name, data_type=kind, dims=shape, raw_data=raw)


def any_bits(kind, shape):
    """Every pattern of bits where there is room for all, random ones beside."""
    count = int(np.prod(shape))
    bits = BITS[kind]
    values = np.concatenate([np.arange(min(1 << bits, count)), random.integers(0, 1 << bits, count)])[:count]
    if bits >= 8:
        return values.astype(f"<u{bits // 8}").tobytes()
    in_a_byte = 8 // bits
    values = np.pad(values, (0, -count % in_a_byte)).reshape(-1, in_a_byte)
    return sum(values[:, i] << bits * i for i in range(in_a_byte)).astype("u1").tobytes()


def scales(kind, shape):
    values = random.uniform(0.01, 1, shape).astype("f4")
    return numpy_helper.from_array(values.astype({T.FLOAT: np.float32, T.FLOAT16: np.float16,
                                                  T.BFLOAT16: ml_dtypes.bfloat16}[kind]), "scale")


def keep(name, nodes, constants, shape, opset):
    graph = helper.make_graph(
        nodes + [helper.make_node("Add", ["input", "weights"], ["output"])], "g",
        [helper.make_tensor_value_info("input", T.FLOAT, shape)],
        [helper.make_tensor_value_info("output", T.FLOAT, shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    with np.errstate(all="ignore"):
        want = ReferenceEvaluator(model).run(None, {"input": np.zeros(shape, "f4")})[0]
    models[name] = np.frombuffer(model.SerializeToString(), "u1")
    models[name + "_weights"] = want.astype("f4")


def dequantized(name, kind, shape, scale_shape=(), scale_kind=T.FLOAT, zero=True, opset=21, **attributes):
    constants = [tensor("values", kind, shape, any_bits(kind, shape)), scales(scale_kind, scale_shape)]
    inputs = ["values", "scale"]
    if zero:
        constants.append(tensor("zero", kind, scale_shape, any_bits(kind, scale_shape)))
        inputs.append("zero")
    made = "weights" if scale_kind == T.FLOAT else "low"
    nodes = [helper.make_node("DequantizeLinear", inputs, [made], **attributes)]
    if made == "low":
        nodes.append(helper.make_node("Cast", ["low"], ["weights"], to=T.FLOAT))
    keep(name, nodes, constants, shape, opset)


for kind in (T.INT8, T.UINT8, T.INT16, T.UINT16, T.INT4, T.UINT4):
    called = T.DataType.Name(kind).lower()
    dequantized(called + "_tensor", kind, (5, 7))
    dequantized(called + "_axis", kind, (5, 7), (5,), axis=0)
    dequantized(called + "_blocks", kind, (3, 10, 2), (3, 4, 2), axis=1, block_size=3)
for kind in (T.FLOAT8E4M3FN, T.FLOAT8E4M3FNUZ, T.FLOAT8E5M2, T.FLOAT8E5M2FNUZ):
    dequantized(T.DataType.Name(kind).lower(), kind, (16, 16), zero=False)
dequantized("float4e2m1", T.FLOAT4E2M1, (4, 4), zero=False, opset=23)
dequantized("int2", T.INT2, (3, 5), (3,), axis=0, opset=25)
dequantized("uint2", T.UINT2, (3, 5), opset=25)
dequantized("opset_19", T.UINT8, (5, 7), opset=19)
dequantized("negative_axis", T.INT8, (5, 7), (7,), axis=-1, zero=False)
dequantized("half_scale", T.INT8, (16, 16), scale_kind=T.FLOAT16)
dequantized("bfloat_scale", T.INT8, (16, 16), scale_kind=T.BFLOAT16, zero=False)

shape = (2, 3, 1, 3)
keep("reshaped", [helper.make_node("DequantizeLinear", ["values", "scale"], ["flat"], axis=1, block_size=9),
                  helper.make_node("Reshape", ["flat", "shape"], ["weights"])],
     [tensor("values", T.INT8, (2, 9), any_bits(T.INT8, (2, 9))), scales(T.FLOAT, (2, 1)),
      numpy_helper.from_array(np.array([0, 3, 1, -1]), "shape")], shape, 21)
in_nodes = helper.make_node("Constant", [], ["values"], value=tensor("", T.INT8, (6,), any_bits(T.INT8, (6,))))
keep("constant_nodes", [in_nodes, helper.make_node("DequantizeLinear", ["values", "scale"], ["weights"])],
     [scales(T.FLOAT, ())], (6,), 21)
for kind, dtype in ((T.FLOAT16, np.float16), (T.BFLOAT16, ml_dtypes.bfloat16)):
    values = numpy_helper.from_array(random.normal(0, 1, (4, 5)).astype(dtype), "values")
    keep("cast_" + T.DataType.Name(kind).lower(), [helper.make_node("Cast", ["values"], ["weights"], to=T.FLOAT)],
         [values], (4, 5), 21)
packed = T(name="values", data_type=T.INT4, dims=(5,), int32_data=[0x21, 0xF7, 0x08])
keep("int4_in_int32_data", [helper.make_node("DequantizeLinear", ["values", "scale"], ["weights"])],
     [packed, scales(T.FLOAT, ())], (5,), 21)

names = [name for name in models if not name.endswith("_weights")]
np.savez_compressed(sys.argv[1], names=np.array(names), **models)
print(len(names), "models")
