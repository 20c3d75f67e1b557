"""
The engine of likeness as Python sees it; use the classes of `likeness` instead.
"""

from collections.abc import Iterator, Sequence
import os
import pathlib
from typing import Annotated, Any

import numpy
import numpy.typing
from numpy.typing import NDArray


class Box:
    """
    A rectangle in an image, in pixels; may reach outside it. (0, 0) is the outer corner of
    the first pixel; right and bottom are where it ends.
    """

    def __init__(self, left: float, top: float, right: float, bottom: float) -> None: ...

    @property
    def left(self) -> float: ...

    @property
    def top(self) -> float: ...

    @property
    def right(self) -> float: ...

    @property
    def bottom(self) -> float: ...

    @property
    def width(self) -> float: ...

    @property
    def height(self) -> float: ...

    def clamped(self, width: int, height: int) -> Box:
        """Cut to an image of width x height pixels; never empty."""

    def __iter__(self) -> Iterator[float]: ...

    def __eq__(self, arg: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    def __reduce__(self) -> tuple[Any, ...]: ...

    def __repr__(self) -> str: ...

class Face:
    """A face found in an image, in pixels of the upright photo."""

    def __init__(self, box: Box, score: float, landmarks: Annotated[NDArray[numpy.float32], dict(shape=(5, 2), order='C', device='cpu', writable=False)]) -> None: ...

    @property
    def box(self) -> Box:
        """As detected: floats, may reach outside the image."""

    @property
    def score(self) -> float:
        """Probability that this is a face, in [0, 1]."""

    @property
    def landmarks(self) -> Annotated[NDArray[numpy.float32], dict(writable=False)]:
        """
        float32 (5, 2): x, y of the eyes, the nose and the mouth corners; left before right as seen.
        """

    def __reduce__(self) -> tuple[Any, ...]: ...

    def __repr__(self) -> str: ...

class FaceQuality:
    """Measured properties of a face."""

    @property
    def size_px(self) -> float:
        """Shorter side of the box, pixels of the photo."""

    @property
    def sharpness(self) -> float:
        """Variance of the chip's Laplacian; low where small or blurred."""

    @property
    def brightness(self) -> float:
        """Mean grey of the chip's middle, 0 to 255."""

    @property
    def yaw(self) -> float:
        """0 seen from the front, about 1 where the nose stands under an eye."""

    @property
    def score(self) -> float:
        """The detector's, in [0, 1]."""

    def __repr__(self) -> str: ...

class Photo:
    """A photo on its way in: where it lies, its file's bytes, or its pixels."""

    @staticmethod
    def of_file(id: str, path: str | os.PathLike[str]) -> Photo: ...

    @staticmethod
    def of_bytes(id: str, bytes: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], owner: object) -> Photo: ...

    @staticmethod
    def of_pixels(id: str, pixels: Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)], order: str, owner: object) -> Photo: ...

    @property
    def id(self) -> str:
        """Names it in results and errors."""

    @property
    def address(self) -> int:
        """Where its pixels or bytes begin in memory; 0 of a file."""

def photos_in(folder: str | os.PathLike[str]) -> list[str]: ...

def read_image(photo: Photo, shrink: int = 1) -> Annotated[NDArray[numpy.uint8], dict(writable=False)]: ...

def encode_png(image: Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)]) -> bytes: ...

PEOPLE_MODEL: str = 'sface'

TUTORIAL_MODEL: str = '20180408-102900'

class DetectorOptions:
    pass

def make_detector_options(min_face_px: int, min_face_share: float, min_score: float | None, pyramid_step: float, min_scores: Sequence[float], max_side_px: int, threads: int) -> DetectorOptions: ...

class Setup:
    pass

def make_setup(models: Sequence[str | os.PathLike[str]], model: str, profile: str | None, precision: str, quality: str, detector: DetectorOptions, detector_pack: str, threads: int, cache_folder: str | os.PathLike[str]) -> Setup: ...

