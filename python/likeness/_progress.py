"""Progress of long work: a callback, or a bar of tqdm."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, Union

#: True: a tqdm bar. A function: called with done and total (0: not known), and False from it stops the work.
ProgressLike: TypeAlias = Union[bool, Callable[[int, int], Any], None]


@contextlib.contextmanager
def progress_call(progress: ProgressLike, unit: str) -> Iterator[Callable[[int, int], Any] | None]:
    """What the engine calls."""
    if progress is None or progress is False:
        yield None
        return
    if progress is not True:
        if not callable(progress):
            raise TypeError(f"progress: a function, True or None wanted, not {type(progress).__name__}")
        yield progress
        return
    from tqdm.auto import tqdm

    with tqdm(unit=unit) as bar:

        def move(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield move
