import re
from copy import deepcopy
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from _cases import medians, mlp, sgd, short_name, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError
from torch import nn

from sklearn_metalabel import (
    ConstantLabelWarning,
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
    policies,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier
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
)

X, Y = make_multilabel_classification(n_samples=60, n_features=8, n_classes=4, n_labels=2, random_state=0)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ESTIMATORS = [
    MetaPolicyClassifier(cv=2, random_state=0),
    LabelWeightedClassifier(small_torch(n_epochs=1), random_state=0),
    LabelWeightedLogistic(),
    LabelwiseClassifier(LogisticRegression()),
    small_torch(n_epochs=1, random_state=0),
    PredictionsAsFeaturesClassifier(),
    PredictionsAsFeaturesClassifier(LogisticRegression(), structure="chain"),
    SubsetMaximizationClassifier(hidden_size=8, embedding_dim=4, n_epochs=1, random_state=0),
    FixedThresholdsClassifier(),
    TunedThresholdsClassifierCV(prediction_policy="shrunken", random_state=0),
]


@pytest.fixture(scope="module", params=ESTIMATORS, ids=short_name)
def fitted(request):
    """Each of them, fitted; tests must leave it as it is."""
    return clone(request.param).fit(X, Y)


# These hand X and metadata on, so that the classifier inside says what is wrong with them.
DELEGATING = (FixedThresholdsClassifier, TunedThresholdsClassifierCV)


# What is to be copied from the message, as a pattern.
ENCODING = re.escape("mlb = MultiLabelBinarizer(); Y = pd.DataFrame(mlb.fit_transform(y), columns=mlb.classes_)")


def with_value(array, value, dtype=float):
    changed = array.astype(dtype)
    changed[3, 1] = value
    return changed


def assert_refuses(estimator, X, y, error, match, **fit_params):
    """The fit fails with this message, and leaves an unfitted and a fitted estimator as they were."""
    before = dict(vars(estimator))
    with pytest.raises(error, match=match):
        estimator.fit(X, y, **fit_params)
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())


