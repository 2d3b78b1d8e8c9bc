"""What a fit of `MetaPolicyClassifier` costs: beside one plain fit of its base learner, by size, and beside its peers.

``python benchmarks/speed.py --part cost`` fits generated data of growing numbers of samples and labels, and Reuters-
21578 where SKLEARN_METALABEL_DATA names the folder of the data; ``--part growth`` tells from that table how times grow;
``--part large`` fits 100,000 labels on 100,000 sparse samples; ``--part peers`` fits other ways to choose thresholds
on Reuters-21578; ``--part decoding`` draws decisions to label sets, beside the linear learner's own prediction. Every
size is measured in a process of its own, on one thread, what is compared in turn.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from _memory import peak_mebibytes
from _table import RESULTS, Table

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
VOCABULARY, LENGTH, LABELS = 5_000, 20, 3
SIZES = {
    "linear": [
        *((n, L) for n in (1_000, 10_000) for L in (10, 100, 1_000)),
        (20_000, 5_000),
        (100_000, 10),
        (100_000, 100),
    ],
    "MLP": [(n, L) for n in (1_000, 10_000) for L in (10, 100, 1_000)] + [(10_000, 10_000), (100_000, 10)],
    "TextCNN": [(1_000, 10), (1_000, 100), (10_000, 10), (10_000, 100), (10_000, 1_000)],
}
LARGE = (100_000, 100_000)


def generated(n, L, tokens=False, seed=0):
    """Samples of tokens, or counts of them (sparse), and labels that follow from some of the tokens (sparse)."""
    rng = np.random.default_rng(seed)
    T = 1 + (VOCABULARY * rng.random((n, LENGTH)) ** 3).astype(np.int64)
    of_token = rng.permutation(max(L, VOCABULARY)) % L
    rows = np.repeat(np.arange(n), LABELS)
    # The labels of three tokens; where there are more labels than tokens, of pairs of tokens.
    pair = T[:, 1 : LABELS + 1] if L > VOCABULARY else 0
    labels = of_token[(T[:, :LABELS] - 1 + 7_919 * pair).ravel() % len(of_token)]
    Y = sp.csr_array((np.ones(rows.size, dtype=np.int8), (rows, labels)), shape=(n, L))
    Y.data[:] = 1
    if tokens:
        return T, Y
    indptr = np.arange(0, n * LENGTH + 1, LENGTH)
    X = sp.csr_array((np.ones(T.size, dtype=np.float32), (T - 1).ravel(), indptr), shape=(n, VOCABULARY))
    X.sum_duplicates()
    return X, Y


def base_learner(learner, L):
    """A base learner, unfitted."""
    from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
    from sklearn_metalabel.nn import MLP, TextCNN

    if learner == "linear":
        return LabelWeightedLogistic()
    if learner == "MLP":
        return TorchClassifier(MLP, module__hidden=64 if L > 1_000 else 256, random_state=0)
    return TorchClassifier(TextCNN, module__n_filters=50, module__embedding_dim=50, random_state=0)


def seconds(run):
    """Time of a call, and what it returns."""
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def measure(learner, n, L, repeats):
    """Median seconds of plain fits and ours in turn, of a plain fit under our weights, and peak memory in GiB."""
    from sklearn.base import clone

    from sklearn_metalabel import MetaPolicyClassifier

    X, Y = data_of(learner, n, L)
    base = base_learner(learner, Y.shape[1])
    clone(base).fit(X[:200], Y[:200])  # the first fit of a process imports
    times = []
    for _ in range(repeats):
        plain, _ = seconds(lambda: clone(base).fit(X, Y))
        ours, clf = seconds(lambda: MetaPolicyClassifier(base, random_state=0).fit(X, Y))
        same = plain
        if learner == "linear":
            same, _ = seconds(lambda clf=clf: clone(base).fit(X, Y, label_weight=clf.weights_))
        times.append((plain, same, ours))
    peak = peak_mebibytes() / 2**10
    return {"n": X.shape[0], "L": Y.shape[1], "times": np.median(times, axis=0).tolist(), "peak": peak}


def data_of(learner, n, L):
    """Generated data, or Reuters-21578 where n is 0."""
    if n:
        return generated(n, L, tokens=learner == "TextCNN")
    from _data import load_text

    X, Y, _, _ = load_text("reuters21578_aptemod")
    return X, Y


def in_a_process(limit, **arguments):
    """What `measure` or `fit_large` returns from a process of its own, or None where the limit is passed."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    command = [sys.executable, "-W", "ignore", __file__, "--child", json.dumps(arguments)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        print(f"no result: {error}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def cost(args):
    """Our fit beside one plain fit, by learner and size."""
    columns = ["base learner", "data", "n", "L", "plain [s]", "under our weights [s]", "ours [s]"]
    columns += ["ours / plain", "ours / under our weights", "peak memory [GiB]"]
    table = Table("speed", *columns, folder=args.output)
    for learner in args.learners or SIZES:
        sizes = [(0, 0)] if learner != "TextCNN" and os.environ.get("SKLEARN_METALABEL_DATA") else []
        for n, L in args.sizes or [*sizes, *SIZES[learner]]:
            found = in_a_process(args.limit, learner=learner, n=n, L=L, repeats=args.repeats)
            name = "generated" if n else "Reuters-21578"
            if found is None:
                table.add(learner, name, n, L, *[""] * 3, f"none in {args.limit:.0f} s", "", "")
                continue
            plain, same, ours = found["times"]
            cells = [f"{plain:.3f}", f"{same:.3f}", f"{ours:.3f}", f"{ours / plain:.2f}", f"{ours / same:.2f}"]
            table.add(learner, name, found["n"], found["L"], *cells, f"{found['peak']:.2f}")


