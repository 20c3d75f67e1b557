"""Model packs: what each expects and gives, and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Sequence

from . import _native
from ._models import TUTORIAL_MODEL, PathLike, model_folders
from ._native import ModelPack


def load(folder: PathLike) -> ModelPack:
    """The pack in a folder.

    Raises:
        ModelNotFoundError, ModelInvalidError: naming the folder or file and the field.
    """
    return _native.load_pack(os.fsdecode(folder))


def find(name: str = TUTORIAL_MODEL, models: PathLike | Sequence[PathLike] | None = None) -> ModelPack:
    """The pack of this name, or at this path; looked for in `models`, else $LIKENESS_MODELS, else setup's folder.

    Raises:
        ModelNotFoundError: listing the places looked at; ModelInvalidError.
    """
    return _native.find_pack(name, model_folders(models))


def available(models: PathLike | Sequence[PathLike] | None = None) -> list[ModelPack]:
    """Every pack there, by name; damaged ones are left out."""
    return _native.list_packs(model_folders(models))
