"""The commands `python -m likeness embed` and `import`."""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator

from .errors import DataInvalidError, Error, ImageUnreadableError, InputUnreadableError, UnsupportedError
from .gallery import Gallery
from .parquet import Part, embed_list, files_of, import_faces, space_of
from .ray import FaceEmbedder

#: The program's exit codes (ARCHITECTURE.md, "Errors").
_EXIT = {
    "image_unreadable": 3, "input_unreadable": 3, "model_not_found": 4, "model_invalid": 4, "data_invalid": 5,
    "model_mismatch": 5, "unavailable": 6, "output_unwritable": 7, "unsupported": 2, "stopped": 1,
}  # fmt: skip


def main(options: argparse.Namespace) -> int:
    """Returns the exit code."""
    try:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise UnsupportedError("this needs pyarrow: pip install pyarrow") from error
        return _embed(options) if options.command == "embed" else _import(options)
    except Error as error:
        print(f"likeness: {error}", file=sys.stderr)
        return _EXIT[error.code]
    except ValueError as error:
        print(f"likeness: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("likeness: stopped; run again, it goes on", file=sys.stderr)
        return 130


def _lines(name: str) -> Iterator[str]:
    """Paths of a list, one after the other; empty lines are none. A path that is not UTF-8 becomes one that is not there."""
    try:
        with contextlib.ExitStack() as stack:
            file = sys.stdin.buffer if name == "-" else stack.enter_context(open(name, "rb"))
            for line in file:
                if path := line.rstrip(b"\r\n").decode("utf-8", "backslashreplace"):
                    yield path
    except OSError as error:
        raise InputUnreadableError(f"{name}: {error.strerror}") from error


def _embed(options: argparse.Namespace) -> int:
    if options.part < 1:
        raise ValueError("--part: 1 or more wanted")
    given = {name: getattr(options, name) for name in ("model", "models", "threads") if getattr(options, name)}
    embedder = FaceEmbedder(**given, main_face=options.people)

    def told(file: pathlib.Path, part: Part, there: bool) -> None:
        print(f"{file}: {part.photos} photos, {part.faces} faces{' (there already)' if there else ''}", file=sys.stderr)

    people = (lambda path: pathlib.PurePath(path).parent.name or None) if options.people else None
    parts = embed_list(_lines(options.list), options.output, embedder, people=people, photos_a_part=options.part, told=told)
    photos, unreadable, faces = (
        sum(counts) for counts in ([p.photos for p in parts], [p.unreadable for p in parts], [p.faces for p in parts])
    )
    if unreadable == photos:
        raise ImageUnreadableError(f"{options.list}: none of {photos} photos could be read" if photos else f"{options.list}: an empty list")
    print(f"{faces} faces of {photos} photos, {unreadable} unreadable -> {options.output}")
    return 1 if unreadable else 0


def _import(options: argparse.Namespace) -> int:
    files = files_of(options.files)
    key = _passphrase(options.key_file)
    if os.path.exists(options.gallery):
        gallery = Gallery.open(options.gallery, passphrase=key)
    else:
        space = space_of(files[0])
        if options.model:
            from .recognizer import Recognizer

            space = Recognizer(options.model, models=options.models).space
        if space is None:
            raise DataInvalidError(f"{files[0]}: does not say which model made its faces; say --model")
        if options.encrypt and key is None:
            raise ValueError("--encrypt: a passphrase is needed, by --key-file or LIKENESS_GALLERY_KEY")
        gallery = Gallery.create(options.gallery, space, passphrase=key if options.encrypt else None)
    added = known = nameless = 0
    for file in files:
        done = import_faces(gallery, file)
        added, known, nameless = added + done.added, known + done.known, nameless + done.nameless
    if nameless:
        print(f"likeness: {nameless} faces have no person and were left out", file=sys.stderr)
    print(f"{added} faces added, {known} known already")
    return 0


def _passphrase(key_file: str | None) -> str | None:
    if key_file is None:
        return os.environ.get("LIKENESS_GALLERY_KEY") or None
    try:
        with open(key_file, encoding="utf-8") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputUnreadableError(f"{key_file}: {getattr(error, 'strerror', None) or error}") from error