class EmbeddingSpace:
    """
    What made embeddings, and so what they can be compared with; stored beside them.
    """

    @property
    def id(self) -> str:
        """Names the space; only embeddings of equal ids are compared."""

    @property
    def contract(self) -> str:
        """The model's contract as JSON text."""

    @property
    def precision(self) -> str:
        """"f32", "bf16" or "int8"."""

    @property
    def dimension(self) -> int:
        """Values of an embedding."""

    @property
    def quality(self) -> str: ...

    def comparable(self, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(writable=False)]:
        """
        float32 (n, d), brought to where a plain dot product of two rows is the model's similarity: the mean
        face is taken away where the model has one. Embeddings are float32 (n, d) as the model gives them.
        """

    def to_json(self) -> str: ...

    @staticmethod
    def from_json(text: str, dimension: int) -> EmbeddingSpace: ...

    def __reduce__(self) -> tuple[Any, ...]: ...

    def __eq__(self, arg: object, /) -> bool: ...

    def __hash__(self) -> int: ...

    def __repr__(self) -> str: ...

class ModelPack:
    """
    A model pack: a folder with networks and the contract that says how to use
    them (docs/model_pack.md).
    """

    @property
    def folder(self) -> pathlib.Path: ...

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def licence(self) -> str: ...

    @property
    def id(self) -> str:
        """Names the embedding space."""

    @property
    def dimension(self) -> int: ...

    @property
    def metric(self) -> str: ...

    @property
    def input_size(self) -> tuple[Any, ...]:
        """Width and height of its chips, pixels."""

    @property
    def json(self) -> str:
        """The pack's model.json as text."""

    def threshold(self, false_match_rate: float = 0.001, precision: str = 'f32') -> dict[str, Any] | None:
        """
        Similarity from which two faces count as one person at a false match rate, as it was measured:
        {cosine, false_match_rate, origin}; None where nothing was measured.
        """

    def verify(self) -> None:
        """
        Compares every file with its checksum; raises ModelInvalidError naming the first that differs.
        """

    def __repr__(self) -> str: ...

def load_pack(folder: str | os.PathLike[str]) -> ModelPack: ...

def find_pack(name_or_path: str, search: Sequence[str | os.PathLike[str]]) -> ModelPack: ...

def list_packs(search: Sequence[str | os.PathLike[str]]) -> list[ModelPack]: ...

def set_openvino_module(file: str | os.PathLike[str]) -> None: ...

class Detector:
    def __init__(self, folder: str | os.PathLike[str], options: DetectorOptions) -> None: ...

    def detect(self, photo: Photo) -> list[Face]: ...

def cut_chip(image: Annotated[NDArray[numpy.uint8], dict(device='cpu', writable=False)], order: str, face: Face, pack: ModelPack) -> Annotated[NDArray[numpy.uint8], dict(writable=False)]: ...

class Embedder:
    @property
    def space(self) -> EmbeddingSpace: ...

    def embed(self, chips: Annotated[NDArray[numpy.uint8], dict(shape=(None, None, None, None), order='C', device='cpu', writable=False)], raw: bool, progress: object | None) -> Annotated[NDArray[numpy.float32], dict(writable=False)]: ...

def make_embedder(pack: ModelPack, precision: str, threads: int, calls: int, batch: int, cache_folder: str | os.PathLike[str], scale: float | None = None) -> Embedder: ...

def no_space() -> EmbeddingSpace: ...

class Prediction:
    """Who a face is, by a Classifier."""

    @property
    def person(self) -> int:
        """Index into Classifier.labels."""

    @property
    def label(self) -> str:
        """That label."""

    @property
    def by_votes(self) -> bool:
        """The SVM's votes decided; else the nearest training face did."""

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(writable=False)]:
        """
        float64 (labels,), summing to 1; (0,) where the classifier has no probabilities.
        """

    @property
    def probability(self) -> float | None:
        """Of `label`; None without probabilities."""

    @property
    def nearest_person(self) -> int:
        """Whose training face is nearest: an index."""

    @property
    def nearest_cosine(self) -> float:
        """Its similarity, in [-1, 1]: low for a stranger."""

    def __repr__(self) -> str: ...

