import copy
import inspect
import os
import pickle
import random
import re
import warnings
from itertools import chain

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import skops.io
import torch
from _cases import (
    EXPECTED_FAILURES,
    INIT_PARAMS,
    META_PARAMS,
    WITHOUT_CONTRACT,
    medians,
    mlp,
    short_name,
    small_estimators,
    small_metas,
    small_torch,
)
from _footprints import Footprint
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, UnsetMetadataPassedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, get_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils._testing import set_random_state
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, estimator_checks_generator
from threadpoolctl import threadpool_info

import sklearn_metalabel
from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier, baselines, learners, policies
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier, as_label_classifier
from sklearn_metalabel.policies import (
    SharedGRUPolicy,
    ShrunkenThresholds,
    TrainingPolicy,
    as_prediction_policy,
    as_training_policy,
)
from sklearn_metalabel.text import MentionSequencer, TokenSequencer
from sklearn_metalabel.utils import use_threads

pytestmark = pytest.mark.no_cover


def contract():
    """Each small estimator with each check of scikit-learn.

    `parametrize_with_checks` gives the same under names that hold the estimators' representations, and drawing those
    takes as long as hundreds of fits.
    """
    cases = []
    estimators = small_estimators(without=WITHOUT_CONTRACT)
    for estimator, check in chain.from_iterable(map(estimator_checks_generator, estimators)):
        reason = EXPECTED_FAILURES.get(type(estimator), {}).get(check.func.__name__)
        marks = () if reason is None else pytest.mark.xfail(reason=reason, strict=True)
        options = [f"{name}={value}" for name, value in check.keywords.items()]
        name = "-".join([short_name(estimator), check.func.__name__, *options])
        cases.append(pytest.param(estimator, check, marks=marks, id=name))
    return cases


@pytest.mark.parametrize(("estimator", "check"), contract())
def test_sklearn_contract(estimator, check):
    check(estimator)


# scikit-learn has no data for transformers of text, and stops before these.
CHECKS_WITHOUT_DATA = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_mixin_order,
    estimator_checks.check_param_validation,
]


@pytest.mark.parametrize("check", CHECKS_WITHOUT_DATA, ids=lambda check: check.__name__)
@pytest.mark.parametrize("transformer", [TokenSequencer(), MentionSequencer()], ids=short_name)
def test_transformers_of_text_keep_the_contract(transformer, check):
    check(short_name(transformer), transformer)


def response(estimator, X):
    """Probabilities, or margins where the estimator has none."""
    return (estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.decision_function)(X)


def fitted_state(estimator, X):
    """All that a fit decides, for comparisons bit by bit."""
    names = ("weights_", "positive_weights_", "focus_", "thresholds_", "allow_unlabeled_")
    return [*[getattr(estimator, name) for name in names if hasattr(estimator, name)], response(estimator, X)]


def assert_same(first, second, X):
    for a, b in zip(fitted_state(first, X), fitted_state(second, X), strict=True):
        assert_array_equal(a, b)


@pytest.fixture(scope="module")
def module_data():
    X, Y = make_multilabel_classification(n_samples=80, n_features=8, n_classes=4, n_labels=2, random_state=0)
    return (X - X.mean(axis=0)) / X.std(axis=0), Y


@pytest.fixture(scope="module", params=small_metas())
def fitted(request, module_data):
    """A fitted MetaPolicyClassifier; tests must leave it as it is."""
    return small_metas()[request.param].fit(*module_data)


@pytest.fixture(scope="module", params=small_estimators(), ids=short_name)
def trained(request, module_data):
    """A small estimator, fitted; tests must leave it as it is."""
    estimator = clone(request.param)
    set_random_state(estimator)
    return estimator.fit(*module_data)


def test_every_public_estimator_is_among_the_small_ones():
    tested = {type(estimator) for estimator in small_estimators()}
    public = {getattr(module, name) for module in (sklearn_metalabel, baselines, learners) for name in module.__all__}
    assert {each for each in public if inspect.isclass(each) and issubclass(each, BaseEstimator)} == tested


def training_policy(params):
    base = as_label_classifier(params.get("estimator"))
    return type(as_training_policy(params.get("training_policy"), base))


