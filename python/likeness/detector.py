"""Faces in one photo: boxes, scores and landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _native
from ._models import PathLike, model_folders
from ._native import Face
from ._photos import Order, PhotoLike, photo


def detector_options(
    min_face_px: int = 20,
    min_face_share: float = 0.0,
    min_score: float | None = None,
    pyramid_step: float = 0.709,
    min_scores: Sequence[float] = (0.6, 0.7, 0.7),
    max_side_px: int = 0,
    threads: int = 1,
) -> _native.DetectorOptions:
    """Checked where a detector is made of them."""
    return _native.make_detector_options(
        min_face_px, min_face_share, min_score, pyramid_step, list(min_scores), max_side_px, threads
    )


class Detector:
    """Finds faces: with MTCNN's three networks, as the package mtcnn 0.1.1 does, with YuNet or with CenterFace.

    Threads may share one: those that detect at the same moment get buffers of their own. It is pickled by its
    options.

    Args:
        detector: the detector's pack, its name or its folder: "mtcnn", "yunet", "centerface".
        min_face_px: shortest face side to look for, pixels; for MTCNN at least 12.
        min_face_share: and as a share of the photo's shorter side, in [0, 1]; the larger of both counts.
        min_score: that a face needs, in [0, 1]; None: the pack's own.
        pyramid_step: MTCNN alone: size ratio of neighbouring scales, in (0, 1).
        min_scores: MTCNN alone: to pass the three networks, each in [0, 1].
        max_side_px: larger photos are shrunk to this longer side first; 0: never.
        threads: for one photo.
        models: folder, or folders, of model packs; None: $LIKENESS_MODELS, else where setup puts them.

    Raises:
        ModelNotFoundError, ModelInvalidError: by the pack.
        ValueError: for options out of range.
    """

    def __init__(
        self,
        *,
        detector: str = "mtcnn",
        min_face_px: int = 20,
        min_face_share: float = 0.0,
        min_score: float | None = None,
        pyramid_step: float = 0.709,
        min_scores: Sequence[float] = (0.6, 0.7, 0.7),
        max_side_px: int = 0,
        threads: int = 1,
        models: PathLike | Sequence[PathLike] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {
            "min_face_px": min_face_px,
            "min_face_share": min_face_share,
            "min_score": min_score,
            "pyramid_step": pyramid_step,
            "min_scores": tuple(min_scores),
            "max_side_px": max_side_px,
            "threads": threads,
        }
        self._folders = model_folders(models)
        self._detector = detector
        pack = _native.find_pack(detector, self._folders)
        self._native = _native.Detector(pack.folder, detector_options(**self._options))

    def detect(self, photo_: PhotoLike, *, order: Order | None = None) -> list[Face]:
        """Faces of a photo, best score first; none is an empty list.

        Args:
            photo_: a path, the bytes of an image file, uint8 pixels (height, width, 3), a PIL image.
            order: of the pixels' channels: "rgb" (usual), "bgr", "rgba", "bgra", "grey".

        Raises:
            ImageUnreadableError: for a file or bytes that hold no readable photo.
            TypeError, ValueError: for what cannot be a photo.
        """
        return self._native.detect(photo(photo_, order))

    __call__ = detect

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_detector, ({**self._options, "detector": self._detector, "models": self._folders},)

    def __repr__(self) -> str:
        options = {"detector": self._detector, **self._options}
        return f"Detector({', '.join(f'{k}={v!r}' for k, v in options.items())})"


def _make_detector(options: dict[str, Any]) -> Detector:
    return Detector(**options)
