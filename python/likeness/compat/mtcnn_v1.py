"""`from likeness.compat.mtcnn_v1 import MTCNN` instead of `from mtcnn import MTCNN`, as mtcnn 1.0.0 has it."""

from __future__ import annotations

import threading
from typing import Any

from .._native import Face
from .._reading import read_image
from ..detector import Detector
from . import NotOfferedError
from .mtcnn import _KEYPOINTS

_STAGES = ("face_detection_only", "face_and_landmarks_detection")
_IGNORED = {"nms_pnet1": 0.5, "nms_pnet2": 0.7, "nms_rnet": 0.7, "nms_onet": 0.7, "min_size": 12}


class MTCNN:
    """Finds faces, boxes and keypoints, with the arguments and results of mtcnn 1.0.0.

    Args:
        stages: "face_and_landmarks_detection". "face_detection_only" and stages of one's own are not offered.
        device: taken and kept; everything is computed on the CPU.
    """

    def __init__(self, stages: Any = "face_and_landmarks_detection", device: str = "CPU:0", **models: Any) -> None:
        if isinstance(stages, str) and stages not in _STAGES:
            raise ValueError(f"Invalid stages option: {stages}. Must be one of {list(_STAGES)}.")
        if stages != "face_and_landmarks_detection":
            raise NotOfferedError(f"stages={stages!r}: only face_and_landmarks_detection is offered")
        self._device = device
        self._models = models
        self._detectors: dict[tuple[float, ...], Detector] = {}
        self._lock = threading.Lock()
        self._detector(20, 0.709, 0.6, 0.7, 0.8)

    @property
    def device(self) -> str:
        return self._device

    def _detector(self, *key: float) -> Detector:
        with self._lock:
            if key not in self._detectors:
                self._detectors[key] = Detector(
                    min_face_px=max(12, int(key[0])), pyramid_step=key[1], min_scores=key[2:], **self._models
                )
            return self._detectors[key]

    def predict(self, image: Any, **options: Any) -> Any:
        """The same as detect_faces()."""
        return self.detect_faces(image, **options)

    def detect_faces(
        self,
        image: Any,
        fit_to_image: bool = True,
        limit_boundaries_landmarks: bool = False,
        box_format: str = "xywh",
        output_type: str = "json",
        postprocess: bool = True,
        batch_stack_justification: str = "center",
        **kwargs: Any,
    ) -> Any:
        """Faces of an RGB array, a path or bytes; of a list of them a list of lists.

        Returns:
            [{'box': [x, y, width, height], 'confidence', 'keypoints': {name: [x, y]}}], or with output_type
            "numpy" float rows: image, box, score, x of the five points, y of the five points.
        """
        for name, usual in _IGNORED.items():
            if kwargs.pop(name, usual) != usual:
                raise NotOfferedError(f"{name}: only {usual} is offered")
        detector = self._detector(
            kwargs.pop("min_face_size", 20), kwargs.pop("scale_factor", 0.709), kwargs.pop("threshold_pnet", 0.6),
            kwargs.pop("threshold_rnet", 0.7), kwargs.pop("threshold_onet", 0.8),
        )  # fmt: skip
        if kwargs:
            raise TypeError(f"detect_faces() got an unexpected keyword argument {next(iter(kwargs))!r}")
        images = image if isinstance(image, list) else [image]
        fits = (fit_to_image and postprocess, limit_boundaries_landmarks and fit_to_image and postprocess)
        rows = [_rows(i, read_image(one), detector, fits) for i, one in enumerate(images)]
        if output_type == "numpy":
            return _as_array(rows, box_format == "xywh")
        results = [[_as_json(row, box_format == "xywh") for row in one] for one in rows]
        return results if isinstance(image, list) else results[0]


def _rows(index: int, pixels: Any, detector: Detector, fits: tuple[bool, bool]) -> list[Any]:
    return [_row(index, face, pixels.shape, fits) for face in detector.detect(pixels)]


def _row(index: int, face: Face, shape: tuple[int, ...], fits: tuple[bool, bool]) -> Any:
    """image, x1, y1, x2, y2, score, x of five points, y of five points: as the package's arrays."""
    import numpy

    row = numpy.concatenate([[index], list(face.box), [face.score], face.landmarks[:, 0], face.landmarks[:, 1]])
    for columns, side, wanted in [([1, 3], 1, fits[0]), ([2, 4], 0, fits[0]),
                                  (range(6, 11), 1, fits[1]), (range(11, 16), 0, fits[1])]:  # fmt: skip
        if wanted:
            row[columns] = numpy.clip(row[columns], 0, shape[side] - 1)
    return row


def _as_array(rows: list[list[Any]], as_width_height: bool) -> Any:
    import numpy

    array = numpy.array([row for one in rows for row in one]).reshape(-1, 16)
    if as_width_height:
        array[:, 3] -= array[:, 1]
        array[:, 4] -= array[:, 2]
    return array


def _as_json(row: Any, as_width_height: bool) -> dict[str, Any]:
    import numpy

    x1, y1, x2, y2 = numpy.round(row[1:5]).astype(int).tolist()
    points = numpy.round(row[6:16]).astype(int)  # and stay NumPy's integers, as there
    return {
        "box": [x1, y1, x2 - x1, y2 - y1] if as_width_height else [x1, y1, x2, y2],
        "confidence": row[5],
        "keypoints": {name: [points[i], points[i + 5]] for i, name in enumerate(_KEYPOINTS)},
    }
