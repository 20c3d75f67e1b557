"""Embeddings to people who were learnt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _native
from ._models import PathLike
from ._native import EmbeddingSpace, Prediction

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Floats = numpy.typing.NDArray[numpy.float32]
    Doubles = numpy.typing.NDArray[numpy.float64]


class Classifier:
    """Tells known people apart: a linear SVM with Platt's probabilities on unit-length embeddings.

    With a person of fewer than 5 photos there are no probabilities, and the nearest training face decides; of
    more than 300 people there is no SVM (docs/people.md). Immutable: threads may share one. It is pickled as the
    file that write() makes.
    """

    def __init__(self, native: _native.Classifier) -> None:
        self._native = native

    @classmethod
    def train(
        cls,
        embeddings: Floats,
        labels: Sequence[str],
        *,
        space: EmbeddingSpace | None = None,
        c: float = 1.0,
        tolerance: float = 1e-3,
        seed: int = 0,
        most_people_for_svm: int = 300,
    ) -> Classifier:
        """Learns who is who.

        Args:
            embeddings: float32 (n, d); rows are brought to unit length here.
            labels: n names, of at least two people.
            space: of the model that made them, stored with the classifier.
            c, tolerance: of the SVM. seed: deals photos into the folds of the calibration.

        Raises:
            DataInvalidError: for fewer than two people.
            ValueError: where the counts differ, or for values that are not finite.
        """
        names = [str(label) for label in labels]
        return cls(
            _native.Classifier.train(
                rows(embeddings), names, space or _native.no_space(), c, tolerance, seed, most_people_for_svm
            )
        )

    @classmethod
    def read(cls, path: PathLike) -> Classifier:
        """The classifier in a file of write() or of `likeness train`.

        Raises:
            InputUnreadableError, DataInvalidError: naming the file and the field.
        """
        return cls(_native.Classifier.read(os.fsdecode(path)))

    def write(self, path: PathLike) -> None:
        """Into an .npz, complete or not at all. Raises: OutputUnwritableError."""
        self._native.write(os.fsdecode(path))

    def predict(self, embeddings: Floats) -> list[Prediction]:
        """Who each of n faces is: embeddings float32 (n, d).

        Raises:
            ModelMismatchError: where they have another dimension.
        """
        return self._native.predict(rows(embeddings))

    def decision_values(self, embeddings: Floats) -> Doubles:
        """float64 (n, pairs of labels): (0, 1), (0, 2), ... (1, 2), ...; positive speaks for the first."""
        return self._native.decision_values(rows(embeddings))

    @property
    def labels(self) -> list[str]:
        """Sorted by bytes."""
        return self._native.labels

    @property
    def space(self) -> EmbeddingSpace:
        """Of the model that made the embeddings it learnt."""
        return self._native.space

    @property
    def dimension(self) -> int:
        return self._native.dimension

    @property
    def calibrated(self) -> bool:
        """Whether predictions carry probabilities."""
        return self._native.calibrated

    @property
    def why_nearest(self) -> str:
        """Why the nearest face decides, in a line; empty where the SVM does."""
        return self._native.why_nearest

    def __reduce__(self) -> tuple[Any, ...]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "classifier.npz")
            self.write(path)
            with open(path, "rb") as file:
                return _classifier_of, (file.read(),)

    def __repr__(self) -> str:
        return f"Classifier({len(self.labels)} people, {self.dimension} values)"


def _classifier_of(data: bytes) -> Classifier:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        file.write(data)
        file.flush()
        return Classifier.read(file.name)


def rows(embeddings: Any, argument: str = "embeddings") -> Floats:
    """Embeddings as the engine takes them: float32 (n, d).

    Raises:
        TypeError: for what holds no numbers. ValueError: for another shape, or a value that is not finite.
    """
    import numpy

    array = numpy.asarray(embeddings)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{argument}: numbers wanted, {array.dtype} given")
    if array.ndim != 2:
        raise ValueError(f"{argument}: shape (n, d) wanted, not {array.shape}")
    if not numpy.isfinite(array).all():
        raise ValueError(f"{argument}: row {int((~numpy.isfinite(array)).any(axis=1).argmax())} holds a value that is not finite")
    return numpy.ascontiguousarray(array, numpy.float32)