class Classifier:
    @staticmethod
    def train(embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], labels: Sequence[str], space: EmbeddingSpace, c: float, tolerance: float, seed: int, most_people_for_svm: int) -> Classifier: ...

    @staticmethod
    def read(path: str | os.PathLike[str]) -> Classifier: ...

    def write(self, path: str | os.PathLike[str]) -> None: ...

    @property
    def labels(self) -> list[str]: ...

    @property
    def space(self) -> EmbeddingSpace: ...

    @property
    def dimension(self) -> int: ...

    @property
    def calibrated(self) -> bool: ...

    @property
    def has_svm(self) -> bool: ...

    @property
    def why_nearest(self) -> str: ...

    def decision_values(self, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float64], dict(writable=False)]: ...

    def predict(self, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)]) -> list[Prediction]: ...

class Match:
    """An enrolled face near to a query."""

    @property
    def face(self) -> int:
        """Its number in the gallery."""

    @property
    def person(self) -> int:
        """The person's number."""

    @property
    def name(self) -> str:
        """The person's name."""

    @property
    def photo(self) -> str:
        """Where the enrolled face came from."""

    @property
    def cosine(self) -> float:
        """As the model compares, in [-1, 1]."""

    def __repr__(self) -> str: ...

class PersonMatch(Match):
    """An enrolled person near to a query, by the nearest face."""

    @property
    def similarity(self) -> float:
        """To the person; what decides."""

    def __repr__(self) -> str: ...

class Identification:
    """Who a face is, or nobody, with the evidence."""

    @property
    def name(self) -> str | None:
        """None: nobody who is enrolled."""

    @property
    def probability(self) -> float | None:
        """That it is nearest.name; None where the gallery has no calibration."""

    @property
    def nearest(self) -> PersonMatch | None:
        """The person most alike; None in an empty gallery."""

    @property
    def runner_up(self) -> PersonMatch | None:
        """The next one."""

    def __repr__(self) -> str: ...

class SearchedFace(Identification):
    """Who a face of a photo is, or nobody known."""

    @property
    def face(self) -> Face: ...

    def __repr__(self) -> str: ...