BAD_DATA = {
    "a label of 2": (X, with_value(Y, 2), ValueError, r"must hold only 0 and 1.*such as \[2.0\]"),
    "a label of -1": (X, 2 * Y - 1, ValueError, r"must hold only 0 and 1.*such as \[-1\]"),
    "a sparse label of 2": (X, sp.csr_array(2 * Y), ValueError, r"must hold only 0 and 1.*such as \[2\]"),
    "repeated entries that sum to 2": (
        X,
        sp.csr_array((np.ones(2, dtype=int), [1, 1], np.repeat([0, 2], [1, 60])), shape=Y.shape),
        ValueError,
        r"must hold only 0 and 1.*such as \[2\]",
    ),
    "labels as text": (X, Y.astype(str), ValueError, "must hold only 0 and 1.*MultiLabelBinarizer"),
    "text among numbers": (X, with_value(Y, "a", object), ValueError, r"must hold only 0 and 1.*such as \['a'\]"),
    "continuous labels": (X, Y + 0.5, ValueError, "Unknown label type.*must hold only 0 and 1"),
    "NaN in X": (with_value(X, np.nan), Y, ValueError, "Input X contains NaN"),
    "infinity in X": (with_value(X, np.inf), Y, ValueError, "Input X contains infinity"),
    "infinity in Y": (X, with_value(Y, np.inf), ValueError, r"must hold only 0 and 1.*such as \[inf\]"),
    "no known label": (X, np.full(Y.shape, np.nan), ValueError, "y holds no known label, got 240 missing values"),
    "NaN among classes": (X, np.r_[np.nan, Y[1:, 0]], ValueError, "contains NaN or infinity, or another missing"),
    "fewer rows in X": (X[:7], Y, ValueError, r"inconsistent numbers of samples: \[7, 60\]"),
    "fewer rows in Y": (X, Y[:7], ValueError, r"inconsistent numbers of samples: \[60, 7\]"),
    "fewer rows in sparse Y": (X, sp.csr_array(Y[:7]), ValueError, r"inconsistent numbers of samples: \[60, 7\]"),
    "X of one dimension": (X[:, 0], Y, ValueError, "Expected 2D array, got 1D array"),
    "X of three dimensions": (
        X[:, :, None],
        Y,
        ValueError,
        r"dim 3|forward failed on a batch of X of shape \(\d+, \d+, 1\)",
    ),
    "Y of three dimensions": (X, Y[:, :, None], ValueError, "Unknown label type"),
    "Y without columns": (X, Y[:, :0], ValueError, "Unknown label type"),
    "no Y": (X, None, ValueError, "requires y to be passed"),
    **{
        f"label sets as {name}": (X[:3], labels, ValueError, f"its rows are {found}.*{ENCODING}")
        for name, labels, found in [
            ("lists", [["a"], ["a", "b"], []], "lists of different lengths"),
            ("lists of numbers", [[3], [1, 2], []], "lists of different lengths"),
            ("lists of one length", [["a", "c"], ["a", "b"], ["b", "c"]], "lists of names"),
            ("sets", [{"a"}, {"b"}, {"c"}], "sets"),
            ("a pandas series", pd.Series([["a"], ["a", "b"], []]), "lists of different lengths"),
            ("a polars series", pl.Series([["a"], ["a", "b"], []]), "lists of different lengths"),
        ]
    },
    "one class": (X, np.ones(60), ValueError, "at least two classes, got one class: .*1.0"),
    "no rows": (X[:0], Y[:0], ValueError, "0 sample"),
    "weights for fewer labels": (X, Y, TypeError, "unexpected arguments"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_named_and_leaves_the_estimator_as_it_was(fitted, case):
    bad_X, bad_Y, error, match = BAD_DATA[case]
    extra = {"label_weights": [1.0]} if error is TypeError else {}
    if isinstance(fitted, (LabelWeightedLogistic, *DELEGATING)) and extra:
        match = "unexpected keyword argument"
    assert_refuses(clone(fitted), bad_X, bad_Y, error, match, **extra)
    assert_refuses(fitted, bad_X, bad_Y, error, match, **extra)


@pytest.mark.parametrize("y", [with_value(Y, 0, bool), Y.astype(np.uint8), Y.astype(float), Y.astype(object)])
def test_zeros_and_ones_of_any_type_are_labels(y):
    assert LabelWeightedLogistic().fit(X, y).predict(X).dtype == np.int64


@pytest.mark.parametrize("params", [{"sample_weight": np.ones(7)}, {"sample_weight": -np.ones(60)}])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=short_name)
def test_bad_sample_weights_are_refused(estimator, params):
    assert_refuses(clone(estimator), X, Y, ValueError, "sample_weight", **params)


CONSTANT = np.column_stack([Y[:, 0], np.zeros(60, dtype=int), Y[:, 1], np.ones(60, dtype=int)])


@pytest.mark.parametrize(
    "estimator",
    [
        MetaPolicyClassifier(random_state=0),
        MetaPolicyClassifier(small_torch(), cv=2, random_state=0),
        MetaPolicyClassifier(LogisticRegression(), training_policy=GRUPolicy(n_episodes=2), cv=2, random_state=0),
        *ESTIMATORS[1:],
        LabelwiseClassifier(sgd()),
    ],
    ids=short_name,
)
def test_labels_with_one_value_are_named_and_predicted_as_they_are(estimator):
    estimator = clone(estimator)
    if isinstance(estimator, TorchClassifier):
        estimator.set_params(n_epochs=30)
    if isinstance(estimator, LabelWeightedClassifier):
        estimator.set_params(estimator__n_epochs=30)
    with pytest.warns(ConstantLabelWarning, match=r"2 of 4 labels have one value .*\(1, 3\)") as caught:
        estimator.fit(X, CONSTANT)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    predicted = estimator.predict(X)
    assert (predicted[:, 3] == 1).all()
    assert (predicted[:, 1] == 0).all()


@pytest.mark.parametrize("base", [None, LogisticRegression(), sgd()], ids=["default", "sklearn", "incremental"])
def test_a_label_with_one_value_gets_a_constant_probability(base):
    clf = MetaPolicyClassifier(base, training_policy="uniform", prediction_policy="half", random_state=0)
    with pytest.warns(ConstantLabelWarning):
        P = clf.fit(X, CONSTANT).predict_proba(X)
    assert np.ptp(P[:, [1, 3]], axis=0).tolist() == [0, 0]
    assert_allclose(P[0, [1, 3]], [0.5 / 61, 60.5 / 61])
    assert np.ptp(P[:, [0, 2]], axis=0).min() > 0


@pytest.mark.filterwarnings("ignore::sklearn_metalabel.ConstantLabelWarning")
def test_one_sample_trains_a_learner_but_is_too_few_for_folds():
    for estimator in ESTIMATORS[1:-1]:
        assert clone(estimator).fit(X[:1], Y[:1]).predict(X[:1]).shape == (1, 4)
    assert_refuses(ESTIMATORS[-1], X[:1], Y[:1], ValueError, "cv=3 folds need at least 3 samples.*n_samples=1")
    assert_refuses(MetaPolicyClassifier(), X[:1], Y[:1], ValueError, "cv=3 folds need at least 3 samples.*n_samples=1")
    assert_refuses(MetaPolicyClassifier(cv=5), X[:4], Y[:4], ValueError, "cv=5 folds need at least 5 samples")
    paper = MetaPolicyClassifier.from_paper(training_policy__n_episodes=1)
    assert paper.fit(X[:1], Y[:1]).predict(X[:1]).shape == (1, 4)


@pytest.mark.parametrize("base", [None, small_torch(), LogisticRegression()], ids=["default", "torch", "sklearn"])
@pytest.mark.filterwarnings("ignore::sklearn_metalabel.ConstantLabelWarning")
def test_as_many_samples_as_folds_are_enough(base):
    assert MetaPolicyClassifier(base).fit(X[:3], Y[:3]).predict(X).shape == Y.shape


class NaNModule(nn.Linear):
    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)

    def forward(self, x):
        return super().forward(x) * float("nan")


