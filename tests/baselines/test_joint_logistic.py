import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from sklearn_metalabel.baselines import _joint_logistic
from sklearn_metalabel.baselines._joint_logistic import JointLogistic, JointLoss, PartialOrder
from sklearn_metalabel.learners import LabelWeightedLogistic, LossWeights

EDGES = np.array([[3, 1], [3, 0], [1, 0], [0, 4], [3, 4]])  # label 2 stands alone


@pytest.fixture
def problem(global_random_seed):
    """X (25, 3), Y (25, 5), weights of the rows and a point (A, c, b)."""
    rng = np.random.RandomState(global_random_seed)
    X, Y = rng.randn(25, 3), (rng.rand(25, 5) < 0.4).astype(np.int8)
    return X, Y, rng.rand(25), (rng.randn(5, 3), rng.randn(5), rng.randn(5))


def naive_outputs(X, A, c, b, edges, order):
    """Logits (n, L) by a loop over labels in topological order."""
    Z = np.zeros((len(X), len(c)))
    for i, x in enumerate(X):
        for j in order:
            Z[i, j] = x @ A[j] + c[j]
            for e, (parent, child) in enumerate(edges):
                if child == j:
                    Z[i, j] += b[e] * expit(Z[i, parent])
    return Z


def naive_loss(X, Y, weight, A, c, b):
    """The objective of the docstring, one sample and label at a time."""
    Z = naive_outputs(X, A, c, b, EDGES, [3, 2, 1, 0, 4])
    loss = sum(
        weight[j, i] * -np.log(expit(Z[i, j] if Y[i, j] else -Z[i, j])) for i in range(len(Y)) for j in range(len(c))
    )
    return loss + (np.sum(A**2) + np.sum(b**2)) / 2


def joint_loss(X, Y, weight, fit_intercept=True):
    return JointLoss(X, Y.T.astype(float), weight, PartialOrder(5, EDGES), fit_intercept)


def test_levels_give_what_a_loop_in_topological_order_gives(problem):
    X, _, _, (A, c, b) = problem
    Z, P = PartialOrder(5, EDGES).outputs((X @ A.T + c).T, b)
    assert_allclose(Z.T, naive_outputs(X, A, c, b, EDGES, [3, 2, 1, 0, 4]))
    assert_allclose(P, expit(Z))


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_the_loss_equals_a_double_loop_and_its_gradient_finite_differences(problem, container, monkeypatch):
    monkeypatch.setattr(_joint_logistic, "_BLOCK_ENTRIES", 60)
    X, Y, weight, (A, c, b) = problem
    weight = np.multiply.outer(np.arange(1.0, 6.0), weight)
    loss = joint_loss(container(X), Y, weight)
    theta = loss.join(A, c, b)
    for part, expected in zip(loss.split(theta), (A, c, b), strict=True):
        assert_array_equal(part, expected)
    value, gradient = loss(theta)
    assert value == pytest.approx(naive_loss(X, Y, weight, A, c, b))
    assert_allclose(gradient, approx_fprime(theta, lambda t: loss(t)[0], 1e-6), rtol=1e-3, atol=1e-3)


def test_the_fit_is_a_minimum_below_the_independent_solution(problem):
    X, Y, sample_weight, _ = problem
    label_weight = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    model = JointLogistic(EDGES, C=2.0)
    model._fit_labels(X, Y, weights=LossWeights(label_weight), sample_weight=sample_weight)
    start = LabelWeightedLogistic(C=2.0)
    start._fit_labels(X, Y, weights=LossWeights(label_weight), sample_weight=sample_weight)
    loss = joint_loss(X, Y, np.multiply.outer(2 * label_weight, sample_weight))
    before = loss(loss.join(start.coef_, start.intercept_, np.zeros(5)))[0]
    after, gradient = loss(loss.join(model.coef_, model.intercept_, model.edge_coef_))
    assert after < before
    assert np.abs(gradient).max() < 0.05
    assert_array_equal(model.coef_[2], start.coef_[2])
    Z = naive_outputs(X, model.coef_, model.intercept_, model.edge_coef_, EDGES, [3, 2, 1, 0, 4])
    assert_allclose(model._label_probabilities(X), expit(Z))


def test_without_edges_it_is_the_independent_model(multilabel_data):
    X, Y = multilabel_data
    joint, alone = JointLogistic(np.empty((0, 2), dtype=int)), LabelWeightedLogistic()
    assert_allclose(joint.fit(X, Y).predict_proba(X), alone.fit(X, Y).predict_proba(X), rtol=1e-12)


def test_without_an_intercept_none_is_fitted(multilabel_data):
    X, Y = multilabel_data
    model = JointLogistic([(0, 1), (1, 2)], fit_intercept=False).fit(X, Y)
    assert model.intercept_.tolist() == [0] * 4
    assert (model.edge_coef_ != 0).all()


def test_training_that_does_not_converge_warns(multilabel_data, monkeypatch):
    monkeypatch.setattr(_joint_logistic, "_MAX_STEPS", 2)
    with pytest.warns(ConvergenceWarning, match="stopped after 2 steps before it had converged: scale the features"):
        JointLogistic([(0, 1), (1, 2)]).fit(*multilabel_data)
