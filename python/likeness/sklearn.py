"""likeness in scikit-learn's way: a transformer and a classifier, for pipelines and searches.

    model = make_pipeline(FaceEmbedder(), FaceClassifier())
    cross_val_score(model, photos, names)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ._models import TUTORIAL_MODEL
from .classifier import Classifier
from .embedder import Embedder
from .recognizer import Recognizer


class FaceEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Photos, or chips, to embeddings.

    Args:
        model, precision, threads, models: see likeness.Recognizer.
        chips: X is uint8 (n, height, width, 3), faces cut out already, and not photos.
        no_face: of a photo without a face, or that cannot be read: "zero" gives a row of zeros, which
            FaceClassifier calls unknown; "raise" a ValueError that names the first.

    Attributes:
        n_features_out_: values of an embedding.
    """

    def __init__(
        self,
        model: str = TUTORIAL_MODEL,
        *,
        precision: str = "f32",
        threads: int = 1,
        models: Any = None,
        chips: bool = False,
        no_face: str = "raise",
    ) -> None:
        self.model = model
        self.precision = precision
        self.threads = threads
        self.models = models
        self.chips = chips
        self.no_face = no_face

    def fit(self, X: Any = None, y: Any = None) -> FaceEmbedder:
        """Loads the model; nothing is learnt."""
        if self.no_face not in ("zero", "raise"):
            raise ValueError(f"no_face must be 'zero' or 'raise', not {self.no_face!r}")
        options = {"precision": self.precision, "threads": self.threads, "models": self.models}
        self.engine_: Any = Embedder(self.model, **options) if self.chips else Recognizer(self.model, **options).load()
        self.space_ = self.engine_.space
        self.n_features_out_ = self.space_.dimension
        return self

    def transform(self, X: Any) -> numpy.typing.NDArray[numpy.float32]:
        """float32 (n, d), rows of unit length: of the main face of each photo, or of each chip."""
        if not hasattr(self, "engine_"):
            self.fit()
        if self.chips:
            return self.engine_.embed(X)  # type: ignore[no-any-return]
        results = self.engine_.find_many(list(X), main_face=True)
        rows = numpy.zeros((len(results), self.n_features_out_), numpy.float32)
        for result, row in zip(results, rows):
            if len(result.embeddings):
                row[:] = result.embeddings[0]
            elif self.no_face == "raise":
                raise ValueError(result.error or f"X[{result.index}]: no face found")
        return rows

    def get_feature_names_out(self, input_features: Any = None) -> numpy.typing.NDArray[Any]:
        """embedding0, embedding1, ..."""
        return numpy.array([f"embedding{i}" for i in range(self.n_features_out_)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True  # Nothing is learnt: transform() loads the model where fit() has not.

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        tags.no_validation = True
        return tags


class FaceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Embeddings to people, or to nobody known: likeness.Classifier, a linear SVM with probabilities.

    Args:
        C, tol, random_state: the SVM's cost and tolerance; the seed of its calibration.
        unknown: the label of faces whose nearest training face is less alike than `threshold`; None: always one of
            the people.
        threshold: a similarity in [-1, 1].

    Attributes:
        classes_: the labels that were learnt, sorted.
        classifier_: the likeness.Classifier.
    """

    def __init__(
        self,
        *,
        C: float = 1.0,
        tol: float = 1e-3,
        random_state: int | None = None,
        unknown: Any = None,
        threshold: float = 0.4576,
    ) -> None:
        self.C = C
        self.tol = tol
        self.random_state = random_state
        self.unknown = unknown
        self.threshold = threshold

    def fit(self, X: Any, y: Any) -> FaceClassifier:
        """Learns rows (n, d) and their n labels."""
        X, y = validate_data(self, X, y, dtype=[numpy.float64, numpy.float32])
        check_classification_targets(y)
        self.classes_, codes = numpy.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"FaceClassifier needs two people or more; the data hold {len(self.classes_)} class")
        names = [f"{code:09d}" for code in codes]  # Sorted as classes_ are, whatever the labels.
        self.classifier_ = Classifier.train(X, names, c=self.C, tolerance=self.tol, seed=self.random_state or 0)
        return self

    def predict(self, X: Any) -> Any:
        """A label a row."""
        predictions = self._predictions(X)
        labels = self.classes_[[p.person for p in predictions]]
        if self.unknown is None:
            return labels
        strangers = [p.nearest_cosine < self.threshold for p in predictions]
        return numpy.where(strangers, self.unknown, labels)

    def predict_proba(self, X: Any) -> numpy.typing.NDArray[numpy.float64]:
        """float64 (n, classes), rows sum to 1. With too few photos of a person to calibrate, 1 for the nearest."""
        predictions = self._predictions(X)
        if self.classifier_.calibrated:
            return numpy.stack([p.probabilities for p in predictions])
        return numpy.eye(len(self.classes_))[[p.person for p in predictions]]

    def nearest_similarity(self, X: Any) -> numpy.typing.NDArray[numpy.float64]:
        """float64 (n,): of each row's nearest training face; low for a stranger."""
        return numpy.array([p.nearest_cosine for p in self._predictions(X)])

    def _predictions(self, X: Any) -> Sequence[Any]:
        check_is_fitted(self)
        return self.classifier_.predict(validate_data(self, X, reset=False, dtype=[numpy.float64, numpy.float32]))
