"""What a value looks like to who uses it: keys, types and shapes, without the numbers. Needs nothing but NumPy."""

import inspect
import json

import numpy


def form(value, plain=False):
    """`plain`: NumPy's numbers and texts are called as Python's."""
    if isinstance(value, dict):
        return {key: form(inner, plain) for key, inner in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, len(value), *unique(form(inner, plain) for inner in value)]
    if isinstance(value, numpy.ndarray):
        return f"ndarray {value.dtype} {value.shape}"
    if type(value).__name__ == "DataFrame":
        return {"DataFrame of": len(value), **{str(name): str(kind) for name, kind in value.dtypes.items()}}
    if plain and isinstance(value, numpy.generic):
        value = value.item()
    return type(value).__name__


def unique(forms):
    kept = []
    for one in forms:
        if one not in kept:
            kept.append(one)
    return kept


def signature(function):
    """Names, kinds and defaults of the parameters; annotations are everybody's own."""
    return [[p.name, p.kind.name, "" if p.default is p.empty else repr(p.default)]
            for p in inspect.signature(function).parameters.values()]


def error_of(work):
    """The class of what is raised, and of which well-known ones it is."""
    try:
        work()
    except Exception as error:
        return [kind.__name__ for kind in (ValueError, TypeError, FileNotFoundError, RuntimeError) if isinstance(error, kind)]
    return None


def tell(**parts):
    print(json.dumps(parts, default=lambda value: value.tolist()))
