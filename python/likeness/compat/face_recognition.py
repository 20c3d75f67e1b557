"""`from likeness.compat import face_recognition` instead of `import face_recognition` (1.3.0, and -ng 1.4.2).

The 128 values of an encoding are SFace's, scaled so that the usual tolerance of 0.6 is that model's calibrated
threshold (a false match rate of 0.001). Boxes are MTCNN's, somewhat taller than dlib's. `python -m
likeness.compat.face_recognition KNOWN UNKNOWN` is the command. Threads may call everything here at once.
"""

from __future__ import annotations

import errno
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from .._models import PEOPLE_MODEL
from .._native import Box, Face
from .._photos import pixels_of
from .._reading import read_image
from ..detector import Detector
from ..embedder import Embedder
from . import NotOfferedError

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Encoding: TypeAlias = numpy.typing.NDArray[numpy.float64]
    Pixels: TypeAlias = numpy.typing.NDArray[numpy.uint8]

#: (top, right, bottom, left), pixels.
Location: TypeAlias = tuple[int, int, int, int]

TOLERANCE = 0.6
_KEPT_PICTURES = 8  # Whose faces are known: face_encodings() usually follows face_locations() of the same picture.
_DLIB_MIN_FACE = 80  # Pixels, of dlib's detector on a picture that is not enlarged.
_MTCNN_MIN_FACE = 12
_SAME_FACE = 0.4  # Intersection over union of dlib's box and MTCNN's of one face: 0.70 in the median, 0.31 at least.
# Where landmarks lie in MTCNN's box, and half an eye's width over the distance of the eyes: medians of 87 photos with
# one face of the five celebrities to learn from, made the same on both sides; eye corners as dlib's five points.
_PLACES = ((0.27, 0.39), (0.73, 0.39), (0.5, 0.595), (0.29, 0.745), (0.71, 0.745))
_HALF_EYE = 0.2
# How far further views are moved: as dlib's jitter_image() does.
_JITTER_DEGREES, _JITTER_SHIFT, _JITTER_SIZE = 3.0, 0.02, 0.03