class NaNWhenEvaluated(nn.Linear):
    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)

    def forward(self, x):
        return super().forward(x) * (1.0 if self.training else float("nan"))


def too_few_outputs(n_features):
    return nn.Linear(n_features, 3)


def no_tensor(n_features):
    return nn.LSTM(n_features, 4)


def flat(n_features):
    return nn.Sequential(nn.Linear(n_features, 1), nn.Flatten(0))


def no_module():
    return 3


BAD_MODULES = {
    too_few_outputs: (ValueError, r"must return logits of shape \(batch, n_labels\) = \(60, 4\), got \(60, 3\)"),
    flat: (ValueError, r"= \(60, 4\), got \(60,\); give its last layer one output for each label"),
    no_tensor: (ValueError, r"must return logits of shape .* got tuple"),
    no_module: (TypeError, "must be a torch.nn.Module, a class of modules or a function.* which gave a int"),
    NaNModule: (ValueError, r"training loss became nan at update 1: lower the learning rate \(lr=0.001\)"),
}


@pytest.mark.parametrize("module", BAD_MODULES, ids=lambda module: module.__name__)
@pytest.mark.parametrize("make", [TorchClassifier, LabelWeightedClassifier, MetaPolicyClassifier])
def test_a_module_that_does_not_fit_is_named(make, module):
    error, match = BAD_MODULES[module]
    match = match.replace("60", "40" if make is MetaPolicyClassifier else "60")
    assert_refuses(make(module), X, Y, error, match)


def test_a_module_that_gives_nan_at_prediction_is_refused():
    classifier = TorchClassifier(NaNWhenEvaluated, n_epochs=1).fit(X, Y)
    before = dict(vars(classifier))
    with pytest.raises(ValueError, match="logits are NaN for some rows"):
        classifier.predict(X)
    assert vars(classifier).keys() == before.keys()
    assert_refuses(MetaPolicyClassifier(classifier), X, Y, ValueError, "logits are NaN for some rows")


