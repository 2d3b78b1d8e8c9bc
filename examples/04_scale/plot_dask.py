"""
A cluster plays the episodes and changes no bit
===============================================

The training runs of a fit are independent of each other, so the workers of a Dask cluster can share them: one line
around ``fit`` sends them there. The cluster here is one of two processes on this machine; with the address of a
scheduler the same line reaches any number of machines. The fitted classifier is the same to the last bit.
"""

# %%
# What was trained where
# ----------------------
# A training run builds a module of its own, so a module that takes notes tells which process it was trained in, and
# when. What is defined in a script travels to the workers with its code.

import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import MLP

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"


class WatchedMLP(MLP):
    """A perceptron that notes in a file when it was built and when it is called."""

    def __init__(self, n_features, n_labels, folder):
        super().__init__(n_features, n_labels)
        self.notes = Path(folder) / f"{os.getpid()}-{uuid.uuid4()}"
        self.note()

    def note(self):
        """Add the time to the notes."""
        with self.notes.open("a") as file:
            file.write(f"{time.time()}\n")

    def forward(self, x):
        """Logits of a batch."""
        self.note()
        return super().forward(x)


def read_runs(folder):
    """Training runs as sorted triples (start, end, process)."""
    runs = []
    for path in Path(folder).iterdir():
        moments = [float(line) for line in path.read_text().split()]
        runs.append((min(moments), max(moments), int(path.name.partition("-")[0])))
    return sorted(runs)


# %%
# The same fit, here and there
# ----------------------------
# Dask starts each worker process afresh and imports the script in it, hence the guard in the last cell: a script
# without one would start a cluster inside each worker of the cluster.


def fit(X, Y, folder):
    """Classifier whose four folds train small networks, and the training runs."""
    network = TorchClassifier(
        WatchedMLP, module__folder=folder, n_epochs=10 if FAST else 20, device="cpu"
    )
    classifier = MetaPolicyClassifier(network, cv=4, random_state=0).fit(X, Y)
    return classifier, read_runs(folder)


def fit_on_cluster(X, Y, folder):
    """The same, by two processes; `scatter` lays X on every worker at first."""
    settings = {"n_workers": 2, "threads_per_worker": 1, "silence_logs": 40}
    with (
        LocalCluster(**settings, dashboard_address=":0") as cluster,
        Client(cluster),
        joblib.parallel_config("dask", scatter=[X]),
    ):
        return fit(X, Y, folder)


def report(here, there, X):
    """Compare all that was learned."""
    for name in ("weights_", "thresholds_"):
        same = np.array_equal(getattr(here, name), getattr(there, name))
        print(f"{name:<16}same bits: {same}")
    history = there.training_policy_.history_
    same = all(
        np.array_equal(rows, history[name])
        for name, rows in here.training_policy_.history_.items()
    )
    print(f"{'history_':<16}same bits: {same}")
    same = np.array_equal(here.predict_proba(X), there.predict_proba(X))
    print(f"{'predict_proba':<16}same bits: {same}")


# %%
# The calendar
# ------------
# Each bar is a training run. Without a cluster one process makes them in turn; on the cluster two make them at the same
# time, and the last one, on all rows, is made by the process that called ``fit``.


def plot(calendars):
    """One panel for each fit, one row for each process."""
    figure, axes = plt.subplots(
        len(calendars), 1, figsize=(8, 3.6), sharex=True, layout="constrained"
    )
    for panel, (title, runs) in zip(axes, calendars.items(), strict=True):
        workers = sorted({process for _, _, process in runs} - {os.getpid()})
        names = {
            os.getpid(): "this process",
            **{process: f"worker {k + 1}" for k, process in enumerate(workers)},
        }
        first = runs[0][0]
        for k, (start, end, process) in enumerate(runs):
            panel.barh(
                names[process],
                end - start,
                left=start - first,
                color="C0",
                alpha=0.5 + 0.5 * (k % 2),
            )
        panel.set(
            title=title, ylim=(-0.6, len({process for _, _, process in runs}) - 0.4)
        )
        panel.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("seconds since the first run began")
    return figure


# %%
# The first run of a process is longer, because torch is getting ready. A cluster is of use where training runs are
# long beside that, and beside the start of the workers, which the calendar leaves out.

if __name__ == "__main__":
    X, Y = make_hierarchical_multilabel(
        1000 if FAST else 3000, n_labels=20, n_levels=2, random_state=0
    )
    with (
        tempfile.TemporaryDirectory() as near,
        tempfile.TemporaryDirectory() as far,
    ):
        here, runs_here = fit(X, Y, near)
        there, runs_there = fit_on_cluster(X, Y, far)
        report(here, there, X)
    figure = plot(
        {
            "without a cluster": runs_here,
            "on a cluster of two processes": runs_there,
        }
    )
    if sys.argv[1:]:
        figure.savefig(sys.argv[1], dpi=150)
    else:
        plt.show()
