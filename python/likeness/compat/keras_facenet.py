"""`from likeness.compat.keras_facenet import FaceNet` instead of `from keras_facenet import FaceNet` (0.3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._reading import read_image
from ..embedder import Embedder
from . import NotOfferedError
from .mtcnn import MTCNN

_KEY = "20180408-102900"
_SCALE = 127.5  # The package divides by 127.5 where the weights were trained with 128.
_MARGIN = 16  # int(0.1 * 160), pixels of the photo on each side.


class FaceNet:
    """The embeddings of keras-facenet for the key "20180408-102900", whose weights are ours.

    Args:
        key: "20180408-102900"; others are not offered. There is no default: the package's own is another model.
        use_prebuilt, cache_folder: taken and not needed.
    """

    def __init__(
        self, key: str = _KEY, use_prebuilt: bool = True, cache_folder: str = "~/.keras-facenet", **models: Any
    ) -> None:
        if key != _KEY:
            raise NotOfferedError(f"key={key!r}: only {_KEY} is offered")
        self.metadata = {"dimensions": 512, "image_size": 160, "distance_metric": "cosine",
                         "fixed_image_standardization": True}  # fmt: skip
        self.cache_folder = cache_folder
        # The first makes the prepared network, which the second takes.
        self._embedder = Embedder(_KEY, **models)
        self._embedder._native = self._embedder._made(_SCALE)
        self._mtcnn = MTCNN(**models)

    def mtcnn(self) -> MTCNN:
        """The detector."""
        return self._mtcnn

    def crop(self, filepath_or_image: Any, threshold: float = 0.95) -> tuple[list[dict[str, Any]], list[Any]]:
        """Faces of a path or an RGB array above the threshold, and their crops: the box and 16 pixels around it."""
        image = read_image(filepath_or_image) if isinstance(filepath_or_image, str) else filepath_or_image
        detections = [d for d in self._mtcnn.detect_faces(image) if d["confidence"] > threshold]
        return detections, [_crop(image, d["box"]) for d in detections]

    def extract(self, filepath_or_image: Any, threshold: float = 0.95) -> list[dict[str, Any]]:
        """Faces with an 'embedding' (512,) each."""
        detections, crops = self.crop(filepath_or_image, threshold=threshold)
        if not detections:
            return []
        return [{**d, "embedding": e} for d, e in zip(detections, self.embeddings(images=crops))]

    def embeddings(self, images: Sequence[Any]) -> Any:
        """float32 (N, 512), unit length, of RGB crops of any size."""
        import numpy

        chips = [_resized(numpy.asarray(image), self.metadata["image_size"]) for image in images]
        return self._embedder.embed(chips).copy()

    def compute_distance(self, embedding1: Any, embedding2: Any) -> Any:
        """The cosine distance, a number of the embeddings' own type."""
        import numpy

        a, b = numpy.asarray(embedding1), numpy.asarray(embedding2)
        return 1 - a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b))


def _crop(image: Any, box: Sequence[int]) -> Any:
    x, y = box[0] - _MARGIN, box[1] - _MARGIN
    right, bottom = box[0] + box[2] + _MARGIN, box[1] + box[3] + _MARGIN
    return image[max(y, 0) : bottom, max(x, 0) : right]


def _resized(image: Any, side: Any) -> Any:
    """As cv2.resize(image, (side, side)): by it where it is installed, else within one step of its values."""
    import numpy

    if image.dtype != numpy.uint8:
        raise TypeError(f"images: uint8 pixels wanted, {image.dtype} given")
    if image.shape == (side, side, 3):
        return image
    try:
        import cv2
    except ImportError:
        return _bilinear(image, side)
    return cv2.resize(image, (side, side))


def _bilinear(image: Any, side: int) -> Any:
    import numpy

    values = image.astype(numpy.float64)
    for axis in (0, 1):
        size = image.shape[axis]
        at = numpy.clip((numpy.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
        low = at.astype(int)
        share = (at - low).reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
        high = numpy.minimum(low + 1, size - 1)
        values = values.take(low, axis) * (1 - share) + values.take(high, axis) * share
    return numpy.rint(values).astype(numpy.uint8)
