"""Hundreds of generated bad inputs: each is refused in one sentence, and leaves what it was given to as it was.

The cases are products: of the public classes and functions, and of what can be wrong with a parameter, with X, Y, P,
thresholds or weights. Parameters with declared constraints are tried with everything that these exclude.
Entries of Y that are missing are not among the cases: they are labels that are not known.
"""

import linecache
import re
from copy import deepcopy
from functools import cache, partial
from numbers import Integral, Real
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from _cases import MLP, small_torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils._param_validation import Interval, StrOptions, make_constraint

import sklearn_metalabel
from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
    baselines,
    datasets,
    learners,
    model_selection,
    nn,
    policies,
    rewards,
    text,
    thresholds,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.datasets import load_multidigits, make_hierarchical_multilabel
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.inspection import (
    LabelConfusionDisplay,
    PolicyDisplay,
    ThresholdCurveDisplay,
    TrainingPolicyDisplay,
    label_confusion,
    label_report,
)
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier
from sklearn_metalabel.metrics import loose_macro_f1_score, loose_micro_f1_score, strict_accuracy_score
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
from sklearn_metalabel.rewards import (
    AveragePrecisionReward,
    CostReward,
    HammingMarginReward,
    RatioReward,
    SoftF1Reward,
)
from sklearn_metalabel.text import Embeddings, MentionSequencer, TokenSequencer
from sklearn_metalabel.thresholds import OutOfFold

N_LABELS = 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(18, 4))
Y = (X[:, :N_LABELS] + 0.3 * RNG.normal(size=(18, N_LABELS)) > 0).astype(int)
P = np.clip(0.3 * Y + 0.6 * RNG.random(Y.shape), 0.01, 0.99)
WORDS = [["oil", "rose"], ["wheat", "fell"], ["oil", "fell"]]
TEXTS = [" ".join(words) for words in WORDS]
MENTIONS = [(words, 0, 1) for words in WORDS]


class Rubbish:
    """What no parameter takes."""

    def __repr__(self):
        return "Rubbish()"


# Values to try on parameters; those that a parameter takes are left out for it.
VALUES = {
    "an object": Rubbish(),
    "a wrong name": "no such name",
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "-0.5": -0.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "a complex number": 1j,
    "bytes": b"auto",
    "a set": {0.5},
    "a matrix": np.ones((2, 5)),
    "None": None,
}


class Case(NamedTuple):
    """A call that must be refused."""

    name: str
    call: object


# --- Parameters ---------------------------------------------------------------------------------------------------

