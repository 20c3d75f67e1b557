#!/bin/sh
# Writes python/likeness/_native.pyi from the built module. make_stubs.sh PYTHON [OUT]; PYTHONPATH finds the module.
out="${2:-$(dirname "$0")/likeness/_native.pyi}"
"$1" -m nanobind.stubgen -q -m likeness._native -o "$out" || exit 1
# What stubgen leaves open.
sed -i -E -e 's/os\.PathLike\b/os.PathLike[str]/g' -e 's/-> dict( \| None)?:/-> dict[str, Any]\1:/' -e 's/: dict,/: dict[str, Any],/' \
  -e 's/-> tuple:/-> tuple[Any, ...]:/' -e 's/photos: Iterator\b/photos: Iterator[Photo]/' -e 's/\b([ab]): Iterator\b/\1: Iterator[Photo]/g' \
  -e 's/-> Iterator:/-> Iterator[float]:/' -e 's/^from typing import Annotated/from typing import Annotated, Any/' \
  -e 's/(def __eq__\(self, arg: )[A-Za-z]+/\1object/' "$out"
grep -q '^__version__' "$out" || echo '
__version__: str
' >>"$out"
