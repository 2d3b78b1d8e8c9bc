"""
Labels that come together
=========================

A digit is even or odd, prime or not, has a loop or none, lies below five or not: six properties of ten digits, so that
only ten of the sixty-four label sets ever occur. Thresholds decide on each property by itself and put together sets
that no digit has. With ``dependence="auto"``, the default, decisions are drawn to the label sets that were seen, as far
as that scores higher out of fold.
"""

# %%
# Properties of handwritten digits
# --------------------------------
# A few hundred digits and a base learner that sees two principal components for each property: enough to be right about
# most properties, and not enough to be right about all of them at once.

import os
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.inspection import DependenceDisplay
from sklearn_metalabel.metrics import strict_accuracy_score
from sklearn_metalabel.policies import LearnedThresholds

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
SEEDS = range(2 if FAST else 5)
PROPERTIES = {
    "even": [0, 2, 4, 6, 8],
    "prime": [2, 3, 5, 7],
    "below five": [0, 1, 2, 3, 4],
    "has a loop": [0, 4, 6, 8, 9],
    "straight lines": [1, 4, 7],
    "power of two": [1, 2, 4, 8],
}

digits = load_digits()
X = PCA(8, random_state=0).fit_transform(digits.data)
Y = pd.DataFrame(
    {name: np.isin(digits.target, of) for name, of in PROPERTIES.items()}
).astype(int)

# %%
# With and without dependence
# ---------------------------
# Both learn thresholds for the same mean of strict accuracy, micro- and macro-F1; test digits are scored once.

rows = []
for seed in SEEDS:
    X_train, X_test, Y_train, Y_test = train_test_split(
        X, Y, train_size=600, random_state=seed
    )
    for name, policy in (
        ("labels apart", LearnedThresholds(dependence=False)),
        ("label sets", LearnedThresholds()),
    ):
        clf = MetaPolicyClassifier(prediction_policy=policy, random_state=seed).fit(
            X_train, Y_train
        )
        D, truth = clf.predict(X_test), Y_test.to_numpy()
        possible = (
            pd.DataFrame(D)
            .apply(tuple, axis=1)
            .isin(set(map(tuple, Y.to_numpy())))
            .mean()
        )
        micro, macro = (
            f1_score(truth, D, average=average) for average in ("micro", "macro")
        )
        rows.append([name, strict_accuracy_score(truth, D), micro, macro, possible])

columns = [
    "decided with",
    "strict accuracy",
    "micro-F1",
    "macro-F1",
    "possible sets",
]
print(pd.DataFrame(rows, columns=columns).groupby("decided with").mean().round(3))

# %%
# What was learned
# ----------------
# `dependence_` holds the label sets with their counts, and the pairs of labels that pull each other up or exclude each
# other; `dependence_gain_` is what the decisions gain out of fold, and the standard error of that.

gain, error = clf.prediction_policy_.dependence_gain_
print(f"gain out of fold {gain:.3f} ± {error:.3f}")
print(
    pd.DataFrame(clf.dependence_.frequent_sets(5)).round(2).to_string(index=False)
)

# %%
# Red pairs come together more often than by chance, blue ones less often.

DependenceDisplay.from_estimator(clf)
if sys.argv[1:]:
    plt.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