ESTIMATORS = {
    "meta": MetaPolicyClassifier(training_policy="uniform", prediction_policy="half", cv=2, random_state=0),
    "weighted": LabelWeightedClassifier(),
    "fixed": FixedThresholdsClassifier(),
    "tuned": TunedThresholdsClassifierCV(prediction_policy="half", cv=2, random_state=0),
    "logistic": LabelWeightedLogistic(),
    "labelwise": LabelwiseClassifier(LogisticRegression()),
    "torch": small_torch(MLP, n_epochs=1, random_state=0),
    "features": PredictionsAsFeaturesClassifier(random_state=0),
    "subsets": SubsetMaximizationClassifier(hidden_size=4, embedding_dim=2, n_epochs=1, device="cpu", random_state=0),
}
SEQUENCERS = {"tokens": (TokenSequencer(), TEXTS), "mentions": (MentionSequencer(), MENTIONS)}
AT_LEAST = {least: [Interval(Integral, least, None, closed="left")] for least in (0, 1, 2)}
POSITIVE = [Interval(Real, 0, None, closed="neither")]
NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
SHARE = [Interval(Real, 0, 1, closed="neither")]
UNIT = [Interval(Real, 0, 1, closed="both")]
NOTHING = [StrOptions({"a name that is not tried"})]
NUMBER_OR_AUTO = [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})]
REWARD = [StrOptions(set(rewards.__all__)), callable]
RECURRENT = {
    "n_episodes": AT_LEAST[1],
    "reward": REWARD,
    "hidden_size": AT_LEAST[1],
    "learning_rate": POSITIVE,
    "update_epochs": AT_LEAST[1],
    "n_steps": NUMBER_OR_AUTO,
    "updates_per_step": NUMBER_OR_AUTO,
    "update_interval": [Interval(Integral, 1, None, closed="left"), None],
    "credit": NOTHING,
    "discount": UNIT,
    "exploration": NOTHING,
    "n_threshold_samples": AT_LEAST[1],
    "learn_weights": ["boolean"],
    "learn_thresholds": ["boolean"],
    "anchor": NOTHING,
    "shrinkage": NOT_NEGATIVE,
    "initial_weights": [None],
    "initial_thresholds": [*SHARE, None],
}
# What the parameters of classes without declared constraints take; scikit-learn's constraints say it shortly.
SWITCH = ["boolean", StrOptions({"auto"})]
TAKES_TRAINING = {
    PolicySearch: {"reward": REWARD, "weights": NOTHING, "n_folds": NUMBER_OR_AUTO},
    PretrainedPolicy: {
        "weights": NOTHING,
        "n_folds": NUMBER_OR_AUTO,
        "fallback": ["boolean"],
        "n_episodes": [Interval(Integral, 0, None, closed="left")],
        "prior": [None],
    },
    FixedWeights: {"weights": NOTHING},
    GRUPolicy: RECURRENT,
    SharedGRUPolicy: RECURRENT,
}
TAKES_PREDICTION = {
    LearnedThresholds: {"n_steps": AT_LEAST[0], "dependence": SWITCH},
    ThresholdRule: {"dependence": SWITCH, "rule": NOTHING},
    ShrunkenThresholds: {"dependence": SWITCH, "kappa": [Interval(Real, 0, None, closed="both")]},
    PlugInThresholds: {"dependence": SWITCH, "balance": [Interval(Real, 0, 0.95, closed="both")]},
    SCutFBRThresholds: {
        "dependence": SWITCH,
        "fbr": UNIT,
        "variant": [Interval(Integral, 0, 1, closed="both")],
        "n_folds": AT_LEAST[2],
    },
    FixedThresholds: {"thresholds": UNIT},
    ConstrainedThresholds: {
        "metric": NOTHING,
        "level": SHARE,
        "confidence": [*SHARE, None],
        "miss_cost": [*SHARE, None],
    },
    BestThresholds: {"policies": NOTHING},
    EpisodeThresholds: {},
}
TAKES_REWARD = {
    CostReward: {"false_positive": NOT_NEGATIVE, "false_negative": NOT_NEGATIVE},
    HammingMarginReward: {"width": POSITIVE, "balanced": ["boolean"]},
    RatioReward: {"clip": [None]},
    SoftF1Reward: {"sharpness": [Interval(Real, 0, None, closed="right")], "smoothing": NOT_NEGATIVE},
    AveragePrecisionReward: {},
}
FOLDS = {"n_splits": AT_LEAST[2], "shuffle": ["boolean"], "random_state": ["random_state"]}
TAKES_SPLITTER = {
    model_selection.MultilabelStratifiedKFold: FOLDS,
    model_selection.MultilabelStratifiedGroupKFold: FOLDS,
    model_selection.MultilabelStratifiedShuffleSplit: {
        "n_splits": AT_LEAST[1],
        "test_size": [Interval(Integral, 1, None, closed="left"), *SHARE, None],
        "train_size": [Interval(Integral, 1, None, closed="left"), *SHARE, None],
        "random_state": ["random_state"],
    },
}


def refused_values(constraints):
    """Names and values of what no constraint takes."""
    checks = [make_constraint(each) for each in constraints]
    return {name: value for name, value in VALUES.items() if not any(check.is_satisfied_by(value) for check in checks)}


@cache
def fitted(name):
    """One of the estimators, fitted; `Case` has it watched."""
    return clone(ESTIMATORS[name]).fit(X, Y)


def bad_parameters_of_estimators():
    for kind, estimator in ESTIMATORS.items():
        constraints = dict(type(estimator)._parameter_constraints)
        # The base learner is looked at by what it can do.
        constraints = {name: [None] if takes == "no_validation" else takes for name, takes in constraints.items()}
        for name, takes in constraints.items():
            for what, value in refused_values(takes).items():
                yield Case(f"{kind}({name}={what})", partial(refit, kind, {name: value}))


def refit(kind, params, labels=Y):
    """Fit a copy of a fitted estimator with other parameters; it must stay as it is from there on."""
    estimator = deepcopy(fitted(kind)).set_params(**params)
    unchanged(estimator, partial(estimator.fit, X, labels))


def unchanged(estimator, call):
    """Make a call that raises, and see that the estimator is what it was."""
    before, digest = dict(vars(estimator)), joblib.hash(vars(estimator))
    try:
        call()
    finally:
        after = vars(estimator)
        same = after.keys() == before.keys() and all(after[name] is value for name, value in before.items())
        if not same or joblib.hash(after) != digest:
            pytest.fail("the estimator changed")


def bad_parameters_of_policies():
    for role, table in (("training_policy", TAKES_TRAINING), ("prediction_policy", TAKES_PREDICTION)):
        for policy, parameters in table.items():
            for name, takes in parameters.items():
                for what, value in refused_values(takes).items():
                    params = {role: policy(**{name: value})}
                    yield Case(f"{policy.__name__}({name}={what})", partial(refit, "meta", params))


