import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression

from sklearn_metalabel.learners import LabelWeightedLogistic, LossWeights


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_a_weight_scales_the_strength_of_its_label_as_in_scikit_learn(
    fit_intercept, form, multilabel_data, global_random_seed
):
    X, Y = multilabel_data
    rng = np.random.RandomState(global_random_seed)
    weights, rows = rng.uniform(0.2, 5, 4), rng.uniform(0, 3, len(X))
    ours = LabelWeightedLogistic(C=0.7, fit_intercept=fit_intercept).fit(form(X), Y, rows, weights)
    for j, weight in enumerate(weights):
        theirs = LogisticRegression(C=0.7 * weight, fit_intercept=fit_intercept, tol=1e-10, max_iter=1000)
        theirs.fit(X, Y[:, j], rows)
        assert_allclose(ours.coef_[j], theirs.coef_[0], atol=1e-4)
        assert_allclose(ours.intercept_[j], theirs.intercept_, atol=1e-4)
        assert_allclose(ours.predict_proba(form(X))[:, j], theirs.predict_proba(X)[:, 1], atol=1e-4)


def test_a_run_solves_again_from_the_last_solution(multilabel_data):
    X, Y = multilabel_data
    run = LabelWeightedLogistic(tol=1e-8).training_run()
    run.start(X, Y, sample_weight=np.linspace(0.5, 2, 80))
    assert (run.batch_size, run.n_updates(80)) == (None, 1)
    run.step(None, LossWeights(np.array([5.0, 1.0, 1.0, 1.0])))
    weights = np.array([5.0, 1.0, 1.0, 1.5])
    run.step(None, LossWeights(weights))
    cold = LabelWeightedLogistic().fit(X, Y, np.linspace(0.5, 2, 80), weights)
    assert_allclose(run.predict_proba(X), cold.predict_proba(X), atol=1e-4)
    assert np.sum(run.classifier.n_newton_) < np.sum(cold.n_newton_)
    run.start(X, Y, sample_weight=np.linspace(0.5, 2, 80))
    run.step(None, LossWeights(weights))
    assert_array_equal(run.predict_proba(X), cold.predict_proba(X))


def test_large_coefficients_give_probabilities_strictly_inside(multilabel_data):
    X, Y = multilabel_data
    P = LabelWeightedLogistic(C=1e6).fit(X, Y).predict_proba(X * 1e6)
    assert P.min() > 0
    assert P.max() < 1


def test_names_of_classes_and_shapes_follow_the_target(multilabel_data):
    X, Y = multilabel_data
    binary = LabelWeightedLogistic().fit(X, np.where(Y[:, 0], "yes", "no"))
    assert binary.classes_.tolist() == ["no", "yes"]
    assert binary.label_names_.tolist() == ["yes"]
    assert binary.coef_.shape == (1, 8)
    many = LabelWeightedLogistic().fit(X, Y[:, 0] + Y[:, 1])
    assert many.label_names_.tolist() == ["0", "1", "2"]
    assert many.coef_.shape == (3, 8)
    labels = LabelWeightedLogistic().fit(X, Y)
    assert_array_equal(labels.classes_, [[0, 1]] * 4)
    assert labels.label_names_.tolist() == ["0", "1", "2", "3"]
