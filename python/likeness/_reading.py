"""Photo files as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native
from ._photos import PhotoLike, photo

if TYPE_CHECKING:
    import numpy
    import numpy.typing


def read_image(photo_: PhotoLike, *, shrink: int = 1) -> numpy.typing.NDArray[numpy.uint8]:
    """The upright photo in a file, or in its bytes: uint8 (height, width, 3), sRGB.

    Args:
        shrink: 1, 2, 4 or 8: a JPEG is decoded at that fraction of its size, which is much quicker.

    Raises:
        ImageUnreadableError: missing, damaged, cut short, over a limit, or of another format.
    """
    return _native.read_image(photo(photo_), shrink)
