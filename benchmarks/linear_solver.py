"""Time our logistic regression for all labels against scikit-learn's one-vs-rest, on Reuters TF-IDF."""

import argparse
import os
import runpy
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_metalabel.learners._newton import fit_logistic


def load_reuters():
    """Return the training documents as TF-IDF, and their labels as an indicator matrix."""
    folder = os.environ.get("SKLEARN_METALABEL_DATA")
    if not folder:
        sys.exit("Set SKLEARN_METALABEL_DATA to the folder that has load.py and reuters21578_aptemod.jsonl.gz.")
    load_jsonl = runpy.run_path(str(Path(folder) / "load.py"))["load_jsonl"]
    documents = load_jsonl(Path(folder) / "reuters21578_aptemod.jsonl.gz")
    train = [document for document in documents if document["split"] == "train"]
    X = TfidfVectorizer(min_df=3, sublinear_tf=True).fit_transform([document["text"] for document in train])
    return X, MultiLabelBinarizer().fit_transform([document["labels"] for document in train])


def fit_ours(X, Y, C):
    """Fit all labels together."""
    return fit_logistic(X, Y, np.full(Y.shape[1], C))[:2]


def fit_sklearn(X, Y, C, **params):
    """Fit one scikit-learn model for each label."""
    models = OneVsRestClassifier(LogisticRegression(C=C, max_iter=1000, **params)).fit(X, Y).estimators_
    W = np.column_stack([model.coef_.ravel() for model in models])
    return W, np.array([model.intercept_[0] for model in models])


def objective(X, Y, C, W, b):
    """Compute scikit-learn's objective for each label."""
    Z = X @ W + b
    return 0.5 * np.sum(W**2, axis=0) + C * np.sum(np.logaddexp(0, np.where(Y, -Z, Z)), axis=0)


def compare(X, Y, C, repeats):
    """Print time, ratio and objectives of the three solvers, run in turn."""
    solvers = {
        "ours": fit_ours,
        "lbfgs": fit_sklearn,
        "liblinear": lambda X, Y, C: fit_sklearn(X, Y, C, solver="liblinear"),
    }
    seconds, objectives = {name: [] for name in solvers}, {}
    for _ in range(repeats):
        for name, fit in solvers.items():
            begin = time.perf_counter()
            W, b = fit(X, Y, C)
            seconds[name].append(time.perf_counter() - begin)
            objectives[name] = objective(X, Y, C, W, b)
    ours = objectives["ours"]
    for name in solvers:
        median, spent = np.median(seconds["ours"]), np.median(seconds[name])
        print(
            f"{C:7g} {name:>10} {spent:8.2f} s {median / spent:12.2f} {objectives[name].sum():16.3f}"
            f" {np.sum(ours > objectives[name]):13d}"
        )


def main():
    """Read the options and compare at three strengths of the penalty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each solver; the medians are printed")
    options = parser.parse_args()
    X, Y = load_reuters()
    print(f"{X.shape[0]} documents, {X.shape[1]} features, {Y.shape[1]} labels")
    print(f"{'C':>7} {'solver':>10} {'median':>10} {'ours / this':>12} {'sum objective':>16} {'ours is above':>13}")
    for C in (1.0, 10.0, 100.0):
        compare(X, Y, C, options.repeats)


if __name__ == "__main__":
    main()
