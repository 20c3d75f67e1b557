#!/usr/bin/env bash
# Believed: load() of a file saved with squared L2 into Index(metric="cos") is refused, or the index then says which metric is used.
# True: it loads without a word, `metric_kind` goes on saying Cos, and the distances are squared L2: 2 * (1 - cosine) for unit vectors, so a
#   threshold meant for cosine distances is twice as strict: a neighbour at 0.71 is reported at 1.43, and
#   the right person at 0.3 is at 0.6 and rejected. A wrong `ndim` is silently replaced by the file's.
# Versions: usearch 2.26.6.
# Hurts: programs that make the index with their own settings and then load what another program saved.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" usearch==2.26.6 numpy==2.4.6
cd "$dir"
PYTHONPATH=site python3 - <<'END'
import numpy as np
import usearch
from usearch.index import Index, MetricKind

print("usearch", usearch.__version__)
faces = np.random.default_rng(0).normal(size=(100, 64)).astype(np.float32)
faces /= np.linalg.norm(faces, axis=1, keepdims=True)
saved = Index(ndim=64, metric="l2sq", dtype="f32")
saved.add(np.arange(100), faces)
saved.save("faces.usearch")

loaded = Index(ndim=64, metric="cos", dtype="f32")
loaded.load("faces.usearch")
answer = loaded.search(faces[3], 2)
cosine_distance = 1 - float(faces[3] @ faces[int(answer.keys[1])])
print(f"says {loaded.metric_kind}; neighbour at {answer.distances[1]:.4f}, its cosine distance {cosine_distance:.4f}")
assert loaded.metric_kind == MetricKind.Cos
assert abs(answer.distances[1] - 2 * cosine_distance) < 1e-4, "the distances are the metric's that is named now"
other = Index(ndim=32, metric="cos", dtype="f32")
other.load("faces.usearch")
print("Index(ndim=32) after load(): ndim", other.ndim)
assert other.ndim == 64
END
