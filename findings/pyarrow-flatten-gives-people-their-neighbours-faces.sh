#!/usr/bin/env bash
# Believed: `column.flatten()` (or `.values`) of a fixed-size list is the block of all rows' values, so reshape(-1, n) gives row i's
#   embedding at i.
# True: flatten() leaves null rows out, so that each later row moves up: names zipped with the rows are wrong from there on, with no
#   error. `.values` keeps the place of null rows but ignores a slice: of rows 2 to 4 it gives the rows from 0 on.
# Versions: pyarrow 26.0.1.
# Hurts: tables with one photo without a face (a null embedding), and batches read in slices.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" pyarrow==26.0.1 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
import numpy as np
import pyarrow as pa

print("pyarrow", pa.__version__)
names = ["Ann", "no face", "Bob", "Carl"]
faces = pa.array([[1, 1], None, [2, 2], [3, 3]], pa.list_(pa.float32(), 2))
rows = lambda values: np.asarray(values.to_numpy(zero_copy_only=False)).reshape(-1, 2)[:, 0].tolist()

flat = rows(faces.flatten())
print("flatten():", dict(zip(names, flat)))
assert flat == [1, 2, 3], "flatten() keeps null rows now"
part = faces.slice(2)
print("values of the slice from Bob on:", dict(zip(names[2:], rows(part.values))), "- flatten():", rows(part.flatten()))
assert rows(part.flatten()) == [2, 3]
assert rows(part.values)[:1] == [1], ".values minds slices now"
END
