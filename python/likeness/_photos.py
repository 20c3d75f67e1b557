"""What may be a photo, and how it goes to the engine: decided here, once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union

from . import _native

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Pixels: TypeAlias = numpy.typing.NDArray[numpy.uint8]

Order: TypeAlias = Literal["rgb", "bgr", "rgba", "bgra", "grey"]

#: A path; the bytes of an image file; pixels as anything that NumPy takes; a PIL image; an open binary file.
PhotoLike: TypeAlias = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, "_native.Photo", Any]

_ORDERS: dict[int, Order] = {1: "grey", 3: "rgb", 4: "rgba"}


def is_one(photos: object) -> bool:
    """Whether this is one photo and not an iterable of photos."""
    if isinstance(photos, (str, bytes, bytearray, memoryview, os.PathLike, _native.Photo)):
        return True
    if isinstance(photos, (list, tuple, set, frozenset, Iterator)):
        return False
    shape = getattr(photos, "shape", None)
    if shape is not None:
        return len(shape) != 4  # a stack of pictures is iterated over
    return hasattr(photos, "__array_interface__") or hasattr(photos, "read") or not isinstance(photos, Iterable)


def _array(pixels: Any, argument: str) -> Pixels:
    import numpy

    if isinstance(pixels, numpy.ndarray):
        array = pixels
    elif hasattr(pixels, "__array_interface__") or hasattr(pixels, "__array__"):
        array = numpy.asarray(pixels)
    elif hasattr(pixels, "__dlpack__"):
        array = numpy.from_dlpack(pixels)
    else:
        raise TypeError(
            f"{argument}: a photo is a path, bytes, an array, or an image, not {type(pixels).__name__}"
        )
    if array.dtype != numpy.uint8:
        hint = ""
        if array.dtype.kind == "f":
            hint = "; values of 0 to 1 become (255 * image).astype('uint8')"
        raise TypeError(f"{argument}: uint8 pixels wanted, {array.dtype} given{hint}")
    return array


def pixels_of(pixels: Any, order: Order | None, argument: str) -> tuple[Pixels, Order]:
    """The picture as a uint8 array and the order of its channels. Copies only where channels lie apart."""
    import numpy

    array = _array(pixels, argument)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"{argument}: a picture has shape (height, width) or (height, width, channels), not {array.shape}"
        )
    bands = 1 if array.ndim == 2 else array.shape[2]
    if order is None:
        if bands not in _ORDERS:
            raise ValueError(f"{argument}: 1, 3 or 4 channels wanted, not {bands}")
        order = _ORDERS[bands]
    if array.ndim == 2 and order != "grey":
        raise ValueError(f"{argument}: {order} wants a channel axis, but the shape is {array.shape}")
    if 0 in array.shape:
        raise ValueError(f"{argument}: a picture without pixels, shape {array.shape}")
    if array.ndim == 3 and bands in (3, 4) and array.strides[2] == -1 and order in ("rgb", "bgr") and bands == 3:
        # img[:, :, ::-1]: the same pixels, told the other way round.
        array, order = array[:, :, ::-1], ("bgr" if order == "rgb" else "rgb")
    if array.ndim == 3 and bands > 1 and array.strides[2] != 1:
        array = numpy.ascontiguousarray(array)
    return array, order


def _pil_pixels(image: Any) -> Any:
    """A PIL image turned upright and in RGB, as a file of it would be read."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    return upright if upright.mode in ("RGB", "L") else upright.convert("RGB")


def photo(
    value: PhotoLike, order: Order | None = None, argument: str = "photo", name: str | None = None
) -> _native.Photo:
    """The engine's handle of one photo; nothing is read or copied yet.

    Raises:
        TypeError: for what cannot be a photo, or pixels that are not uint8.
        ValueError: for a shape that no picture has, or a closed file.
    """
    if isinstance(value, _native.Photo):
        return value
    if isinstance(value, (str, os.PathLike)):
        path = os.fsdecode(value)
        return _native.Photo.of_file(name or path, path)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _of_bytes(value, argument, name)
    if type(value).__module__.startswith("PIL."):
        try:
            value = _pil_pixels(value)
        except ValueError as error:  # PIL says so of a closed image
            raise ValueError(f"{argument}: {error}") from error
    elif hasattr(value, "read"):
        try:
            data = value.read()
        except ValueError as error:
            raise ValueError(f"{argument}: {error}") from error
        if not isinstance(data, bytes):
            raise TypeError(f"{argument}: the file must be opened in binary mode")
        return _of_bytes(data, argument, name or getattr(value, "name", None))
    array, order = pixels_of(value, order, argument)
    try:
        return _native.Photo.of_pixels(name or argument, array, order, array)
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from error


def _of_bytes(data: bytes | bytearray | memoryview, argument: str, name: str | None) -> _native.Photo:
    import numpy

    view = numpy.frombuffer(data, numpy.uint8)
    return _native.Photo.of_bytes(str(name or argument), view, view)


def photos(
    values: PhotoLike | Iterable[PhotoLike], order: Order | None = None, argument: str = "photos"
) -> tuple[Iterator[_native.Photo], int | None]:
    """Photos one after the other, and their number where it is known. A folder gives all photos in it."""
    many: Any = values
    if isinstance(values, (str, os.PathLike)) and os.path.isdir(values):
        many = folder(values)
    elif is_one(values):
        many = [values]
    size = len(many) if hasattr(many, "__len__") else None
    return (photo(v, order, f"{argument}[{i}]") for i, v in enumerate(many)), size


def folder(path: str | os.PathLike[str]) -> list[str]:
    """Every photo under a folder, all levels deep, as the command line takes them.

    Raises:
        InputUnreadableError: where there is no such folder, or no photo in it.
    """
    return _native.photos_in(os.fsdecode(path))