class FoundFace:
    """A face of a photo and its embedding."""

    @property
    def face(self) -> Face: ...

    @property
    def box(self) -> Box:
        """Pixels of the upright photo."""

    @property
    def score(self) -> float:
        """In [0, 1]."""

    @property
    def landmarks(self) -> numpy.typing.NDArray[numpy.float32]:
        """float32 (5, 2)."""

    @property
    def quality(self) -> FaceQuality: ...

    @property
    def embedding(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32 (d,) of unit length; lies inside this object, nothing is copied.
        """

    def __repr__(self) -> str: ...

FACE_COLUMNS: int = 19

class PhotoFaces:
    """What became of one photo of many."""

    @property
    def index(self) -> int:
        """Position among the photos."""

    @property
    def id(self) -> str:
        """Its path, or the name it was given."""

    @property
    def error(self) -> str | None:
        """Why it could not be read; None if it could."""

    @property
    def sha256(self) -> str:
        """Of the file's bytes; empty where it came as pixels."""

    @property
    def width(self) -> int:
        """Pixels, upright."""

    @property
    def height(self) -> int:
        """Pixels, upright."""

    @property
    def faces(self) -> list[Face]:
        """All faces found, best score first."""

    @property
    def chosen(self) -> list[int]:
        """Which of them chips and embeddings are of, in their order."""

    @property
    def chips(self) -> list[numpy.typing.NDArray[numpy.uint8]]:
        """uint8 (height, width, 3) each, RGB, as the model sees them; no copy."""

    @property
    def embeddings(self) -> numpy.typing.NDArray[numpy.float32]:
        """float32 (len(chosen), d), rows of unit length; no copy."""

    @property
    def measured(self) -> Annotated[NDArray[numpy.float32], dict(writable=False)]:
        """
        float32 (len(chosen), 19), measured now: box (4), landmarks (10), size in pixels, sharpness,
        brightness, yaw, score, as FaceQuality has them.
        """

    def __repr__(self) -> str: ...

class VerifiedSide:
    """What was found on one side of a comparison."""

    @property
    def photos(self) -> int: ...

    @property
    def faces(self) -> int:
        """Main faces; several are taken together."""

    @property
    def errors(self) -> list[str]:
        """Of photos that could not be read."""

class VerificationResult:
    """Whether two photos, or sets of photos, show one person."""

    @property
    def a(self) -> VerifiedSide: ...

    @property
    def b(self) -> VerifiedSide: ...

    @property
    def similarity(self) -> float | None:
        """As the model compares, in [-1, 1]; None where a side has no face."""

    @property
    def threshold(self) -> float: ...

    @property
    def false_match_rate(self) -> float | None:
        """
        Share of strangers' pairs that reach the threshold; None for a threshold of one's own.
        """

    @property
    def origin(self) -> str:
        """Of the threshold, in words."""

    @property
    def same(self) -> bool | None:
        """True, False, or None where a side has no face."""

    def __repr__(self) -> str: ...

class ReviewFinding:
    """Something against enrolling a face."""

    @property
    def kind(self) -> str: ...

    @property
    def what(self) -> str:
        """In words, with the measured value and the limit."""

    @property
    def refuse(self) -> bool:
        """Else worth saying, and the face is kept."""

class EnrolledPhoto:
    """What became of one photo that was to be enrolled."""

    @property
    def photo(self) -> str: ...

    @property
    def person(self) -> str: ...

    @property
    def status(self) -> str:
        """
        In words: enrolled, known already, refused, without a face, or unreadable.
        """

    @property
    def error(self) -> str: ...

    @property
    def faces(self) -> int:
        """In the photo; the main one is enrolled."""

    @property
    def quality(self) -> FaceQuality | None: ...

    @property
    def findings(self) -> list[ReviewFinding]: ...

    @property
    def face(self) -> int:
        """Its number in the gallery, where it is there."""

    def __repr__(self) -> str: ...

class EnrolSummary:
    """How many photos became what."""

    @property
    def photos(self) -> int: ...

    @property
    def enrolled(self) -> int: ...

    @property
    def known(self) -> int: ...

    @property
    def refused(self) -> int: ...

    @property
    def without_face(self) -> int: ...

    @property
    def unreadable(self) -> int: ...

    def __repr__(self) -> str: ...

class GroupedFace:
    """A face that was grouped."""

    @property
    def photo(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def face(self) -> Face: ...

    @property
    def quality(self) -> FaceQuality: ...

    @property
    def cluster(self) -> int:
        """-1: of no cluster."""

class Groups:
    """The faces of many photos, grouped by person."""

    @property
    def faces(self) -> list[GroupedFace]: ...

    @property
    def aside(self) -> list[GroupedFace]:
        """Kept out by the review."""

    @property
    def clusters(self) -> Annotated[NDArray[numpy.int32], dict(writable=False)]:
        """
        int32 (len(faces),): 0, 1, ... from the largest group down, -1 of no group.
        """

    @property
    def embeddings(self) -> numpy.typing.NDArray[numpy.float32]:
        """float32 (len(faces), d); no copy."""

    @property
    def members(self) -> list[list[int]]:
        """Faces of each group, as indices into `faces`."""

    @property
    def threshold(self) -> float:
        """Similarity from which two faces were linked."""

    @property
    def photos(self) -> int: ...

    @property
    def unreadable(self) -> int: ...

    def __repr__(self) -> str: ...

class StoredFace:
    """A face as a gallery has it, without its embedding."""

    @property
    def id(self) -> int:
        """Never used twice, rising with time."""

    @property
    def person(self) -> int:
        """The person's number."""

    @property
    def photo(self) -> str:
        """Where it came from."""

    @property
    def sha256(self) -> str:
        """Of the photo's bytes; empty where unknown."""

    @property
    def box(self) -> Box:
        """Pixels of that photo."""

    @property
    def photo_size(self) -> tuple[int, int] | None:
        """Width and height of that photo; None where they are not known."""

    @property
    def quality(self) -> FaceQuality: ...

    @property
    def added_ms(self) -> int:
        """Milliseconds since 1970, UTC."""

    def __repr__(self) -> str: ...

class AddedFace:
    """What became of a face that was to be enrolled."""

    @property
    def id(self) -> int:
        """Its number in the gallery."""

    @property
    def is_new(self) -> bool:
        """False: it was enrolled already, as `person`."""

    @property
    def person(self) -> str:
        """Whom it belongs to."""

    def __repr__(self) -> str: ...

class Gallery:
    def people(self) -> list[tuple[str, int]]: ...

    def face_count(self) -> int: ...

    def faces(self, person: str | None) -> list[StoredFace]: ...

    def embeddings(self, person: str) -> Annotated[NDArray[numpy.float32], dict(writable=False)]: ...

    @property
    def space(self) -> EmbeddingSpace: ...

    @property
    def name(self) -> str: ...

    @property
    def encrypted(self) -> bool: ...

    def version(self) -> int: ...

    def calibration(self) -> str | None: ...

    def refresh(self) -> None: ...

    def check(self) -> list[str]: ...

    def search(self, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], count: int) -> list[list[PersonMatch]]: ...

    def nearest(self, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], count: int) -> list[list[Match]]: ...

    def add(self, person: str, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], photos: Sequence[str], boxes: Sequence[Box]) -> list[int]: ...

    def add_many(self, people: Sequence[str], embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], photos: Sequence[str], sha256: Sequence[str], measured: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], sizes: Sequence[tuple[int, int]]) -> list[AddedFace]: ...

    def remove_person(self, name: str) -> bool: ...

    def remove_face(self, face: int) -> bool: ...

    def rename_person(self, old: str, new: str) -> bool: ...

    def merge_people(self, old: str, into: str) -> bool: ...

    def calibrate(self, strangers: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)] | None, people: Sequence[str], target_fpir: float, seed: int, progress: object | None) -> str: ...

