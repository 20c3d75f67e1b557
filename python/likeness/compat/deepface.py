"""`from likeness.compat.deepface import DeepFace` instead of `from deepface import DeepFace` (0.0.103).

One model and one detector are behind it: FaceNet 20180408-102900 with 512 values, called "Facenet512", and MTCNN.
Distances are scaled so that deepface's threshold for Facenet512 is this model's calibrated one (a false match rate of
0.001). Arrays are BGR, as there.
"""

from __future__ import annotations

import base64
import hashlib
import io
import math
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from .._models import TUTORIAL_MODEL
from .._native import Box, Face
from .._photos import photo
from .._reading import read_image
from ..gallery import Gallery
from ..recognizer import Recognizer
from . import NotOfferedError

#: deepface's own for Facenet512.
THRESHOLDS = {"cosine": 0.30, "euclidean": 23.56, "euclidean_l2": 1.04, "angular": 0.35}
MODEL = "Facenet512"
_SLOPE = 28.0  # Of this model's similarities, docs/people.md.
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


class FaceNotDetected(ValueError):
    """There is no face, and enforce_detection is set."""


class _Engine:
    """The recogniser, made when it is first needed, and what was seen of files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recognizer: Recognizer | None = None
        self.options: dict[str, Any] = {}
        self.known: dict[str, list[dict[str, Any]]] = {}

    @property
    def recognizer(self) -> Recognizer:
        with self._lock:
            if self._recognizer is None:
                self._recognizer = Recognizer(self.options.get("model", TUTORIAL_MODEL),
                                              **{k: v for k, v in self.options.items() if k != "model"})  # fmt: skip
            return self._recognizer

    def configure(self, options: dict[str, Any]) -> None:
        with self._lock:
            self.options, self._recognizer = options, None
            self.known.clear()


_engine = _Engine()


def configure(**options: Any) -> None:
    """Options of the Recognizer behind: models, threads, ..."""
    _engine.configure(options)


def _offered(model_name: str, detector_backend: str, normalization: str, anti_spoofing: bool, expand: int) -> None:
    if model_name != MODEL:
        raise NotOfferedError(f"model_name={model_name!r}: only {MODEL!r} is offered")
    if detector_backend not in ("mtcnn", "skip"):
        raise NotOfferedError(f"detector_backend={detector_backend!r}: only 'mtcnn' and 'skip' are offered")
    if normalization != "base":
        raise NotOfferedError(f"normalization={normalization!r}: the model's own, 'base', is offered")
    if anti_spoofing:
        raise NotOfferedError("anti_spoofing is not offered")
    if expand:
        raise NotOfferedError("expand_percentage: the model's own crop is offered")


def _pixels(img: Any) -> tuple[Any, str | None]:
    """RGB pixels and the name: of a path, base64 text, an open file or a BGR array."""
    if isinstance(img, str) and (img.startswith("data:image/") or (len(img) > 200 and not os.path.exists(img))):
        return read_image(base64.b64decode(img.split(",", 1)[-1])), None
    if isinstance(img, (str, os.PathLike)):
        if not os.path.exists(img):
            raise ValueError(f"Confirm that {img} exists")
        return read_image(img), os.fsdecode(img)
    if isinstance(img, (io.IOBase, bytes)) or hasattr(img, "read"):
        return read_image(img), None
    return read_image(photo(img, "bgr", "img_path")), None


def _found(img: Any, detector_backend: str, enforce_detection: bool, argument: str = "img") -> list[dict[str, Any]]:
    """Faces with their embeddings as they are compared, and what deepface tells of each."""
    import numpy

    pixels, name = _pixels(img)
    height, width = pixels.shape[:2]
    recognizer = _engine.recognizer
    whole = {"x": 0, "y": 0, "w": width - 1, "h": height - 1, "left_eye": None, "right_eye": None}
    faces = [] if detector_backend == "skip" else recognizer.find(pixels)
    if not faces and enforce_detection and detector_backend != "skip":
        raise FaceNotDetected(
            f"Face could not be detected in {name or argument}. Please confirm that the picture is a face photo "
            "or consider to set enforce_detection param to False."
        )
    if not faces:
        row = _whole(pixels)
        return [{"embedding": row, "facial_area": whole, "confidence": 0.0, "face": None, "pixels": pixels}]
    rows = recognizer.space.comparable(numpy.stack([face.embedding for face in faces]))
    return [
        {"embedding": row, "facial_area": _area(face.face, width, height), "confidence": float(face.score),
         "face": face.face, "pixels": pixels}
        for face, row in zip(faces, rows)
    ]  # fmt: skip


def _whole(pixels: Any) -> Any:
    """The embedding of a picture that is a face."""
    import numpy

    height, width = pixels.shape[:2]
    embedder = _embedder()
    face = Face(Box(0, 0, width, height), 1.0, numpy.zeros((5, 2), numpy.float32))
    return embedder.space.comparable(embedder.embed([embedder.cut(pixels, face)]))[0]


def _embedder() -> Any:
    from ..embedder import Embedder

    options = _engine.recognizer._options
    return Embedder(options["model"], precision=options["precision"], models=options["models"])


def _area(face: Face, width: int, height: int) -> dict[str, Any]:
    x, y = max(0, int(face.box.left)), max(0, int(face.box.top))
    left, right = ((int(p[0]), int(p[1])) for p in face.landmarks[:2])
    # deepface says left and right as the person has them.
    return {"x": x, "y": y, "w": min(width - x - 1, int(face.box.width)), "h": min(height - y - 1, int(face.box.height)),
            "left_eye": right, "right_eye": left}  # fmt: skip


def _plain_distance(similarity: float, metric: str) -> float:
    similarity = max(-1.0, min(1.0, similarity))
    if metric == "cosine":
        return 1 - similarity
    if metric == "angular":
        return math.acos(similarity) / math.pi
    return math.sqrt(2 - 2 * similarity)


def _calibrated() -> float:
    return _engine.recognizer.verification_threshold()


def find_threshold(model_name: str = MODEL, distance_metric: str = "cosine") -> float:
    """deepface's threshold, which is where this model's calibrated one is put."""
    _offered(model_name, "mtcnn", "base", False, 0)
    if distance_metric not in THRESHOLDS:
        raise ValueError(f"Invalid distance_metric passed - {distance_metric}")
    return THRESHOLDS[distance_metric]


def find_distance(a: Any, b: Any, distance_metric: str = "cosine") -> float:
    """The distance of two embeddings of represent(), scaled as verify() does."""
    import numpy

    a, b = numpy.asarray(a), numpy.asarray(b)
    similarity = float(a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b)))
    scale = find_threshold(MODEL, distance_metric) / _plain_distance(_calibrated(), distance_metric)
    return _plain_distance(similarity, distance_metric) * scale


def _confidence(similarity: float, verified: bool) -> float:
    value = 100 / (1 + math.exp(-_SLOPE * (similarity - _calibrated())))
    return round(max(51.0, value) if verified else min(49.0, value), 2)


def _rows_of(folder: str, detector_backend: str) -> list[dict[str, Any]]:
    """Every face of a folder's photos; photos without one are left out, as deepface does with a warning."""
    rows = []
    for path in sorted(os.path.join(root, name) for root, _, names in os.walk(folder) for name in names):
        if not path.lower().endswith(_SUFFIXES):
            continue
        with open(path, "rb") as file:
            digest = hashlib.sha1(file.read(), usedforsecurity=False).hexdigest()
        if digest not in _engine.known:
            try:
                _engine.known[digest] = _found(path, detector_backend, True)
            except FaceNotDetected:
                _engine.known[digest] = []
            for face in _engine.known[digest]:
                face.pop("pixels")
        rows += [{"identity": path, "hash": digest, **face} for face in _engine.known[digest]]
    return rows


