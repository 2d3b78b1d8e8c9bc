"""Every constructor parameter acts: another value gives another outcome of `fit`, or something else to be seen."""

import inspect
import re

import numpy as np
import pytest
from _cases import MLP, small_torch
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import nn

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
    policies,
)
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.policies import (
    BestThresholds,
    ConstrainedThresholds,
    EpisodeThresholds,
    FixedThresholds,
    FixedWeights,
    GRUPolicy,
    LearnedThresholds,
    PlugInThresholds,
    PolicySearch,
    PretrainedPolicy,
    SCutFBRThresholds,
    SharedGRUPolicy,
    ShrunkenThresholds,
    ThresholdRule,
    TrainingPolicy,
)
from sklearn_metalabel.policies._steering import initial_parameters
from sklearn_metalabel.thresholds import OutOfFold

pytestmark = pytest.mark.no_cover
X, Y = make_multilabel_classification(n_samples=120, n_features=8, n_classes=4, n_labels=2, random_state=1)
X = (X - X.mean(axis=0)) / X.std(axis=0)
NETWORK = small_torch(MLP, n_epochs=2)
WEIGHTS = [3.0, 1.0, 0.5, 0.5]


class Linear(nn.Linear):
    """Another module."""

    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)


# Out-of-fold rows of labels that are hard to tell, some of them rare, so that rules fall back.
RNG = np.random.default_rng(0)
TRUTH = (RNG.random((120, 4)) < [0.05, 0.1, 0.3, 0.5]).astype(int)
ROWS = OutOfFold(TRUTH, np.clip(0.3 * TRUTH + 0.6 * RNG.random((120, 4)), 0.01, 0.99), np.arange(120) % 3)
# For each parameter: the other parameters, and the values that are to give different outcomes.
RECURRENT = {
    "n_episodes": [1, 2],
    "reward": ["soft_f1", "hamming_margin"],
    "hidden_size": [4, 5],
    "learning_rate": [0.02, 0.1],
    "update_epochs": [1, 2],
    "n_steps": [2, 3],
    "updates_per_step": [1, 3],
    "update_interval": [None, 1],
    "credit": ["label", "global"],
    "discount": [0.5, 1.0],
    "exploration": [(0.3, 0.05), (0.4, 0.05)],
    "n_threshold_samples": [4, 2],
    "learn_weights": [True, False],
    "learn_thresholds": [True, False],
    "anchor": ["uniform", WEIGHTS],
    "shrinkage": [0.0, 10.0],
    "initial_weights": [None, WEIGHTS],
    "initial_thresholds": [None, 0.2],
}
POLICIES = {
    PolicySearch: {"reward": ["average_precision", "soft_f1"], "weights": ["uniform", WEIGHTS], "n_folds": ["auto", 1]},
    PretrainedPolicy: {
        "weights": ["uniform", WEIGHTS],
        "n_folds": ["auto", 1],
        "fallback": [True, False],
        "n_episodes": [0, 2],
        "prior": [None, initial_parameters().numpy()],
    },
    FixedWeights: {"weights": ["uniform", WEIGHTS], "hierarchy": [[-1, 0, 1, 0], [-1, 0, 0, 0]]},
    SharedGRUPolicy: RECURRENT,
    GRUPolicy: RECURRENT,
    LearnedThresholds: {"n_steps": [25, 0], "dependence": [False, True]},
    ThresholdRule: {"rule": ["half", "scut"], "dependence": [False, True]},
    ShrunkenThresholds: {"kappa": [0.0, 100.0], "dependence": [False, True]},
    PlugInThresholds: {"balance": [0.0, 0.9], "dependence": [False, True]},
    SCutFBRThresholds: {"fbr": ["nested", 0.9], "variant": [0, 1], "n_folds": [2, 5], "dependence": [False, True]},
    FixedThresholds: {"thresholds": [0.5, 0.3]},
    ConstrainedThresholds: {
        "metric": ["precision", "recall"],
        "level": [0.6, 0.5],
        "confidence": [0.9, None],
        "miss_cost": [1.0, 5.0],
    },
    BestThresholds: {"policies": [["half"], ["scut"]]},
    EpisodeThresholds: {},
}
OTHERS = {
    (FixedWeights, "hierarchy"): {"weights": "hierarchy"},
    (ConstrainedThresholds, "miss_cost"): {"metric": "cost", "level": 0.5},
    (SCutFBRThresholds, "variant"): {"fbr": 0.9},
    **{
        (kind, name): {"n_steps": 2, "n_episodes": 2, "hidden_size": 4}
        for kind in (SharedGRUPolicy, GRUPolicy)
        for name in RECURRENT
    },
}
ESTIMATORS = {
    MetaPolicyClassifier: {
        "estimator": [None, LogisticRegression(C=0.01)],
        "training_policy": ["uniform", FixedWeights(WEIGHTS)],
        "prediction_policy": ["learned", "half"],
        "scoring": ["f1_macro", "accuracy"],
        "allow_unlabeled": [True, False],
        "cv": [3, 2],
        "refit": [True, False],
        "random_state": [0, 1],
    },
    TunedThresholdsClassifierCV: {
        "estimator": [None, LogisticRegression(C=0.01)],
        "prediction_policy": ["learned", "half"],
        "scoring": ["f1_macro", "accuracy"],
        "allow_unlabeled": [True, False],
        "response_method": ["predict_proba", "decision_function"],
        "multi_label": [True, False],
        "cv": [3, 2],
        "refit": [True, False],
        "random_state": [0, 1],
    },
    FixedThresholdsClassifier: {
        "estimator": [None, LogisticRegression(C=0.01)],
        "thresholds": [0.5, 0.4],
        "allow_unlabeled": [True, False],
        "response_method": ["predict_proba", "decision_function"],
        "multi_label": [True, False],
    },
    LabelWeightedClassifier: {
        "estimator": [None, LogisticRegression(C=0.01)],
        "label_weight": ["uniform", WEIGHTS],
        "hierarchy": [[-1, 0, 1, 0], [-1, 0, 0, 0]],
        "random_state": [0, 1],
    },
    TorchClassifier: {
        "module": [MLP, Linear],
        "optimizer": ["adam", "sgd"],
        "lr": [0.03, 0.1],
        "loss": ["log_loss", "focal"],
        "batch_size": [64, 32],
        "n_epochs": [3, 4],
        "scheduler": [None, "cosine"],
        "early_stopping": [False, True],
        "validation_fraction": [0.1, 0.3],
        "n_iter_no_change": [1, 10],
        "tol": [0.0, 1.0],
        "scoring": ["accuracy", "loss"],
        "precision": ["float32", "bfloat16"],
        "random_state": [0, 1],
    },
}
STOPPING = ("validation_fraction", "n_iter_no_change", "tol", "scoring")
OTHERS |= {(TorchClassifier, name): {"module": MLP, "lr": 0.1} for name in ESTIMATORS[TorchClassifier]}
OTHERS |= {(TorchClassifier, n): {"module": MLP, "lr": 0.1, "n_epochs": 30, "early_stopping": True} for n in STOPPING}
OTHERS[TorchClassifier, "n_iter_no_change"]["scoring"] = "accuracy"  # which rises again after it fell
OTHERS |= {
    (TunedThresholdsClassifierCV, "multi_label"): {"estimator": RandomForestClassifier(5, random_state=0)},
    (FixedThresholdsClassifier, "multi_label"): {"estimator": RandomForestClassifier(5, random_state=0)},
    (TunedThresholdsClassifierCV, "response_method"): {"estimator": LogisticRegression()},
    (FixedThresholdsClassifier, "response_method"): {"estimator": LogisticRegression(), "thresholds": "auto"},
    (FixedThresholdsClassifier, "allow_unlabeled"): {"thresholds": 0.95},
    (MetaPolicyClassifier, "refit"): {"cv": 0.5},
    (TunedThresholdsClassifierCV, "refit"): {"cv": 0.5},
    (LabelWeightedClassifier, "hierarchy"): {"label_weight": "hierarchy"},
    (LabelWeightedClassifier, "random_state"): {"estimator": NETWORK},
}
# What changes nothing that is learned has a test of its own below.
SEEN_OTHERWISE = {
    MetaPolicyClassifier: {"warm_start", "n_jobs", "memory", "verbose"},
    TunedThresholdsClassifierCV: {"n_jobs", "memory", "verbose"},
    TorchClassifier: {"device", "verbose"},
}


