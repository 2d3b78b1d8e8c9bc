"""Labels that are not known: left out, beside filled with 0 and beside the fit that knows all of them.

A share of the entries of the training labels is hidden at random; the judged rows are complete, and are scored once.
Run it with ``python benchmarks/unknown_labels.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import time

import numpy as np
from _scores import load
from _table import Table
from sklearn.metrics import average_precision_score

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.nn import MLP

SETS = ["emotions", "scene", "yeast", "enron_corr", "hoc", "yahoo_arts"]
BASES = {"linear": None, "MLP": MLP}
METRICS = ["accuracy", "f1_micro", "f1_macro", "f1_samples"]
SHARES = [0.25, 0.5, 0.75]
MAX_ROWS = 2_000


def hide(Y, share, seed):
    """Labels as floats, a share of them NaN."""
    hidden = Y.astype(np.float64)
    hidden[np.random.default_rng(seed).random(Y.shape) < share] = np.nan
    return hidden


def scores(base, X, Y, X_judged, Y_judged, seed):
    """Scores of a fit on the judged rows: the four metrics, mAP and the seconds of the fit."""
    start = time.perf_counter()
    clf = MetaPolicyClassifier(BASES[base], random_state=seed).fit(X, Y)
    seconds = time.perf_counter() - start
    found = Scoring.resolve(METRICS).by_part(Y_judged != 0, clf.predict(X_judged) != 0)
    P, seen = clf.predict_proba(X_judged), (Y_judged != 0).any(axis=0)
    precision = average_precision_score(Y_judged[:, seen], P[:, seen], average="macro")
    return [*found.values(), precision, seconds]


def run(name, base, seed):
    """Rows of (way, scores) of one case."""
    X, Y, X_judged, Y_judged = load(name)
    rows = np.random.default_rng(seed).permutation(X.shape[0])[:MAX_ROWS]
    X, Y = X[rows], Y[rows]
    found = {"all known": scores(base, X, Y, X_judged, Y_judged, seed)}
    for share in SHARES:
        hidden = hide(Y, share, seed)
        for way, labels in (("left out", hidden), ("filled with 0", np.nan_to_num(hidden))):
            found[f"{share:.0%} hidden, {way}"] = scores(base, X, labels, X_judged, Y_judged, seed)
    return found


def main():
    """Print the mean over the sets for each base learner, and where leaving out beats filling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--bases", nargs="+", default=list(BASES), choices=list(BASES))
    parser.add_argument("--out", help="folder of the table, instead of benchmarks/results")
    options = parser.parse_args()
    columns = ["strict accuracy", "micro-F1", "macro-F1", "samples-F1", "mAP", "seconds"]
    table = Table("unknown_labels", "base learner", "labels", *columns, "sets won (macro-F1)", folder=options.out)
    for base in options.bases:
        cases = [[run(name, base, seed) for seed in range(options.seeds)] for name in options.sets]
        by_set = {way: np.array([[c[way] for c in seeds] for seeds in cases]).mean(axis=1) for way in cases[0][0]}
        for way, of_sets in by_set.items():
            other = by_set.get(way.replace("left out", "filled with 0"))
            won = f"{int((of_sets[:, 2] > other[:, 2]).sum())} of {len(of_sets)}" if way.endswith("left out") else ""
            table.add(base, way, *(f"{value:.3f}" for value in of_sets.mean(axis=0)), won)


if __name__ == "__main__":
    main()