def bad_parameters_of_rewards():
    for reward, parameters in TAKES_REWARD.items():
        for name, takes in parameters.items():
            for what, value in refused_values(takes).items():
                made = reward(**{name: value})
                yield Case(f"{reward.__name__}({name}={what})", partial(made, Y, P, np.full(N_LABELS, 0.5)))
                params = {"training_policy": PolicySearch(made)}
                yield Case(f"search by {reward.__name__}({name}={what})", partial(refit, "meta", params))


def bad_parameters_of_splitters():
    for splitter, parameters in TAKES_SPLITTER.items():
        for name, takes in parameters.items():
            for what, value in refused_values(takes).items():
                extra = {"shuffle": True} if name == "random_state" and "shuffle" in parameters else {}
                yield Case(f"{splitter.__name__}({name}={what})", partial(split, splitter, {name: value, **extra}))


def split(splitter, params, rows=X, labels=Y, groups=None):
    is_grouped = splitter is model_selection.MultilabelStratifiedGroupKFold
    groups = np.arange(len(X)) if groups is None and is_grouped else groups
    list(splitter(**params).split(rows, labels, groups))


def bad_parameters_of_sequencers():
    for kind, (sequencer, documents) in SEQUENCERS.items():
        for name, takes in type(sequencer)._parameter_constraints.items():
            for what, value in refused_values(takes).items():
                estimator = clone(sequencer).set_params(**{name: value})
                yield Case(f"{kind}({name}={what})", partial(unchanged, estimator, partial(estimator.fit, documents)))


# --- Data ---------------------------------------------------------------------------------------------------------


def with_entry(array, value, dtype=float):
    changed = array.astype(dtype)
    changed[3, 1] = value
    return changed


BAD_X = {
    "NaN": with_entry(X, np.nan),
    "infinity": with_entry(X, np.inf),
    "minus infinity": with_entry(X, -np.inf),
    "text": X.astype(str).astype(object) + "a",
    "text among numbers": with_entry(X, "a", object),
    "an object among numbers": with_entry(X, Rubbish(), object),
    "complex numbers": X + 1j,
    "sparse NaN": sp.csr_array(with_entry(X, np.nan)),
    "a number": 3.0,
    "a string": "abc",
    "None": None,
    "an object": Rubbish(),
    "one dimension": X[:, 0],
    "no columns": X[:, :0],
    "no rows": X[:0],
    "categories": pd.DataFrame(X).assign(c=pd.Categorical(["a", "b"] * 9)),
    "masked entries": np.ma.masked_less(X, 0),
    "ragged rows": [[1.0, 2.0], [1.0]] * 9,
}
BAD_TRAINING_X = {
    **BAD_X,
    "fewer rows": X[:7],
    "more rows": np.vstack([X, X]),
    "fewer sparse rows": sp.csr_array(X[:7]),
    "columns of one name": pd.DataFrame(X, columns=["a", "b", "c", "c"]),
    "mixed names of columns": pd.DataFrame(X, columns=["a", "b", 2, 3]),
}
BAD_Y = {
    "a 2": with_entry(Y, 2),
    "a -1": with_entry(Y, -1),
    "a half": with_entry(Y, 0.5),
    "infinity": with_entry(Y, np.inf),
    "minus infinity": with_entry(Y, -np.inf),
    "2 in an integer": with_entry(Y, 2, int),
    "2 in a sparse matrix": sp.csr_array(2 * Y),
    "infinity in a sparse matrix": sp.csr_array(with_entry(Y, np.inf)),
    "text": Y.astype(str),
    "text among numbers": with_entry(Y, "a", object),
    "an object among numbers": with_entry(Y, Rubbish(), object),
    "complex numbers": Y + 1j,
    "bytes": Y.astype("S1"),
    "dates": Y.astype("datetime64[D]"),
    "continuous numbers": X[:, :2],
    "three dimensions": Y[:, :, None],
    "no columns": Y[:, :0],
    "no rows": Y[:0],
    "fewer rows": Y[:7],
    "more rows": np.vstack([Y, Y]),
    "fewer sparse rows": sp.csr_array(Y[:7]),
    "None": None,
    "a string": "abc",
    "a number": 1,
    "an object": Rubbish(),
    "one class": np.ones(18),
    "continuous targets": X[:, 0],
    "lists of labels": [["a"], ["a", "b"], []] * 6,
    "sets of labels": [{"a"}, {"a", "b"}, set()] * 6,
    "a frame of text": pd.DataFrame(Y.astype(str)),
    "a frame of dates": pd.DataFrame({"d": pd.date_range("2020", periods=18), "e": pd.date_range("2020", periods=18)}),
}
BAD_WEIGHTS = {
    "too few": np.ones(7),
    "too many": np.ones(19),
    "a negative one": np.r_[-1.0, np.ones(17)],
    "NaN": np.r_[np.nan, np.ones(17)],
    "infinity": np.r_[np.inf, np.ones(17)],
    "only zeros": np.zeros(18),
    "text": ["a"] * 18,
    "a string": "balanced",
    "a matrix": np.ones((18, 2)),
    "complex numbers": np.ones(18) * 1j,
    "an object": Rubbish(),
    "objects": [Rubbish()] * 18,
    "ragged rows": [[1.0], [1.0, 2.0]] * 9,
}


