"""What learning the prediction policy costs, beside the cross-validated fits whose probabilities it reads.

Part one: Reuters-21578 (about 8,000 samples, 90 labels), three folds, side by side in one run. Part two: generated
probabilities of 100,000 samples and 1,000 labels, time and peak memory beside the size of P. Run it with ``python
benchmarks/policy_cost.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import time
import tracemalloc
import warnings

import numpy as np
from _data import load_text
from _table import Table
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from torch import nn

from sklearn_metalabel import ConstantLabelWarning
from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.policies import LearnedThresholds
from sklearn_metalabel.thresholds import OutOfFold


def mlp(n_features, n_labels):
    """A multi-layer perceptron with one hidden layer."""
    return nn.Sequential(nn.Linear(n_features, 256), nn.ReLU(), nn.Linear(256, n_labels))


BASES = {
    "LabelWeightedLogistic, C=100": LabelWeightedLogistic(C=100),
    "one-vs-rest LogisticRegression, C=100": OneVsRestClassifier(LogisticRegression(C=100, max_iter=1000)),
    "torch MLP": TorchClassifier(mlp, n_epochs=10, random_state=0),
}


def seconds(run):
    """Time of a call, and what it returns."""
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def learn(Y, P, fold_of):
    """Learn thresholds on out-of-fold rows, for the default scoring."""
    return LearnedThresholds().fit(OutOfFold(Y, P, fold_of), random_state=0)


def out_of_fold(base, X, Y, splits):
    """Probabilities of each row from a learner that did not train on it."""
    P = np.empty(Y.shape)
    for train, held_out in splits:
        P[held_out] = base.fit(X[train], Y[train]).predict_proba(X[held_out])
    return np.clip(P, 1e-9, 1 - 1e-9)


def beside_the_fits(table, repeats):
    """Add a row for each base learner: seconds of the fits, of the policy, and their ratio."""
    X, Y, _, _ = load_text("reuters21578_aptemod")
    splits = list(MultilabelStratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))
    fold_of = np.empty(len(Y), dtype=int)
    for k, (_, held_out) in enumerate(splits):
        fold_of[held_out] = k
    for name, base in BASES.items():
        fits, learning = [], []
        for _ in range(repeats):
            spent, P = seconds(lambda base=base: out_of_fold(base, X, Y, splits))
            fits.append(spent)
            learning.append(seconds(lambda P=P: learn(Y, P, fold_of))[0])
        fit, policy = np.median(fits), np.median(learning)
        table.add(name, *Y.shape, f"{fit:.2f}", f"{policy:.2f}", f"{policy / fit:.3f}", "")


def at_scale(table, n, L):
    """Add a row for generated probabilities: seconds, and peak memory in sizes of P."""
    rng = np.random.default_rng(0)
    P = np.empty((n, L), dtype=np.float32)
    Y = np.empty((n, L), dtype=bool)
    level = np.linspace(-3, -8, L)
    for rows in np.array_split(np.arange(n), max(1, n // 5000)):
        Z = rng.normal(level, 2.0, (len(rows), L))
        P[rows], Y[rows] = np.clip(expit(Z), 1e-6, 1 - 1e-6), rng.random(Z.shape) < expit(Z)
    spent, _ = seconds(lambda: learn(Y, P, np.arange(n) % 3))
    tracemalloc.start()
    learn(Y, P, np.arange(n) % 3)
    peak = tracemalloc.get_traced_memory()[1] / P.nbytes
    tracemalloc.stop()
    table.add("(generated probabilities)", n, L, "", f"{spent:.1f}", "", f"{peak:.2f}")


def main():
    """Fill the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shape", type=int, nargs=2, default=[100_000, 1_000])
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    # Folds lack labels with a few samples, and one-vs-rest says so in its own way.
    warnings.simplefilter("ignore", ConstantLabelWarning)
    warnings.filterwarnings("ignore", "Label not")
    columns = ["base learner", "n", "L", "fits [s]", "policy [s]", "ratio", "peak memory / P"]
    table = Table("policy_cost", *columns, folder=args.output)
    beside_the_fits(table, args.repeats)
    at_scale(table, *args.shape)


if __name__ == "__main__":
    main()
