"""Which loss weights help: rules, learned weights and other losses on eight data sets, with two base learners.

Weights are chosen on training rows; test rows are scored once. The base learner's own regularisation is tuned first,
under uniform weights, and every method uses it. Every run is kept in a cache folder, so that this program resumes and
may run twice at the same time on different sets. Run it with ``python benchmarks/training_policy.py --jobs 2`` and
write the tables with ``--output benchmarks/results``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import hashlib
import json
import os
import re
import time
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import _scores
import numpy as np
import pandas as pd
import torch
from _data import load_documents, load_tree
from _headroom import GRID, LONGER, headroom
from _table import Table
from _weights import (
    LINEAR,
    N_FOLDS,
    NETWORK,
    PRETRAINED,
    UNIFORM,
    UNTUNED,
    CountedLogistic,
    held_out_outcome,
    stratified_folds,
)
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from sklearn_metalabel.learners import TorchClassifier, constant_labels_are_quiet
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies._outcomes import Outcome
from sklearn_metalabel.utils import label_depths

# Raise the number of a method, or of "tuning", when its results would be others: earlier ones are not read then.
VERSIONS = {"learned (ours)": 4, "pretrained (ours)": 8, "pretrained, fine-tuned (ours)": 3}
SETS = ["scene", "yeast", "enron", "bibtex", "hoc", "langlog", "reuters21578_aptemod", "rcv1_lyrl_tokens_2k"]
TREES = ["hoc", "rcv1_lyrl_tokens_2k"]
MULTI_LAYER = TorchClassifier(MLP, module__hidden=128, batch_size=64, device="cpu")
LEARNERS = {
    "network": MULTI_LAYER,
    "untuned network": MULTI_LAYER,
    "linear": CountedLogistic(),
}
METHODS = {"network": NETWORK, "untuned network": UNTUNED, "linear": LINEAR}
GRIDS = {
    "network": [{"lr": lr, "n_epochs": n_epochs} for lr, n_epochs in product([1e-3, 3e-3, 1e-2], [10, 20, 40])],
    "untuned network": [{}],
    "linear": [{"C": C} for C in (0.01, 0.1, 1, 10, 100, 1000)],
}
SCORING = {"strict accuracy": "accuracy", "micro-F1": "f1_micro", "macro-F1": "f1_macro"}
MEAN = "mean of three"
METRICS = ["mAP", *SCORING, MEAN]
COMPARED = ["mAP", MEAN]


def cache_folder():
    """Where runs are kept: outside the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "sklearn-metalabel", "training_policy")


def rows_of(name, seed, most):
    """Training and test rows of a set, at most `most` of each: X, Y, X_test, Y_test."""
    X, X_test, Y, Y_test = _scores.rows_of(name, "test", seed)
    rng = np.random.default_rng([seed, *name.encode()])
    train, test = (np.sort(rng.permutation(len(labels))[:most]) for labels in (Y, Y_test))
    return X[train], Y[train].astype(int), X_test[test], Y_test[test]


def depths_of(name):
    """Depth of each label of a set with a tree, in the order of the columns of Y."""
    labels = sorted({label for documents in load_documents(name) for d in documents for label in d["labels"]})
    return label_depths(labels, load_tree(name))


def learner_of(kind, setting, seed):
    """A base learner, unfitted."""
    randomness = {} if kind == "linear" else {"random_state": seed}
    return clone(LEARNERS[kind]).set_params(**setting, **randomness)


def kept(name, kind, what, seed, details, compute):
    """The record of a run: from the cache folder, or computed and left there."""
    limits = _scores.MAX_ROWS, _scores.MAX_LABEL_ROWS, _scores.MAX_FEATURES
    key = [VERSIONS.get(what, 1), _scores.VERSION, limits, N_FOLDS, name, repr(LEARNERS[kind]), what, seed, details]
    key = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:10]
    slug = re.sub(r"[^a-z0-9.]+", "-", what).strip("-")
    path = cache_folder() / f"{name}-{kind}-{slug}-{seed}-{key}.json"
    if not path.exists():
        start = time.perf_counter()
        record = compute()
        record["seconds"] = round(time.perf_counter() - start, 2)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(json.dumps(record), encoding="utf-8")
        partial.rename(path)
        shown = ", ".join(f"{value}" if isinstance(value, dict) else f"{value:.4g}" for value in record.values())
        print(f"{name}, {kind}, {what}, seed {seed}: {shown}", flush=True)
    return json.loads(path.read_text(encoding="utf-8"))