def bad_data_of_estimators():
    for kind in ESTIMATORS:
        for on, state in ((on_fitted, "fitted"), (on_unfitted, "unfitted")):
            for what, bad in BAD_TRAINING_X.items():
                yield Case(f"{state} {kind}.fit of X with {what}", partial(on, kind, "fit", bad, Y))
            for what, bad in BAD_Y.items():
                yield Case(f"{state} {kind}.fit of Y with {what}", partial(on, kind, "fit", X, bad))
            for what, bad in BAD_WEIGHTS.items():
                yield Case(
                    f"{state} {kind}.fit of weights with {what}", partial(on, kind, "fit", X, Y, sample_weight=bad)
                )
        for what, bad in {**BAD_X, "fewer columns": X[:, :2], "more columns": np.hstack([X, X])}.items():
            for method in ("predict", "predict_proba", "decision_function"):
                yield Case(f"{kind}.{method} of X with {what}", partial(on_fitted, kind, method, bad))
        for method in ("predict", "predict_proba", "decision_function"):
            yield Case(f"{kind}.{method} before fit", partial(on_unfitted, kind, method, X))


def on_fitted(kind, method, *args, **kwargs):
    unchanged(fitted(kind), partial(getattr(fitted(kind), method), *args, **kwargs))


def on_unfitted(kind, method, *args, **kwargs):
    estimator = clone(ESTIMATORS[kind])
    unchanged(estimator, partial(getattr(estimator, method), *args, **kwargs))


# --- Functions of truth and probabilities ---------------------------------------------------------------------------

BAD_TRUTH = {
    "a 2": with_entry(Y, 2),
    "a -1": with_entry(Y, -1),
    "a half": with_entry(Y, 0.5),
    "infinity": with_entry(Y, np.inf),
    "a sparse 2": sp.csr_array(2 * Y),
    "text": Y.astype(str),
    "text among numbers": with_entry(Y, "a", object),
    "an object among numbers": with_entry(Y, Rubbish(), object),
    "complex numbers": Y + 1j,
    "fewer rows": Y[:7],
    "fewer columns": Y[:, :2],
    "fewer sparse rows": sp.csr_array(Y[:7]),
    "one dimension": Y[:, 0],
    "three dimensions": Y[:, :, None],
    "None": None,
    "a number": 1,
    "a string": "abc",
    "an object": Rubbish(),
    "ragged rows": [[1, 0, 1], [1]] * 9,
}
BAD_PROBABILITIES = {
    "a 0": with_entry(P, 0.0),
    "a 1": with_entry(P, 1.0),
    "a negative number": with_entry(P, -0.1),
    "a number above 1": with_entry(P, 1.1),
    "NaN": with_entry(P, np.nan),
    "infinity": with_entry(P, np.inf),
    "log-odds": 10 * P - 5,
    "text": P.astype(str).astype(object) + "a",
    "text among numbers": with_entry(P, "a", object),
    "an object among numbers": with_entry(P, Rubbish(), object),
    "None among numbers": with_entry(P, None, object),
    "complex numbers": P + 1j,
    "sparse": sp.csr_array(P),
    "one dimension": P[:, 0],
    "three dimensions": P[:, :, None],
    "no rows": P[:0],
    "no columns": P[:, :0],
    "None": None,
    "a number": 0.5,
    "a string": "abc",
    "an object": Rubbish(),
    "ragged rows": [[0.5, 0.5, 0.5], [0.5]] * 9,
}
BAD_THRESHOLDS = {
    "too few": [0.5],
    "too many": np.full(N_LABELS + 1, 0.5),
    "a negative one": [0.5, -0.1, 0.5],
    "one above 1": [0.5, 1.1, 0.5],
    "NaN": [0.5, np.nan, 0.5],
    "infinity": [0.5, np.inf, 0.5],
    "a number above 1": 1.5,
    "text": ["a", "b", "c"],
    "a string": "half",
    "complex numbers": np.full(N_LABELS, 0.5 + 1j),
    "None": None,
    "an object": Rubbish(),
    "three dimensions": np.full((1, 1, N_LABELS), 0.5),
    "ragged rows": [[0.5], [0.5, 0.5]],
}
BAD_LABEL_WEIGHTS = {
    "too few": [1.0],
    "too many": np.ones(N_LABELS + 1),
    "a negative one": [1.0, -1.0, 1.0],
    "a 0": [1.0, 0.0, 1.0],
    "NaN": [1.0, np.nan, 1.0],
    "infinity": [1.0, np.inf, 1.0],
    "text": ["a", "b", "c"],
    "complex numbers": np.ones(N_LABELS) * 1j,
    "objects": [Rubbish()] * N_LABELS,
    "a matrix": np.ones((1, N_LABELS)),
    "ragged rows": [[1.0], [1.0, 2.0], [1.0]],
    "none": [],
}
BY_NAME = {
    "one name": {"0": 0.5},
    "wrong names": {"a": 0.5, "b": 0.5, "c": 0.5},
    "one name too many": {"0": 0.5, "1": 0.5, "2": 0.5, "3": 0.5},
    "text by name": {"0": "a", "1": "b", "2": "c"},
    "nothing by name": {},
    "a series of wrong names": pd.Series([0.5, 0.5, 0.5], index=["a", "b", "c"]),
}


