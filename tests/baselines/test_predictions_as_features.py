from functools import cache

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from _cases import mlp, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GroupKFold, RepeatedKFold, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils._param_validation import InvalidParameterError
from torch import nn

from sklearn_metalabel import ConstantLabelWarning, TunedThresholdsClassifierCV
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.utils import longest_paths


def linear(n_features, n_labels):
    return nn.Linear(n_features, n_labels)


def dependent_data(seed, n=800):
    """Two labels that are linear in X, and one that is on where both are."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 6)
    first, second = (X @ rng.randn(6, 2) > 0).T
    return X, np.column_stack([first, second, first & second]).astype(int)


BOTH = [(0, 2), (1, 2)]
BASES = {
    "joint default": (None, "auto"),
    "joint torch": (TorchClassifier(linear, lr=0.2, n_epochs=12, batch_size=50, device="cpu"), "auto"),
    "chained": (LogisticRegression(), "auto"),
    "chained default": (None, False),
    "scores": (LinearSVC(), "auto"),
}


def share_right(case, structure, seed):
    """Share of right decisions for each label of dependent data, on rows that were not trained on."""
    base, joint = BASES[case]
    X, Y = dependent_data(seed)
    make = PredictionsAsFeaturesClassifier(base, joint=joint, structure=structure, random_state=0)
    return np.mean(make.fit(X[:400], Y[:400]).predict(X[400:]) == Y[400:], axis=0)


@cache
def share_right_alone(case, seed):
    """The same without a structure, which is the same for all of them."""
    return share_right(case, [], seed)


@pytest.mark.parametrize("structure", ["residual", "chain", BOTH], ids=str)
@pytest.mark.parametrize("case", BASES)
def test_labels_that_depend_on_others_are_predicted_better_than_alone(case, structure, global_random_seed):
    joined = share_right(case, structure, global_random_seed)
    assert joined[2] > share_right_alone(case, global_random_seed)[2] + 0.03
    assert joined[:2].min() > 0.93


def test_joint_training_lets_parents_learn_for_their_children():
    X, Y = dependent_data(0)
    joint, chained = (PredictionsAsFeaturesClassifier(structure=BOTH, joint=each).fit(X, Y) for each in (True, False))
    alone = LabelWeightedLogistic().fit(X, Y)
    assert_allclose(chained.predict_proba(X)[:, :2], alone.predict_proba(X)[:, :2], rtol=1e-5)
    assert not np.allclose(joint.predict_proba(X)[:, :2], alone.predict_proba(X)[:, :2], rtol=0.01)


@pytest.mark.parametrize(
    "base", [None, LogisticRegression(), small_torch(linear, batch_size=128)], ids=["default", "chained", "torch"]
)
def test_the_dependence_that_was_planted_is_found(base, global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    X = rng.randn(1500, 4)
    noise = rng.randn(1500, 4)
    Y = (X @ rng.randn(4, 4) + noise - [0, 0.5, 1, 1.5] > 0).astype(int)
    Y[:, 3] = Y[:, 1] & (rng.rand(1500) < 0.8)
    fitted = PredictionsAsFeaturesClassifier(base, cv=3, min_correlation=0.2, random_state=0).fit(X, Y)
    assert fitted.edges_.tolist() == [[1, 3]]
    assert fitted.order_.tolist() == [0, 1, 2, 3]


def test_held_out_residuals_do_not_trust_what_was_learned_by_heart():
    X, Y = dependent_data(0, 200)
    Y[:, 2] = Y[:, 0] ^ (np.random.RandomState(0).rand(200) < 0.1)
    forest = RandomForestClassifier(20, bootstrap=False, random_state=0)
    assert PredictionsAsFeaturesClassifier(forest).fit(X, Y).edges_.shape == (0, 2)
    assert [0, 2] in np.sort(PredictionsAsFeaturesClassifier(forest, cv=3).fit(X, Y).edges_, axis=1).tolist()


def test_a_chain_goes_from_frequent_to_rare_labels(multilabel_data):
    X, Y = multilabel_data
    fitted = PredictionsAsFeaturesClassifier(structure="chain").fit(X, Y)
    assert fitted.order_.tolist() == np.argsort(-Y.sum(axis=0), kind="stable").tolist()
    assert len(fitted.edges_) == 6


def test_a_hierarchy_is_read_from_paths_or_given(multilabel_data):
    X, Y = multilabel_data
    make = PredictionsAsFeaturesClassifier(structure="hierarchy")
    frame = pd.DataFrame(Y, columns=["/person/artist", "/person", "/person/artist/actor", "/place"])
    assert make.fit(X, frame).edges_.tolist() == [[0, 2], [1, 0]]
    assert make.order_.tolist() == [1, 3, 0, 2]
    P = make.predict_proba(X)
    for hierarchy in ([1, -1, 0, -1], {"/person/artist": "/person", "/person/artist/actor": "/person/artist"}):
        assert_array_equal(make.set_params(hierarchy=hierarchy).fit(X, frame).predict_proba(X), P)
    assert make.set_params(hierarchy=None).fit(X, Y).edges_.shape == (0, 2)


def test_parents_come_first_in_the_order_and_no_label_has_too_many(multilabel_data):
    rng = np.random.RandomState(0)
    Y = (rng.randn(80, 3) @ rng.randn(3, 12) > 0).astype(int)
    fitted = PredictionsAsFeaturesClassifier(max_parents=2, min_correlation=0.0).fit(multilabel_data[0], Y)
    place = np.argsort(fitted.order_)
    assert (place[fitted.edges_[:, 0]] < place[fitted.edges_[:, 1]]).all()
    assert np.bincount(fitted.edges_[:, 1]).max() == 2
    assert longest_paths(range(12), fitted.edges_).max() > 2


@pytest.mark.parametrize("base", [None, small_torch(), LogisticRegression()], ids=["default", "torch", "sklearn"])
@pytest.mark.parametrize("structure", ["residual", "chain", [(0, 1), (2, 3), (1, 2)]], ids=str)
def test_labels_of_one_value_are_named_once_and_have_no_edges(base, structure, multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, 0], np.zeros(80, dtype=int), Y[:, 1], Y[:, 2], np.ones(80, dtype=int)])
    with pytest.warns(ConstantLabelWarning, match=r"2 of 5 labels have one value .*\(1, 4\)") as caught:
        fitted = PredictionsAsFeaturesClassifier(base, structure=structure, random_state=0).fit(X, Y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert not np.isin(fitted.edges_, [1, 4]).any()
    if not isinstance(base, TorchClassifier):
        assert np.ptp(fitted.predict_proba(X)[:, [1, 4]], axis=0).tolist() == [0, 0]


def test_labels_of_one_value_among_the_rows_that_count_have_no_edges(multilabel_data):
    X, Y = multilabel_data
    weight = (Y[:, 0] == 1).astype(float)
    fitted = PredictionsAsFeaturesClassifier(structure="chain").fit(X, Y, sample_weight=weight)
    assert not (fitted.edges_ == 0).any()
    assert len(fitted.edges_) == 3


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("base", [None, small_torch(), KNeighborsClassifier()], ids=["default", "torch", "sklearn"])
def test_classes_are_predicted_too(base, kind, multilabel_data):
    X, Y = multilabel_data
    y = np.array(["a", "b", "c"])[Y[:, 0] + (kind == "multiclass") * Y[:, 1]]
    fitted = PredictionsAsFeaturesClassifier(base, random_state=0).fit(X, y)
    assert fitted.score(X, y) > 0.6
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    assert len(fitted.order_) == (1 if kind == "binary" else 3)


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("structure", ["residual", "chain"])
def test_the_number_of_jobs_changes_nothing(cv, structure, multilabel_data):
    X, Y = multilabel_data
    forest = RandomForestClassifier(5, max_depth=3)
    make = PredictionsAsFeaturesClassifier(forest, structure=structure, cv=cv, random_state=0)
    one = make.fit(X, Y)
    edges, P = one.edges_, one.predict_proba(X)
    with joblib.parallel_config("threading"):
        two = make.set_params(n_jobs=2).fit(X, Y)
    assert_array_equal(two.edges_, edges)
    assert_array_equal(two.predict_proba(X), P)


def test_many_sparse_labels_stay_sparse_and_predict_as_dense_ones():
    rng = np.random.RandomState(0)
    X, Y = rng.randn(60, 3), (rng.rand(60, 1001) < 0.5).astype(int)
    make = PredictionsAsFeaturesClassifier(structure=[(0, 1), (1, 1000)])
    dense, sparse = (make.fit(X, each).predict_proba(X) for each in (Y, sp.csr_array(Y)))
    assert_array_equal(dense, sparse)
    assert sp.issparse(make.predict(X))


@pytest.mark.parametrize("base", [None, LogisticRegression(), small_torch()], ids=["default", "chained", "torch"])
def test_weights_are_routed_and_given(base, multilabel_data):
    X, Y = multilabel_data
    weight = np.where(Y[:, 0] == 1, 5.0, 0.5)
    make = PredictionsAsFeaturesClassifier(base, random_state=0)
    plain, given = make.fit(X, Y).predict_proba(X), make.fit(X, Y, sample_weight=weight).predict_proba(X)
    with config_context(enable_metadata_routing=True):
        asking = base if base is None else base.set_fit_request(sample_weight=True)
        routed = PredictionsAsFeaturesClassifier(asking, random_state=0).fit(X, Y, sample_weight=weight)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            PredictionsAsFeaturesClassifier(LogisticRegression()).fit(X, Y, sample_weight=weight)
    assert_array_equal(routed.predict_proba(X), given)
    assert given[:, 0].mean() > plain[:, 0].mean() + 0.02


def test_pipelines_and_torch_modules_as_they_are_serve_as_base_learners(multilabel_data):
    X, Y = multilabel_data
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    fitted = PredictionsAsFeaturesClassifier(pipeline, structure="chain").fit(X, Y)
    assert sorted(each.n_features_in_ for each in fitted.estimator_.estimators_) == [8, 9, 10, 11]
    network = PredictionsAsFeaturesClassifier(mlp, structure="chain", random_state=0).fit(X, Y).estimator_
    assert network.state_["inner.0.weight"].shape == (16, 8)
    assert network.state_["edge_weight"].shape == (6,)


def test_its_probabilities_can_be_cut_at_tuned_thresholds(multilabel_data):
    tuned = TunedThresholdsClassifierCV(PredictionsAsFeaturesClassifier(), prediction_policy="shrunken", random_state=0)
    assert tuned.fit(*multilabel_data).thresholds_.shape == (4,)


def refuses(params, error, match, data, **fit_params):
    """The fit fails with this message and leaves the estimator as it was."""
    estimator = PredictionsAsFeaturesClassifier(**params)
    before = dict(vars(estimator))
    with pytest.raises(error, match=match):
        estimator.fit(*data, **fit_params)
    assert vars(estimator).keys() == before.keys()


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        (
            {"estimator": LogisticRegression(), "joint": True},
            TypeError,
            "joint=True needs .* got LogisticRegression; set",
        ),
        (
            {"estimator": KMeans()},
            TypeError,
            "KMeans cannot be a base learner: it has no predict_proba and no decision",
        ),
        ({"estimator": LogisticRegression}, TypeError, "got the class LogisticRegression: pass an instance"),
        ({"estimator": "logistic"}, TypeError, "str cannot be a base learner"),
        ({"structure": [(0, 1), (1, 0)]}, ValueError, "must have no cycle, got one through '[01]'"),
        ({"structure": [(0, 4)]}, ValueError, "structure must be .* label indices from 0 to 3, got"),
        ({"structure": "hierarchy", "hierarchy": {"red": "colour"}}, ValueError, "must relate labels such as"),
        ({"cv": 81}, ValueError, "cv=81 folds need at least 81 samples, got n_samples=80"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused(params, error, match, multilabel_data):
    refuses(params, error, match, multilabel_data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("structure", "tree"),
        ("hierarchy", 3),
        ("joint", "never"),
        ("max_parents", 0),
        ("min_correlation", 1.0),
        ("cv", 1),
        ("n_jobs", 1.5),
        ("random_state", "zero"),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(name, value, multilabel_data):
    refuses({name: value}, InvalidParameterError, f"'{name}'", multilabel_data)


@pytest.mark.parametrize(("cv", "name"), [(None, "groups"), (2, "colours")])
def test_unknown_metadata_is_refused(cv, name, multilabel_data):
    match = rf"fit got unexpected arguments \['{name}'\]; it takes sample_weight"
    refuses({"cv": cv}, TypeError, match, multilabel_data, **{name: np.ones(80)})


def test_groups_that_a_stratified_splitter_cannot_keep_together_give_a_warning(multilabel_data):
    with pytest.warns(UserWarning, match="groups parameter is ignored"):
        PredictionsAsFeaturesClassifier(cv=2).fit(*multilabel_data, groups=np.ones(80))


def test_a_classifier_without_probabilities_still_works(multilabel_data):
    X, Y = multilabel_data
    assert PredictionsAsFeaturesClassifier(Perceptron()).fit(X, Y).score(X, Y) > 0.2


def test_groups_reach_the_splitter_and_stay_together():
    X, Y = make_multilabel_classification(120, n_classes=4, random_state=0)
    groups, seen = np.arange(120) // 4, []

    class Noted(GroupKFold):
        def split(self, X, y=None, groups=None):
            for train, test in super().split(X, y, groups):
                seen.append(not set(groups[train]) & set(groups[test]))
                yield train, test

    chain = PredictionsAsFeaturesClassifier(LogisticRegression(), cv=Noted(3), random_state=0)
    fitted = chain.fit(X, Y, groups=groups)
    assert seen == [True] * 3
    listed = PredictionsAsFeaturesClassifier(
        LogisticRegression(), cv=list(GroupKFold(3).split(X, Y, groups)), random_state=0
    )
    assert_array_equal(listed.fit(X, Y).predict_proba(X), fitted.predict_proba(X))
    with config_context(enable_metadata_routing=True):
        routed = clone(chain).set_params(cv=GroupKFold(3)).fit(X, Y, groups=groups)
    assert_array_equal(routed.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    "cv", [ShuffleSplit(2, random_state=0), RepeatedKFold(n_splits=3, n_repeats=2), [([0, 1], [2])]]
)
def test_folds_that_hold_rows_out_never_or_twice_are_refused(cv):
    X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
    with pytest.raises(ValueError, match="cv must hold out each sample once.*pass a K-fold splitter"):
        PredictionsAsFeaturesClassifier(cv=cv).fit(X, Y)
