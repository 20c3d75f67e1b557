"""How good comparisons and groups are. Scores: higher is more alike. Words after ISO/IEC 19795-1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from . import _native

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Doubles: TypeAlias = numpy.typing.NDArray[numpy.float64]
    Scores: TypeAlias = Union[Sequence[float], numpy.typing.NDArray[Any]]


def _scores(values: Scores, argument: str) -> Doubles:
    import numpy

    array = numpy.ascontiguousarray(values, numpy.float64)
    if array.ndim != 1:
        raise ValueError(f"{argument}: one axis wanted, not shape {array.shape}")
    if not numpy.isfinite(array).all():
        raise ValueError(f"{argument}: holds a value that is not finite")
    return array


def area_under_roc(mated: Scores, non_mated: Scores) -> float:
    """The chance that a score of one person is above one of two people; ties count half."""
    return _native.area_under_roc(_scores(mated, "mated"), _scores(non_mated, "non_mated"))


def equal_error_rate(mated: Scores, non_mated: Scores) -> float:
    """Where false matches are as frequent as false non-matches, in [0, 1]."""
    return _native.equal_error_rate(_scores(mated, "mated"), _scores(non_mated, "non_mated"))


def best_threshold(mated: Scores, non_mated: Scores) -> float:
    """The threshold with the best accuracy."""
    return _native.best_threshold(_scores(mated, "mated"), _scores(non_mated, "non_mated"))


def accuracy_at(mated: Scores, non_mated: Scores, threshold: float) -> float:
    """Share of all comparisons that a threshold decides rightly ("one person" at or above it)."""
    return _native.accuracy_at(_scores(mated, "mated"), _scores(non_mated, "non_mated"), threshold)


def rate_curve(mated: Scores, non_mated: Scores) -> tuple[Doubles, Doubles, Doubles]:
    """Thresholds from the highest down, and the false match and false non-match rate at each."""
    curve: tuple[Doubles, Doubles, Doubles] = _native.rate_curve(
        _scores(mated, "mated"), _scores(non_mated, "non_mated")
    )
    return curve


def threshold_at_rate(non_mated: Scores, rate: float) -> float | None:
    """The lowest threshold whose false match rate is at most `rate`; None where the scores are too few for it."""
    return _native.threshold_at_rate(_scores(non_mated, "non_mated"), rate)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The share behind successes of trials, with 95 % confidence."""
    low, high = _native.wilson_interval(successes, trials)
    return low, high


def score_clusters(clusters: Sequence[int], people: Sequence[Any]) -> dict[str, float | None]:
    """B-cubed and pairwise precision, recall and F of clusters (-1: a cluster of one) against the truth."""
    import numpy

    truth = numpy.unique(numpy.asarray(people), return_inverse=True)[1]
    scores: dict[str, float | None] = _native.score_clusters(
        numpy.ascontiguousarray(clusters, numpy.int32), numpy.ascontiguousarray(truth, numpy.int32)
    )
    return scores
