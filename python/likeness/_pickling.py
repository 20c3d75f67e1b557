"""Functions that pickles name."""

from __future__ import annotations

from ._native import EmbeddingSpace


def space(text: str, dimension: int) -> EmbeddingSpace:
    return EmbeddingSpace.from_json(text, dimension)