def test_a_learning_rate_that_diverges_is_caught_at_the_step():
    match = r"training loss became (nan|inf) at update \d+: lower the learning rate \(lr=1e\+30\) or scale"
    diverging = small_torch(lr=1e30, optimizer="sgd")
    assert_refuses(diverging, X, Y, ValueError, match)
    assert_refuses(MetaPolicyClassifier(diverging), X, Y, ValueError, match)


class NoFit:
    pass


BAD_LEARNERS = {
    "no sample_weight": (KNeighborsClassifier(), "KNeighborsClassifier cannot weight labels.*has neither"),
    "a pipeline": (make_pipeline(LogisticRegression()), "Pipeline cannot weight labels.*put transformers before"),
    "a class": (LogisticRegression, "got the class LogisticRegression: pass an instance of it"),
    "a class of something": (dict, "got the class dict: pass a torch.nn.Module class"),
    "no fit": (NoFit(), "NoFit cannot be a base learner: it has no fit and no predict_proba"),
    "no predict_proba": (Perceptron(), "Perceptron cannot be a base learner: it has no predict_proba.*Calibrated"),
    "a string": ("logistic", "str cannot be a base learner"),
}


@pytest.mark.parametrize("case", BAD_LEARNERS)
@pytest.mark.parametrize("make", [MetaPolicyClassifier, LabelWeightedClassifier])
def test_a_base_learner_that_cannot_be_weighted_is_refused(make, case):
    base, match = BAD_LEARNERS[case]
    assert_refuses(make(base), X, Y, TypeError, match)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=short_name)
def test_prediction_before_fit_is_refused(estimator, method):
    with pytest.raises(NotFittedError, match=f"This {type(estimator).__name__} instance is not fitted yet"):
        getattr(clone(estimator), method)(X)


def test_a_greedy_episode_before_fit_is_refused():
    with pytest.raises(NotFittedError, match="This GRUPolicy is not trained; fit a MetaPolicyClassifier"):
        GRUPolicy().greedy_episode()


def test_another_number_of_features_is_refused(fitted):
    named = fitted.estimator_ if isinstance(fitted, DELEGATING) else fitted
    with pytest.raises(ValueError, match=f"X has 3 features, but {type(named).__name__} is expecting 8"):
        fitted.predict(X[:, :3])


@pytest.mark.parametrize("device", ["cuda:77", "banana", "cpu:x"])
def test_a_device_that_does_not_exist_is_refused(device):
    match = f"device='{device}' does not exist here; the devices found are .*'cpu'.*Choose one of them"
    assert_refuses(TorchClassifier(mlp, device=device), X, Y, ValueError, match)
    assert_refuses(MetaPolicyClassifier(TorchClassifier(mlp, device=device)), X, Y, ValueError, match)


def test_a_device_that_is_gone_is_named_at_prediction():
    fitted = small_torch(n_epochs=1).fit(X, Y).set_params(device="banana")
    with pytest.raises(ValueError, match="device='banana' does not exist here"):
        fitted.predict(X)