def test_every_kind_of_policy_is_among_the_estimators_that_keep_the_contract():
    def kinds(params):
        prediction = as_prediction_policy(params.get("prediction_policy", "learned"))
        return {training_policy(params), type(prediction)}

    with_contract = [params for params in META_PARAMS.values() if not any(params is each for each in WITHOUT_CONTRACT)]
    assert set.union(*map(kinds, with_contract)) == set.union(*map(kinds, META_PARAMS.values()))
    tested = {type(estimator) for estimator in small_estimators(without=WITHOUT_CONTRACT)}
    assert tested == {type(estimator) for estimator in small_estimators()}


def test_no_failure_of_the_contract_is_excused():
    assert EXPECTED_FAILURES == {}


def test_every_training_policy_is_among_the_small_ones():
    tested = {training_policy(params) for params in META_PARAMS.values()}
    public = filter(inspect.isclass, (getattr(policies, name) for name in policies.__all__))
    assert {each for each in public if issubclass(each, TrainingPolicy) and not inspect.isabstract(each)} == tested


@pytest.mark.parametrize("estimator", small_estimators(), ids=short_name)
def test_column_names_of_frames_are_checked(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


@pytest.mark.parametrize("make", INIT_PARAMS, ids=lambda make: make.__name__)
def test_every_parameter_has_a_constraint_and_a_place_in_the_docstring(make):
    estimator = make(**INIT_PARAMS[make][0])
    constrained = set(estimator._parameter_constraints)
    assert constrained == set(estimator.get_params(deep=False))
    described = type(estimator).__doc__.split("Attributes\n")[0]
    assert [name for name in constrained if not re.search(rf"\n    (\w+, )*{name}(, \w+)* : ", described)] == []


def test_what_fit_sets_is_in_the_docstring(trained):
    described = type(trained).__doc__.split("Attributes\n")[1]
    public = {name for name in vars(trained) if name.endswith("_") and not name.startswith("_")}
    assert [name for name in public if not re.search(rf"\n    (\w+, )*{name}(, \w+)* : ", described)] == []


def test_clone_has_the_parameters_and_nothing_else(trained):
    copy = clone(trained)
    assert repr(copy) == repr(trained)
    assert not [name for name in vars(copy) if name.endswith("_")]


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames_predict_as_arrays_and_give_their_names(trained, library, module_data):
    X, Y = module_data
    X_names, label_names = [f"x{i}" for i in range(X.shape[1])], ["sad", "calm", "loud", "slow"]
    frames = (
        library.DataFrame(dict(zip(X_names, X.T, strict=True))),
        library.DataFrame(dict(zip(label_names, Y.T, strict=True))),
    )
    estimator = clone(trained).fit(*frames)
    assert_allclose(response(estimator, frames[0]), response(trained, X), rtol=1e-4)  # sums follow the order in memory
    assert estimator.label_names_.tolist() == label_names
    assert estimator.feature_names_in_.tolist() == X_names


def test_lists_predict_as_arrays(trained, module_data):
    X, Y = module_data
    of_lists = clone(trained).fit(X.tolist(), Y.tolist())
    assert_array_equal(of_lists.predict(X.tolist()), trained.predict(X))


# scikit-learn's SGD steps its intercept differently for sparse X.
WITHOUT_SGD = [estimator for estimator in small_estimators() if "SGD" not in short_name(estimator)]


@pytest.mark.parametrize("estimator", WITHOUT_SGD, ids=short_name)
def test_sparse_features_predict_as_dense_ones(estimator, module_data):
    X, Y = module_data
    X = np.where(np.abs(X) > 1, X, 0)
    set_random_state(estimator)
    dense = response(clone(estimator).fit(X, Y), X)
    every = (sp.coo_array, sp.csr_matrix, sp.csc_matrix, sp.csr_array)
    for container in every if type(estimator) is LabelWeightedLogistic else every[:1]:
        sparse = response(clone(estimator).fit(container(X), Y), container(X))
        assert_allclose(sparse, dense, rtol=1e-3, atol=1e-4)


def test_sparse_labels_predict_as_dense_ones_in_csr(trained, module_data):
    X, Y = module_data
    every = (sp.coo_array, sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.lil_matrix)
    for container in every if type(trained) is LabelWeightedLogistic else every[:1]:
        sparse = clone(trained).fit(X, container(Y))
        assert_same(sparse, trained, X)
        predicted = sparse.predict(X)
        assert sp.issparse(predicted)
        assert predicted.format == "csr"
        assert_array_equal(predicted.toarray(), trained.predict(X))
        assert sparse.score(X, container(Y).tocsr()) == trained.score(X, Y)


@pytest.mark.parametrize("estimator", small_estimators(), ids=short_name)
def test_decision_function_is_positive_exactly_where_a_label_is_predicted(estimator, module_data):
    X, Y = module_data
    if "allow_unlabeled" in estimator.get_params():
        estimator.set_params(allow_unlabeled=True)
    estimator.fit(X, Y)
    margins = estimator.decision_function(X)
    decided = margins > 0
    if getattr(estimator, "dependence_", None) is not None:  # which draws decisions to sets
        estimator.dependence_ = None
    assert_array_equal(decided, estimator.predict(X) == 1)
    three = (Y[:, 0] + Y[:, 1]).astype(str)
    estimator.fit(X, three)
    assert_array_equal(estimator.classes_[estimator.decision_function(X).argmax(axis=1)], estimator.predict(X))
    if hasattr(estimator, "predict_proba"):
        assert_allclose(estimator.predict_proba(X).sum(axis=1), 1)


def test_nested_parameters_reach_the_module_and_the_classifier(module_data):
    torch_based = MetaPolicyClassifier(small_torch(n_epochs=1), training_policy="uniform", prediction_policy="half")
    torch_based.set_params(estimator__module__hidden=5, estimator__optimizer__betas=(0.8, 0.9)).fit(*module_data)
    assert torch_based.estimator_.state_["0.weight"].shape == (5, 8)
    assert torch_based.get_params()["estimator__optimizer__betas"] == (0.8, 0.9)
    sklearn_based = MetaPolicyClassifier(LogisticRegression(), prediction_policy="half").set_params(estimator__C=0.01)
    sklearn_based.fit(*module_data)
    assert {each.C for each in sklearn_based.estimator_.estimators_} == {0.01}


def test_a_grid_search_goes_over_both_policies_and_the_base_learner_and_each_parameter_acts(module_data):
    X, Y = module_data
    meta = MetaPolicyClassifier(
        LabelWeightedLogistic(),
        training_policy=SharedGRUPolicy(n_episodes=1, n_steps=2, hidden_size=4),
        prediction_policy=ShrunkenThresholds(),
        cv=2,
        random_state=0,
    )
    grid = {
        "training_policy__hidden_size": [2, 8],
        "prediction_policy__kappa": [0.0, 100.0],
        "estimator__C": [0.01, 10.0],
    }
    search = GridSearchCV(meta, grid, cv=2, scoring="f1_macro", error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 8
    assert np.unique(search.cv_results_["mean_test_score"]).size > 1
    assert_same(search.best_estimator_, clone(meta).set_params(**search.best_params_).fit(X, Y), X)
    small = {name: values[0] for name, values in grid.items()}
    first = clone(meta).set_params(**small).fit(X, Y)
    wide, pooled, strong = (
        clone(meta).set_params(**{**small, name: values[1]}).fit(X, Y) for name, values in grid.items()
    )
    assert not np.allclose(wide.weights_, first.weights_, rtol=1e-6)
    assert_array_equal(pooled.weights_, first.weights_)
    assert not np.allclose(pooled.thresholds_, first.thresholds_)
    assert abs(strong.estimator_.coef_).sum() > 2 * abs(first.estimator_.coef_).sum()


def test_texts_go_through_a_pipeline(small_texts):
    texts, Y = small_texts
    pipeline = make_pipeline(TfidfVectorizer(), MetaPolicyClassifier(random_state=0)).fit(texts, Y)
    assert pipeline.score(texts, Y) > 0.9
    P = pipeline.predict_proba(["a pear", "a horse"])
    assert P[0, 0] > P[0, 1]
    assert P[1, 0] < P[1, 1]


def test_cross_val_predict_gives_probabilities_of_all_rows(module_data):
    X, Y = module_data
    P = cross_val_predict(MetaPolicyClassifier(random_state=0), X, Y, cv=2, method="predict_proba")
    assert P.shape == Y.shape
    assert ((P > 0) & (P < 1)).all()
    assert roc_auc_score(Y, P) > 0.6


@pytest.mark.parametrize("make", [MetaPolicyClassifier, LabelWeightedClassifier])
@pytest.mark.parametrize("base", [None, small_torch(), LogisticRegression()], ids=["default", "torch", "sklearn"])
def test_sample_weight_reaches_the_base_learner_with_routing_and_without(make, base, module_data):
    X, Y = module_data
    weight = np.where(Y[:, 0] == 1, 5.0, 0.5)
    plain = make(base, random_state=0).fit(X, Y)
    without = make(base, random_state=0).fit(X, Y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        if base is not None:
            base = clone(base).set_fit_request(sample_weight=True)
        routed = make(base, random_state=0).fit(X, Y, sample_weight=weight)
    assert_same(routed, without, X)
    assert without.predict_proba(X)[:, 0].mean() > plain.predict_proba(X)[:, 0].mean() + 0.02


def test_a_torch_module_given_as_it_is_takes_routed_weights(module_data):
    X, Y = module_data
    weight = np.where(Y[:, 0] == 1, 5.0, 0.5)
    without = LabelWeightedClassifier(mlp, random_state=0).fit(X, Y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        routed = LabelWeightedClassifier(mlp, random_state=0).fit(X, Y, sample_weight=weight)
    assert_same(routed, without, X)


def test_metadata_that_nobody_asked_for_is_refused_under_routing(module_data):
    X, Y = module_data
    with config_context(enable_metadata_routing=True):
        meta = MetaPolicyClassifier(LogisticRegression())
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            meta.fit(X, Y, sample_weight=np.ones(len(X)))
    assert not hasattr(meta, "weights_")


@pytest.mark.parametrize("routing", [True, False])
def test_groups_reach_the_splitter(routing, module_data):
    X, Y = module_data
    groups = np.arange(len(X)) % 5

    class NotedGroups(GroupKFold):
        def split(self, X, y=None, groups=None):
            seen.append(groups)
            return super().split(X, y, groups)

    seen = []
    with config_context(enable_metadata_routing=routing):
        MetaPolicyClassifier(cv=NotedGroups(2), random_state=0).fit(X, Y, groups=groups)
    assert_array_equal(seen, [groups])


@pytest.mark.parametrize("estimator", small_estimators(), ids=short_name)
def test_routing_can_be_read_while_it_is_off(estimator):
    assert "sample_weight" in str(estimator.get_metadata_routing())


def test_routing_names_the_splitter_and_the_base_learner():
    with config_context(enable_metadata_routing=True):
        described = MetaPolicyClassifier(cv=GroupKFold(2)).get_metadata_routing().consumes("fit", ["groups", "other"])
        assert described == {"groups"}


def test_an_outer_search_routes_weights_to_the_base_learner(module_data):
    X, Y = module_data
    weight = np.where(Y[:, 0] == 1, 5.0, 0.5)
    with config_context(enable_metadata_routing=True):
        meta = MetaPolicyClassifier(random_state=0)
        search = GridSearchCV(meta, {"allow_unlabeled": [True]}, cv=2).fit(X, Y, sample_weight=weight)
        expected = clone(search.best_estimator_).fit(X, Y, sample_weight=weight)
    assert_same(search.best_estimator_, expected, X)


@pytest.mark.parametrize("n_labels", [2, 3, 5])
def test_every_multilabel_scorer_works(n_labels):
    X, Y = make_multilabel_classification(n_samples=60, n_classes=n_labels, random_state=0)
    meta = MetaPolicyClassifier(random_state=0).fit(X, Y)
    for name in ("accuracy", "f1_macro", "f1_micro", "jaccard_macro", "roc_auc", "average_precision"):
        assert 0 < get_scorer(name)(meta, X, Y) <= 1, name


def through_joblib(estimator, tmp_path):
    joblib.dump(estimator, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib")


def through_skops(estimator, tmp_path):
    data = skops.io.dumps(estimator)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


COPIES = {
    "pickle": lambda estimator, tmp_path: pickle.loads(pickle.dumps(estimator)),
    "joblib": through_joblib,
    "deepcopy": lambda estimator, tmp_path: copy.deepcopy(estimator),
    "skops": through_skops,
}


@pytest.mark.parametrize("way", COPIES)
def test_stored_copies_keep_the_policies_and_their_decisions(fitted, way, module_data, tmp_path):
    X, _ = module_data
    stored = COPIES[way](fitted, tmp_path)
    assert_same(stored, fitted, X)
    assert_array_equal(stored.predict(X), fitted.predict(X))
    assert_array_equal(stored.prediction_policy_.predict(fitted.estimator_.predict_proba(X)), fitted.predict(X))
    assert stored.training_policy_.best_proposal_ == fitted.training_policy_.best_proposal_
    assert repr(stored.get_params()) == repr(fitted.get_params()) or way == "skops"
    if hasattr(fitted.training_policy_, "greedy_episode"):
        starts = {"initial_weights": "random", "initial_thresholds": "random", "random_state": 0}
        expected = fitted.training_policy_.greedy_episode(**starts)
        assert_array_equal(stored.training_policy_.greedy_episode(**starts).weights, expected.weights)


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("policy", [medians, ["half", medians, "plug_in"]], ids=["function", "several"])
def test_functions_that_are_found_by_their_names_are_stored_with_the_estimator(policy, way, module_data, tmp_path):
    X, Y = module_data
    fitted = MetaPolicyClassifier(training_policy="uniform", prediction_policy=policy, cv=2, random_state=0).fit(X, Y)
    stored = COPIES[way](fitted, tmp_path)
    assert_same(stored, fitted, X)
    assert_same(stored.fit(X, Y), fitted, X)


@pytest.mark.parametrize("way", COPIES)
def test_stored_copies_predict_the_same(trained, way, module_data, tmp_path):
    X, _ = module_data
    assert_same(COPIES[way](trained, tmp_path), trained, X)


def test_the_progress_bar_runs(module_data, capsys):
    MetaPolicyClassifier(random_state=0).set_callbacks(ProgressBar()).fit(*module_data)
    shown = capsys.readouterr().out
    assert "MetaPolicyClassifier" in shown
    assert "100%" in shown


# Training runs that are reported: one for each fold or episode, and for each proposal that is a training of its own.
N_RUNS = {
    "default": 3,
    "default of a network": 3,
    "search of a network": 7,  # four proposals on one fold, two of them to the end, one of them on the other fold
    "uniform": 2,
    "frequency and pretrained": 2,
    "search by another reward, and micromacro": 1,
    "shared and the best of several": 2,
    "shared of a network, and its own thresholds": 2,
    "a network that is steered": 1,
    "what was trained on a part": 1,
    "gru and given thresholds": 2,
    "the paper's": 2,
}


@pytest.mark.parametrize("name", small_metas())
def test_the_scoring_monitor_logs_every_training_run_and_the_refit(name, module_data):
    X, Y = module_data
    monitor, meta = ScoringMonitor(scoring="f1_micro"), small_metas()[name]
    meta.set_callbacks(monitor).fit(X, Y)
    log = monitor.get_logs().data
    assert [row["task_name"] for row in log].count("episode") == N_RUNS[name]
    tasks = ["fit", "refit"] if meta.refit else ["fit"]
    assert [row["task_name"] for row in log if row["task_name"] != "episode"] == tasks
    expected = f1_score(Y, meta.predict(X), average="micro")
    assert [row["f1_micro"] for row in log if row["task_name"] != "episode"] == [expected] * len(tasks)
    assert all(0 < row["f1_micro"] <= 1 for row in log)


@pytest.mark.parametrize("name", small_metas())
def test_verbose_prints_a_line_for_each_training_run_and_else_nothing_is_printed(name, module_data, capsys):
    meta = small_metas()[name].fit(*module_data)
    assert capsys.readouterr() == ("", "")
    meta.set_params(verbose=1).fit(*module_data)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == N_RUNS[name] + 1
    assert [re.search(r"s\] training run (\d+): ", line).group(1) for line in lines[:-1]] == list(
        map(str, range(1, N_RUNS[name] + 1))
    )


class StopsAfter:
    """A callback that ends the search with a training run."""

    def __init__(self, last):
        self.last, self.n_runs = last, 0

    def setup(self, estimator, context):
        self.n_runs = 0

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **kwargs):
        pass

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.n_runs += context.task_name == "episode"
        return context.task_name == "episode" and self.n_runs == self.last


@pytest.mark.parametrize("last", [1, 2])
def test_a_callback_can_end_the_trainings_of_a_network(last, module_data):
    X, Y = module_data
    meta, callback = small_metas()["default of a network"], StopsAfter(last)
    meta.set_callbacks(callback).fit(X, Y)
    assert callback.n_runs == last
    assert len(meta.training_policy_.history_["reward"]) == 1
    assert meta.predict(X).shape == Y.shape


class Events:
    """A callback that notes tasks, and ends the search with the first training run where it is told so."""

    def __init__(self, stops=False):
        self.seen, self.stops = [], stops

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.seen.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.seen.append(f"end {context.task_name}")
        return self.stops and context.task_name == "episode"


def test_a_callback_can_end_the_episodes_but_not_the_refit(module_data):
    X, Y = module_data
    callback, policy = Events(stops=True), SharedGRUPolicy(n_episodes=6, n_steps=2)
    meta = MetaPolicyClassifier(training_policy=policy, cv=2, random_state=0).set_callbacks(callback).fit(X, Y)
    assert meta.training_policy_.n_episodes_ == 2  # the folds of a round are played at the same time
    assert callback.seen == [
        "setup",
        "begin fit",
        *["begin episode"] * 2,
        *[*["begin step", "end step"] * 2, "end episode"] * 2,
        "begin refit",
        "end refit",
        "end fit",
        "teardown",
    ]
    assert meta.predict(X).shape == Y.shape


class Watched(LabelWeightedLogistic):
    """Notes every training among the events."""

    events = []

    def _fit_labels(self, X, Y, **options):
        Watched.events.append(f"trained on {len(X)}")
        super()._fit_labels(X, Y, **options)


@pytest.mark.parametrize("name", [name for name in META_PARAMS if "network" not in name])
def test_the_task_of_a_training_begins_before_it_and_ends_after_it(name, module_data):
    X, Y = module_data
    callback = Events()
    Watched.events = callback.seen
    meta = small_metas()[name].set_params(estimator=Watched()).set_callbacks(callback).fit(X, Y)
    seen = callback.seen
    first = next(i for i, event in enumerate(seen) if event.startswith("trained"))
    assert seen[:3] == ["setup", "begin fit", "begin episode"]
    assert "end episode" not in seen[:first]
    refit = ["begin refit", "trained on 80", "end refit"] if meta.refit else []
    last = ["end episode", *refit, "end fit", "teardown"]
    assert seen[-len(last) :] == last


def test_callbacks_change_nothing_that_is_learned(fitted, module_data):
    X, Y = module_data
    watched = clone(fitted).set_callbacks(ScoringMonitor(scoring="f1_micro")).fit(X, Y)
    assert_same(watched, fitted, X)


def global_state():
    return {
        "numpy": joblib.hash(np.random.get_state()),  # noqa: NPY002
        "torch": joblib.hash(torch.get_rng_state().numpy()),
        "python": joblib.hash(random.getstate()),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "pools": sorted((pool["filepath"], pool["num_threads"]) for pool in threadpool_info()),
        "dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
        "filters": list(warnings.filters),
        "config": get_config(),
        "errors": np.geterr(),
    }


@pytest.mark.parametrize("estimator", small_estimators(), ids=short_name)
def test_fit_and_predict_leave_no_trace_outside(estimator, module_data):
    X, Y = module_data
    set_random_state(estimator)  # None draws from NumPy's global generator, as everywhere in scikit-learn
    before = global_state()
    estimator.fit(X, Y).predict(X)
    assert global_state() == before
    with pytest.raises(ValueError, match="0 and 1"):
        estimator.fit(X, Y * 2)
    assert global_state() == before


def test_two_fits_with_one_seed_are_equal_bit_for_bit(trained, module_data):
    X, Y = module_data
    np.random.rand()  # noqa: NPY002 -- the global state must not matter
    torch.rand(1)
    assert_same(clone(trained).fit(X, Y), trained, X)


def test_two_jobs_give_what_one_gives(fitted, module_data):
    X, Y = module_data
    two = clone(fitted).set_params(n_jobs=2).fit(X, Y)
    assert_same(two, fitted, X)
    one, other = fitted.training_policy_.history_, two.training_policy_.history_
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert_array_equal(values, other[name], err_msg=name)


def test_workers_use_the_thread_counts_of_the_caller(module_data, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.policies._workers.cpu_count", lambda: 4)  # two workers of two threads each
    counts, footprint = {"torch": 2, "blas": 2}, Footprint(str(tmp_path))
    policy = SharedGRUPolicy(n_episodes=2, n_steps=2, reward=footprint)
    with use_threads(counts):
        MetaPolicyClassifier(training_policy=policy, cv=2, n_jobs=2, random_state=0).fit(*module_data)
    assert footprint.threads() == [counts]
    assert os.getpid() not in footprint.processes()


def test_the_suite_runs_with_the_threads_that_conftest_asks_for():
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


def test_labels_fitted_at_the_same_time_come_out_the_same(module_data):
    X, Y = module_data
    base = LogisticRegression(solver="saga", max_iter=5, random_state=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        one = LabelwiseClassifier(base, random_state=0).fit(X, Y)
        two = LabelwiseClassifier(base, random_state=0, n_jobs=2).fit(X, Y)
    assert_same(one, two, X)


@pytest.mark.parametrize("estimator", [small_torch(), small_metas()["search of a network"]], ids=short_name)
def test_another_seed_gives_another_network(estimator, module_data):
    X, Y = module_data
    first, second = (clone(estimator).set_params(random_state=seed).fit(X, Y).predict_proba(X) for seed in (0, 1))
    assert not np.allclose(first, second)


@pytest.mark.parametrize("make", [TorchClassifier, MetaPolicyClassifier, LabelWeightedClassifier])
def test_a_module_given_as_an_instance_is_never_touched(make, module_data):
    X, Y = module_data
    module = mlp(8, 4)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    estimator = make(module).fit(X, Y)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(each.grad is None for each in module.parameters())
    assert module.training
    base = getattr(estimator, "estimator_", estimator)
    assert not np.array_equal(base.state_["0.weight"], before["0.weight"].numpy())


def test_a_failed_fit_leaves_everything_as_it_was(trained, module_data):
    X, Y = module_data
    fresh = clone(trained)
    with pytest.raises(ValueError, match="must hold only 0 and 1"):
        fresh.fit(X, Y + 5)
    assert not [name for name in vars(fresh) if name.endswith("_")]
    before, P = dict(vars(trained)), response(trained, X)
    bad = X[:, :3].copy()
    bad[0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        trained.fit(bad, Y)
    with pytest.raises(ValueError, match="must hold only 0 and 1"):
        trained.fit(X[:, :3], Y + 5)
    assert vars(trained).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(trained).items())
    assert_array_equal(response(trained, X), P)


def test_a_fit_that_fails_late_leaves_everything_as_it_was(module_data):
    X, Y = module_data
    meta = MetaPolicyClassifier(small_torch(), cv=2, random_state=0).fit(X, Y)
    before, P = dict(vars(meta)), meta.predict_proba(X)
    meta.estimator.lr = 1e30
    with pytest.raises(ValueError, match="lower the learning rate"):
        meta.set_params(estimator__optimizer="sgd").fit(X, Y)
    assert all(value is before[name] for name, value in vars(meta).items())
    assert_array_equal(meta.predict_proba(X), P)


@pytest.mark.parametrize("estimator", small_estimators(), ids=short_name)
def test_the_html_repr_is_drawn(estimator):
    assert type(estimator).__name__ in estimator._repr_html_()


@pytest.mark.data
@pytest.mark.parametrize("name", ["emotions", "scene"])
def test_the_default_beats_its_base_learner_on_real_data(name, load_real):
    data = load_real(name)
    train, test = (data["X_train"], data["Y_train"]), (data["X_test"], data["Y_test"].toarray())
    scaler = StandardScaler(with_mean=False).fit(train[0])
    train, test = (scaler.transform(train[0]), train[1]), (scaler.transform(test[0]), test[1])
    plain = LabelWeightedLogistic().fit(*train)
    meta = MetaPolicyClassifier(random_state=0).fit(*train)
    scores = [f1_score(test[1], each.predict(test[0]).toarray(), average="macro") for each in (plain, meta)]
    assert scores[1] > scores[0]
