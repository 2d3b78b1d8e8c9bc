"""What changes for users of scikit-learn: its ways to classify label sets beside ours, around the same base learner.

Run it with ``python benchmarks/coming_from.py``. The digits come with scikit-learn; Reuters-21578 is added where
SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import os
import time

import numpy as np
from _data import load_text
from _table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.datasets import load_multidigits

COLUMNS = ["strict accuracy", "micro-F1", "macro-F1", "seconds"]
STRENGTHS = {"estimator__C": [0.1, 1, 10, 100]}


def methods(seed):
    """Classifiers by name; the base learner of all is logistic regression."""
    base = LogisticRegression(max_iter=1000)
    return {
        "OneVsRestClassifier": OneVsRestClassifier(base),
        "OneVsRestClassifier, C tuned": GridSearchCV(OneVsRestClassifier(base), STRENGTHS, scoring="f1_macro", cv=3),
        # One against the rest would not ask for its predictions.
        "TunedThresholdClassifierCV for each label": MultiOutputClassifier(
            TunedThresholdClassifierCV(base, scoring="f1", cv=3, random_state=seed)
        ),
        "TunedThresholdsClassifierCV": TunedThresholdsClassifierCV(base, random_state=seed),
        "TunedThresholdsClassifierCV, macro-F1": TunedThresholdsClassifierCV(
            base, scoring="f1_macro", random_state=seed
        ),
        "MetaPolicyClassifier": MetaPolicyClassifier(random_state=seed),
    }


def draw_digits(seed):
    """Training and test rows of digits."""
    train, test = (load_multidigits(subset=subset, random_state=seed) for subset in ("train", "test"))
    return train.data, train.target, test.data, test.target


def data_sets(n_seeds):
    """Training and test rows by name: digits of every seed, and one split of the stories where they are there."""
    found = {"multidigits": [draw_digits(seed) for seed in range(n_seeds)]}
    if os.environ.get("SKLEARN_METALABEL_DATA"):
        found["Reuters-21578"] = [load_text("reuters21578_aptemod")]
    return found


def evaluate(clf, X_train, Y_train, X_test, Y_test):
    """The columns of the table for one classifier; NaN where it fails because a label has one value on a fold."""
    start = time.perf_counter()
    try:
        clf.fit(X_train, Y_train)
    except ValueError as error:
        if "only one class" not in str(error):
            raise
        return [np.nan] * len(COLUMNS)
    elapsed = time.perf_counter() - start
    predicted = clf.predict(X_test)
    f1 = [f1_score(Y_test, predicted, average=average, zero_division=0) for average in ("micro", "macro")]
    return [accuracy_score(Y_test, predicted), *f1, elapsed]


def cells(found):
    """Means, with their standard deviations where there are several runs."""
    if np.isnan(found).any():
        return ["fails"] * len(COLUMNS)
    means, deviations = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) if len(found) > 1 else None
    scores = [f"{mean:.3f}" for mean in means[:-1]]
    if deviations is not None:
        scores = [f"{score} ± {d:.3f}" for score, d in zip(scores, deviations, strict=False)]
    return [*scores, f"{means[-1]:.1f}"]


def main():
    """Add a row for each data set and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    table = Table("coming_from", "data", "method", *COLUMNS, folder=args.output)
    for name, drawn in data_sets(args.seeds).items():
        for method in methods(0):
            found = [evaluate(methods(seed)[method], *rows) for seed, rows in enumerate(drawn)]
            table.add(name, method, *cells(found))


if __name__ == "__main__":
    main()
