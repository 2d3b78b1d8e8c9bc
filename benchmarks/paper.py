"""The paper's experiments on the data at hand: its rows beside ours, mean and standard deviation over seeds.

``python benchmarks/paper.py --table 5 --data reuters`` prints Table 5 (text classification) and writes it as CSV; Table
2 is entity typing, Tables 3 and 6 are the robustness to random starts, and ``--table weights`` the weights by depth of
the hierarchy (Figure 5). Every training is kept in a cache folder as soon as it is done, so an interrupted run resumes.
SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import csv
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _paper_runs import N_STARTS, anchor_weights, kept, learned_thresholds, trained_under
from _paper_tasks import TASKS
from _table import Table
from joblib import Parallel, delayed
from scipy.stats import bootstrap, spearmanr

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.thresholds import odr_macro, odr_micro, scutfbr
from sklearn_metalabel.utils import label_depths

REPORTED = Path(__file__).parent / "paper_reported.csv"


def at_half(run):
    """Decisions of a run's probabilities cut at one half."""
    return lambda task, data, runs: _cut(task, runs[run]["P_test"], 0.5)


def by_rule(rule):
    """Decisions of the plain run at the thresholds of a rule, which reads the out-of-fold rows."""

    def row(task, data, runs):
        thresholds = rule(data.Y, runs["folds"]["P"].astype(float))
        return _cut(task, runs["plain"]["P_test"], thresholds)

    return row


def by_policy(task, data, runs):
    """Decisions of the plain run by the prediction policy learned on the out-of-fold rows."""
    P, fold_of = runs["folds"]["P"].astype(float), runs["folds"]["fold_of"]
    return learned_thresholds(task, data.Y, P, fold_of).predict(runs["plain"]["P_test"].astype(float))


def as_decided(run):
    """Decisions that the run made itself."""
    return lambda task, data, runs: runs[run]["D_test"]


def _cut(task, P, thresholds):
    """Decisions at thresholds, decoded as the base learner is in its own paper."""
    return decide(P.astype(float), thresholds, allow_unlabeled=task.allow_unlabeled)


# Row: what it is computed from, and how.
ROWS = {
    "base": (["plain"], at_half("plain")),
    "Hierarchy-Aware": (["hierarchy_aware"], at_half("hierarchy_aware")),
    "SCutFBR": (["plain", "folds"], by_rule(scutfbr)),
    "ODR": (["plain", "folds"], by_rule(odr_micro)),
    "ODR, macro": (["plain", "folds"], by_rule(odr_macro)),
    "Predictions-as-Features": (["predictions_as_features"], at_half("predictions_as_features")),
    "Subset Maximization": (["subset_maximization"], as_decided("subset_maximization")),
    "Meta-Training": (["shared"], at_half("shared")),
    "Meta-Training, pre-trained": (["pretrained"], at_half("pretrained")),
    "Meta-Prediction": (["plain", "folds"], by_policy),
    "Meta-Training-Prediction": (["shared"], as_decided("shared")),
    "Meta-Training-Prediction, pre-trained": (["pretrained"], as_decided("pretrained")),
    "MetaPolicyClassifier": (["default"], as_decided("default")),
    "the paper's algorithm": (["paper"], as_decided("paper")),
}


METHODS = {"shared": 'training_policy="shared"', "paper": "the paper's algorithm"}
STATISTICS = {"best": np.max, "worst": np.min, "average": np.mean, "standard deviation": partial(np.std, ddof=1)}


def scores(task, data, row, runs):
    """The metrics of a row."""
    D = ROWS[row][1](task, data, runs)
    return [metric(data.Y_test, D) for metric in task.metrics.values()]


def available_rows(task):
    """Rows that make sense for a task: without a hierarchy no weights follow from it."""
    return [row for row in ROWS if task.has_hierarchy or row != "Hierarchy-Aware"]


def compute(name, wanted, seeds, device, n_jobs):
    """All runs by seed; what is not in the cache is trained, several at a time."""
    jobs = [(run, seed) for seed in range(seeds) for run in wanted]
    print(f"{name}: {len(jobs)} trainings", flush=True)
    found = Parallel(n_jobs=n_jobs)(delayed(one_run)(name, run, seed, device) for run, seed in jobs)
    return [{run: arrays for (run, s), arrays in zip(jobs, found, strict=True) if s == seed} for seed in range(seeds)]


def one_run(name, run, seed, device):
    """Arrays of one run, on one thread of the CPU; says when it is done."""
    torch.set_num_threads(1)
    task = TASKS[name]
    arrays = kept(run, task, task.load(), seed, device)
    print(f"  {name}, seed {seed}: {run} took {float(arrays['seconds']):.0f} s", flush=True)
    return arrays


def reported(table, name, row, metric):
    """What the paper reports for a row, empty where it is not known to us."""
    with REPORTED.open(newline="") as file:
        for line in csv.DictReader(file):
            if (line["table"], line["data"], line["row"], line["metric"]) == (str(table), name, row, metric):
                return line["value"]
    return ""


