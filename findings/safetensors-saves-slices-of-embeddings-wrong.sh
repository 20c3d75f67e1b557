#!/usr/bin/env bash
# Believed: safetensors.numpy saves the array it is given, or refuses it.
# True: since 0.8.0 the bytes are taken from the array's address on, without its strides: of `faces[:, :128]`, `faces[::2]` and
#   `faces.T` other values are written under the right shape and type, with no error at saving or loading. 0.7.0 saved them
#   right. (The docstring asks for contiguous arrays, in both; nothing checks it. np.ascontiguousarray() helps.)
# Versions: safetensors 0.8.0 against 0.7.0, numpy 2.4.6.
# Hurts: whoever stores shortened or picked embeddings: people after the first have parts of their neighbours' vectors.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > save.py <<'END'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

faces = np.random.default_rng(0).normal(size=(8, 512)).astype(np.float32)
right = {}
for name, array in {"faces": faces, "faces[:, :128]": faces[:, :128], "faces[::2]": faces[::2], "faces.T": faces.T}.items():
    save_file({"e": array}, "faces.safetensors")
    loaded = load_file("faces.safetensors")["e"]
    assert loaded.shape == array.shape and loaded.dtype == array.dtype
    right[name] = np.array_equal(loaded, array)
print("safetensors", safetensors.__version__, right)
assert right["faces"]
others = [right[name] for name in right if name != "faces"]
assert others == [safetensors.__version__ != "0.8.0"] * 3, "slices are saved otherwise now"
END
for version in 0.7.0 0.8.0; do
  python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/$version" "safetensors==$version" numpy==2.4.6
  PYTHONPATH="$version" python3 save.py
done