def outcome(clf):
    """Arrays by name: everything that a fit decides."""
    found = {name: getattr(clf, name) for name in ("weights_", "thresholds_", "allow_unlabeled_") if hasattr(clf, name)}
    found["response"] = getattr(clf, "predict_proba", clf.decision_function)(X)
    found["margins"], found["decisions"] = clf.decision_function(X), clf.predict(X)
    for name, column in getattr(clf, "cv_results_", {}).items():
        found[f"result {name}"] = column
    for name, values in getattr(getattr(clf, "training_policy_", None), "history_", {}).items():
        found[f"history {name}"] = values
    return {name: np.asarray(value) for name, value in found.items()}


def assert_differ(*classifiers):
    first, second = (outcome(clf.fit(X, Y)) for clf in classifiers)
    assert first.keys() != second.keys() or any(
        value.shape != second[name].shape or (value != second[name]).any() for name, value in first.items()
    )


def assert_acts_on_thresholds(policies):
    first, second = (policy.fit(ROWS, "f1_macro", random_state=0) for policy in policies)
    assert (first.thresholds_ != second.thresholds_).any()


def around(policy):
    """A small estimator with this training policy."""
    base, prediction_policy = (NETWORK, "episode") if policy.proposes_thresholds else (None, "half")
    if isinstance(policy, PretrainedPolicy):
        base, prediction_policy = NETWORK, "shrunken"
    policies = {"training_policy": policy, "prediction_policy": prediction_policy}
    return MetaPolicyClassifier(base, **policies, cv=2, random_state=0)


