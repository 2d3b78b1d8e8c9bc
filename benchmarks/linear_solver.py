"""Our logistic regression for all labels beside scikit-learn's one-vs-rest, on Reuters-21578.

The solvers take turns in one process; the times are medians, and an objective is counted as above scikit-learn's label
by label. Run it with ``python benchmarks/linear_solver.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import time

import numpy as np
from _data import load_text
from _table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from threadpoolctl import threadpool_limits

from sklearn_metalabel.learners import LabelWeightedLogistic


def fit_ours(X, Y, C):
    """Coefficients (d, L) and intercepts (L,), all labels together."""
    model = LabelWeightedLogistic(C=C).fit(X, Y)
    return model.coef_.T, model.intercept_


def fit_one_vs_rest(X, Y, C, **params):
    """Coefficients (d, L) and intercepts (L,), one scikit-learn model a label."""
    # Its short vectors are fastest on one BLAS thread: several spend their time waiting for each other.
    with threadpool_limits(1, user_api="blas"):
        models = OneVsRestClassifier(LogisticRegression(C=C, max_iter=1000, **params)).fit(X, Y).estimators_
    return np.column_stack([m.coef_.ravel() for m in models]), np.array([m.intercept_[0] for m in models])


def fit_liblinear(X, Y, C):
    """One liblinear model a label."""
    return fit_one_vs_rest(X, Y, C, solver="liblinear")


SOLVERS = {
    "LabelWeightedLogistic": fit_ours,
    "one-vs-rest, lbfgs": fit_one_vs_rest,
    "one-vs-rest, liblinear": fit_liblinear,
}


def objective(X, Y, C, W, b):
    """scikit-learn's objective of each label."""
    Z = X @ W + b
    return 0.5 * np.sum(W**2, axis=0) + C * np.sum(np.logaddexp(0, np.where(Y, -Z, Z)), axis=0)


def compare(table, X, Y, C, repeats):
    """Add a row for each solver."""
    seconds, objectives = {name: [] for name in SOLVERS}, {}
    for _ in range(repeats):
        for name, fit in SOLVERS.items():
            begin = time.perf_counter()
            W, b = fit(X, Y, C)
            seconds[name].append(time.perf_counter() - begin)
            objectives[name] = objective(X, Y, C, W, b)
    ours = np.array(seconds["LabelWeightedLogistic"])
    for name, spent in seconds.items():
        above = int(np.sum(objectives["LabelWeightedLogistic"] > objectives[name]))
        ratio = np.median(ours / np.array(spent))
        table.add(f"{C:g}", name, f"{np.median(spent):.2f}", f"{ratio:.2f}", f"{objectives[name].sum():.1f}", above)


def main():
    """Compare at three strengths of the penalty."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--C", type=float, nargs="+", default=[1.0, 10.0, 100.0])
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    X, Y, _, _ = load_text("reuters21578_aptemod")
    print(f"{X.shape[0]} documents, {X.shape[1]} features, {Y.shape[1]} labels, {args.repeats} repeats")
    columns = ["C", "solver", "seconds", "ours / this", "sum of objectives", "labels where ours is above"]
    table = Table("linear_solver", *columns, folder=args.output)
    for C in args.C:
        compare(table, X, Y, C, args.repeats)


if __name__ == "__main__":
    main()
