"""The commands face_recognition and face_detection: the same arguments and lines.

A photo that cannot be read is named on stderr and makes the exit code 1; the package stops there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..errors import Error, ModelInvalidError, ModelNotFoundError
from . import face_recognition as api

T = TypeVar("T")

_SUFFIXES = (".jpg", ".jpeg", ".png")
_MOST_PIXELS = 1600  # Larger photos are looked at in this size, as there.


class _Reader:
    """Goes through photos in several threads, and remembers whether one could not be read."""

    def __init__(self, program: str, threads: int) -> None:
        self._program, self._threads, self.failed = program, threads, False

    def each(self, paths: Sequence[str], work: Callable[[str], T]) -> Iterator[tuple[str, T]]:
        """What the work gives of each photo, in the order of their paths."""
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(self._threads)
        try:
            for path, future in [(path, pool.submit(work, path)) for path in paths]:
                try:
                    yield path, future.result()
                except (ModelNotFoundError, ModelInvalidError):
                    raise
                except (Error, OSError) as error:
                    print(f"{self._program}: {error}", file=sys.stderr)
                    self.failed = True
        finally:
            pool.shutdown(cancel_futures=True)


def _photos(path: str) -> list[str]:
    """Photos of a folder, by name, or the one photo."""
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.lower().endswith(_SUFFIXES)]


def _yes(text: str) -> bool:
    if text.lower() in ("1", "true", "t", "yes", "y", "on"):
        return True
    if text.lower() in ("0", "false", "f", "no", "n", "off"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is not a valid boolean")


def _cpus(text: str) -> int:
    number = int(text)
    if number != -1 and number < 1:
        raise argparse.ArgumentTypeError(f"-1, or 1 or more wanted, not {text}")
    return number if number > 0 else os.cpu_count() or 1


def _known(reader: _Reader, folder: str) -> tuple[list[str], list[Any]]:
    """The people of a folder: a photo each, called after it."""
    names, encodings = [], []
    for path, found in reader.each(_photos(folder), lambda p: api.face_encodings(api.load_image_file(p))):
        if len(found) > 1:
            print(f"WARNING: More than one face found in {path}. Only considering the first face.")
        if not found:
            print(f"WARNING: No faces found in {path}. Ignoring file.")
            continue
        names.append(os.path.splitext(os.path.basename(path))[0])
        encodings.append(found[0])
    return names, encodings


def _unknown(path: str) -> list[Any]:
    pixels = api.load_image_file(path)
    return api._encoded(pixels, api._engine.faces(pixels, 1, _MOST_PIXELS))


def _tell(path: str, encodings: Sequence[Any], known: tuple[list[str], list[Any]], options: Any) -> None:
    def line(name: str, distance: Any) -> None:
        print(f"{path},{name},{distance}" if options.show_distance else f"{path},{name}")

    for encoding in encodings:
        near = [(name, distance) for name, distance in zip(known[0], api.face_distance(known[1], encoding))
                if distance <= options.tolerance]  # fmt: skip
        for name, distance in near or [("unknown_person", None)]:
            line(name, distance)
    if not encodings:
        line("no_persons_found", None)


def _run(parser: argparse.ArgumentParser, work: Callable[[Any, _Reader], None], arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    for name in ("known_people_folder", "image_to_check"):
        path = getattr(options, name, None)
        if path is not None and not os.path.exists(path):
            parser.error(f"{name}: there is no {path}")
        if name == "known_people_folder" and path is not None and not os.path.isdir(path):
            parser.error(f"{name}: {path} is no folder")
    api._engine.configure({**api._engine._options, "threads": options.cpus})
    reader = _Reader(parser.prog, options.cpus)
    try:
        work(options, reader)
    except (ModelNotFoundError, ModelInvalidError) as error:
        print(f"{parser.prog}: {error}; python -m likeness setup fetches the models", file=sys.stderr)
        return 4
    return 1 if reader.failed else 0


def recognition(arguments: Sequence[str] | None = None) -> int:
    """Who is in a photo, or in each of a folder: a line `path,name[,distance]` a face. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="face_recognition", description="Who is in a photo, or in each photo of a folder: a line a face."
    )
    parser.add_argument("known_people_folder", help="a photo of each person, called after them")
    parser.add_argument("image_to_check", help="a photo, or a folder of photos")
    parser.add_argument("--cpus", type=_cpus, default=1, help="processors to use; -1: all")
    parser.add_argument("--tolerance", type=float, default=api.TOLERANCE, help="distance up to which two faces match")
    parser.add_argument("--show-distance", type=_yes, default=False, metavar="BOOLEAN", help="a third column")

    def work(options: Any, reader: _Reader) -> None:
        known = _known(reader, options.known_people_folder)
        for path, encodings in reader.each(_photos(options.image_to_check), _unknown):
            _tell(path, encodings, known, options)

    return _run(parser, work, arguments)


def detection(arguments: Sequence[str] | None = None) -> int:
    """Faces of a photo, or of each of a folder: a line `path,top,right,bottom,left` a face. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="face_detection", description="Faces of a photo, or of each photo of a folder: a line a face."
    )
    parser.add_argument("image_to_check", help="a photo, or a folder of photos")
    parser.add_argument("--cpus", type=_cpus, default=1, help="processors to use; -1: all")
    parser.add_argument("--model", default="hog", help="hog and cnn are the same detector here")

    def work(options: Any, reader: _Reader) -> None:
        def find(path: str) -> list[api.Location]:
            return api.face_locations(api.load_image_file(path), 0, options.model)

        for path, found in reader.each(_photos(options.image_to_check), find):
            for location in found:
                print(path, *location, sep=",")

    return _run(parser, work, arguments)