def _wants_pandas(return_type: str | None) -> bool:
    if return_type not in (None, "pandas", "dict"):
        raise ValueError(f"return_type must be 'pandas' or 'dict', not {return_type!r}")
    if return_type == "dict":
        return False
    try:
        import pandas  # noqa: F401
    except ImportError:
        if return_type == "pandas":
            raise
        return False
    return True


def _told(results: list[list[dict[str, Any]]], keys: Sequence[str], return_type: str | None) -> list[Any]:
    if not _wants_pandas(return_type):
        return results
    import pandas

    return [pandas.DataFrame(rows, columns=list(keys)) for rows in results]


class DeepFace:
    """The functions of deepface, under the name they are used by."""

    @staticmethod
    def verify(
        img1_path: Any,
        img2_path: Any,
        model_name: str = MODEL,
        detector_backend: str = "mtcnn",
        distance_metric: str = "cosine",
        enforce_detection: bool = True,
        align: bool = True,
        expand_percentage: int = 0,
        normalization: str = "base",
        silent: bool = False,
        threshold: float | None = None,
        anti_spoofing: bool = False,
    ) -> dict[str, Any]:
        """Whether two photos show one person: of several faces the two nearest count."""
        began = time.monotonic()
        _offered(model_name, detector_backend, normalization, anti_spoofing, expand_percentage)
        limit = find_threshold(model_name, distance_metric) if threshold is None else threshold
        sides = []
        for number, img in enumerate((img1_path, img2_path), 1):
            try:
                sides.append(_side(img, detector_backend, enforce_detection))
            except ValueError as error:
                raise ValueError(f"Exception while processing img{number}_path") from error
        distance, first, second = min(
            ((find_distance(a["embedding"], b["embedding"], distance_metric), a, b) for a in sides[0] for b in sides[1]),
            key=lambda pair: pair[0],
        )
        similarity = float(first["embedding"] @ second["embedding"])
        return {
            "verified": distance <= limit,
            "distance": distance,
            "threshold": limit,
            "confidence": _confidence(similarity, distance <= limit),
            "model": model_name,
            "detector_backend": detector_backend,
            "similarity_metric": distance_metric,
            "facial_areas": {"img1": first["facial_area"], "img2": second["facial_area"]},
            "time": round(time.monotonic() - began, 2),
        }

    @staticmethod
    def represent(
        img_path: Any,
        model_name: str = MODEL,
        enforce_detection: bool = True,
        detector_backend: str = "mtcnn",
        align: bool = True,
        expand_percentage: int = 0,
        normalization: str = "base",
        anti_spoofing: bool = False,
        max_faces: int | None = None,
        l2_normalize: bool = False,
        minmax_normalize: bool = False,
        return_face: bool = False,
    ) -> list[Any]:
        """Each face's embedding: 512 values of length 1, the mean face taken away, so that cosines compare."""
        _offered(model_name, detector_backend, normalization, anti_spoofing, expand_percentage)
        if minmax_normalize:
            raise NotOfferedError("minmax_normalize: embeddings are of length 1")
        if isinstance(img_path, list):
            return [DeepFace.represent(one, model_name, enforce_detection, detector_backend, max_faces=max_faces,
                                       return_face=return_face) for one in img_path]  # fmt: skip
        results = []
        for face in _found(img_path, detector_backend, enforce_detection)[:max_faces]:
            area, confidence = face["facial_area"], round(face["confidence"], 2)
            if detector_backend == "skip":  # told without eyes there, and with a plain 0
                height, width = face["pixels"].shape[:2]
                area, confidence = {"x": 0, "y": 0, "w": width, "h": height}, 0
            result = {"embedding": face["embedding"].tolist(), "facial_area": area, "face_confidence": confidence}
            if return_face:
                result["face"] = _cut(face)
            results.append(result)
        return results

    @staticmethod
    def extract_faces(
        img_path: Any,
        detector_backend: str = "mtcnn",
        enforce_detection: bool = True,
        align: bool = True,
        expand_percentage: int = 0,
        grayscale: bool = False,
        color_face: str = "rgb",
        normalize_face: bool = True,
        anti_spoofing: bool = False,
    ) -> list[Any]:
        """Each face's pixels (float 0 to 1, or uint8), place and confidence. Faces are not turned upright."""
        _offered(MODEL, detector_backend, "base", anti_spoofing, expand_percentage)
        if isinstance(img_path, list):
            return [DeepFace.extract_faces(one, detector_backend, enforce_detection, align, 0, grayscale, color_face,
                                           normalize_face) for one in img_path]  # fmt: skip
        results = []
        for face in _found(img_path, detector_backend, enforce_detection):
            pixels = _coloured(_cut(face), "gray" if grayscale else color_face)
            results.append({"face": pixels / 255 if normalize_face else pixels, "facial_area": face["facial_area"],
                            "confidence": round(face["confidence"], 2)})  # fmt: skip
        return results

    @staticmethod
    def find(
        img_path: Any,
        db_path: str,
        model_name: str = MODEL,
        distance_metric: str = "cosine",
        enforce_detection: bool = True,
        detector_backend: str = "mtcnn",
        align: bool = True,
        similarity_search: bool = False,
        k: int | None = None,
        expand_percentage: int = 0,
        threshold: float | None = None,
        normalization: str = "base",
        silent: bool = False,
        refresh_database: bool = True,
        anti_spoofing: bool = False,
        datastore_format: str = "npz",
        return_type: str | None = None,
    ) -> list[Any]:
        """For each face of a photo the faces of a folder's photos within the threshold, nearest first.

        A DataFrame a face where pandas is there, or lists of dicts. Nothing is written into the folder.
        """
        _offered(model_name, detector_backend, normalization, anti_spoofing, expand_percentage)
        if not os.path.isdir(db_path):
            raise ValueError(f"Passed path {db_path} does not exist!")
        limit = find_threshold(model_name, distance_metric) if threshold is None else threshold
        known = _rows_of(db_path, detector_backend)
        if not known:
            raise ValueError(f"No item found in {db_path}")
        results = []
        for face in _found(img_path, detector_backend, enforce_detection):
            rows = [_compared(face, row, distance_metric, limit) for row in known]
            results.append(_kept(rows, limit, similarity_search, k))
        keys = ("identity", "hash", "target_x", "target_y", "target_w", "target_h", "threshold", "source_x",
                "source_y", "source_w", "source_h", "distance", "confidence")  # fmt: skip
        return _told(results, keys, return_type)

    @staticmethod
    def register(
        img: Any,
        img_name: str | None = None,
        model_name: str = MODEL,
        detector_backend: str = "mtcnn",
        enforce_detection: bool = True,
        align: bool = True,
        l2_normalize: bool = False,
        expand_percentage: int = 0,
        normalization: str = "base",
        anti_spoofing: bool = False,
        database_type: str = "sqlite",
        connection_details: Any = None,
        connection: Any = None,
    ) -> dict[str, Any]:
        """Registers faces in a gallery file: connection_details is its path, else $DEEPFACE_SQLITE_PATH."""
        _offered(model_name, detector_backend, normalization, anti_spoofing, expand_percentage)
        gallery = _gallery(database_type, connection_details, connection)
        inserted = 0
        for one in img if isinstance(img, list) else [img]:
            name = img_name or (os.fsdecode(one) if isinstance(one, (str, os.PathLike)) else "unnamed")
            pixels = _pixels(one)[0]
            faces = _engine.recognizer.find(pixels)
            if not faces and enforce_detection:
                raise FaceNotDetected(f"Face could not be detected in {name}.")
            before = len(gallery)
            for face in faces:
                gallery.add(name, face.embedding[None], [name], [face.box])
            inserted += len(gallery) - before
        return {"inserted": inserted}

    @staticmethod
    def search(
        img: Any,
        model_name: str = MODEL,
        detector_backend: str = "mtcnn",
        distance_metric: str = "cosine",
        enforce_detection: bool = True,
        align: bool = True,
        l2_normalize: bool = False,
        expand_percentage: int = 0,
        normalization: str = "base",
        anti_spoofing: bool = False,
        similarity_search: bool = False,
        k: int | None = None,
        database_type: str = "sqlite",
        connection_details: Any = None,
        connection: Any = None,
        search_method: str = "exact",
        return_type: str | None = None,
    ) -> list[Any]:
        """For each face of a photo the registered faces within the threshold, nearest first."""
        _offered(model_name, detector_backend, normalization, anti_spoofing, expand_percentage)
        gallery = _gallery(database_type, connection_details, connection)
        limit = find_threshold(model_name, distance_metric)
        scale = limit / _plain_distance(_calibrated(), distance_metric)
        results = []
        pixels = _pixels(img)[0]
        faces = _engine.recognizer.find(pixels)
        if not faces and enforce_detection:
            raise FaceNotDetected("Face could not be detected in img.")
        for face in faces:
            rows, area = [], _area(face.face, pixels.shape[1], pixels.shape[0])
            for match in gallery.nearest(face.embedding[None], max(1, len(gallery)))[0]:
                distance = _plain_distance(match.cosine, distance_metric) * scale
                rows.append({
                    "id": match.face, "img_name": match.name, "model_name": model_name,
                    "detector_backend": detector_backend, "aligned": align,
                    "l2_normalized": l2_normalize, "search_method": search_method,
                    **{f"target_{side}": area[side] for side in "xywh"}, "threshold": limit,
                    "distance_metric": distance_metric,
                    "distance": distance, "confidence": _confidence(match.cosine, distance <= limit),
                })  # fmt: skip
            results.append(_kept(rows, limit, similarity_search, k))
        keys = ("id", "img_name", "model_name", "detector_backend", "aligned", "l2_normalized", "search_method", "target_x",
                "target_y", "target_w", "target_h", "threshold", "distance_metric", "distance", "confidence")  # fmt: skip
        return _told(results, keys, return_type)

    @staticmethod
    def analyze(*_: Any, **__: Any) -> Any:
        """Not offered."""
        raise NotOfferedError("analyze: age, gender, emotion and race are not offered")

    @staticmethod
    def stream(*_: Any, **__: Any) -> Any:
        """Not offered."""
        raise NotOfferedError("stream is not offered")


