#!/usr/bin/env bash
# Believed: Voyager's Cosine space in Float8 storage gives a stored face a distance of about 0 to itself, off by rounding.
# True: for 512 values the distance to itself is 0.14, as each value is cut toward zero to a 127th, the norm shrinks to 0.93,
#   and the "cosine" is not divided by the stored norms. All matches of one person get worse alike; the same distance in
#   E4M3 storage is -0.004. A stranger moves by 0.02, so a threshold from Float32 embeddings rejects the right person.
# Versions: voyager 2.2.3.
# Hurts: galleries that switch to Float8 to save memory and keep their threshold.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" voyager==2.2.3 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
from importlib.metadata import version

import numpy as np
from voyager import Index, Space, StorageDataType

print("voyager", version("voyager"))
faces = np.random.default_rng(0).normal(size=(1000, 512)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
own, norm = {}, {}
for storage in (StorageDataType.Float32, StorageDataType.E4M3, StorageDataType.Float8):
    index = Index(Space.Cosine, 512, storage_data_type=storage)
    index.add_items(faces)
    ids, distances = index.query(faces[3], k=2)
    stranger = 1 - float(faces[3] @ faces[int(ids[1])])
    own[storage], norm[storage] = float(distances[0]), float(np.linalg.norm(index.get_vector(3)))
    print(f"{storage}: to itself {own[storage]:.4f}, to the nearest stranger {distances[1]:.4f} (exact {stranger:.4f}),"
          f" stored norm {norm[storage]:.4f}")
    assert ids[0] == 3
assert abs(own[StorageDataType.Float32]) < 1e-5
assert abs(own[StorageDataType.E4M3]) < 0.02
assert 0.12 < own[StorageDataType.Float8] < 0.15, "Float8 answers otherwise now"
assert abs(1 - norm[StorageDataType.Float8] ** 2 - own[StorageDataType.Float8]) < 1e-4
END
