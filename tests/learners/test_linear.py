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


def test_what_others_start_from_is_in_single_precision_and_what_is_kept_is_not(multilabel_data):
    X, Y = multilabel_data
    run = LabelWeightedLogistic().training_run(seed=0)
    run.start(X, Y)
    assert run.checkpoint() is None
    run.step(None, LossWeights.uniform(Y.shape[1]))
    ((W, b),) = run.checkpoint()
    assert W.dtype == b.dtype == run.classifier.coef_.dtype == np.float32
    assert np.shares_memory(W, run.classifier.coef_)
    kept = run.finish()
    assert kept.coef_.dtype == kept.intercept_.dtype == np.float64
    assert_allclose(kept.coef_, LabelWeightedLogistic().fit(X, Y).coef_, rtol=1e-5, atol=1e-6)


def test_checkpoints_of_several_runs_are_averaged_and_left_alone(multilabel_data):
    X, Y = multilabel_data
    checkpoints = []
    for rows in (slice(0, 60), slice(20, 80), slice(40, 100)):
        run = LabelWeightedLogistic().training_run(seed=0)
        run.start(X[rows], Y[rows])
        run.step(None, LossWeights.uniform(Y.shape[1]))
        checkpoints.append(run.checkpoint())
    before = [W.copy() for ((W, _),) in checkpoints]
    pooled = run.pool(checkpoints[1], checkpoints[0], 1)
    ((W, b),) = run.pool(checkpoints[2], pooled, 2)
    assert_allclose(W, np.mean(before, axis=0), rtol=1e-5, atol=1e-6)
    assert_allclose(b, np.mean([b for ((_, b),) in checkpoints], axis=0), rtol=1e-5, atol=1e-6)
    for ((now, _),), then in zip(checkpoints, before, strict=True):
        assert_array_equal(now, then)