INVALID = {
    "training_policy": ["lstm", "paired", 3, GRUPolicy, LearnedThresholds()],
    "prediction_policy": [
        "best",
        "policy",
        3,
        [],
        ["half", "best"],
        ["half", "episode"],
        LearnedThresholds,
        GRUPolicy(),
    ],
    "scoring": [
        *("f_one", "f1", "roc_auc", 3, (), ("f_one",), ("f1_micro", "roc_auc"), lambda y_true, y_pred: y_true),
        *("strict_accuracy", "micro_f1", "macro_f1", "samples_f1"),
    ],
    "allow_unlabeled": ["yes", None],
    "cv": ["five", 1.5, True],
    "refit": ["yes", 2.0, None],
    "warm_start": ["yes", 2.0],
    "n_jobs": [1.5, "all"],
    "random_state": ["zero", -1],
    "memory": [3, True, ["folder"]],
    "verbose": ["loud", -1],
}
NO_WEIGHTS = ["rare", None, 0.5, [1, 1], [1, 1, 1, 0], [1, 1, 1, np.nan], lambda Y: [1.0]]
INVALID_RECURRENT = {
    "n_episodes": [0, 1.5, "3", True],
    "reward": ["f1", 3],
    "hidden_size": [0, 1.5],
    "learning_rate": [0, -1, "0.1", np.nan],
    "update_epochs": [0, 1.5],
    "n_steps": [0, 2.5, "all"],
    "updates_per_step": [0, 2.5, "all"],
    "update_interval": [0, 2.5, "auto"],
    "credit": ["all", None],
    "discount": [-0.1, 1.1, "1", np.nan],
    "exploration": [0.3, "auto", (0.1,), (0.1, 0.0), (0.1, -1.0), (0.1, "0.2"), (0.1, 0.2, 0.3), (0.1, np.nan)],
    "n_threshold_samples": [0, 1.5],
    "learn_weights": ["yes", 2.0, None],
    "learn_thresholds": ["yes", 2.0, None],
    "anchor": NO_WEIGHTS,
    "shrinkage": [-0.1, "0", np.nan],
    "initial_weights": ["uniform", 0.5, [1, 1], [1, 1, 1, 0], [1, 1, 1, np.nan], np.ones((2, 2))],
    "initial_thresholds": ["half", 0.0, 1.0, [0.5, 0.5], [0.5, 0.5, 0.5, 1.0], [0.5, 0.5, 0.5, np.nan]],
}
INVALID_TRAINING = {
    PolicySearch: {"reward": ["f1", 3], "weights": NO_WEIGHTS, "n_folds": [0, 1.5, "all", True]},
    PretrainedPolicy: {
        "weights": NO_WEIGHTS,
        "n_folds": [0, 1.5, "all", True],
        "fallback": [None, 1, "equal"],
        "n_episodes": [-1, 1.5, "auto", True],
        "prior": [[1.0], "best", 0.5],
    },
    FixedWeights: {"weights": NO_WEIGHTS, "hierarchy": [3, [1, 0, 0, 0], [-1, 0]]},
    SharedGRUPolicy: INVALID_RECURRENT,
    GRUPolicy: INVALID_RECURRENT,
}
NO_DEPENDENCE = ["sets", None, 1, 0.5]
INVALID_PREDICTION = {
    LearnedThresholds: {"n_steps": [-1, 1.5, "all", True], "dependence": NO_DEPENDENCE},
    ThresholdRule: {"rule": ["best", "plug_in", None, 3], "dependence": NO_DEPENDENCE},
    ShrunkenThresholds: {"kappa": [-1.0, "10", np.nan], "dependence": NO_DEPENDENCE},
    PlugInThresholds: {"balance": [-0.1, 1.0, "all", np.nan], "dependence": NO_DEPENDENCE},
    SCutFBRThresholds: {
        "fbr": ["best", -0.1, 1.5],
        "variant": [2, "0", None],
        "n_folds": [1, 1.5],
        "dependence": NO_DEPENDENCE,
    },
    ConstrainedThresholds: {
        "metric": ["f1", None],
        "level": [0, 1.0, "0.9"],
        "confidence": [95, 1.0, "high"],
        "miss_cost": [0, -1, "2", 2.0],
    },
    FixedThresholds: {"thresholds": [1.5, "half", np.nan, [0.5, 0.5], np.full((4, 1), 0.5)]},
    BestThresholds: {"policies": [[], "half", [3], ["best"], [EpisodeThresholds()]]},
    EpisodeThresholds: {},
}


class Counting(LabelWeightedLogistic):
    """Counts the trainings of all copies."""

    n_trained = 0

    def _fit_labels(self, X, Y, **options):
        Counting.n_trained += 1
        super()._fit_labels(X, Y, **options)


@cache
def fitted_meta():
    """A fitted MetaPolicyClassifier to copy, and its probabilities."""
    policies = {"training_policy": "uniform", "prediction_policy": "half"}
    meta = MetaPolicyClassifier(Counting(), **policies, cv=2, random_state=0).fit(X, Y)
    return meta, meta.predict_proba(X)


