"""
What thresholds and weights for each label are good for
=======================================================

A logistic regression for each label, cut at 0.5, misses many rare labels, even where its penalty is well tuned.
``MetaPolicyClassifier`` with its default settings trains the same base learner, and finds more of them.

The data are the docstrings of numpy, scipy and scikit-learn, which are installed anyway, so nothing is downloaded. The
task is to say from the prose which parameters a function takes. Run as a script, the file takes a path for its figure:
``python plot_docstrings.py docstrings.png``.
"""

# %%
# Data
# ----
# Labels are names of parameters, from `x`, which hundreds of docstrings describe, to those that fifteen describe.
# Docstrings that belong together resemble each other, so whole groups are held out for test, in two ways: functions
# whose names do not occur in training, but whose modules do, and functions of modules that do not occur at all.

import os
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import load_docstrings
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
MIN_COUNT = 60 if FAST else 15


def load(split_by):
    """TF-IDF features and labels of training and test texts."""
    train, test = (
        load_docstrings(
            subset=subset, split_by=split_by, min_count=MIN_COUNT, as_frame=True
        )
        for subset in ("train", "test")
    )
    tfidf = TfidfVectorizer(sublinear_tf=True, min_df=3, stop_words="english")
    return (
        tfidf.fit_transform(train.data),
        train.target,
        tfidf.transform(test.data),
        test.target,
    )


# %%
# Three classifiers
# -----------------
# All are scored by accuracy (the whole label set right), micro-F1 and macro-F1, and where something is tuned on
# training rows, by the mean of the three, which is the default of ``MetaPolicyClassifier``. The base learner's inverse
# penalty, `C`, is 1 by default, and is tuned among greater values; above 10,000 the scores hardly change.

COLUMNS = ["accuracy", "micro-F1", "macro-F1"]


def scores(truth, predicted):
    """Accuracy, micro-F1 and macro-F1."""
    f1 = [
        f1_score(truth, predicted, average=average, zero_division=0)
        for average in ("micro", "macro")
    ]
    return np.array([accuracy_score(truth, predicted), *f1])


def mean_score(classifier, X, truth):
    """The mean of the three."""
    return scores(truth, classifier.predict(X)).mean()


folds = MultilabelStratifiedKFold(n_splits=3, shuffle=True, random_state=0)
classifiers = {
    "cut at 0.5": LabelWeightedLogistic(),
    "C tuned, cut at 0.5": GridSearchCV(
        LabelWeightedLogistic(),
        {"C": [300, 10_000]},
        scoring=mean_score,
        cv=folds,
    ),
    "MetaPolicyClassifier": MetaPolicyClassifier(random_state=0),
}


def gain(truth, before, after, n_samples=25):
    """Gain of each score, and its error over bootstrap samples of the test."""
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(truth), size=len(truth)) for _ in range(n_samples)]
    differences = [
        scores(truth[rows], after[rows]) - scores(truth[rows], before[rows])
        for rows in draws
    ]
    return scores(truth, after) - scores(truth, before), np.std(differences, axis=0)


# %%
# Result
# ------
# The last line is the gain over the second row, with its standard error. New modules are the harder test.


def compare(split_by):
    """Truth and predictions of two classifiers; prints the scores of all."""
    X_train, Y_train, X_test, Y_test = load(split_by)
    print(
        f"new {split_by}s: {len(Y_train)} training texts, "
        f"{len(Y_test)} test texts, {Y_test.shape[1]} labels"
    )
    predicted = {
        name: classifier.fit(X_train, Y_train).predict(X_test)
        for name, classifier in classifiers.items()
    }
    truth = Y_test.to_numpy()
    table = {
        name: [f"{score:.3f}" for score in scores(truth, each)]
        for name, each in predicted.items()
    }
    _, before, after = predicted.values()
    table["gain over tuned C"] = [
        f"{m:+.3f} ± {e:.3f}"
        for m, e in zip(*gain(truth, before, after), strict=True)
    ]
    print(pd.DataFrame(table, index=COLUMNS).T.to_string(), "\n", flush=True)
    return Y_test, before, after


compared = {split_by: compare(split_by) for split_by in ("name", "module")}

# %%
# The labels that gained most
# ---------------------------
# F1 on new names, of the labels with ten test texts or more. Most gain, and some lose.


def label_table(truth, before, after):
    """Test texts of each label, its F1 before and after, by how much it gained."""
    f1 = [
        f1_score(truth, predicted, average=None, zero_division=0)
        for predicted in (before, after)
    ]
    table = pd.DataFrame(
        {"test texts": truth.sum(), "before": f1[0], "after": f1[1]},
        index=truth.columns,
    )
    table["gain"] = table.after - table.before
    return table.sort_values("gain", ascending=False)


labels = label_table(*compared["name"])
often = labels[labels["test texts"] >= 10]
gained = often.head(10)
rose, fell = (often.gain > 0).sum(), (often.gain < 0).sum()
print(f"of {len(often)} labels, F1 rose for {rose} and fell for {fell}")
print(gained.to_string(float_format="{:.2f}".format))

# %%
# Left, every label as a point: above the line it gained, and the larger the point, the more test texts it has. Right,
# the ten that gained most.

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
left.plot([0, 1], [0, 1], color="#9aa1a8", linewidth=1, zorder=1)
left.scatter(
    often.before,
    often.after,
    s=2 * often["test texts"],
    color="#2f6f9f",
    alpha=0.6,
    edgecolor="white",
)
left.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
left.set(
    xlabel="F1, C tuned, cut at 0.5",
    ylabel="F1, MetaPolicyClassifier",
    title="F1 of each label",
)
place = np.arange(len(gained))[::-1]
right.hlines(
    place, gained.before, gained.after, color="#9aa1a8", linewidth=2, zorder=1
)
right.scatter(
    gained.before, place, color="#9aa1a8", s=45, label="C tuned, cut at 0.5"
)
right.scatter(
    gained.after, place, color="#c8553d", s=45, label="MetaPolicyClassifier"
)
right.set_yticks(
    place, [f"{name} ({n})" for name, n in gained["test texts"].items()]
)
right.set(
    xlim=(-0.03, 1.03),
    xlabel="F1 (in brackets: test texts)",
    title="the ten that gained most",
)
right.legend(frameon=False, loc="lower right", fontsize="small")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
if sys.argv[1:]:
    figure.savefig(sys.argv[1], dpi=150)
    print(f"figure written to {sys.argv[1]}")
else:
    plt.show()
