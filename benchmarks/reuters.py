"""Quality on Reuters-21578: the default and the paper's algorithm beside the same base learner cut at 0.5.

Everything is fitted on the training split and evaluated on the test split once, with several seeds. Run it with
``python benchmarks/reuters.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import time

import numpy as np
from _data import load_text
from _table import Table
from sklearn.metrics import average_precision_score, f1_score
from torch import nn

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.metrics import strict_accuracy_score

COLUMNS = ["strict accuracy", "micro-F1", "macro-F1", "mean AP", "seconds"]


def mlp(n_features, n_labels, hidden=256):
    """A multi-layer perceptron with one hidden layer."""
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))


def base_learners(seed):
    """Base learners by name."""
    return {
        "logistic, C=1": LabelWeightedLogistic(),
        "logistic, C=100": LabelWeightedLogistic(C=100),
        "torch MLP": TorchClassifier(mlp, n_epochs=10, random_state=seed),
    }


def methods(base, seed):
    """Classifiers by name, around one base learner."""
    return {
        "cut at 0.5": LabelWeightedClassifier(base, random_state=seed),
        "MetaPolicyClassifier": MetaPolicyClassifier(base, random_state=seed),
        "from_paper": MetaPolicyClassifier.from_paper(base, random_state=seed),
    }


def evaluate(clf, X_train, Y_train, X_test, Y_test):
    """The columns of the table for one classifier."""
    start = time.perf_counter()
    clf.fit(X_train, Y_train)
    elapsed = time.perf_counter() - start
    predicted, P = clf.predict(X_test), clf.predict_proba(X_test)
    return [
        strict_accuracy_score(Y_test, predicted),
        f1_score(Y_test, predicted, average="micro", zero_division=0),
        f1_score(Y_test, predicted, average="macro", zero_division=0),
        average_precision_score(Y_test, P, average="macro"),
        elapsed,
    ]


def main():
    """Add a row for each base learner and method: mean and standard deviation over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--base", choices=list(base_learners(0)), nargs="+", default=list(base_learners(0)))
    parser.add_argument("--method", choices=list(methods(None, 0)), nargs="+", default=list(methods(None, 0)))
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    data = load_text("reuters21578_aptemod")
    print(f"{data[0].shape[0]} training and {data[2].shape[0]} test documents, {args.seeds} seeds")
    table = Table("reuters", "base learner", "method", *COLUMNS, folder=args.output)
    for name in args.base:
        for method in args.method:
            found = [evaluate(methods(base_learners(s)[name], s)[method], *data) for s in range(args.seeds)]
            means, deviations = np.mean(found, axis=0), np.std(found, axis=0)
            cells = [f"{m:.3f} ± {d:.3f}" for m, d in zip(means[:-1], deviations[:-1], strict=True)]
            table.add(name, method, *cells, f"{means[-1]:.1f}")


if __name__ == "__main__":
    main()