def compare_rows(name, args):
    """Tables 2 and 5."""
    task = TASKS[name]
    rows = available_rows(task)
    wanted = list(dict.fromkeys(run for row in rows for run in ROWS[row][0] if run != "paper"))
    trained = compute(name, wanted, args.seeds, args.device, args.n_jobs)
    of_paper = compute(name, ["paper"], args.paper_seeds, args.device, args.n_jobs)
    columns = [column for metric in task.metrics for column in (metric, "paper")]
    table = Table(f"paper_table{task.tables[0]}_{name}", "row", "seeds", *columns, "seconds", folder=args.output)
    for row in rows:
        by_seed = of_paper if ROWS[row][0] == ["paper"] else trained
        values = np.array([scores(task, task.load(), row, runs) for runs in by_seed])
        seconds = np.mean([sum(float(runs[run]["seconds"]) for run in ROWS[row][0]) for runs in by_seed])
        cells = []
        for metric, column in zip(task.metrics, values.T, strict=True):
            cells += [spread(column), reported(task.tables[0], task.reported, row, metric)]
        table.add(task.base_name if row == "base" else f"+ {row}", len(by_seed), *cells, f"{seconds:.0f}")


def spread(values):
    """Mean and, of several seeds, the standard deviation over them."""
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")


def robustness(name, args):
    """Tables 3 and 6: the greedy episode of one trained meta-learner from ten random starts, a training under each.

    The default policy has no start: it proposes the same from everywhere.
    """
    task = TASKS[name]
    table = Table(f"paper_table{task.tables[1]}_{name}", "method", "metric", *STATISTICS, folder=args.output)
    for run, method in METHODS.items():
        (runs,) = compute(name, [run], 1, args.device, 1)
        starts = Parallel(n_jobs=args.n_jobs)(delayed(one_start)(name, run, k, args.device) for k in range(N_STARTS))
        values = np.array([start_scores(task, run, runs[run], P, k) for k, P in enumerate(starts)])
        for metric, column in zip(task.metrics, values.T, strict=True):
            table.add(method, metric, *(f"{of(column):.4f}" for of in STATISTICS.values()))


def one_start(name, run, k, device):
    """Test probabilities of the base learner trained under the weights that the episode from start k ends with.

    Starts that end with the same weights, to the precision that training has, share a training.
    """
    torch.set_num_threads(1)
    task = TASKS[name]
    ends = kept(run, task, task.load(), 0, device)["end_weights"]
    first = int(np.isclose(ends, ends[k], rtol=1e-6, atol=0).all(axis=1).argmax())
    train = partial(trained_under, ends[first])
    arrays = kept(f"{run}-start{first}", task, task.load(), 0, device, train)
    print(f"  {name}: start {k} of {run} took {float(arrays['seconds']):.0f} s", flush=True)
    return arrays["P_test"]


def start_scores(task, run, learned, P, k):
    """Metrics of a start: the paper's thresholds come from the episode, other decisions from out-of-fold rows."""
    P = P.astype(float)
    if run == "paper":
        D = decide(P, learned["end_thresholds"][k], allow_unlabeled=bool(learned["allow_unlabeled"]))
    else:
        D = pickle.loads(learned["prediction_policy"].tobytes()).predict(P)
    return [metric(task.load().Y_test, D) for metric in task.metrics.values()]


def weights_by_depth(name, args):
    """Figure 5 as a statistic: rank correlation of what was learned with depth and with frequency, over labels.

    What was learned is the ratio of the weights to their anchor, which for the paper's algorithm is 1.
    """
    task, data = TASKS[name], TASKS[name].load()
    against = {"frequency": data.Y.sum(axis=0)}
    if task.has_hierarchy:
        against = {"depth": label_depths(data.label_names, data.parents), **against}
    table = Table(
        f"paper_weights_{name}", "method", "seed", "against", "rank correlation", "95 % interval", folder=args.output
    )
    for run in METHODS:
        anchor = anchor_weights(task, data, args.device) if run == "shared" else np.ones(len(data.label_names))
        seeds = args.paper_seeds if run == "paper" else args.seeds
        trained = compute(name, [run], seeds, args.device, args.n_jobs)
        by_seed = [runs[run]["weights"] / anchor for runs in trained]
        for seed, weights in [*enumerate(by_seed), ("mean", np.mean(by_seed, axis=0))]:
            for what, values in against.items():
                table.add(METHODS[run], seed, what, *rank_correlation(values, weights))


def rank_correlation(x, y):
    """Spearman's correlation and its bootstrap interval (labels drawn with replacement), as text."""
    interval = bootstrap((x, y), _spearman, paired=True, vectorized=False, n_resamples=2000, method="percentile", rng=0)
    low, high = interval.confidence_interval
    return f"{_spearman(x, y):.2f}", f"{low:.2f} to {high:.2f}"


def _spearman(x, y):
    """Rank correlation; zero where one of the two is constant."""
    return spearmanr(x, y).statistic if np.ptp(x) and np.ptp(y) else 0.0


TABLES = {"2": compare_rows, "5": compare_rows, "3": robustness, "6": robustness, "weights": weights_by_depth}


def main():
    """Make the tables that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=list(TABLES), required=True)
    parser.add_argument("--data", choices=list(TASKS), nargs="+", help="default: all data of the table")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--paper-seeds", type=int, default=5, help="seeds of the paper's algorithm, the longest training"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--n-jobs", type=int, default=1, help="trainings at a time, on one thread each")
    parser.add_argument("--output", help="folder of the CSV files")
    args = parser.parse_args()
    fitting = [name for name, task in TASKS.items() if not args.table.isdigit() or int(args.table) in task.tables]
    for name in args.data or fitting:
        if name not in fitting:
            parser.error(f"table {args.table} has {fitting}, not {name}")
        TABLES[args.table](name, args)


if __name__ == "__main__":
    main()