def tuned_setting(name, kind, most):
    """The setting of a base learner with the best out-of-fold reward under uniform weights, on the rows of seed 0."""

    def tune():
        X, Y, _, _ = rows_of(name, 0, most)
        if len(GRIDS[kind]) == 1:
            return {"setting": GRIDS[kind][0], "reward": np.nan}
        rewards = [out_of_fold_reward(learner_of(kind, setting, 0), X, Y) for setting in GRIDS[kind]]
        return {"setting": GRIDS[kind][int(np.argmax(rewards))], "reward": max(rewards)}

    return kept(name, kind, "tuning", 0, [most, GRIDS[kind]], tune)["setting"]


def out_of_fold_reward(base, X, Y):
    """Half the mean over labels of average precision, half the mean over positives, out of fold."""
    outcomes = []
    for train, held_out in stratified_folds(Y, 0):
        P = clone(base).fit(X[train], Y[train]).predict_proba(X[held_out])
        outcomes.append(held_out_outcome(Y[held_out], P))
    return Outcome.pooled(outcomes).value


def judged(method, base, data, seed, depths):
    """Scores of a method on the test rows, and the trainings that it costs."""
    X, Y, X_test, Y_test = data
    clf, trainings = method(base, X, Y, seed, depths)
    present = Y_test.any(axis=0)
    scores = {"mAP": average_precision_score(Y_test[:, present], clf.predict_proba(X_test)[:, present])}
    D = clf.predict(X_test).astype(bool)
    by_part = Scoring.resolve(list(SCORING.values())).by_part(Y_test, D)
    scores |= {name: by_part[part] for name, part in SCORING.items()}
    scores[MEAN] = np.mean([scores[name] for name in SCORING])
    return {**{name: float(score) for name, score in scores.items()}, "trainings": float(trainings)}


def methods_of(name, kind, chosen):
    """The methods that are run: weights by depth need a tree."""
    return [m for m in METHODS[kind] if m in chosen and (m != "hierarchy" or name in TREES)]


def run(name, seed, kinds, chosen, most):
    """All runs of a set and a seed, as rows of the table of runs."""
    torch.set_num_threads(1)
    rows, loaded, prior = [], {}, _scores.rotated_training_prior(_scores.SETS[name])

    def data():
        if not loaded:
            loaded["data"] = rows_of(name, seed, most)
            loaded["depths"] = depths_of(name) if name in TREES else None
        return loaded["data"]

    with constant_labels_are_quiet():
        for kind in kinds:
            setting = tuned_setting(name, kind, most)
            for what in methods_of(name, kind, chosen):

                def compute(kind=kind, what=what, setting=setting):
                    split = data()
                    base = learner_of(kind, setting, seed)
                    method = METHODS[kind][what]
                    method = partial(method, prior=prior) if what in PRETRAINED else method
                    return judged(method, base, split, seed, loaded["depths"])

                record = kept(name, kind, what, seed, [most, setting], compute)
                rows.append({"set": name, "learner": kind, "method": what, "seed": seed, "setting": setting, **record})
    return rows


def tune(name, kinds, most):
    """Tune the base learners of a set."""
    torch.set_num_threads(1)
    with constant_labels_are_quiet():
        for kind in kinds:
            tuned_setting(name, kind, most)