def _side(img: Any, detector_backend: str, enforce_detection: bool) -> list[dict[str, Any]]:
    """Faces of a photo, or an embedding that represent() gave."""
    import numpy

    if not isinstance(img, list):
        return _found(img, detector_backend, enforce_detection)
    dimension = _engine.recognizer.space.dimension
    if len(img) != dimension:
        raise ValueError(f"embeddings of {MODEL} should have {dimension} dimensions, but {len(img)} are given")
    nowhere = {"x": None, "y": None, "w": None, "h": None, "left_eye": None, "right_eye": None}
    return [{"embedding": numpy.asarray(img, numpy.float32), "facial_area": nowhere}]


def _cut(face: dict[str, Any]) -> Any:
    area = face["facial_area"]
    return face["pixels"][area["y"] : area["y"] + area["h"], area["x"] : area["x"] + area["w"]]


def _coloured(pixels: Any, color_face: str) -> Any:
    if color_face == "rgb":
        return pixels
    if color_face == "bgr":
        return pixels[:, :, ::-1]
    if color_face == "gray":
        return (pixels @ [0.299, 0.587, 0.114]).round().astype("uint8")
    raise ValueError(f"The color_face can be rgb, bgr or gray, but it is {color_face}.")


def _compared(face: dict[str, Any], row: dict[str, Any], metric: str, limit: float) -> dict[str, Any]:
    source, target = face["facial_area"], row["facial_area"]
    distance = find_distance(face["embedding"], row["embedding"], metric)
    similarity = float(face["embedding"] @ row["embedding"])
    return {
        "identity": row["identity"], "hash": row["hash"],
        **{f"target_{side}": target[side] for side in "xywh"}, "threshold": limit,
        **{f"source_{side}": source[side] for side in "xywh"},
        "distance": distance, "confidence": _confidence(similarity, distance <= limit),
    }  # fmt: skip


def _kept(rows: list[dict[str, Any]], limit: float, everything: bool, k: int | None) -> list[dict[str, Any]]:
    kept = sorted((row for row in rows if everything or row["distance"] <= limit), key=lambda row: row["distance"])
    return kept[:k]


def _gallery(database_type: str, connection_details: Any, connection: Any) -> Gallery:
    if database_type != "sqlite":
        raise NotOfferedError(f"database_type={database_type!r}: only 'sqlite' is offered")
    if isinstance(connection, Gallery):
        return connection
    path = connection_details or os.environ.get("DEEPFACE_SQLITE_PATH")
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError("connection_details: the path of a gallery file is wanted")
    return Gallery.create(path, _engine.recognizer.space, exist_ok=True)


verify, represent, extract_faces = DeepFace.verify, DeepFace.represent, DeepFace.extract_faces
find, register, search, analyze = DeepFace.find, DeepFace.register, DeepFace.search, DeepFace.analyze