def assert_refuses_untrained(params, match):
    """An unfitted and a fitted MetaPolicyClassifier refuse these parameters before anything is trained."""
    error = (ValueError, TypeError)
    fresh = MetaPolicyClassifier(Counting(), cv=2, random_state=0)
    fitted, P = deepcopy(fitted_meta())
    Counting.n_trained = 0
    assert_refuses(fresh.set_params(**params), X, Y, error, match)
    fitted.set_params(**{"training_policy": None, "prediction_policy": None, **params})
    assert_refuses(fitted, X, Y, error, match)
    assert Counting.n_trained == 0
    assert_array_equal(fitted.predict_proba(X), P)


def flat_cases(table):
    """Pairs of a name and an invalid value, as parameters of a test with short names."""
    pairs = [(*key, value) for key, values in table.items() for value in values]
    return [pytest.param(*pair, id=f"{pair[-2]}-{number}") for number, pair in enumerate(pairs)]


def test_every_parameter_of_the_main_estimator_and_of_every_policy_has_invalid_values_here():
    assert INVALID.keys() | {"estimator"} == MetaPolicyClassifier().get_params(deep=False).keys()
    tables = {**INVALID_TRAINING, **INVALID_PREDICTION}
    assert {name for name in policies.__all__ if hasattr(getattr(policies, name), "get_params")} - {
        "TrainingPolicy",
        "PredictionPolicy",
    } == {kind.__name__ for kind in tables}
    for kind, table in tables.items():
        assert set(kind._get_param_names()) == table.keys()


@pytest.mark.parametrize(("name", "value"), flat_cases({(name,): values for name, values in INVALID.items()}))
def test_an_invalid_parameter_is_refused_by_name(name, value):
    assert_refuses_untrained({name: value}, name)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    flat_cases({(kind, name): v for kind, table in INVALID_TRAINING.items() for name, v in table.items()}),
)
def test_an_invalid_parameter_of_a_training_policy_is_refused_by_name(kind, name, value):
    if name == "hierarchy":
        policy = FixedWeights("hierarchy", hierarchy=value)
    else:
        policy = kind(**{name: value})
    assert_refuses_untrained({"training_policy": policy}, "hierarchy|no cycle" if name == "hierarchy" else name)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    flat_cases({(kind, name): v for kind, table in INVALID_PREDICTION.items() for name, v in table.items()}),
)
def test_an_invalid_parameter_of_a_prediction_policy_is_refused_by_name(kind, name, value):
    match = "prediction_policy" if kind is BestThresholds else name
    assert_refuses_untrained({"prediction_policy": kind(**{name: value})}, match)


NEEDS_ROWS = "needs held-out rows, and cv=None holds none out; set cv=3"
REFUSED_TOGETHER = {
    "episode thresholds of the search": ({"prediction_policy": "episode"}, "PolicySearch proposes none"),
    "episode thresholds of given weights": (
        {"training_policy": "uniform", "prediction_policy": EpisodeThresholds()},
        'prediction_policy="episode".*FixedWeights proposes none',
    ),
    "the search without held-out rows": ({"cv": None}, rf"training_policy=PolicySearch\(\) {NEEDS_ROWS}"),
    "the search by name without held-out rows": (
        {"cv": None, "training_policy": "search", "prediction_policy": FixedThresholds()},
        rf"training_policy=PolicySearch\(\) {NEEDS_ROWS}",
    ),
    "learned thresholds without held-out rows": (
        {"cv": None, "training_policy": "shared"},
        f"prediction_policy='learned' {NEEDS_ROWS}",
    ),
    "pre-trained thresholds without held-out rows": (
        {"cv": None, "training_policy": "uniform", "prediction_policy": "pretrained"},
        f"prediction_policy='pretrained' {NEEDS_ROWS}",
    ),
    "a rule without held-out rows": (
        {"cv": None, "training_policy": "gru", "prediction_policy": "half"},
        f"prediction_policy='half' {NEEDS_ROWS}",
    ),
    "a function without held-out rows": (
        {"cv": None, "training_policy": "gru", "prediction_policy": medians},
        f"prediction_policy='medians' {NEEDS_ROWS}",
    ),
    "several without held-out rows": (
        {"cv": None, "training_policy": "gru", "prediction_policy": ["half", "scut"]},
        f"prediction_policy='best of several' {NEEDS_ROWS}",
    ),
    "given weights without held-out rows or thresholds": (
        {"cv": None, "training_policy": FixedWeights("frequency"), "prediction_policy": "episode"},
        'prediction_policy="episode".*FixedWeights proposes none',
    ),
}