def cases(table):
    return [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, values in table.items() for name in values]


def test_every_policy_is_here_with_all_its_parameters():
    abstract = {policies.TrainingPolicy, policies.PredictionPolicy}
    public = {each for each in map(policies.__dict__.get, policies.__all__) if hasattr(each, "get_params")}
    assert public - abstract == POLICIES.keys()
    for kind, table in POLICIES.items():
        assert set(kind._get_param_names()) == table.keys(), kind


def test_every_estimator_is_here_with_all_its_parameters():
    for kind, table in ESTIMATORS.items():
        assert set(kind._get_param_names()) == table.keys() | SEEN_OTHERWISE.get(kind, set()), kind


@pytest.mark.parametrize(("kind", "name"), cases(POLICIES))
def test_every_parameter_of_a_policy_acts(kind, name):
    others = OTHERS.get((kind, name), {})
    made = [kind(**{**others, name: value}) for value in POLICIES[kind][name]]
    if issubclass(kind, TrainingPolicy):
        assert_differ(*map(around, made))
    else:
        assert_acts_on_thresholds(made)


@pytest.mark.parametrize("kind", POLICIES, ids=lambda kind: kind.__name__)
def test_what_a_policy_sets_is_in_its_docstring_or_its_base_class(kind):
    policy = kind(["half"]) if kind is BestThresholds else kind()
    if isinstance(policy, TrainingPolicy):
        policy = around(policy).fit(X, Y).training_policy_
    else:
        policy.fit(ROWS, "f1_macro", proposed=np.full(4, 0.5), random_state=0)
    described = "".join(inspect.getdoc(each).partition("Attributes\n")[2] for each in kind.__mro__ if each.__doc__)
    public = [name for name in vars(policy) if name.endswith("_") and not name.startswith("_")]
    assert public
    assert [name for name in public if not re.search(rf"\n(\w+, )*{name}(, \w+)*( : |\n)", described)] == []


@pytest.mark.parametrize(("kind", "name"), cases(ESTIMATORS))
def test_every_parameter_of_an_estimator_acts(kind, name):
    seed = {"random_state": 0} if "random_state" in inspect.signature(kind).parameters else {}
    others = {**seed, **OTHERS.get((kind, name), {})}
    assert_differ(*(kind(**{**others, name: value}) for value in ESTIMATORS[kind][name]))


@pytest.mark.parametrize("name", STOPPING)
def test_what_early_stopping_alone_makes_use_of_is_refused_without_it(name):
    default = inspect.signature(TorchClassifier).parameters[name].default
    value = next(value for value in ESTIMATORS[TorchClassifier][name] if value != default)
    with pytest.raises(ValueError, match=f"{name}=.* needs validation rows; set early_stopping=True"):
        TorchClassifier(MLP, **{name: value}).fit(X, Y)


@pytest.mark.parametrize("policy", [PolicySearch(), SharedGRUPolicy(n_episodes=1), GRUPolicy(n_episodes=1)], ids=str)
def test_a_warm_start_acts_on_every_policy_that_learns(policy):
    anew, resumed = (
        MetaPolicyClassifier(training_policy=policy, warm_start=warm_start, random_state=0).fit(X, Y)
        for warm_start in (False, True)
    )
    assert_differ(anew, resumed)


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_a_memory_keeps_what_was_trained_and_changes_nothing(make, tmp_path):
    plain = outcome(make(random_state=0).fit(X, Y))
    for _ in range(2):
        kept = outcome(make(memory=str(tmp_path), random_state=0).fit(X, Y))
        assert len(list(tmp_path.rglob("output.pkl"))) == 5  # three folds, all rows, and an empty one
        for name, value in plain.items():
            np.testing.assert_array_equal(kept[name], value, err_msg=name)


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_jobs_are_made_at_the_same_time(make, monkeypatch):
    asked = []

    def note(self, iterable):
        asked.append(self.n_jobs)
        return [function(*args, **kwargs) for function, args, kwargs in iterable]

    monkeypatch.setattr("joblib.Parallel.__call__", note)
    monkeypatch.setattr("sklearn_metalabel.policies._workers.cpu_count", lambda: 8)
    make(LinearSVC() if make is TunedThresholdsClassifierCV else None, n_jobs=2, random_state=0).fit(X, Y)
    assert 2 in asked