def bad_values_of_labels():
    for what, bad in {**BAD_THRESHOLDS, **BY_NAME}.items():
        yield Case(f"fixed(thresholds: {what})", partial(refit, "fixed", {"thresholds": bad}))
        params = {"prediction_policy": FixedThresholds(bad)}
        yield Case(f"FixedThresholds(thresholds: {what})", partial(refit, "meta", params))
    for what, bad in {**BAD_LABEL_WEIGHTS, **BY_NAME}.items():
        yield Case(f"weighted(label_weight: {what})", partial(refit, "weighted", {"label_weight": bad}))
        for make in (FixedWeights, PolicySearch):
            name = "weights"
            params = {"training_policy": make(**{name: bad})}
            yield Case(f"{make.__name__}({name}: {what})", partial(refit, "meta", params))
        for name in ("anchor", "initial_weights"):
            if (name, what) != ("initial_weights", "a series of wrong names"):  # which are in the order of the labels
                params = {"training_policy": GRUPolicy(**{name: bad})}
                yield Case(f"GRUPolicy({name}: {what})", partial(refit, "meta", params))
    names_twice = pd.DataFrame(Y, columns=["a", "a", "b"])
    for kind, name in (("fixed", "thresholds"), ("weighted", "label_weight")):
        params = {name: {"a": 0.5, "b": 0.5}}
        yield Case(f"{kind}({name}: a name of two labels)", partial(refit, kind, params, names_twice))
    for kind in ("logistic", "labelwise", "torch"):
        for what, bad in BAD_LABEL_WEIGHTS.items():
            call = partial(on_fitted, kind, "fit", X, Y, label_weight=bad)
            yield Case(f"{kind}.fit of label weights: {what}", call)


RULES = [
    thresholds.scut,
    thresholds.scutfbr,
    thresholds.global_threshold,
    thresholds.odr_micro,
    thresholds.odr_macro,
    thresholds.micromacro,
    thresholds.shrunken,
    thresholds.plug_in,
    thresholds.constrained,
    thresholds.pcut,
]
WEIGHTED = [rule for rule in RULES if rule not in (thresholds.constrained, thresholds.pcut)]
TAKES_OPTIONS = {
    thresholds.scutfbr: {
        "fbr": [Interval(Real, 0, 1, closed="both")],
        "variant": [Interval(Integral, 0, 1, closed="both")],
        "n_folds": AT_LEAST[2],
    },
    thresholds.shrunken: {"kappa": TAKES_PREDICTION[ShrunkenThresholds]["kappa"]},
    thresholds.plug_in: {"balance": TAKES_PREDICTION[PlugInThresholds]["balance"]},
    thresholds.constrained: TAKES_PREDICTION[ConstrainedThresholds],
}
SCORES = [loose_macro_f1_score, loose_micro_f1_score, strict_accuracy_score]


def bad_arguments_of_rules():
    for rule in RULES:
        for what, bad in BAD_TRUTH.items():
            if rule is thresholds.pcut and "fewer" in what and "rows" in what:
                continue  # shares of labels may come from other rows
            yield Case(f"{rule.__name__} of Y with {what}", partial(rule, bad, P))
        for what, bad in BAD_PROBABILITIES.items():
            yield Case(f"{rule.__name__} of P with {what}", partial(rule, Y, bad))
    for rule in WEIGHTED:
        for what, bad in BAD_WEIGHTS.items():
            yield Case(f"{rule.__name__} of weights with {what}", partial(rule, Y, P, sample_weight=bad))
    for rule, options in TAKES_OPTIONS.items():
        for name, takes in options.items():
            for what, value in refused_values(takes).items():
                yield Case(f"{rule.__name__}({name}={what})", partial(rule, Y, P, **{name: value}))
    for what, value in refused_values([Interval(Integral, 1, N_LABELS, closed="both")]).items():
        yield Case(f"rcut(k={what})", partial(thresholds.rcut, P, value))
    for what, bad in BAD_PROBABILITIES.items():
        yield Case(f"rcut of P with {what}", partial(thresholds.rcut, bad, 1))
        yield Case(f"decide of P with {what}", partial(decide, bad, 0.5))
    for what, bad in BAD_THRESHOLDS.items():
        yield Case(f"decide at thresholds with {what}", partial(decide, P, bad))


