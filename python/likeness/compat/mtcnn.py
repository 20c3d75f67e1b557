"""`from likeness.compat.mtcnn import MTCNN` instead of `from mtcnn import MTCNN`, as mtcnn 0.1.1 has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..detector import Detector
from . import NotOfferedError

_KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


class InvalidImage(Exception):
    """What is given is no array."""


class MTCNN:
    """Finds faces, boxes and keypoints, as mtcnn 0.1.1.

    Args:
        weights_file: not offered; the weights are the package's own.
        min_face_size: pixels, at least 12.
        steps_threshold: of the three networks.
        scale_factor: of the pyramid.
    """

    def __init__(
        self,
        weights_file: str | None = None,
        min_face_size: int = 20,
        steps_threshold: Sequence[float] | None = None,
        scale_factor: float = 0.709,
        **models: Any,
    ) -> None:
        if weights_file is not None:
            raise NotOfferedError("weights_file: other weights are not read; the package's own are used")
        self._min_face_size = int(min_face_size)
        self._scores = list(steps_threshold or [0.6, 0.7, 0.7])
        self._factor = scale_factor
        self._models = models
        self._detector = self._made()

    def _made(self) -> Detector:
        return Detector(
            min_face_px=max(12, self._min_face_size), pyramid_step=self._factor, min_scores=self._scores, **self._models
        )

    @property
    def min_face_size(self) -> int:
        return self._min_face_size

    @min_face_size.setter
    def min_face_size(self, value: int = 20) -> None:
        self._min_face_size = int(value)
        self._detector = self._made()

    def detect_faces(self, img: Any) -> list[dict[str, Any]]:
        """Faces of an RGB array: [{'box': [x, y, width, height], 'confidence', 'keypoints': {name: (x, y)}}]."""
        import numpy

        if img is None or not hasattr(img, "shape"):
            raise InvalidImage("Image not valid.")
        found = []
        for face in self._detector.detect(img):
            left, top, right, bottom = face.box
            x, y = max(0, int(left)), max(0, int(top))
            found.append({
                "box": [x, y, int(right - x), int(bottom - y)],
                "confidence": numpy.float64(face.score),
                "keypoints": {
                    name: (int(point[0]), int(point[1])) for name, point in zip(_KEYPOINTS, face.landmarks)
                },
            })  # fmt: skip
        return found
