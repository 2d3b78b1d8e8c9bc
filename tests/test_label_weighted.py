import numpy as np
import pytest
import scipy.sparse as sp
from _cases import mlp, short_name, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier
from sklearn_metalabel.policies import FixedWeights


@pytest.mark.parametrize(
    ("base", "kind"),
    [
        (None, LabelWeightedLogistic),
        (LogisticRegression(), LabelwiseClassifier),
        (mlp, TorchClassifier),
        (small_torch(), TorchClassifier),
    ],
)
def test_the_base_learner_is_trained_under_the_weights(base, kind, multilabel_data):
    X, Y = multilabel_data
    fitted = LabelWeightedClassifier(base, label_weight=[4.0, 2.0, 1.0, 1.0], random_state=0).fit(X, Y)
    assert type(fitted.estimator_) is kind
    assert_array_equal(fitted.weights_, [2.0, 1.0, 0.5, 0.5])
    alone = fitted.estimator_._clone_for_training(0).fit(X, Y, label_weight=fitted.weights_)
    assert_array_equal(fitted.predict_proba(X), alone.predict_proba(X))
    uniform = LabelWeightedClassifier(base, random_state=0).fit(X, Y)
    assert uniform.weights_.tolist() == [1.0] * 4
    assert not np.allclose(uniform.predict_proba(X), fitted.predict_proba(X))


def test_weights_of_any_scale_are_scaled_to_mean_one(multilabel_data, global_random_seed):
    weights = np.random.RandomState(global_random_seed).uniform(0.1, 5, 4)
    first, second = (
        LabelWeightedClassifier(label_weight=each).fit(*multilabel_data) for each in (weights, (9 * weights).tolist())
    )
    assert first.weights_.mean() == pytest.approx(1)
    assert_allclose(first.weights_, second.weights_)
    assert_allclose(first.weights_ / first.weights_[0], weights / weights[0])


def test_a_function_is_given_the_label_matrix(multilabel_data):
    X, Y = multilabel_data
    seen = []

    def rare(Y):
        seen.append(Y)
        return 1 / Y.sum(axis=0)

    weights = LabelWeightedClassifier(label_weight=rare).fit(X, Y).weights_
    assert_array_equal(seen[0], Y)
    assert_allclose(weights * Y.sum(axis=0), (weights * Y.sum(axis=0))[0])


def test_a_function_is_given_many_sparse_labels_as_they_are():
    rng = np.random.RandomState(0)
    Y = (rng.rand(30, 1001) < 0.5).astype(int)
    Y[0], Y[1] = 0, 1
    rare = LabelWeightedClassifier(label_weight=lambda Y: Y.sum(axis=0) ** -0.5)
    dense, sparse = (rare.fit(rng.randn(30, 2), each).weights_ for each in (Y, sp.csr_matrix(Y)))
    assert_array_equal(dense, sparse)


def test_hierarchy_counts_the_segments_of_label_names(multilabel_data):
    pd = pytest.importorskip("pandas")
    X, Y = multilabel_data
    frame = pd.DataFrame(Y, columns=["/person", "/person/artist", "/person/artist/actor", "/place"])
    weights = LabelWeightedClassifier(label_weight="hierarchy").fit(X, frame).weights_
    assert_allclose(weights, np.array([1, 2, 3, 1]) * 4 / 7)


@pytest.mark.parametrize(
    "hierarchy",
    [
        [-1, 0, 1, 0],
        np.array([-1, 0, 1, 0]),
        [(0, 1), (1, 2), (0, 3)],
        [("0", "1"), ("1", "2"), ("0", "3")],
        {"1": "0", "2": ["1"], "3": "0", "0": None},
    ],
    ids=["parents", "array", "indices", "names", "mapping"],
)
def test_hierarchy_is_given_in_any_form(hierarchy, multilabel_data):
    weights = LabelWeightedClassifier(label_weight="hierarchy", hierarchy=hierarchy).fit(*multilabel_data).weights_
    assert_allclose(weights, np.array([1, 2, 3, 2]) / 2)


def test_hierarchy_names_the_columns_of_a_frame(multilabel_data):
    pd = pytest.importorskip("pandas")
    X, Y = multilabel_data
    frame = pd.DataFrame(Y, columns=["animal", "dog", "poodle", "plant"])
    hierarchy = {"animal": "thing", "plant": "thing", "dog": "animal", "poodle": "dog"}
    weights = LabelWeightedClassifier(label_weight="hierarchy", hierarchy=hierarchy).fit(X, frame).weights_
    assert_allclose(weights, np.array([1, 2, 3, 1]) * 4 / 7)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_weighted_too(n_classes, multilabel_data):
    X, Y = multilabel_data
    y = np.array(["a", "b", "c"])[Y[:, 0] + (n_classes == 3) * Y[:, 1]]
    columns = 1 if n_classes == 2 else 3
    fitted = LabelWeightedClassifier(label_weight=np.arange(1, columns + 1)).fit(X, y)
    assert fitted.weights_.shape == (columns,)
    assert fitted.score(X, y) > 0.6
    assert fitted.predict_proba(X).shape == (80, n_classes)


def test_a_seed_given_to_the_base_learner_is_kept(multilabel_data):
    X, Y = multilabel_data
    own = small_torch(random_state=5)
    P = LabelWeightedClassifier(own, random_state=0).fit(X, Y).predict_proba(X)
    assert_array_equal(own.fit(X, Y).predict_proba(X), P)


@pytest.mark.parametrize(
    "estimator",
    [
        LabelWeightedClassifier(label_weight="frequency", hierarchy=[-1, 0, 1, 0]),
        MetaPolicyClassifier(training_policy=FixedWeights("uniform", hierarchy=[-1, 0, 1, 0])),
        PredictionsAsFeaturesClassifier(structure="chain", hierarchy=[-1, 0, 1, 0]),
        SubsetMaximizationClassifier(order="rare", hierarchy=[-1, 0, 1, 0]),
    ],
    ids=short_name,
)
def test_a_hierarchy_that_would_be_ignored_is_refused_by_name(estimator, multilabel_data):
    with pytest.raises(ValueError, match=r'hierarchy is for \w+="hierarchy" alone'):
        estimator.fit(*multilabel_data)