def bad_out_of_fold_rows():
    for what, bad in BAD_TRUTH.items():
        yield Case(f"OutOfFold of Y with {what}", partial(OutOfFold, bad, P))
    for what, bad in BAD_PROBABILITIES.items():
        yield Case(f"OutOfFold of P with {what}", partial(OutOfFold, Y, bad))
    for what, bad in BAD_WEIGHTS.items():
        yield Case(f"OutOfFold of weights with {what}", partial(OutOfFold, Y, P, sample_weight=bad))


def bad_arguments_of_rewards():
    for reward in TAKES_REWARD:
        for what, bad in BAD_TRUTH.items():
            yield Case(f"{reward.__name__} of Y with {what}", partial(reward(), bad, P, 0.5))
        for what, bad in BAD_PROBABILITIES.items():
            yield Case(f"{reward.__name__} of P with {what}", partial(reward(), Y, bad, 0.5))
        for what, bad in BAD_THRESHOLDS.items():
            yield Case(f"{reward.__name__} at thresholds with {what}", partial(reward(), Y, P, bad))
        for what, bad in BAD_WEIGHTS.items():
            yield Case(f"{reward.__name__} of weights with {what}", partial(reward(), Y, P, 0.5, sample_weight=bad))


def bad_arguments_of_scores():
    for score in SCORES:
        for what, bad in {**BAD_TRUTH, "no rows": Y[:0]}.items():
            yield Case(f"{score.__name__} of truth with {what}", partial(score, bad, Y))
            yield Case(f"{score.__name__} of predictions with {what}", partial(score, Y, bad))
        for what, bad in BAD_WEIGHTS.items():
            if what != "only zeros":  # a mean of nothing is 0, as in scikit-learn
                yield Case(f"{score.__name__} of weights with {what}", partial(score, Y, Y, sample_weight=bad))
    for what, value in refused_values(NOTHING).items():
        yield Case(f"loose_macro_f1_score(empty={what})", partial(loose_macro_f1_score, Y, Y, empty=value))


def bad_arguments_of_splitters():
    for splitter in TAKES_SPLITTER:
        for what, bad in BAD_Y.items():
            if what not in ("one class", "no columns"):  # what there is to learn does not matter for a split
                yield Case(f"{splitter.__name__} of Y with {what}", partial(split, splitter, {}, labels=bad))
    grouped = model_selection.MultilabelStratifiedGroupKFold
    for what, groups in {
        "too few": np.arange(7),
        "one": np.zeros(18),
        "NaN": np.full(18, np.nan),
        "a string": "abc",
        "a number": 3,
        "an object": Rubbish(),
    }.items():
        yield Case(f"groups: {what}", partial(split, grouped, {}, groups=groups))
    for splitter in (model_selection.MultilabelStratifiedKFold, grouped):
        yield Case(f"{splitter.__name__}: too many folds", partial(split, splitter, {"n_splits": 19}))


# --- What is left --------------------------------------------------------------------------------------------------


def bad_documents():
    documents = {"None": None, "a number": 3, "a string": "abc", "an object": Rubbish(), "numbers": [1, 2], "none": []}
    bad_mentions = {
        "an end before the start": [(["a", "b"], 1, 0)],
        "an end beyond the words": [(["a", "b"], 0, 5)],
        "a negative start": [(["a", "b"], -1, 1)],
        "a start of text": [(["a", "b"], "0", 1)],
        "a start of a fraction": [(["a", "b"], 0.5, 1)],
        "words of numbers": [([1, 2], 0, 1)],
        "words in one string": [("a b", 0, 1)],
        "two entries": [(["a", "b"], 0)],
        "a mapping without an end": [{"tokens": ["a"], "start": 0}],
        "text": ["a b"],
    }
    for kind, (sequencer, good) in SEQUENCERS.items():
        bad = {**documents, **(bad_mentions if kind == "mentions" else {"None within": ["a", None]})}
        for what, value in bad.items():
            for method in ("fit", "transform"):
                if (what, method) != ("none", "transform"):
                    estimator = clone(sequencer).fit(good)
                    call = partial(getattr(estimator, method), value)
                    yield Case(f"{kind}.{method} of {what}", partial(unchanged, estimator, call))
        yield Case(f"{kind}.transform before fit", partial(clone(sequencer).transform, good))


