"""Writes likeness/stats/testdata/sklearn.json: what scikit-learn and scipy say. Run from the root."""
import json

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve

rng = np.random.default_rng(8)
cases = []
for mated, non_mated, apart, digits in [(40, 300, 2.0, 3), (100, 200, 1.0, 1), (200, 200, 0.3, 6)]:
    a = np.round(rng.normal(apart, 1, mated), digits)
    b = np.round(rng.normal(0, 1, non_mated), digits)
    y = np.r_[np.ones(mated), np.zeros(non_mated)]
    s = np.r_[a, b]
    fpr, tpr, thresholds = roc_curve(y, s, drop_intermediate=False)
    fnr = 1 - tpr
    k = int(np.argmax(fnr <= fpr))
    before, after = fnr[k - 1] - fpr[k - 1], fnr[k] - fpr[k]
    eer = fpr[k - 1] + before / (before - after) * (fpr[k] - fpr[k - 1])
    accuracy = max(((s >= t) == y).mean() for t in np.r_[thresholds, s.min() - 1])
    cases.append({"mated": a.tolist(), "non_mated": b.tolist(), "auc": roc_auc_score(y, s), "eer": float(eer),
                  "best_accuracy": float(accuracy), "tpr_at_fpr_0.05": float(tpr[fpr <= 0.05 + 1e-12].max())})
wilson = []
for k, n in [(0, 1), (1, 1), (25, 25), (92, 93), (500, 1000), (3, 10000)]:
    i = binomtest(k, n).proportion_ci(method="wilson")
    wilson.append({"k": k, "n": n, "low": i.low, "high": i.high})
with open("likeness/stats/testdata/sklearn.json", "w") as f:
    json.dump({"cases": cases, "wilson": wilson}, f)
    f.write("\n")
