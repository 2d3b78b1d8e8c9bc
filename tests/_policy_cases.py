"""Tasks, training runs and out-of-fold rows that the tests of policies share; found through `pythonpath`."""

from contextlib import contextmanager

import numpy as np
import torch
from scipy.special import expit
from sklearn.datasets import make_multilabel_classification
from torch import nn

from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier, TrainingRun, make_folds
from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.policies import Judge, LearnedThresholds, TrainingTask
from sklearn_metalabel.thresholds import CompactRows, OutOfFold

NAMED_SCORINGS = ("accuracy", "f1_macro", "f1_micro", "f1_samples")
THREE = Scoring.resolve(DEFAULT_SCORING)


def scoring(given):
    return given if isinstance(given, Scoring) else Scoring.resolve(given)


def random_rows(seed=0, n=300, L=4, n_folds=3):
    """Out-of-fold rows of calibrated probabilities, at random in folds."""
    rng = np.random.default_rng(seed)
    P = rng.beta(1, 3, size=(n, L)).clip(1e-6, 1 - 1e-6)
    return OutOfFold(rng.random((n, L)) < P, P, rng.integers(n_folds, size=n))


def uncalibrated_rows(seed=0, n=600, L=8, shift=-1.0):
    """Underconfident and shifted probabilities; rare labels are hard to tell."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(shift - 0.4 * np.arange(L), 2.0, (n, L))
    return OutOfFold(rng.random((n, L)) < expit(Z), expit(0.4 * Z - 0.5), np.arange(n) % 3)


def single_label_rows(seed=0, n=600, L=6):
    """Every sample has exactly one label, and most probabilities are below one half."""
    rng = np.random.default_rng(seed)
    Y = np.eye(L, dtype=bool)[rng.integers(L, size=n)]
    return OutOfFold(Y, expit(rng.normal(-2, 0.7, Y.shape) + 1.8 * Y), np.arange(n) % 3)


def compact(rows, n_kept=None):
    """The same rows in compact form, added fold by fold; None keeps every entry where labels are few."""
    held = CompactRows(rows.truth().mean(axis=0), n_kept)
    for k in np.unique(rows.fold):
        held.add(rows.P[rows.fold == k], rows.Y[rows.fold == k], k)
    return OutOfFold.from_compact(held)


@contextmanager
def untouched_randomness(seed=0):
    """Global generators of NumPy and torch that start from `seed`, and must not be touched inside the block."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1:3]  # noqa: NPY002
    try:
        yield
        after = torch.get_rng_state(), np.random.get_state()[1:3]  # noqa: NPY002
        assert torch.equal(before[0], after[0])
        assert np.array_equal(before[1][0], after[1][0])
        assert before[1][1] == after[1][1]
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


class Net(nn.Sequential):
    """A small network that joblib and pickle find by its name."""

    def __init__(self, n_features, n_labels):
        super().__init__(nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, n_labels))


class DropoutNet(nn.Sequential):
    """The same with dropout, which draws from torch's generator at every step."""

    def __init__(self, n_features, n_labels):
        super().__init__(nn.Linear(n_features, 16), nn.Dropout(), nn.Linear(16, n_labels))


def network(module=Net, **params):
    return TorchClassifier(module, **{"lr": 0.01, "batch_size": 32, "n_epochs": 4, "device": "cpu", **params})


def small_task(base=None, *, cv=3, n=90, L=4, judge=None, seed=0, random_state=0, **options):
    """A task on little data, as `fit` makes it."""
    X, Y = make_multilabel_classification(n, n_features=8, n_classes=L, random_state=seed)
    Y = Y.astype(np.int8)
    folds = make_folds(cv, X, Y, Y, rng=np.random.RandomState(seed))
    judge = Judge(LearnedThresholds(n_steps=0), THREE) if judge is None else judge
    names = np.array([str(j) for j in range(L)])
    base = LabelWeightedLogistic() if base is None else base
    return TrainingTask(base, folds, names, judge, random_state=np.random.RandomState(random_state), **options)


class Recorder:
    """A monitor that notes what it is told, and asks for an end at the run it is given."""

    keeps_runs = False

    def __init__(self, stop_at=None):
        self.n_begun, self.ended, self.reports, self.stop_at = 0, [], [], stop_at

    def begin(self, n_steps=0):
        self.n_begun += 1
        return self.n_begun - 1

    def reporter(self, ticket):
        return None

    def end(self, ticket, report):
        self.ended.append(ticket)
        self.reports.append(report)
        return ticket == self.stop_at


class Ranking(TrainingRun):
    """A run that ranks as well as `quality` of its last weights says, and writes down what it was told."""

    batch_size = 10

    def __init__(self, quality, log):
        self.quality, self.log = quality, log

    def n_updates(self, n_samples):
        return 12

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.steps = []
        self.log.append((solution, self.steps))
        self.noise = np.random.RandomState(0).normal(size=60)

    def step(self, rows, weights):
        self.steps.append(rows)
        self.signal = self.quality[weights.label[0]]
        self.solved = f"solved {weights.label[0]:g}"

    def predict_proba(self, X):
        Z = self.signal * X + (1 - self.signal) * self.noise[: len(X), None]
        return expit(np.hstack([Z, Z]))

    def checkpoint(self):
        return self.solved


class RankingPath(Ranking):
    """The same for a base learner that is refitted whole."""

    batch_size = None
    scales = (0.1, 1.0, 10.0)

    def n_updates(self, n_samples):
        return 1


class RankingBase:
    """A base learner of such runs."""

    def __init__(self, quality, run=Ranking):
        self.quality, self.run, self.log = quality, run, []

    def training_run(self, seed=0):
        return self.run(self.quality, self.log)
