#!/usr/bin/env bash
# Believed: numkong.angular() is the angle between two vectors, or at least Annoy's "angular", sqrt(2 - 2 cos); zero vectors give NaN.
# True: it is 1 - cosine: 1 for orthogonal vectors, where the angle is 1.571 and Annoy's distance 1.414. Two zero vectors are at distance 0: two
#   failed embeddings are "the same person", and zero against a face is 1, as a stranger.
# Versions: numkong 7.8.6.
# Hurts: thresholds carried over from another library's "angular" (Annoy's 0.9 is a cosine of 0.6, here 0.1), and clustering, where all
#   failed faces become one person.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" numkong==7.8.6 numpy==2.4.6
PYTHONPATH="$dir/site" python3 - <<'END'
import math
from importlib.metadata import version

import numkong
import numpy as np

print("numkong", version("numkong"))
x, y, zero = (np.array(v, np.float32) for v in ([1, 0, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 0, 0]))
at = float(numkong.angular(x, y))
print(f"cosine 0.6: numkong.angular {at:.4f}, angle {math.acos(0.6):.4f}, Annoy's angular {math.sqrt(2 - 2 * 0.6):.4f}")
print("zero to zero", float(numkong.angular(zero, zero)), "- zero to a face", float(numkong.angular(zero, x)))
assert abs(at - 0.4) < 1e-3, "angular() is another distance now"
assert float(numkong.angular(zero, zero)) == 0 and float(numkong.angular(zero, x)) == 1
END
