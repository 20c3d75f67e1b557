#!/usr/bin/env bash
# Believed: a few identical copies of a photo (a double import, still frames of a camera) make a cluster's members surer, if
#   anything; probabilities_ of clear members stay near 1.
# True: as soon as there are as many copies as min_samples, the densest point has an infinite lambda and every *other* photo
#   of that person gets the probability 0, though its label is right. People without copies are not changed.
#   So in hdbscan and in scikit-learn, whose count of samples includes the point itself: one copy fewer is enough there.
# Versions: hdbscan 0.8.44, scikit-learn 1.9.1.
# Hurts: face groups cleaned by `probabilities_ > 0.5`: of the person with copies only the copies are left.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m pip install -q --no-compile --root-user-action=ignore --target "$dir/site" hdbscan==0.8.44 scikit-learn==1.9.1 numpy==2.4.6
PYTHONPATH="$dir/site" python3 -W ignore - <<'END'
from importlib.metadata import version

import hdbscan
import numpy as np
import sklearn.cluster

print("hdbscan", version("hdbscan"), "scikit-learn", sklearn.__version__)
rng = np.random.default_rng(0)
faces = np.repeat(rng.normal(size=(4, 64)), 10, axis=0) + 0.2 * rng.normal(size=(40, 64))  # 4 people, 10 photos each
faces /= np.linalg.norm(faces, axis=1, keepdims=True)

def lowest(method, copies):
    """The lowest probability within the person with copies and within another one; labels are checked to be right."""
    found = method(min_cluster_size=5).fit(np.vstack([faces, np.repeat(faces[:1], copies, axis=0)]))
    assert len(set(found.labels_[:10])) == 1 and found.labels_[0] not in found.labels_[10:40]
    return round(found.probabilities_[1:10].min(), 3), round(found.probabilities_[10:20].min(), 3)

for name, method, enough in (("hdbscan", hdbscan.HDBSCAN, 5), ("scikit-learn", sklearn.cluster.HDBSCAN, 4)):
    before, after = lowest(method, enough - 1), lowest(method, enough)
    print(f"{name}: {enough - 1} more copies of the first photo {before}, {enough} more copies {after}")
    assert before[0] > 0.8 and before[1] > 0.8 and after[1] > 0.8
    assert after[0] == 0, "copies do not spoil the others now"
END
