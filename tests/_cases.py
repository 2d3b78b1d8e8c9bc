"""The small estimators that the contract is tested with; found through `pythonpath` in pyproject.toml."""

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.svm import LinearSVC
from torch import nn

from sklearn_metalabel import FixedThresholdsClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import (
    LabelWeightedClassifier,
    LabelWeightedLogistic,
    LabelwiseClassifier,
    TorchClassifier,
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


SMALL_DECODER = {"hidden_size": 16, "embedding_dim": 8, "lr": 0.03, "batch_size": 32, "n_epochs": 8}
INIT_PARAMS = {
    MetaPolicyClassifier: [
        {},
        {"estimator": small_torch(MLP, n_epochs=5), "n_episodes": 2, "cv": 2, "n_steps": 3},
        {"estimator": LogisticRegression(), "n_episodes": 2, "cv": 2, "n_steps": 1},
    ],
    MetaPolicyClassifier.from_paper: [{"n_episodes": 2}],
    LabelWeightedClassifier: [{}, {"estimator": small_torch(MLP)}, {"estimator": LogisticRegression()}],
    LabelWeightedLogistic: [{}],
    LabelwiseClassifier: [{"estimator": LogisticRegression()}, {"estimator": sgd()}],
    TorchClassifier: [{"module": MLP, "lr": 0.03, "batch_size": 32, "n_epochs": 8}],
    TunedThresholdsClassifierCV: [
        {},
        {"estimator": LogisticRegression(), "rule": ("half", "shrunken")},
        {"estimator": RandomForestClassifier(n_estimators=15, random_state=0), "rule": "micromacro"},
        {"estimator": LinearSVC(random_state=0), "rule": "shrunken"},
        {"estimator": small_torch(MLP, n_epochs=5), "rule": "shrunken", "cv": 2},
    ],
    FixedThresholdsClassifier: [
        {"thresholds": 0.4},
        {"estimator": RandomForestClassifier(n_estimators=15, random_state=0), "never_empty": True},
        {"estimator": LinearSVC(random_state=0), "thresholds": "auto"},
        {"estimator": small_torch(MLP, random_state=0)},
    ],
    PredictionsAsFeaturesClassifier: [
        {},
        {"estimator": LogisticRegression(), "cv": 2},
        {"estimator": LinearSVC(random_state=0), "structure": "chain"},
        {"estimator": small_torch(MLP), "structure": "chain"},
    ],
    SubsetMaximizationClassifier: [SMALL_DECODER, {"module": MLP, **SMALL_DECODER}],
}


def small_estimators():
    """Fresh estimators, one for each entry of INIT_PARAMS."""
    return [make(**params) for make, cases in INIT_PARAMS.items() for params in cases]


def three_base_learners(**params):
    """MetaPolicyClassifier around the default, a torch factory and a scikit-learn classifier."""
    return [
        MetaPolicyClassifier(random_state=0, **params),
        MetaPolicyClassifier(small_torch(), random_state=0, **params),
        MetaPolicyClassifier(LogisticRegression(), n_steps=2, random_state=0, **params),
    ]


def short_name(estimator):
    """Name of a case for the parameters of a test."""
    base = getattr(estimator, "estimator", None)
    policy = getattr(estimator, "policy", "")
    return "-".join([type(estimator).__name__, *([] if base is None else [type(base).__name__]), policy]).strip("-")