@pytest.mark.parametrize("case", REFUSED_TOGETHER)
def test_what_cannot_work_together_is_refused_by_name(case):
    assert_refuses_untrained(*REFUSED_TOGETHER[case])


def test_what_works_without_held_out_rows_is_trained():
    given = MetaPolicyClassifier(cv=None, training_policy="uniform", prediction_policy=FixedThresholds(0.3)).fit(X, Y)
    assert_array_equal(given.thresholds_, np.full(4, 0.3))
    assert_array_equal(given.estimator_.coef_, LabelWeightedLogistic().fit(X, Y).coef_)
    assert (given.best_score_, given.cv_results_) == (None, {})
    policy = SharedGRUPolicy(n_episodes=1, learn_thresholds=False, initial_thresholds=0.2)
    kept = MetaPolicyClassifier(cv=None, training_policy=policy, prediction_policy="episode").fit(X, Y)
    assert_allclose(kept.thresholds_, 0.2, rtol=1e-6)


INVALID_LEARNERS = [
    (LabelWeightedLogistic(C=0), "'C'"),
    (LabelWeightedLogistic(fit_intercept="yes"), "'fit_intercept'"),
    (LabelWeightedLogistic(tol=-1), "'tol'"),
    (LabelwiseClassifier(3), "'estimator'"),
    (LabelwiseClassifier(sgd(), incremental="always"), "'incremental'"),
    (LabelwiseClassifier(sgd(), batch_size=0), "'batch_size'"),
    (LabelwiseClassifier(sgd(), n_epochs=0), "'n_epochs'"),
    (LabelwiseClassifier(sgd(), n_jobs=0.5), "'n_jobs'"),
    (TorchClassifier(3), "'module'"),
    (TorchClassifier(mlp, optimizer=3), "'optimizer'"),
    (TorchClassifier(mlp, lr=0), "'lr'"),
    (TorchClassifier(mlp, batch_size=0), "'batch_size'"),
    (TorchClassifier(mlp, n_epochs=0), "'n_epochs'"),
    (TorchClassifier(mlp, scheduler=3), "'scheduler'"),
    (TorchClassifier(mlp, early_stopping="yes"), "'early_stopping'"),
    (TorchClassifier(mlp, validation_fraction=1.0), "'validation_fraction'"),
    (TorchClassifier(mlp, n_iter_no_change=0), "'n_iter_no_change'"),
    (TorchClassifier(mlp, tol=-1), "'tol'"),
    (TorchClassifier(mlp, scoring=None), "'scoring'"),
    (TorchClassifier(mlp, verbose="loud"), "'verbose'"),
    (TorchClassifier(mlp, device=0), "'device'"),
    (LabelWeightedClassifier(label_weight="depth"), "'label_weight'"),
    (LabelWeightedClassifier(hierarchy=3), "'hierarchy'"),
    (TunedThresholdsClassifierCV(memory=3), "'memory'"),
]


@pytest.mark.parametrize(
    ("estimator", "match"), INVALID_LEARNERS, ids=lambda v: v if isinstance(v, str) else type(v).__name__
)
def test_an_invalid_parameter_of_a_learner_is_refused_by_name(estimator, match):
    assert_refuses(estimator, X, Y, InvalidParameterError, match)


def test_an_unknown_optimizer_is_refused():
    assert_refuses(TorchClassifier(mlp, optimizer="adamm"), X, Y, ValueError, r"optimizer must be one of \['adadelta'")


def test_incremental_training_needs_partial_fit():
    assert_refuses(
        LabelwiseClassifier(LogisticRegression(), incremental=True), X, Y, ValueError, "LogisticRegression has none"
    )