class _Engine:
    """The networks, made when they are first needed, and the faces of the last few pictures."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.configure({})

    def configure(self, options: dict[str, Any]) -> None:
        with self._lock:
            self._options = options
            self._embedder: Embedder | None = None
            self._detectors: dict[tuple[int, int], Detector] = {}
            self._pictures: OrderedDict[bytes, dict[tuple[int, int], list[Face]]] = OrderedDict()

    def embedder(self) -> Embedder:
        with self._lock:
            return self._made_embedder()

    def _made_embedder(self) -> Embedder:
        if self._embedder is None:
            options = {"model": PEOPLE_MODEL, **self._options}
            options.pop("detector", None)
            self._embedder = Embedder(**options)
        return self._embedder

    def _detector(self, min_face: int, max_side: int) -> Detector:
        with self._lock:
            made = self._detectors.get((min_face, max_side))
            if made is None:
                pack = self._options.get("detector") or _detector_of(self._made_embedder())
                made = Detector(detector=pack, min_face_px=min_face, max_side_px=max_side,
                                models=self._options.get("models"))  # fmt: skip
                self._detectors[min_face, max_side] = made
            return made

    def faces(self, pixels: Pixels, upsample: int, max_side: int = 0) -> list[Face]:
        """Faces of a picture, best score first; of one of the last pictures as they were found then."""
        min_face = max(_MTCNN_MIN_FACE, _DLIB_MIN_FACE >> upsample)
        key = _content(pixels)
        with self._lock:
            known = self._pictures.get(key, {}).get((min_face, max_side))
        if known is not None:
            return known
        found = self._detector(min_face, max_side).detect(pixels)
        with self._lock:
            self._pictures.setdefault(key, {})[min_face, max_side] = found
            self._pictures.move_to_end(key)
            while len(self._pictures) > _KEPT_PICTURES:
                self._pictures.popitem(last=False)
        return found

    def seen(self, pixels: Pixels) -> list[Face]:
        """Every face that was found in this picture, whatever size was looked for."""
        key = _content(pixels)
        with self._lock:
            return [face for faces in self._pictures.get(key, {}).values() for face in faces]


_engine = _Engine()


def configure(**options: Any) -> None:
    """Options of the Embedder behind (models, threads, precision, model), and `detector`, the name of a pack."""
    _engine.configure(options)


def _detector_of(embedder: Embedder) -> str:
    return str(json.loads(embedder.pack.json)["contract"]["detector"])


def _content(pixels: Pixels) -> bytes:
    import hashlib

    return hashlib.sha1(pixels.data, usedforsecurity=False).digest() + str(pixels.shape).encode()


def _picture(img: Any, argument: str) -> Pixels:
    """RGB pixels, row after row. Raises: TypeError, ValueError naming the argument."""
    import numpy

    if isinstance(img, (str, bytes, os.PathLike)):
        raise TypeError(f"{argument}: an array of pixels wanted, not {type(img).__name__}; load_image_file() reads files")
    pixels, order = pixels_of(img, None, argument)
    if order == "rgba":
        raise ValueError(f"{argument}: RGB or grey pixels wanted, but the shape is {pixels.shape}")
    if order == "grey":
        return numpy.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return numpy.ascontiguousarray(pixels[:, :, ::-1] if order == "bgr" else pixels)


def _css(face: Face, pixels: Pixels) -> Location:
    height, width = pixels.shape[:2]
    left, top, right, bottom = (round(side) for side in face.box)
    return max(top, 0), min(right, width), min(bottom, height), max(left, 0)


def _upsample(times: Any) -> int:
    if not hasattr(times, "__index__"):
        raise TypeError(f"number_of_times_to_upsample: an integer wanted, not {type(times).__name__}")
    if times < 0:
        raise ValueError(f"number_of_times_to_upsample: 0 or more wanted, not {times}")
    return min(int(times), 10)


def load_image_file(file: Any, mode: str = "RGB") -> Pixels:
    """A photo's pixels, of a path or an open binary file: uint8 (height, width, 3), or (height, width) for mode "L".

    Photos are turned upright by their EXIF data, which the package leaves undone.

    Raises:
        FileNotFoundError: where there is no such file. ImageUnreadableError: for what is no photo.
    """
    if mode not in ("RGB", "L"):
        raise NotOfferedError(f"mode={mode!r}: only 'RGB' and 'L' are offered")
    if isinstance(file, (str, os.PathLike)) and not os.path.exists(file):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(file))
    pixels = read_image(file)
    if mode == "RGB":
        return pixels
    # Rec. 601 with 16 bits, as Pillow has it.
    grey = (pixels.astype("uint32") @ [19595, 38470, 7471] + 0x8000).astype("uint32") >> 16
    return grey.astype("uint8")


def face_locations(img: Any, number_of_times_to_upsample: int = 1, model: str = "hog") -> list[Location]:
    """Faces of a picture, best first, as (top, right, bottom, left).

    Args:
        img: uint8 pixels, RGB (height, width, 3) or grey (height, width).
        number_of_times_to_upsample: faces from 80 pixels are looked for, from 40 (1), from 20 (2), from 12 (3).
        model: "hog" and "cnn" are the same detector here.
    """
    pixels = _picture(img, "img")
    return [_css(face, pixels) for face in _engine.faces(pixels, _upsample(number_of_times_to_upsample))]


def batch_face_locations(
    images: Sequence[Any], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Location]]:
    """face_locations() of each picture; they may differ in size."""
    return [face_locations(image, number_of_times_to_upsample, "cnn") for image in images]


def face_landmarks(
    face_image: Any, face_locations: Sequence[Sequence[int]] | None = None, model: str = "large"
) -> list[dict[str, list[tuple[int, int]]]]:
    """Five points a face, for model "small": {"nose_tip": [p], "left_eye": [p, p], "right_eye": [p, p]}.

    The two points of an eye, outer corner first, are laid out about its centre: they lie within 0.03 of the distance
    of the eyes of dlib's for half of the faces, within 0.1 for nine of ten. Left is left in the picture.

    Args:
        face_locations: of the faces; None: all faces.

    Raises:
        NotOfferedError: for "large", the usual one: 68 points are not offered.
    """
    if model == "large":
        raise NotOfferedError('model="large": 68 landmarks are not offered; model="small" gives five points')
    if model != "small":
        raise ValueError("Invalid landmarks model type. Supported models are ['small', 'large'].")
    pixels = _picture(face_image, "face_image")
    return [_five_points(face) for face in _faces(pixels, face_locations, "face_locations")]


def _five_points(face: Face) -> dict[str, list[tuple[int, int]]]:
    left, right, nose = face.landmarks[:3].astype(float)
    half = (right - left) * _HALF_EYE
    points = {"nose_tip": [nose], "left_eye": [left - half, left + half], "right_eye": [right + half, right - half]}
    return {name: [(round(x), round(y)) for x, y in places] for name, places in points.items()}


def face_encodings(
    face_image: Any,
    known_face_locations: Sequence[Sequence[int]] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[Encoding]:
    """An encoding a face: float64 (128,).

    Args:
        known_face_locations: (top, right, bottom, left) of each; None: all faces. Where no face is found in one, its
            landmarks are taken to lie where they usually do.
        num_jitters: views of each face, slightly moved and mirrored, whose mean is taken.
        model: "large" and "small" are the same here.

    Raises:
        ValueError: for a location that is none, naming its position.
    """
    pixels = _picture(face_image, "face_image")
    return _encoded(pixels, _faces(pixels, known_face_locations, "known_face_locations"), max(1, int(num_jitters)))


def _encoded(pixels: Pixels, faces: Sequence[Face], views: int = 1) -> list[Encoding]:
    import numpy

    if not faces:
        return []
    embedder = _engine.embedder()
    chips = [_view(embedder, pixels, face, number) for face in faces for number in range(views)]
    means = embedder.embed(chips).reshape(len(faces), views, -1).mean(axis=1)
    means /= numpy.linalg.norm(means, axis=1, keepdims=True)
    rows = embedder.space.comparable(means).astype(numpy.float64)
    rows *= _length(embedder) / numpy.linalg.norm(rows, axis=1, keepdims=True)
    return [row.copy() for row in rows]


def _length(embedder: Embedder) -> float:
    """Of an encoding: two whose similarity is the calibrated threshold lie TOLERANCE apart."""
    threshold = embedder.pack.threshold(0.001, embedder._options["precision"])
    if threshold is None:
        raise ValueError(f"{embedder.pack.name} has no measured threshold; another model is wanted")
    return TOLERANCE / math.sqrt(2 - 2 * threshold["cosine"])


def _view(embedder: Embedder, pixels: Pixels, face: Face, number: int) -> Pixels:
    """The chip of a face; from the second on moved a little, and every second mirrored. The same each time."""
    import numpy

    if number == 0:
        return embedder.cut(pixels, face)
    random = numpy.random.default_rng(number)
    angle = math.radians(random.uniform(-_JITTER_DEGREES, _JITTER_DEGREES))
    size = random.uniform(1 - _JITTER_SIZE, 1)
    shift = random.uniform(-_JITTER_SHIFT, _JITTER_SHIFT, 2) * face.box.width
    points = face.landmarks.astype(float)
    centre = points.mean(axis=0)
    turn = numpy.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    moved = (points - centre) @ turn * size + centre + shift
    corners = (numpy.array([*face.box]).reshape(2, 2) - centre) * size + centre + shift
    chip = embedder.cut(pixels, Face(Box(*corners.ravel().tolist()), face.score, moved.astype(numpy.float32)))
    return chip[:, ::-1] if number % 2 else chip


def _faces(pixels: Pixels, locations: Sequence[Sequence[int]] | None, argument: str) -> list[Face]:
    """All faces, or the one at each location: as it was found, or as one is found that overlaps it."""
    if locations is None:
        return _engine.faces(pixels, 1)
    wanted = [_location(location, f"{argument}[{i}]") for i, location in enumerate(locations)]
    if not wanted:
        return []
    faces: dict[Location, Face] = {_css(face, pixels): face for face in _engine.seen(pixels)}
    for upsample in (1, 3):
        missing = [location for location in wanted if location not in faces]
        found = _engine.faces(pixels, upsample) if missing else []
        for location in missing:
            best = max(found, key=lambda face: _overlap(location, face.box), default=None)
            if best is not None and _overlap(location, best.box) >= _SAME_FACE:
                faces[location] = best
    return [faces.get(location) or _usual_face(location) for location in wanted]


def _location(location: Any, argument: str) -> Location:
    try:
        top, right, bottom, left = (int(side) for side in location)
    except (TypeError, ValueError):
        raise ValueError(f"{argument}: (top, right, bottom, left) in pixels wanted, not {location!r}") from None
    if top >= bottom or left >= right:
        raise ValueError(f"{argument}: top above bottom and left before right wanted, not {location!r}")
    return top, right, bottom, left


def _overlap(location: Location, box: Box) -> float:
    top, right, bottom, left = location
    width, height = min(right, box.right) - max(left, box.left), min(bottom, box.bottom) - max(top, box.top)
    common = max(0.0, width) * max(0.0, height)
    return common / ((right - left) * (bottom - top) + box.width * box.height - common)


def _usual_face(location: Location) -> Face:
    """With landmarks where they usually lie in a box."""
    import numpy

    top, right, bottom, left = location
    points = [(left + x * (right - left), top + y * (bottom - top)) for x, y in _PLACES]
    return Face(Box(left, top, right, bottom), 0.0, numpy.array(points, numpy.float32))


def face_distance(face_encodings: Sequence[Encoding], face_to_compare: Encoding) -> Encoding:
    """Euclidean distances, float64 (n,), of n encodings to one; (0,) for none.

    Raises:
        ValueError: for encodings of unequal length, or values that are no numbers.
    """
    import numpy

    if len(face_encodings) == 0:
        return numpy.empty(0)
    known, one = numpy.asarray(face_encodings, numpy.float64), numpy.asarray(face_to_compare, numpy.float64)
    if known.ndim != 2 or one.shape != known.shape[1:]:
        raise ValueError(f"face_to_compare: shape {one.shape}, but face_encodings: shape {known.shape}")
    for name, values in (("face_encodings", known), ("face_to_compare", one)):
        if not numpy.isfinite(values).all():
            raise ValueError(f"{name}: values that are no numbers")
    distances: Encoding = numpy.linalg.norm(known - one, axis=1)
    return distances


def compare_faces(
    known_face_encodings: Sequence[Encoding], face_encoding_to_check: Encoding, tolerance: float = TOLERANCE
) -> list[Any]:
    """For each known encoding whether it is within the tolerance: a list of numpy.bool."""
    return list(face_distance(known_face_encodings, face_encoding_to_check) <= tolerance)


if __name__ == "__main__":
    import sys

    from ._face_recognition_commands import recognition

    sys.exit(recognition())
