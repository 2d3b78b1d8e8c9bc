"""
A trained policy ends in the same place from random starts
==========================================================

Tables 3 and 6 of the paper ask how much the result depends on the weights and thresholds that an episode starts from.
Here one trained policy plays its greedy episode from ten random starts; the base learner is trained under each of the
ten weights, and the test rows are scored.
"""

# %%
# Data and policies
# -----------------
# Images that each show one to three of scikit-learn's digits. The policy that all labels share, and the paper's
# algorithm with few episodes.

import os
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from sklearn_metalabel import (
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    UnreachableThresholdWarning,
)
from sklearn_metalabel.datasets import load_multidigits
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.metrics import strict_accuracy_score
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import GRUPolicy, SharedGRUPolicy

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
N_STARTS = 3 if FAST else 10
# In few epochs the network learns little of the rarest digits, and their probabilities stay below the thresholds: that
# is so from every start.
warnings.filterwarnings("ignore", category=UnreachableThresholdWarning)
X, Y = load_multidigits(return_X_y=True)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
base = TorchClassifier(
    MLP, module__hidden=64, n_epochs=3 if FAST else 15, random_state=0
)
paper = GRUPolicy.from_paper(n_episodes=2 if FAST else 5)
classifiers = {
    "SharedGRUPolicy": MetaPolicyClassifier(
        base, training_policy=SharedGRUPolicy(), random_state=0
    ),
    "the paper's algorithm": MetaPolicyClassifier.from_paper(
        base, training_policy=paper, random_state=0
    ),
}


# %%
# Ten starts
# ----------
# ``greedy_episode`` plays the episode again without training anything. The thresholds of the paper's algorithm are the
# episode's last proposal; those of the other come from out-of-fold rows, so that only its weights can move. The
# default, ``PolicySearch``, does not start from anything: it proposes the same always.


def scores_of_start(clf, start):
    """Strict accuracy, macro-F1, micro-F1 from a random start; last weights."""
    end = clf.training_policy_.greedy_episode(
        "random", "random", random_state=start
    )
    thresholds = (
        end.thresholds[-1]
        if clf.prediction_policy == "episode"
        else clf.thresholds_
    )
    trained = LabelWeightedClassifier(base, label_weight=end.weights[-1]).fit(
        X_train, Y_train
    )
    D = decide(
        trained.predict_proba(X_test),
        thresholds,
        allow_unlabeled=clf.allow_unlabeled_,
    )
    f1 = [
        f1_score(Y_test, D, average=average, zero_division=0)
        for average in ("macro", "micro")
    ]
    return [strict_accuracy_score(Y_test, D), *f1]


METRICS = ["strict accuracy", "macro-F1", "micro-F1"]
found = {}
print(
    f"{'':<24}{'metric':<18}{'best':>8}{'worst':>8}{'average':>9}{'st. dev.':>10}"
)
for name, clf in classifiers.items():
    clf.fit(X_train, Y_train)
    found[name] = np.array(
        [scores_of_start(clf, start) for start in range(N_STARTS)]
    )
    for metric, column in zip(METRICS, found[name].T, strict=True):
        statistics = column.max(), column.min(), column.mean(), column.std(ddof=1)
        print(
            f"{name:<24}{metric:<18}"
            + "".join(f"{value:>9.4f}" for value in statistics)
        )

# %%
# One dot a start
# ---------------

figure, panel = plt.subplots(figsize=(7, 3.4), layout="constrained")
for shift, (name, color) in zip(
    (-0.12, 0.12),
    dict(zip(found, ("#2f6db3", "#c8553d"), strict=True)).items(),
    strict=True,
):
    for k, column in enumerate(found[name].T):
        panel.plot(
            np.full(N_STARTS, k + shift),
            column,
            "o",
            alpha=0.6,
            color=color,
            label=name if k == 0 else None,
        )
panel.set_xticks(range(len(METRICS)), METRICS)
panel.set_ylabel("test score")
panel.spines[["top", "right"]].set_visible(False)
panel.legend(frameon=False)
if sys.argv[1:]:
    figure.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
