"""The small estimators that the contract is tested with; found through `pythonpath` in pyproject.toml."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.svm import LinearSVC
from torch import nn

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier
from sklearn_metalabel.policies import (
    BestThresholds,
    FixedThresholds,
    FixedWeights,
    GRUPolicy,
    PolicySearch,
    PretrainedPolicy,
    SharedGRUPolicy,
    ShrunkenThresholds,
)

# Keep it empty; an entry is {"check_name": "why, and which test of ours replaces it"}.
EXPECTED_FAILURES = {}


class MLP(nn.Sequential):
    """A small network; a class, since the name of a test must not hold a function's address (pytest-xdist)."""

    def __init__(self, n_features, n_labels, hidden=16):
        super().__init__(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))


def mlp(n_features, n_labels, hidden=16):
    """The same network from a factory that joblib, pickle and skops find by its name."""
    return MLP(n_features, n_labels, hidden)


def small_torch(module=mlp, **params):
    return TorchClassifier(module, **{"lr": 0.03, "batch_size": 32, "n_epochs": 8, "device": "cpu", **params})


def sgd():
    return SGDClassifier(loss="log_loss", random_state=0)


def medians(Y, P):
    """A prediction policy as users write it: each label is predicted for about half of the samples."""
    return np.median(P, axis=0)


# Few updates that are large: the contract asks for five of six classes right, and fits more than a thousand times.
QUICK = {"lr": 0.1, "batch_size": 64, "n_epochs": 4}


def quick_torch(**params):
    return small_torch(MLP, **{**QUICK, **params})


SMALL_DECODER = {"hidden_size": 16, "embedding_dim": 8, "lr": 0.03, "batch_size": 32, "n_epochs": 8}
SMALL_GRU = {"n_episodes": 2, "n_steps": 2, "hidden_size": 4, "update_epochs": 2}
# Each training policy and each kind of prediction policy at least once.
META_PARAMS = {
    "default": {},
    "default of a network": {"estimator": quick_torch(), "cv": 2},
    "search of a network": {"estimator": quick_torch(), "training_policy": "search", "cv": 2},
    "uniform": {"estimator": LogisticRegression(), "training_policy": "uniform", "cv": 2},
    "frequency and pretrained": {
        "training_policy": FixedWeights("frequency"),
        "prediction_policy": "pretrained",
        "cv": 2,
    },
    "search by another reward, and micromacro": {
        "training_policy": PolicySearch("soft_f1", n_folds=1),
        "prediction_policy": "micromacro",
        "allow_unlabeled": False,
        "cv": 2,
    },
    "shared and the best of several": {
        "training_policy": SharedGRUPolicy(**SMALL_GRU),
        "prediction_policy": BestThresholds(["half", ShrunkenThresholds(1.0)]),
        "scoring": "f1_samples",
        "cv": 2,
    },
    "shared of a network, and its own thresholds": {
        "estimator": quick_torch(),
        "training_policy": SharedGRUPolicy(**SMALL_GRU),
        "prediction_policy": "episode",
        "cv": None,
    },
    "a network that is steered": {
        "estimator": quick_torch(),
        "training_policy": PretrainedPolicy(fallback=False, n_folds=1),
        "cv": 2,
    },
    "what was trained on a part": {"training_policy": "uniform", "cv": 0.3, "refit": False},
    "gru and given thresholds": {
        "training_policy": GRUPolicy(**SMALL_GRU),
        "prediction_policy": FixedThresholds(),
        "cv": 2,
    },
}
INIT_PARAMS = {
    MetaPolicyClassifier: list(META_PARAMS.values()),
    MetaPolicyClassifier.from_paper: [{"training_policy__n_episodes": 2, "training_policy__hidden_size": 8}],
    LabelWeightedClassifier: [{}, {"estimator": quick_torch()}],
    LabelWeightedLogistic: [{}],
    LabelwiseClassifier: [
        {"estimator": LogisticRegression()},
        {"estimator": sgd(), "incremental": True, "n_epochs": 2},
    ],
    TorchClassifier: [
        {"module": MLP, **QUICK},
        {"module": MLP, **QUICK, "early_stopping": True, "validation_fraction": 0.2, "scheduler": "linear"},
    ],
    TunedThresholdsClassifierCV: [
        {},
        {"estimator": LogisticRegression(), "prediction_policy": ("half", "shrunken")},
        {"estimator": RandomForestClassifier(n_estimators=5, random_state=0), "prediction_policy": "micromacro"},
        {"estimator": LinearSVC(random_state=0), "prediction_policy": ShrunkenThresholds(3.0)},
        {"estimator": quick_torch(), "prediction_policy": "pretrained", "cv": 2},
    ],
    FixedThresholdsClassifier: [
        {},
        {"estimator": RandomForestClassifier(n_estimators=5, random_state=0), "allow_unlabeled": False},
        {"estimator": LinearSVC(random_state=0), "thresholds": "auto"},
    ],
    PredictionsAsFeaturesClassifier: [
        {},
        {"estimator": LogisticRegression(), "structure": "chain"},
        {"estimator": LinearSVC(random_state=0), "cv": 2},
        {"estimator": quick_torch(), "structure": "chain"},
    ],
    SubsetMaximizationClassifier: [{**SMALL_DECODER, **QUICK}],
}


# The contract takes some sixty tests of an estimator. It is left out where other cases have the same training policy,
# the same kind of prediction policy and the same kind of base learner, each with the contract.
WITHOUT_CONTRACT = [
    META_PARAMS["search of a network"],
    META_PARAMS["a network that is steered"],
    META_PARAMS["uniform"],
    INIT_PARAMS[MetaPolicyClassifier.from_paper][0],
    INIT_PARAMS[TunedThresholdsClassifierCV][1],
    INIT_PARAMS[TunedThresholdsClassifierCV][4],
    INIT_PARAMS[FixedThresholdsClassifier][1],
    INIT_PARAMS[PredictionsAsFeaturesClassifier][1],
]


def small_estimators(*, without=()):
    """Fresh estimators, one for each entry of INIT_PARAMS except those in `without`."""
    cases = [(make, params) for make, cases in INIT_PARAMS.items() for params in cases]
    return [clone(make(**params)) for make, params in cases if not any(params is each for each in without)]


def small_metas():
    """Fresh MetaPolicyClassifiers by name, with a fixed seed: every training policy among them."""
    cases = {name: clone(MetaPolicyClassifier(random_state=0, **params)) for name, params in META_PARAMS.items()}
    paper = MetaPolicyClassifier.from_paper(random_state=0, **INIT_PARAMS[MetaPolicyClassifier.from_paper][0])
    return {**cases, "the paper's": paper}


def short_name(estimator):
    """Name of a case for the parameters of a test."""
    base = getattr(estimator, "estimator", None)
    policies = [getattr(estimator, f"{kind}_policy", None) for kind in ("training", "prediction")]
    parts = [policy if isinstance(policy, str) else type(policy).__name__ for policy in policies if policy is not None]
    return "-".join([type(estimator).__name__, *([] if base is None else [type(base).__name__]), *parts])
