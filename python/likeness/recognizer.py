"""The whole job in one place: photos in, faces, people and groups out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union

from . import _native
from ._models import PEOPLE_MODEL, PathLike, model_folders, network_cache, with_openvino
from ._native import (
    EmbeddingSpace,
    EnrolledPhoto,
    EnrolSummary,
    FoundFace,
    Groups,
    Identification,
    PhotoFaces,
    SearchedFace,
    VerificationResult,
)
from ._photos import Order, PhotoLike, photo, photos
from ._progress import ProgressLike, progress_call
from .classifier import rows
from .detector import detector_options
from .errors import ModelNotFoundError
from .gallery import Gallery

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Floats = numpy.typing.NDArray[numpy.float32]

Until: TypeAlias = Literal["detect", "align", "embed"]
Photos: TypeAlias = Union[PhotoLike, Iterable[PhotoLike]]

_AHEAD = 64  # Results that may wait for their reader; each is a few KB but for its chips.


class Recognizer:
    """Finds faces, tells people apart, enrols, searches and groups. Slow to make ready, cheap to use: keep one.

    Any number of threads may share one, and no call keeps the interpreter's lock while it works. It is pickled by
    its options, so that it can be sent to workers. A photo is a path, the bytes of an image file, uint8 pixels
    (height, width, 3) in RGB (or as `order` says), a PIL image, or whatever else has __array_interface__ or DLPack;
    where photos are wanted, a list or iterator of such, or a folder. Pixels are not copied.

    Args:
        model: name of an embedder's pack, or its folder. The usual one is that of the program's galleries; the
            tutorial's steps and classifiers take "20180408-102900".
        profile: another crop than the model's: "tutorial", "margin", "aligned".
        precision: "f32", "bf16" or "int8"; what the CPU or the pack lacks is refused.
        quality: "single"; "two" and "best" average over several views of each face.
        threads: for everything together.
        detector: another detector's pack than the model's own, its name or its folder: another space, for which no
            thresholds are known.
        min_face_px, min_face_share, min_score, pyramid_step, min_scores, max_side_px: see Detector.
        models: folder, or folders, of model packs; None: $LIKENESS_MODELS, else where setup puts them.

    Raises:
        ModelNotFoundError, ModelInvalidError: by the packs.
        ValueError: for options out of range.
    """

    def __init__(
        self,
        model: str = PEOPLE_MODEL,
        *,
        profile: str | None = None,
        precision: str = "f32",
        quality: str = "single",
        threads: int = 1,
        detector: str | None = None,
        min_face_px: int = 20,
        min_face_share: float = 0.0,
        min_score: float | None = None,
        pyramid_step: float = 0.709,
        min_scores: Sequence[float] = (0.6, 0.7, 0.7),
        max_side_px: int = 0,
        models: PathLike | Sequence[PathLike] | None = None,
    ) -> None:
        looking: dict[str, Any] = {
            "min_face_px": min_face_px,
            "min_face_share": min_face_share,
            "min_score": min_score,
            "pyramid_step": pyramid_step,
            "min_scores": tuple(min_scores),
            "max_side_px": max_side_px,
        }
        self._options: dict[str, Any] = {
            "model": model,
            "profile": profile,
            "precision": precision,
            "quality": quality,
            "threads": threads,
            "detector": detector,
            **looking,
            "models": model_folders(models),
        }
        self._setup = _native.make_setup(
            self._options["models"], model, profile, precision, quality,
            detector_options(**looking), detector or "", threads, network_cache(),
        )  # fmt: skip
        self._make()

    @classmethod
    def for_gallery(cls, gallery: Gallery, **options: Any) -> Recognizer:
        """One with the model and quality that made a gallery's faces, and the other options as given.

        Where there is no such pack it has the usual model, and what then uses both says which two they are.
        """
        import json

        folders = model_folders(options.get("models"))
        made_by: dict[str, Any] = {"quality": gallery.space.quality}
        if gallery.space.contract:
            name = json.loads(gallery.space.contract)["name"]
            with contextlib.suppress(ModelNotFoundError):
                made_by["model"] = _native.find_pack(name, folders) and name
        return cls(**{**made_by, **options})

    def _make(self) -> None:
        self._native = _native.Recognizer(self._setup)

    def load(self) -> Recognizer:
        """Loads the network now; otherwise the first call that embeds does. Raises: UnsupportedError."""
        with_openvino(lambda: self._native.load(), self._make)
        return self

    @property
    def space(self) -> EmbeddingSpace:
        """Of the embeddings it makes: what a gallery for it is created with."""
        return self._native.space

    def find(self, photo_: PhotoLike, *, order: Order | None = None) -> list[FoundFace]:
        """All faces of one photo with their embeddings, best detection score first; none is an empty list.

        Args:
            order: of the pixels' channels: "rgb" (usual), "bgr", "rgba", "bgra", "grey".

        Raises:
            ImageUnreadableError: for a file or bytes that hold no readable photo.
            TypeError, ValueError: for what cannot be a photo.
        """
        given = photo(photo_, order)
        return with_openvino(lambda: self._native.find(given), self._make)

    def stream(
        self,
        photos_: Photos,
        *,
        until: Until = "embed",
        main_face: bool = False,
        order: Order | None = None,
        progress: ProgressLike = None,
    ) -> Iterator[PhotoFaces]:
        """Faces of many photos, one result a photo in their order, as they are ready; memory stays flat.

        Photos are taken from `photos_` as they are needed, and faces of several photos share a batch. A photo that
        cannot be read gives a result with its `error`, and stops nothing.

        Args:
            until: "detect": faces alone. "align": also their chips. "embed": also embeddings.
            main_face: only the largest face near the middle goes on behind detection.
            progress: True: a tqdm bar. A function gets done and total (0: not known); False from it stops the
                work with StoppedError.

        Raises:
            TypeError, ValueError: for what cannot be a photo, naming its position.
        """
        if until == "embed":
            self.load()
        source, size = photos(photos_, order)
        return self._pulled(lambda sink, told: self._native.run(source, size, until, main_face, sink, told), progress)

    def find_many(
        self,
        photos_: Photos,
        *,
        main_face: bool = False,
        order: Order | None = None,
        progress: ProgressLike = None,
    ) -> list[PhotoFaces]:
        """The results of stream(), all at once; Ctrl-C stops the work."""
        self.load()
        source, size = photos(photos_, order)
        results: list[PhotoFaces] = []
        with progress_call(progress, "photo") as told:
            self._native.run(source, size, "embed", main_face, results.append, told)
        return results

    def verify(
        self,
        a: Photos,
        b: Photos,
        *,
        false_match_rate: float = 0.001,
        threshold: float | None = None,
        order: Order | None = None,
    ) -> VerificationResult:
        """Whether two photos, or two sets of photos, show one person.

        Args:
            false_match_rate: wanted share of strangers' pairs that pass; the nearest that was measured is taken.
            threshold: a similarity in [-1, 1] instead.

        Raises:
            ValueError: where the model has no measured threshold and none is given.
        """
        self.load()
        first, second = photos(a, order, "a")[0], photos(b, order, "b")[0]
        return self._native.verify(first, second, false_match_rate, threshold)

    def verification_threshold(self, false_match_rate: float = 0.001) -> float:
        """The similarity that verify() goes by. Raises: ValueError where none was measured for the model."""
        return self._native.verification_threshold(false_match_rate)

    def enrol(
        self,
        gallery: Gallery,
        person: str,
        photos_: Photos,
        *,
        review: Literal["off", "standard", "strict"] = "standard",
        each: Callable[[EnrolledPhoto], Any] | None = None,
        order: Order | None = None,
        progress: ProgressLike = None,
    ) -> EnrolSummary:
        """Enrols the main face of each photo as `person`.

        Args:
            review: how picky: blurred, small, dark or turned faces are refused.
            each: called for each photo in its order, when what it says is on the disk.

        Raises:
            ModelMismatchError: for a gallery of another model. ValueError: for a name that no person may have.
        """
        self.load()
        source, size = photos(photos_, order)
        with progress_call(progress, "photo") as told:
            return self._native.enrol(gallery._native, person, source, size, review, each, told)

    def search(
        self, gallery: Gallery, photo_: PhotoLike, *, threshold: float | None = None, order: Order | None = None
    ) -> list[SearchedFace]:
        """Who is in a photo. Without a threshold the gallery's calibration decides, else the model's measurements.

        Raises:
            ModelMismatchError: for a gallery of another model. ImageUnreadableError: for no readable photo.
        """
        given = photo(photo_, order)
        return with_openvino(lambda: self._native.search(gallery._native, given, threshold), self._make)

    def search_many(
        self,
        gallery: Gallery,
        photos_: Photos,
        *,
        threshold: float | None = None,
        order: Order | None = None,
        progress: ProgressLike = None,
    ) -> list[tuple[PhotoFaces, list[SearchedFace]]]:
        """The same for many photos, in their order; a photo that cannot be read has its `error` and no faces."""
        self.load()
        source, size = photos(photos_, order)
        found: list[tuple[PhotoFaces, list[SearchedFace]]] = []

        def keep(result: PhotoFaces, faces: list[SearchedFace]) -> None:
            found.append((result, faces))

        with progress_call(progress, "photo") as told:
            self._native.search_many(gallery._native, source, size, threshold, keep, told)
        return found

    def identify(
        self, gallery: Gallery, embeddings: Floats, *, threshold: float | None = None
    ) -> list[Identification]:
        """Who each of n faces is, by its embedding: float32 (n, d), as this recogniser makes them."""
        return self._native.identify(gallery._native, rows(embeddings), threshold)

    def group(
        self,
        photos_: Photos,
        *,
        threshold: float | None = None,
        min_faces: int = 2,
        review: Literal["off", "standard", "strict"] = "standard",
        order: Order | None = None,
        progress: ProgressLike = None,
    ) -> Groups:
        """Groups the faces of many photos by person.

        Args:
            threshold: similarity from which two faces are linked; None: as fits their number.
            min_faces: smaller groups are none.
            review: faces beyond its limits are left aside.
        """
        self.load()
        source, size = photos(photos_, order)
        with progress_call(progress, "photo") as told:
            return self._native.group(source, size, threshold, min_faces, review, told)

    def _pulled(self, run: Callable[[Any, Any], None], progress: ProgressLike) -> Iterator[PhotoFaces]:
        """Runs in a thread of its own, which waits where the reader is slow and ends where the reader leaves."""
        import queue
        import threading

        ready: queue.Queue[PhotoFaces | BaseException | None] = queue.Queue(_AHEAD)
        left = threading.Event()

        def sink(result: PhotoFaces) -> bool:
            while not left.is_set():
                try:
                    ready.put(result, timeout=0.1)
                    return True
                except queue.Full:
                    continue
            return False

        def work() -> None:
            ending: BaseException | None = None
            try:
                with progress_call(progress, "photo") as told:
                    run(sink, told)
            except BaseException as error:  # comes out where results are read
                ending = error
            while not left.is_set():
                try:
                    return ready.put(ending, timeout=0.1)
                except queue.Full:
                    continue

        def read() -> Iterator[PhotoFaces]:
            worker = threading.Thread(target=work, name="likeness stream")
            worker.start()
            try:
                while (item := ready.get()) is not None:
                    if isinstance(item, BaseException):
                        raise item
                    yield item
            finally:
                left.set()
                worker.join()

        return read()

    def __reduce__(self) -> tuple[Any, ...]:
        return _make_recognizer, (self._options,)

    def __repr__(self) -> str:
        options = self._options
        return f"Recognizer({options['model']!r}, precision={options['precision']!r}, threads={options['threads']})"


def _make_recognizer(options: dict[str, Any]) -> Recognizer:
    return Recognizer(**options)