def bad_embeddings():
    vectors = np.ones((2, 3))
    for what, (words, values) in {
        "fewer words": (["a"], vectors),
        "numbers for words": ([1, 2], vectors),
        "a word for words": ("ab", vectors),
        "no words": (None, vectors),
        "an object": (Rubbish(), vectors),
        "NaN": (["a", "b"], np.full((2, 3), np.nan)),
        "infinity": (["a", "b"], np.full((2, 3), np.inf)),
        "one dimension": (["a", "b"], np.ones(2)),
        "text for vectors": (["a", "b"], "vectors"),
        "ragged vectors": (["a", "b"], [[1.0], [1.0, 2.0]]),
        "no vectors": (["a", "b"], None),
        "objects": (["a", "b"], [[Rubbish()], [Rubbish()]]),
        "complex numbers": (["a", "b"], vectors * 1j),
    }.items():
        yield Case(f"Embeddings of {what}", partial(Embeddings, words, values))
        yield Case(f"load_embeddings of {what}", partial(text.load_embeddings, (words, values)))
    good = (["a", "b"], vectors)
    for what, options in {
        "no source": {"source": None},
        "a number": {"source": 3},
        "no words": {"source": {}},
        "a limit of 0": {"source": good, "limit": 0},
        "a limit of text": {"source": good, "limit": "3"},
        "a limit of a half": {"source": good, "limit": 0.5},
        "another format": {"source": good, "format": "no such format"},
        "a format of None": {"source": good, "format": None},
        "words of numbers": {"source": good, "words": [1]},
        "words of one string": {"source": good, "words": "ab"},
        "other words": {"source": good, "words": ["c"]},
    }.items():
        yield Case(f"load_embeddings with {what}", partial(text.load_embeddings, **options))


TAKES_NETWORK = {
    (nn.MLP, (("n_features", 4), ("n_labels", 3))): {
        "n_features": AT_LEAST[1],
        "n_labels": AT_LEAST[1],
        "hidden": AT_LEAST[1],
        "dropout": UNIT,
    },
    (nn.TextCNN, (("n_labels", 3), ("n_tokens", 9))): {
        "n_labels": AT_LEAST[1],
        "n_tokens": AT_LEAST[1],
        "embeddings": [None, np.ndarray],
        "embedding_dim": AT_LEAST[1],
        "widths": NOTHING,
        "n_filters": AT_LEAST[1],
        "dropout": UNIT,
        "max_norm": [Interval(Real, 0, None, closed="right"), None],
    },
    (nn.AttentiveBiLSTM, (("n_features", 12), ("n_labels", 3), ("n_tokens", 9))): {
        "n_labels": AT_LEAST[1],
        "n_tokens": AT_LEAST[1],
        "embeddings": [None, np.ndarray],
        "embedding_dim": AT_LEAST[1],
        "mention_length": AT_LEAST[1],
        "hidden": AT_LEAST[1],
        "attention": AT_LEAST[1],
        "dropout": UNIT,
    },
}


def bad_parameters_of_networks():
    for (network, good), parameters in TAKES_NETWORK.items():
        for name, takes in parameters.items():
            for what, value in refused_values(takes).items():
                yield Case(f"{network.__name__}({name}={what})", partial(network, **{**dict(good), name: value}))


TAKES_DATA = {
    load_multidigits: {
        "n_samples": AT_LEAST[1],
        "n_digits": NOTHING,
        "imbalance": NOT_NEGATIVE,
        "subset": NOTHING,
        "random_state": ["random_state"],
    },
    make_hierarchical_multilabel: {
        "n_samples": AT_LEAST[1],
        "n_features": AT_LEAST[1],
        "n_labels": AT_LEAST[1],
        "n_levels": AT_LEAST[1],
        "labels_per_sample": POSITIVE,
        "imbalance": NOT_NEGATIVE,
        "n_informative": AT_LEAST[1],
        "class_sep": NOT_NEGATIVE,
        "random_state": ["random_state"],
    },
    datasets.fetch_rcv1_v2: {"subset": NOTHING},
    datasets.fetch_reuters21578: {"subset": NOTHING},
    datasets.load_docstrings: {"subset": NOTHING, "split_by": NOTHING, "min_count": AT_LEAST[1]},
    datasets.load_entity_typing: {"name_or_path": NOTHING},
}


def bad_parameters_of_data_sets():
    for load, parameters in TAKES_DATA.items():
        for name, takes in parameters.items():
            for what, value in refused_values(takes).items():
                yield Case(f"{load.__name__}({name}={what})", partial(load, **{name: value}))