def open_gallery(uri: str, read_only: bool, passphrase: str | None, threads: int, index: str | None) -> Gallery: ...

def create_gallery(uri: str, space: EmbeddingSpace, exclusive: bool, format: str, passphrase: str | None, threads: int, index: str | None) -> Gallery: ...

def memory_gallery(space: EmbeddingSpace) -> Gallery: ...

class Recognizer:
    def __init__(self, setup: Setup) -> None: ...

    def load(self) -> None: ...

    @property
    def space(self) -> EmbeddingSpace: ...

    def find(self, photo: Photo) -> list[FoundFace]: ...

    def one(self, photo: Photo, until: str, main_face: bool) -> PhotoFaces: ...

    def verify(self, a: Iterator[Photo], b: Iterator[Photo], false_match_rate: float, threshold: float | None) -> VerificationResult: ...

    def verification_threshold(self, false_match_rate: float) -> float: ...

    def search(self, gallery: Gallery, photo: Photo, threshold: float | None) -> list[SearchedFace]: ...

    def identify(self, gallery: Gallery, embeddings: Annotated[NDArray[numpy.float32], dict(shape=(None, None), order='C', device='cpu', writable=False)], threshold: float | None) -> list[Identification]: ...

    def run(self, photos: Iterator[Photo], size: int | None, until: str, main_face: bool, sink: object, progress: object | None) -> None: ...

    def search_many(self, gallery: Gallery, photos: Iterator[Photo], size: int | None, threshold: float | None, sink: object, progress: object | None) -> None: ...

    def enrol(self, gallery: Gallery, person: str, photos: Iterator[Photo], size: int | None, review: str, each: object | None, progress: object | None) -> EnrolSummary: ...

    def group(self, photos: Iterator[Photo], size: int | None, threshold: float | None, min_faces: int, review: str, progress: object | None) -> Groups: ...

class NpzFile:
    def __init__(self, path: str | os.PathLike[str]) -> None: ...

    def names(self) -> list[str]: ...

    def read(self, name: str) -> numpy.typing.NDArray[Any]: ...

def write_npz(path: str | os.PathLike[str], arrays: dict[str, Any], compressed: bool) -> None: ...

def area_under_roc(mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], non_mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

def equal_error_rate(mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], non_mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

def best_threshold(mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], non_mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

def accuracy_at(mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], non_mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], threshold: float) -> float: ...

def rate_curve(mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], non_mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> tuple[Any, ...]: ...

def threshold_at_rate(non_mated: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], rate: float) -> float | None: ...

def wilson_interval(successes: int, trials: int) -> tuple[Any, ...]: ...

def score_clusters(clusters: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], people: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> dict[str, Any]: ...

__version__: str