@pytest.mark.parametrize("make", [LabelWeightedLogistic, lambda: small_torch(), lambda: LabelwiseClassifier(sgd())])
@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ([1.0, 2.0], r"one weight for each of the 4 labels, got shape \(2,\)"),
        (2.0, r"one weight for each of the 4 labels, got shape \(\)"),
        ([1.0, 1.0, 1.0, 0.0], "finite and positive, got values from 0.0 to 1.0"),
        ([1.0, 1.0, 1.0, -2.0], "finite and positive, got values from -2.0"),
        ([1.0, 1.0, 1.0, np.inf], "finite and positive"),
        ([1.0, 1.0, 1.0, np.nan], "finite and positive"),
    ],
)
def test_bad_label_weights_are_refused(make, weights, match):
    assert_refuses(make(), X, Y, ValueError, f"label_weight must (have|be) {match}", label_weight=weights)
    if np.ndim(weights) == 1:
        assert_refuses(LabelWeightedClassifier(label_weight=weights), X, Y, ValueError, match)


def test_weights_given_to_a_function_are_checked_too():
    assert_refuses(LabelWeightedClassifier(label_weight=lambda Y: [1.0]), X, Y, ValueError, "for each of the 4 labels")


def test_unknown_metadata_is_refused():
    match = r"MetaPolicyClassifier.fit got unexpected arguments \['sample_weights'\]; it takes sample_weight"
    assert_refuses(MetaPolicyClassifier(), X, Y, TypeError, match, sample_weights=np.ones(60))


@pytest.mark.parametrize("estimator", [LabelWeightedClassifier(), MetaPolicyClassifier.from_paper(), small_torch()])
def test_groups_are_refused_where_nothing_is_split(estimator):
    assert_refuses(estimator, X, Y, TypeError, r"unexpected arguments \['groups'\]", groups=np.ones(60))


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("n_epoch", "n_epochs"), ("hidden", "module__hidden"), ("batchsize", "batch_size")]
)
def test_a_misspelt_parameter_is_refused_with_the_nearest(misspelt, meant):
    match = f"has no parameter '{misspelt}'; did you mean {meant}[?]"
    assert_refuses(TorchClassifier(mlp, **{misspelt: 3}), X, Y, TypeError, match)
    assert_refuses(MetaPolicyClassifier(TorchClassifier(mlp, **{misspelt: 3})), X, Y, TypeError, match)


def test_a_parameter_like_no_other_is_refused_with_all_names():
    assert_refuses(TorchClassifier(mlp, zzz=3), X, Y, TypeError, r"did you mean \['module', 'optimizer', 'lr'")


def test_an_unknown_parameter_cannot_be_set():
    with pytest.raises(ValueError, match="Invalid parameter 'n_epoch'"):
        TorchClassifier(mlp).set_params(n_epoch=3)


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda Y, P, t: np.zeros(3), r"one number for each of the 4 labels, got shape \(3,\)"),
        (lambda Y, P, t: np.zeros((4, 1)), r"one number for each of the 4 labels, got shape \(4, 1\)"),
        (lambda Y, P, t: np.full(4, np.nan), "reward must be finite"),
        (lambda Y, P, t: np.inf, "reward must be finite"),
    ],
)
def test_a_reward_of_the_wrong_shape_or_value_is_refused(function, match):
    assert_refuses(MetaPolicyClassifier(training_policy=PolicySearch(function)), X, Y, ValueError, match)


@pytest.mark.parametrize(
    ("hierarchy", "match"),
    [
        ([1, 2, 0, -1], "must have no cycle, got one through '[012]'"),
        ([0, -1, -1, -1], "must have no cycle, got one through '0'"),
        ([-1, 0], r"one parent index .* for each of the 4 labels, .* got list of shape \(2,\)"),
        ([-1, 0, 0, 4], "label indices from 0 to 3, got 4"),
        ([-1, 0, 0, 0.5], "one parent index"),
        ({"red": "colour"}, "must relate labels such as"),
    ],
)
def test_a_bad_hierarchy_is_refused(hierarchy, match):
    estimator = LabelWeightedClassifier(label_weight="hierarchy", hierarchy=hierarchy)
    assert_refuses(estimator, X, Y, ValueError, match)