def growth(args):
    """Exponents of n and L in the times of the table of costs, by least squares of logarithms."""
    with (Path(args.output or RESULTS) / "speed.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["data"] == "generated" and row["plain [s]"]]
    table = Table("speed_growth", "base learner", "fit", "sizes", "exponent of n", "exponent of L", folder=args.output)
    for learner in dict.fromkeys(row["base learner"] for row in rows):
        of_learner = [row for row in rows if row["base learner"] == learner]
        if len(of_learner) < 4:
            continue  # too few to tell two exponents
        A = np.array([[1.0, np.log(int(row["n"])), np.log(int(row["L"]))] for row in of_learner])
        for fit in ("plain [s]", "ours [s]"):
            times = np.log([float(row[fit]) for row in of_learner])
            exponents = np.linalg.lstsq(A, times, rcond=None)[0]
            table.add(learner, fit.split()[0], len(times), f"{exponents[1]:.2f}", f"{exponents[2]:.2f}")


def fit_large():
    """One fit of very many labels by a network with a narrow layer: seconds, peak memory in GiB, labels predicted."""
    from sklearn_metalabel import MetaPolicyClassifier
    from sklearn_metalabel.learners import TorchClassifier
    from sklearn_metalabel.nn import MLP

    X, Y = generated(*LARGE)
    base = TorchClassifier(MLP, module__hidden=32, batch_size=512, n_epochs=1, lr=3e-3, random_state=0)
    plain, _ = seconds(lambda: base.fit(X, Y))
    ours, clf = seconds(lambda: MetaPolicyClassifier(base, random_state=0).fit(X, Y))
    predicted = clf.predict(X[:1_000]).sum() / 1_000
    peak = peak_mebibytes() / 2**10
    found = {"plain": plain, "ours": ours, "peak": peak, "predicted": float(predicted)}
    return {**found, "policy": clf.prediction_policy_.name}


def large(args):
    """100,000 labels on 100,000 sparse samples."""
    found = in_a_process(args.limit, large=True)
    columns = ["n", "L", "plain [s]", "ours [s]", "ours / plain", "peak memory [GiB]"]
    columns += ["labels predicted a row", "prediction policy"]
    table = Table("speed_large", *columns, folder=args.output)
    if found is None:
        table.add(*LARGE, "", f"none in {args.limit:.0f} s", *[""] * 4)
        return
    times = [f"{found['plain']:.0f}", f"{found['ours']:.0f}", f"{found['ours'] / found['plain']:.2f}"]
    table.add(*LARGE, *times, f"{found['peak']:.2f}", f"{found['predicted']:.2f}", found["policy"])


def peers(args):
    """Thresholds and costs on Reuters-21578, each fit on one thread."""
    import torch
    from _data import load_text
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.multioutput import ClassifierChain
    from threadpoolctl import threadpool_limits

    from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
    from sklearn_metalabel.learners import LabelWeightedLogistic

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    X, Y, X_test, Y_test = load_text("reuters21578_aptemod")
    lbfgs = LogisticRegression(C=100, max_iter=1_000)
    ways = {
        "LabelWeightedLogistic(C=100)": LabelWeightedLogistic(C=100),
        "MetaPolicyClassifier()": MetaPolicyClassifier(random_state=0),
        "TunedThresholdsClassifierCV, learned": TunedThresholdsClassifierCV(LabelWeightedLogistic(C=100), cv=3),
        "TunedThresholdsClassifierCV, scutfbr.1": TunedThresholdsClassifierCV(
            LabelWeightedLogistic(C=100), prediction_policy="scutfbr.1", cv=3
        ),
        "scikit-learn OneVsRestClassifier": OneVsRestClassifier(lbfgs),
        "scikit-learn ClassifierChain": ClassifierChain(lbfgs, order="random", random_state=0),
        **_libmultilabel(),
    }
    columns = ["method", "fit [s]", "ratio", "strict accuracy", "micro-F1", "macro-F1"]
    table = Table("speed_peers", *columns, folder=args.output)
    first = None
    with threadpool_limits(1):
        for name, clf in ways.items():
            spent, fitted = seconds(lambda clf=clf: clf.fit(X, Y))
            first = spent if first is None else first
            D = fitted.predict(X_test)
            f1 = [f1_score(Y_test, D, average=average, zero_division=0) for average in ("micro", "macro")]
            scores = [f"{score:.3f}" for score in (accuracy_score(Y_test, D), *f1)]
            table.add(name, f"{spent:.1f}", f"{spent / first:.1f}", *scores)


def decode(n, L, n_rows, repeats):
    """Median seconds of a prediction of the linear learner, and of decisions drawn to the label sets of other rows."""
    from sklearn_metalabel.decoding import Dependence, LabelSets, decide
    from sklearn_metalabel.learners import LabelWeightedLogistic

    X, Y = generated(n, L)
    base, sets = LabelWeightedLogistic().fit(X, Y), LabelSets.from_rows(generated(n_rows, L, seed=1)[1])
    dependence, P, times = Dependence(sets, 0.3, -1.0), base.predict_proba(X), []
    decide(P[:10], 0.3, dependence=dependence)
    for _ in range(repeats):
        predicted, _ = seconds(lambda: base.predict_proba(X))
        decided, _ = seconds(lambda: decide(P, 0.3, dependence=dependence))
        times.append((predicted, decided))
    return {"sets": len(sets), "times": np.median(times, axis=0).tolist()}


def decoding(args):
    """Decisions drawn to few and to many label sets, beside a prediction of the linear learner."""
    columns = ["n", "L", "label sets", "linear prediction [s]", "decoding [s]", "decoding / prediction"]
    table = Table("speed_decoding", *columns, folder=args.output)
    for n, L, n_rows in (
        (10_000, 100, 10_000),
        (10_000, 1_000, 2_000),
        (10_000, 1_000, 10_000),
        (10_000, 1_000, 300_000),
    ):
        found = in_a_process(args.limit, decode=True, n=n, L=L, n_rows=n_rows, repeats=args.repeats)
        predicted, decided = found["times"]
        cells = [f"{predicted:.3f}", f"{decided:.3f}", f"{decided / predicted:.2f}"]
        table.add(n, L, found["sets"], *cells)


def _libmultilabel():
    """LibMultiLabel's linear trainings behind fit and predict, where it is installed."""
    try:
        import psutil
        from libmultilabel import linear
    except ImportError as error:
        print(f"LibMultiLabel is left out: {error}")
        return {}
    psutil.cpu_count = lambda logical=True: 1  # it starts that many threads, whatever its options say

    class Labels(sp.csc_matrix):
        def sum(self, axis=None, **options):
            return super().sum(axis=0 if axis == 2 else axis, **options)  # it asks for axis 2, which SciPy now refuses

    class Peer:
        def __init__(self, train):
            self.train = train

        def fit(self, X, Y):
            self.model = self.train(Labels(Y), sp.csr_matrix(X), options="-s 0 -c 100 -B 1 -q -m 1", verbose=False)
            return self

        def predict(self, X):
            return (np.asarray(self.model.predict_values(sp.csr_matrix(X))) > 0).astype(int)

    names = ("train_1vsrest", "train_thresholding", "train_cost_sensitive")
    return {f"LibMultiLabel {name}": Peer(getattr(linear, name)) for name in names}


def _size(text):
    """Samples and labels."""
    n, L = text.split(",")
    return int(n), int(L)


PARTS = {"cost": cost, "growth": growth, "large": large, "peers": peers, "decoding": decoding}


def main():
    """Make the tables that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=list(PARTS), nargs="+", default=list(PARTS))
    parser.add_argument("--learners", choices=list(SIZES), nargs="+")
    parser.add_argument("--sizes", type=_size, nargs="+", help="such as 10000,100; 0,0 is Reuters-21578")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=3_600.0, help="seconds of one measurement")
    parser.add_argument("--output", help="folder of the CSV files")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        import torch

        torch.set_num_threads(1)
        kinds = {"large": fit_large, "decode": decode}
        run = next((run for name, run in kinds.items() if args.child.pop(name, False)), measure)
        print(json.dumps(run(**args.child)))
        return
    for part in args.part:
        PARTS[part](args)


if __name__ == "__main__":
    main()
