"""People and their faces, durably."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _native
from ._models import PathLike
from ._native import AddedFace, Box, EmbeddingSpace, Match, PersonMatch, StoredFace
from ._progress import ProgressLike, progress_call
from .classifier import rows

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Floats = numpy.typing.NDArray[numpy.float32]


class Gallery:
    """People and their faces: one SQLite file, or memory. What a changing call has returned from is on the disk.

    Threads may share one; searching goes on while others change it. Changes by other processes are seen after
    refresh(). Make one by open(), create() or in_memory().
    """

    def __init__(self, native: _native.Gallery) -> None:
        self._native = native

    @classmethod
    def open(
        cls,
        path: PathLike,
        *,
        read_only: bool = False,
        passphrase: str | None = None,
        threads: int = 1,
        index: str | None = None,
    ) -> Gallery:
        """What is there (docs/gallery_format.md).

        Args:
            passphrase: of an encrypted gallery.
            threads: one search may use.
            index: "exact", "int8" or "sketch"; None: as fits the number of faces.

        Raises:
            InputUnreadableError: where there is none. DataInvalidError: damaged, or a wrong passphrase.
            UnavailableError: locked by another process. OutputUnwritableError: may not be written.
        """
        return cls(_native.open_gallery(os.fsdecode(path), read_only, passphrase, threads, index))

    @classmethod
    def create(
        cls,
        path: PathLike,
        space: EmbeddingSpace,
        *,
        exist_ok: bool = False,
        format: str = "f32",
        passphrase: str | None = None,
        threads: int = 1,
        index: str | None = None,
    ) -> Gallery:
        """An empty one for embeddings of `space`, usually Recognizer.space.

        Args:
            exist_ok: take what is there, if it is of the same space.
            format: "f32", or "int8": a quarter of the size, cosines within about 0.005.

        Raises:
            OutputUnwritableError: also where it exists already. ModelMismatchError: of another space.
        """
        return cls(
            _native.create_gallery(os.fsdecode(path), space, not exist_ok, format, passphrase, threads, index)
        )

    @classmethod
    def in_memory(cls, space: EmbeddingSpace) -> Gallery:
        """One that is gone with the program."""
        return cls(_native.memory_gallery(space))

    def add(self, person: str, embeddings: Floats, photos: Sequence[str] = (), boxes: Sequence[Box] = ()) -> list[int]:
        """Enrols faces (float32 (n, d), unit length) as one person; all or none.

        Args:
            photos: where each came from, in words; none, or n.
            boxes: of each in its photo; none, or n.

        Returns:
            Each face's number; of one that was known already the number it has.

        Raises:
            ModelMismatchError: for another dimension. ValueError: for a blank name, or values not of unit length.
        """
        return self._native.add(person, rows(embeddings), list(photos), list(boxes))

    def add_many(
        self,
        people: Sequence[str],
        embeddings: Floats,
        *,
        photos: Sequence[str] | None = None,
        sha256: Sequence[str] | None = None,
        measured: Floats | None = None,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> list[AddedFace]:
        """Enrols faces of many people (row i is people[i]'s) as one change; all or none.

        A face is known already where the same photo has the same box or embedding, so that rows which are
        given again enrol nothing twice. For thousands of faces it costs much less than add() for each person.

        Args:
            embeddings: float32 (n, d), unit length.
            photos: where each came from, in words.
            sha256: of each photo's bytes, 64 hexadecimal digits; "" where unknown.
            measured: float32 (n, 19), as PhotoFaces.measured; None: boxes are unknown.
            sizes: width and height of each upright photo, pixels; (0, 0) where unknown.

        Raises:
            ModelMismatchError: for another dimension.
            ValueError: for a blank name, values not of unit length, or lengths that differ.
        """
        import numpy

        count = len(people)
        unknown = [""] * count
        rows_ = numpy.zeros((count, _native.FACE_COLUMNS), numpy.float32) if measured is None else rows(measured, "measured")
        return self._native.add_many(
            list(people), rows(embeddings), unknown if photos is None else list(photos),
            unknown if sha256 is None else list(sha256), rows_, [(0, 0)] * count if sizes is None else list(sizes),
        )  # fmt: skip

    def search(self, embeddings: Floats, count: int = 5) -> list[list[PersonMatch]]:
        """For each of n embeddings the `count` people most alike, most alike first."""
        return self._native.search(rows(embeddings), count)

    def nearest(self, embeddings: Floats, count: int = 5) -> list[list[Match]]:
        """For each of n embeddings the `count` nearest faces, nearest first."""
        return self._native.nearest(rows(embeddings), count)

    @property
    def people(self) -> dict[str, int]:
        """Everybody by name, and how many faces each has."""
        return dict(self._native.people())

    def faces(self, person: str | None = None) -> list[StoredFace]:
        """Faces of one person, or of everybody, in the order they were added."""
        return self._native.faces(person)

    def embeddings(self, person: str) -> Floats:
        """float32 (n, d): the faces of one person; (0, d) where there is no such person."""
        return self._native.embeddings(person)

    def remove_person(self, name: str) -> bool:
        """False where there is no such person."""
        return self._native.remove_person(name)

    def remove_face(self, face: int) -> bool:
        """False where there is no such face."""
        return self._native.remove_face(face)

    def rename_person(self, old: str, new: str) -> bool:
        """False where there is no `old`. Raises: DataInvalidError where `new` exists already."""
        return self._native.rename_person(old, new)

    def merge_people(self, old: str, into: str) -> bool:
        """Gives all faces of `old` to `into`; False where one of them does not exist."""
        return self._native.merge_people(old, into)

    def calibrate(
        self,
        strangers: Floats | None = None,
        people: Sequence[str] = (),
        *,
        target_fpir: float = 0.01,
        seed: int = 0,
        progress: ProgressLike = None,
    ) -> dict[str, Any]:
        """Finds the similarity from which on a face gets a name, and keeps it in the gallery.

        Args:
            strangers: float32 (n, d), faces of people who are not enrolled; None: each person's faces are
                strangers to all the others.
            people: n names: who each stranger is.
            target_fpir: share of strangers who may get a name, in (0, 1).

        Returns:
            The calibration: threshold, fpir, fnir, intervals, what it was made of (docs/gallery_format.md).

        Raises:
            DataInvalidError: for too few strangers, saying how many are needed.
        """
        given = None if strangers is None else rows(strangers, "strangers")
        with progress_call(progress, "face") as told:
            return _object(self._native.calibrate(given, list(people), target_fpir, seed, told))

    @property
    def calibration(self) -> dict[str, Any] | None:
        """As calibrate() gave it; None before."""
        text = self._native.calibration()
        return None if text is None else _object(text)

    @property
    def space(self) -> EmbeddingSpace:
        """Of its embeddings."""
        return self._native.space

    @property
    def name(self) -> str:
        """What errors call it: its path."""
        return self._native.name

    @property
    def version(self) -> int:
        """Counts changes to people and faces, whoever made them."""
        return self._native.version()

    def refresh(self) -> None:
        """Follows changes by other processes."""
        self._native.refresh()

    def check(self) -> list[str]:
        """Reads everything and says what is wrong, a line each."""
        return self._native.check()

    def __len__(self) -> int:
        """How many faces are enrolled."""
        return self._native.face_count()

    def __bool__(self) -> bool:
        return True

    def __contains__(self, person: str) -> bool:
        return person in self.people

    def __repr__(self) -> str:
        return f"Gallery({self.name!r}, {len(self)} faces of {len(self.people)} people)"


def _object(text: str) -> dict[str, Any]:
    import json

    value: dict[str, Any] = json.loads(text)
    return value
