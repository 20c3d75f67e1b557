"""Where model packs are, and OpenVINO where one needs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar, Union

from . import _native
from .errors import UnsupportedError

T = TypeVar("T")
PathLike: TypeAlias = Union[str, "os.PathLike[str]"]

#: As in the program: of galleries, comparing and grouping; of the tutorial's steps and classifiers.
PEOPLE_MODEL: str = _native.PEOPLE_MODEL
TUTORIAL_MODEL: str = _native.TUTORIAL_MODEL
OPENVINO_VERSION = "2026.4.1"
_PACKAGE = os.path.dirname(__file__)
_BUNDLED = os.path.join(os.path.dirname(_PACKAGE), "likeness.libs")
#: Where a wheel's own libvips is to look for modules: nowhere. None: the system's libvips is used.
VIPS_HOME = os.path.join(_BUNDLED, "none") if os.path.isdir(_BUNDLED) else None


def cache_folder() -> str:
    """Where downloads and prepared networks are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "likeness")


def model_folders(models: PathLike | Sequence[PathLike] | None = None) -> list[str]:
    """Folders of packs, the first looked in first: what is given; else $LIKENESS_MODELS, else setup's."""
    if models is None:
        named = os.environ.get("LIKENESS_MODELS")
        return named.split(os.pathsep) if named else [os.path.join(cache_folder(), "models")]
    if isinstance(models, (str, os.PathLike)):
        return [os.fsdecode(models)]
    return [os.fsdecode(folder) for folder in models]


def network_cache() -> str:
    """Where prepared networks are kept for a quicker start; empty where the folder cannot be made."""
    folder = os.path.join(cache_folder(), "compiled")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return ""
    return folder


def _load_openvino() -> None:
    """Loads the libraries of the package openvino, of which our module for it is made.

    Raises:
        UnsupportedError: where it is not installed, or of another version.
    """
    import ctypes
    import importlib.util
    import pathlib

    found = importlib.util.find_spec("openvino")
    folder = pathlib.Path(found.origin).parent / "libs" if found and found.origin else None
    major, minor, patch = OPENVINO_VERSION.split(".")
    library = folder / f"libopenvino.so.{major[2:]}{minor}{patch}" if folder else None
    if library is None or not library.exists():
        raise UnsupportedError(
            f"this model or precision needs OpenVINO {OPENVINO_VERSION}, which is not installed: "
            f"pip install openvino=={OPENVINO_VERSION}"
        )
    for name in sorted(library.parent.glob("libtbb.so.*")):
        ctypes.CDLL(str(name), mode=ctypes.RTLD_LOCAL)
    ctypes.CDLL(str(library), mode=ctypes.RTLD_LOCAL)


def with_openvino(work: Callable[[], T], afresh: Callable[[], None] | None = None) -> T:
    """Does the work, and where it needs OpenVINO once more with its libraries loaded; `afresh` comes before that."""
    try:
        return work()
    except UnsupportedError as error:
        if "needs OpenVINO, which cannot be loaded" not in str(error):
            raise
    _load_openvino()
    if afresh is not None:
        afresh()
    return work()


def _name_module() -> None:
    """Our module for OpenVINO lies in the wheel; in a developer's tree the linker finds it by itself."""
    module = os.path.join(_PACKAGE, "_libs", "liblikeness_openvino.so")
    if os.path.exists(module):
        _native.set_openvino_module(module)


_name_module()