def standard_error(values):
    """Standard error of the mean of values."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def mean_and_error(values):
    """Mean of values as text, with its standard error where there are several."""
    return f"{values.mean():.4f}" + (f" ± {standard_error(values):.4f}" if len(values) > 1 else "")


def runs_table(runs, folder):
    """Mean and standard error over seeds of each set, base learner and method."""
    table = Table("training_policy_runs", "set", "learner", "setting", "method", *COMPARED, folder=folder)
    for (name, kind), about in runs.groupby(["set", "learner"], sort=False):
        setting = ", ".join(f"{key}={value:g}" for key, value in about["setting"].iloc[0].items()) or "as it comes"
        for method in METHODS[kind]:
            found = about[about["method"] == method]
            if method == "hierarchy" and name not in TREES:
                table.add(name, kind, setting, method, "", "")
            elif len(found):
                table.add(name, kind, setting, method, *(mean_and_error(found[metric]) for metric in COMPARED))


def summary_table(runs, folder):
    """Means over sets, what a method costs, and how it fares against uniform weights."""
    against = [f"{metric}: {what}" for metric in COMPARED for what in ("beats uniform", "largest loss [errors]")]
    table = Table("training_policy_summary", "learner", "method", *METRICS, "trainings", *against, folder=folder)
    for kind, about in runs.groupby("learner", sort=False):
        indexed = about.set_index(["set", "seed"])
        plain = indexed[indexed["method"] == UNIFORM]
        for method in METHODS[kind]:
            found = indexed[indexed["method"] == method]
            if len(found) == 0:
                continue
            # Without a tree, weights by depth are uniform.
            means = found[METRICS].combine_first(plain[METRICS])[METRICS].groupby("set").mean().mean()
            cells = [f"{value:.4f}" for value in means] + [f"{found['trainings'].mean():.2f}"]
            table.add(kind, method, *cells, *comparison(found, plain, method))


def comparison(found, plain, method):
    """For each metric compared: the number of sets that a method wins against uniform weights, and its worst set."""
    if method == UNIFORM:
        return [""] * (2 * len(COMPARED))
    cells = []
    for metric in COMPARED:
        by_set = (found[metric] - plain[metric]).dropna().groupby("set")
        gains = by_set.mean().round(4)  # what solvers leave open is neither a gain nor a loss
        errors = by_set.agg(standard_error)
        ratios = (gains / errors).where(gains != 0, 0.0)
        worst = f"{-ratios.min():.1f} ({ratios.idxmin()})" if ratios.min() < 0 else "none"
        worst = "" if errors.isna().any() else worst  # one seed
        cells += [f"{(gains > 0).sum()} of {len(gains)}", worst]
    return cells


def hindsight(name, most):
    """Average precisions of a set under a grid of constant weights, and what they rest on."""
    torch.set_num_threads(1)
    with constant_labels_are_quiet():
        setting = tuned_setting(name, "network", most)
    X, Y, _, _ = rows_of(name, 0, most)
    return headroom(X, Y, setting, seed=0)


def headroom_table(names, most, jobs, folder):
    """What hindsight gains over equal weights for a network: by one choice for all sets, a set's own, a label's own.

    Every choice includes when the training ends. Half the mean over labels, half that over positives.
    """
    found = Parallel(n_jobs=jobs, backend="loky")(delayed(hindsight)(name, most) for name in names)
    columns = ["set", "equal", f"equal, {LONGER} times as long", "one choice", "choice of the set", "of each label"]
    table = Table("training_policy_headroom", *columns, folder=folder)
    importance = [((counts > 0) / (counts > 0).sum() + counts / counts.sum()) / 2 for _, _, counts in found]
    values = [precisions @ weight for (precisions, _, _), weight in zip(found, importance, strict=True)]
    shared = np.unravel_index(np.mean(values, axis=0).argmax(), values[0].shape)
    rows = []
    for value, weight, (precisions, longer, _) in zip(values, importance, found, strict=True):
        of_each = precisions.max(axis=(0, 1)) @ weight
        rows.append([value[-1, 0], longer @ weight, value[shared], value.max(), of_each])
    for name, row in zip([*names, "mean"], [*rows, np.mean(rows, axis=0)], strict=True):
        table.add(name, *(f"{each:.3f}" for each in row))
    exponent, focus = GRID[shared[1]]
    print(f"one choice: positives {exponent:g}, focus {focus:g}, {(shared[0] + 1) / 10:.0%} of the training")


def arguments():
    """The options of the command line."""
    names = list(dict.fromkeys(name for methods in METHODS.values() for name in methods))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", choices=SETS, nargs="+", default=SETS, metavar="SET")
    parser.add_argument("--learners", choices=LEARNERS, nargs="+", default=list(LEARNERS))
    parser.add_argument("--methods", choices=names, nargs="+", default=names, metavar="METHOD")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--rows", type=int, default=2_000, help="most training rows, and most test rows")
    parser.add_argument("--jobs", type=int, default=1, help="processes of one thread each")
    parser.add_argument("--headroom", action="store_true", help="only what hindsight could gain for networks")
    parser.add_argument("--output", type=Path, help="folder of the CSV files; without it they are printed only")
    args = parser.parse_args()
    args.methods = [UNIFORM, *(method for method in args.methods if method != UNIFORM)]
    return args


def main():
    """Compute what is missing, and write the tables."""
    args = arguments()
    if args.headroom:
        headroom_table(args.sets, args.rows, args.jobs, args.output)
        return
    parallel = Parallel(n_jobs=args.jobs, backend="loky")
    parallel(delayed(tune)(name, args.learners, args.rows) for name in args.sets)
    cases = [(name, seed) for name in args.sets for seed in args.seeds]
    found = parallel(delayed(run)(*case, args.learners, args.methods, args.rows) for case in cases)
    runs = pd.DataFrame([row for rows in found for row in rows])
    with TemporaryDirectory() as printed_only:
        folder = args.output or printed_only
        runs_table(runs, folder)
        summary_table(runs, folder)


if __name__ == "__main__":
    main()
