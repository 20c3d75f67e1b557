"""Finds the faces in photographs and says whose they are: on the CPU, offline.

    recognizer = likeness.Recognizer()
    for face in recognizer.find("party.jpg"):
        print(face.box, face.score, face.embedding.shape)

    gallery = likeness.Gallery.create("people.gallery", recognizer.space)
    recognizer.enrol(gallery, "Ann", "photos/ann")
    for face in recognizer.search(gallery, "party.jpg"):
        print(face.name, face.probability)

`python -m likeness setup` fetches the models first. Recognizer does the whole job; Detector, Embedder, Classifier
and Gallery are its parts. likeness.sklearn has them for scikit-learn, likeness.compat under the names of
face_recognition, mtcnn, keras-facenet and deepface. Boxes and points are pixels of the upright photo, embeddings
float32 of unit length, similarities cosines in [-1, 1].
"""

from __future__ import annotations

import os as _os
import sys as _sys

# The libraries behind have thousands of functions, most of which a program never calls: each is looked up at its first
# call instead of now, which takes a third off the time that importing takes.
_flags = _sys.getdlopenflags()
_sys.setdlopenflags(_os.RTLD_LAZY)
try:
    from . import _native
finally:
    _sys.setdlopenflags(_flags)

from ._native import (
    AddedFace,
    Box,
    EmbeddingSpace,
    EnrolledPhoto,
    EnrolSummary,
    Face,
    FaceQuality,
    FoundFace,
    GroupedFace,
    Groups,
    Identification,
    Match,
    ModelPack,
    PersonMatch,
    PhotoFaces,
    Prediction,
    ReviewFinding,
    SearchedFace,
    StoredFace,
    VerificationResult,
    VerifiedSide,
)

# Everything else is imported when it is first asked for. Not from typing, whose import alone takes milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import errors, eval, npz, packs
    from ._photos import folder as photos_in
    from ._reading import read_image
    from .classifier import Classifier
    from .detector import Detector
    from .embedder import Embedder
    from .errors import (
        DataInvalidError,
        Error,
        ImageUnreadableError,
        InputUnreadableError,
        ModelInvalidError,
        ModelMismatchError,
        ModelNotFoundError,
        OutputUnwritableError,
        StoppedError,
        UnavailableError,
        UnsupportedError,
    )
    from .gallery import Gallery
    from .recognizer import Recognizer

__version__: str = _native.__version__

__all__ = [
    "AddedFace", "Box", "Classifier", "DataInvalidError", "Detector", "Embedder", "EmbeddingSpace", "EnrolSummary",
    "EnrolledPhoto", "Error", "Face", "FaceQuality", "FoundFace", "Gallery", "GroupedFace", "Groups",
    "Identification", "ImageUnreadableError", "InputUnreadableError", "Match", "ModelInvalidError",
    "ModelMismatchError", "ModelNotFoundError", "ModelPack", "OutputUnwritableError", "PersonMatch", "PhotoFaces",
    "Prediction", "Recognizer", "ReviewFinding", "SearchedFace", "StoppedError", "StoredFace", "UnavailableError",
    "UnsupportedError", "VerificationResult", "VerifiedSide", "errors", "eval", "npz", "packs", "photos_in",
    "read_image",
]  # fmt: skip

_MODULES = ("errors", "eval", "npz", "packs")
_PLACES = {"Classifier": "classifier", "Detector": "detector", "Embedder": "embedder", "Gallery": "gallery",
           "Recognizer": "recognizer", "photos_in": "_photos", "read_image": "_reading"}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    place = name if name in _MODULES else _PLACES.get(name, "errors")
    value: object = import_module(f".{place}", __name__)
    if name not in _MODULES:
        value = getattr(value, "folder" if name == "photos_in" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
