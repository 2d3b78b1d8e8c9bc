"""
Learned thresholds find more of the rare labels
===============================================

A logistic regression for each label, cut at 0.5, hardly ever predicts a rare label. ``MetaPolicyClassifier`` trains
the same base learner under learned loss weights and cuts each label at a threshold chosen on rows held out.

The data are strips of handwritten digits, labelled with the digits that occur in them; they come with scikit-learn, so
nothing is downloaded. Run as a script, the file takes a path for its figure:
``python plot_multidigits.py multidigits.png``.
"""

# %%
# Data
# ----
# Thirteen labels: ten digits with a long tail, and three groups of digits above them. No source image of a training
# strip occurs in a test strip.

import os
import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.datasets import load_multidigits
from sklearn_metalabel.inspection import (
    LabelConfusionDisplay,
    PolicyDisplay,
    ThresholdCurveDisplay,
    TrainingPolicyDisplay,
)
from sklearn_metalabel.metrics import strict_accuracy_score

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
N_SAMPLES = 600 if FAST else 2400
SEEDS = range(2 if FAST else 3)

data = load_multidigits(subset="train", as_frame=True)
share = data.target.mean().sort_values()
print(
    "rarest labels:  ",
    ", ".join(f"{name} {value:.1%}" for name, value in share.head(3).items()),
)
print(
    "commonest labels:",
    ", ".join(f"{name} {value:.1%}" for name, value in share.tail(3).items()),
)

# %%
# Two classifiers
# ---------------
# The base learner is the same on both sides. Each seed draws other strips, and seeds the classifiers.


def scores(classifier, seed):
    """Strict accuracy, micro-F1 and macro-F1 on test strips, and the classifier."""
    train, test = (
        load_multidigits(
            n_samples=N_SAMPLES, subset=subset, as_frame=True, random_state=seed
        )
        for subset in ("train", "test")
    )
    predicted = classifier.fit(train.data, train.target).predict(test.data)
    f1 = [
        f1_score(test.target, predicted, average=average, zero_division=0)
        for average in ("micro", "macro")
    ]
    return [strict_accuracy_score(test.target, predicted), *f1], classifier


cut_at_half = [scores(LabelWeightedClassifier(), seed)[0] for seed in SEEDS]
learned, classifiers = zip(
    *(scores(MetaPolicyClassifier(random_state=seed), seed) for seed in SEEDS),
    strict=True,
)

print(f"{'mean and spread over seeds':<28}", end="")
print(f"{'strict accuracy':>17}{'micro-F1':>17}{'macro-F1':>17}")
for name, table in {
    "cut at 0.5": cut_at_half,
    "MetaPolicyClassifier": learned,
}.items():
    mean, spread = np.mean(table, axis=0), np.std(table, axis=0, ddof=1)
    print(
        f"{name:<28}"
        + "".join(
            f"{m:>10.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True)
        )
    )

# %%
# What was learned
# ----------------
# The training policy tried scales of all weights, and a scale of each label. The dots are the reward of held-out rows
# beyond that of plain weights, and the score after thresholds; the coloured one was taken.

classifier = classifiers[0]
print(f"loss weights: {classifier.training_policy_.best_proposal_}")
print(f"thresholds: {classifier.prediction_policy_.name}")
print(f"a sample may get no label: {classifier.allow_unlabeled_}")
print(f"out-of-fold score: {classifier.best_score_:.3f}")
TrainingPolicyDisplay.from_estimator(classifier)

# %%
# One row a label, the most frequent at the top: what was chosen for it. What is the same for all labels is said in the
# title.

display = PolicyDisplay.from_estimator(classifier)

# %%
# What another threshold would have done
# --------------------------------------
# Precision, recall and F1 of six labels, from frequent to rare, on the held-out rows of ``fit``. The dashed line is the
# threshold that was chosen.

ThresholdCurveDisplay.from_estimator(classifier)

# %%
# Which label is predicted in another's place
# -------------------------------------------
# On test strips. A row is a label that was missed, a column one that was wrongly predicted in the same strips.

test = load_multidigits(
    n_samples=N_SAMPLES, subset="test", as_frame=True, random_state=SEEDS[0]
)
confusion = LabelConfusionDisplay.from_estimator(classifier, test.data, test.target)
print(confusion.frame().head().to_string(index=False))
if sys.argv[1:]:
    display.figure_.savefig(sys.argv[1], dpi=150, bbox_inches="tight")
    print(f"figure written to {sys.argv[1]}")
else:
    plt.show()