def bad_displays():
    good = {"weights": [1, 1], "thresholds": [0.5, 0.5], "label_names": ["a", "b"], "label_frequencies": [0.1, 0.2]}
    for name in good:
        for what, value in {"too few": [1], "a matrix": np.ones((2, 2)), "a number": 1, "an object": Rubbish()}.items():
            yield Case(f"PolicyDisplay of {name} with {what}", partial(PolicyDisplay, **{**good, name: value}))
    for name in set(good) - {"label_names"}:
        for what, value in {"text": ["a", "b"], "complex numbers": [1j, 1j], "ragged": [[1], [1, 2]]}.items():
            yield Case(f"PolicyDisplay of {name} with {what}", partial(PolicyDisplay, **{**good, name: value}))
    displays = [PolicyDisplay, ThresholdCurveDisplay, TrainingPolicyDisplay]
    for what, value in {"an object": Rubbish(), "None": None, "unfitted": MetaPolicyClassifier()}.items():
        for display in displays:
            yield Case(f"{display.__name__}.from_estimator of {what}", partial(display.from_estimator, value))
        for report in (label_report, label_confusion, LabelConfusionDisplay.from_estimator):
            yield Case(f"{report.__qualname__} of {what}", partial(report, value, X, Y))
    for what, value in {"too few": Y[:3], "text": Y.astype(str), "a number": 1, "an object": Rubbish()}.items():
        yield Case(f"LabelConfusionDisplay of {what}", partial(LabelConfusionDisplay.from_predictions, Y, value))
        yield Case(f"ThresholdCurveDisplay of {what}", partial(ThresholdCurveDisplay.from_predictions, value, Y, 0.5))
    for what, value in {"a wrong name": "no such", "a number beyond": [9], "an object": Rubbish(), "none": []}.items():
        yield Case(f"PolicyDisplay.plot of {what}", partial(PolicyDisplay(**good).plot, labels=value))


GENERATORS = [
    bad_parameters_of_estimators,
    bad_parameters_of_policies,
    bad_parameters_of_rewards,
    bad_parameters_of_splitters,
    bad_parameters_of_sequencers,
    bad_parameters_of_networks,
    bad_parameters_of_data_sets,
    bad_data_of_estimators,
    bad_values_of_labels,
    bad_arguments_of_rules,
    bad_out_of_fold_rows,
    bad_arguments_of_rewards,
    bad_arguments_of_scores,
    bad_arguments_of_splitters,
    bad_documents,
    bad_embeddings,
    bad_displays,
]
LONGEST = 300
# What scikit-learn says itself may be long or of several lines, as these messages are, which show an array or give
# advice. All others, and every message of ours, are one line.
LONG_IN_SKLEARN = re.compile(
    r"The '\w+' parameter of \w+ must be|Input X contains NaN\.|Expected 2D array, got (1D|scalar) array instead:|"
    r"Complex data not supported|Feature names are only supported if|Expected unique column names|"
    r"array\(.* cannot be used to seed",
    re.DOTALL,
)


def raised_by(error):
    """The last module of this package or of scikit-learn that an error came through, and the line of code there."""
    frames, traceback = [("", "")], error.__traceback__
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in ("sklearn", "sklearn_metalabel"):
            line = linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
            frames.append((module, line.strip()))
        traceback = traceback.tb_next
    return frames[-1]


def complaint(case):
    """What is wrong with how a case is refused; None if nothing is."""
    try:
        case.call()
    except (TypeError, ValueError) as error:
        message, (module, line) = str(error), raised_by(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    else:
        return "not refused"
    is_sentence = message.strip() and "\n" not in message and len(message) <= LONGEST
    if module.startswith("sklearn."):
        return None if is_sentence or LONG_IN_SKLEARN.match(message) else f"not one sentence: {message!r}"
    # An error that no `raise` of ours made, such as that of a conversion in numpy, does not name what was wanted.
    if not line.startswith("raise"):
        return f"refused by accident, in {module!r} at {line!r}: {message}"
    return None if is_sentence else f"not one sentence: {message!r}"


@pytest.mark.parametrize("generate", GENERATORS, ids=lambda generate: generate.__name__)
def test_bad_input_is_refused_in_one_sentence_and_changes_nothing(generate):
    cases = list(generate())
    assert len({case.name for case in cases}) == len(cases) > 0
    complaints = {case.name: complaint(case) for case in cases}
    assert {name: what for name, what in complaints.items() if what is not None} == {}


def test_there_are_thousands_of_cases():
    assert sum(1 for generate in GENERATORS for _ in generate()) >= 4000


def test_every_public_estimator_and_policy_is_among_them():
    tried = {type(estimator) for estimator in [*ESTIMATORS.values(), *(each for each, _ in SEQUENCERS.values())]}
    tried |= TAKES_TRAINING.keys() | TAKES_PREDICTION.keys() | TAKES_REWARD.keys() | TAKES_SPLITTER.keys()
    rooms = [sklearn_metalabel, baselines, learners, model_selection, policies, rewards, text]
    public = {getattr(room, name) for room in rooms for name in room.__all__ if isinstance(getattr(room, name), type)}
    classes = {each for each in public if hasattr(each, "fit") or hasattr(each, "get_params") or hasattr(each, "split")}
    abstract = {each for each in classes if getattr(each, "__abstractmethods__", None)} | {rewards.BaseReward}
    assert classes - abstract == tried
    for table in (TAKES_TRAINING, TAKES_PREDICTION, TAKES_REWARD):
        for kind, parameters in table.items():
            assert set(kind._get_param_names()) - {"hierarchy"} == parameters.keys()
