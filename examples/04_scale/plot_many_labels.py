"""
Five thousand labels, and few samples for any of them
=====================================================

With thousands of labels the indicator matrix is sparse, and so is what is predicted: nothing has to be changed in the
code. Most labels have a handful of samples or none. A cut at 0.5 finds only the frequent ones; thresholds that all
labels learn together find more of the others.
"""

# %%
# Sparse data
# -----------
# Labels on three levels with a long tail: X and Y are sparse arrays. Few samples and features keep the page short.

import os
import sys
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score

from sklearn_metalabel import (
    ConstantLabelWarning,
    MetaPolicyClassifier,
    UnreachableThresholdWarning,
)
from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.learners import LabelWeightedLogistic

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
N_TRAIN, N_FEATURES, N_LABELS = (500, 60, 5000) if FAST else (1200, 120, 5000)

X, Y = make_hierarchical_multilabel(
    2 * N_TRAIN,
    n_features=N_FEATURES,
    n_labels=N_LABELS,
    sparse=True,
    random_state=0,
)
X_train, X_test = X[:N_TRAIN], X[N_TRAIN:]
Y_train, Y_test = Y[:N_TRAIN], Y[N_TRAIN:]
counts = np.asarray(Y_train.sum(axis=0)).ravel()
print(f"{Y_train.shape[1]} labels, {(counts == 0).sum()} of them without a sample")

# %%
# Two fits
# --------
# Labels without a training sample are never predicted, and labels with few samples seldom are. Warnings name both; they
# are expected here, and left out of this page. ``verbose=1`` prints a line for each training run.

warnings.filterwarnings("ignore", category=ConstantLabelWarning)
warnings.filterwarnings("ignore", category=UnreachableThresholdWarning)


def timed_fit(classifier):
    """The fitted classifier; prints how long it took."""
    start = time.perf_counter()
    classifier.fit(X_train, Y_train)
    print(f"{type(classifier).__name__}: {time.perf_counter() - start:.1f} s")
    return classifier


plain = timed_fit(LabelWeightedLogistic())
learned = timed_fit(MetaPolicyClassifier(verbose=1, random_state=0))
predicted = {
    "cut at 0.5": plain.predict(X_test),
    "learned": learned.predict(X_test),
}
print({name: type(each).__name__ for name, each in predicted.items()})

# %%
# F1 by frequency
# ---------------
# Labels in groups by how many training samples have them: the mean of their F1. Labels that no test sample has are left
# out.

bounds = [1, 3, 10, 30, np.inf]
groups = ["1 or 2", "3 to 9", "10 to 29", "30 or more"]
in_test = np.asarray(Y_test.sum(axis=0)).ravel() > 0
place = np.arange(len(groups))
figure, panel = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for shift, colour, (name, each) in zip(
    (-0.2, 0.2), ("#9aa1a8", "#c8553d"), predicted.items(), strict=True
):
    f1 = f1_score(Y_test, each, average=None, zero_division=0)
    means = [
        f1[in_test & (counts >= low) & (counts < high)].mean()
        for low, high in zip(bounds, bounds[1:], strict=False)
    ]
    panel.bar(place + shift, means, width=0.4, color=colour, label=name)
    print(f"{name:<12}" + "".join(f"{mean:>12.3f}" for mean in means))
panel.set_xticks(place, groups)
panel.set(xlabel="training samples of a label", ylabel="mean F1")
panel.spines[["top", "right"]].set_visible(False)
panel.legend(frameon=False)
if sys.argv[1:]:
    figure.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
