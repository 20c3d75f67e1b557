"""NumPy's .npz, read safely and written so that equal arrays give equal bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _native
from ._models import PathLike

if TYPE_CHECKING:
    import numpy.typing

    AnyArray = numpy.typing.NDArray[Any]


def read(path: PathLike) -> dict[str, AnyArray]:
    """All arrays of a file by name. Sizes are checked before memory is taken, and pickles are refused.

    Raises:
        InputUnreadableError: where there is no such file. DataInvalidError: naming file, member and problem.
    """
    file = _native.NpzFile(os.fsdecode(path))
    return {name: file.read(name) for name in file.names()}


def write(path: PathLike, arrays: Mapping[str, Any], *, compressed: bool = True) -> None:
    """Writes arrays of float32, float64, uint8, int32, int64, bool or text so that numpy.load() reads them.

    The file appears complete or not at all.

    Raises:
        OutputUnwritableError: by the disk. TypeError: for another dtype, naming the array.
    """
    import numpy

    made: dict[str, Any] = {}
    for name, value in arrays.items():
        array = numpy.asarray(value)
        if array.dtype.kind in "US":
            made[name] = (list(array.shape), [str(item) for item in array.astype("U").ravel()])
        elif array.dtype.name in ("float32", "float64", "uint8", "int32", "int64", "bool"):
            made[name] = numpy.asarray(array, order="C")
        else:
            raise TypeError(f"arrays[{name!r}]: dtype {array.dtype} is not written")
    _native.write_npz(os.fsdecode(path), made, compressed)
