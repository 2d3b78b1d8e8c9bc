import math

import numpy as np
import pytest
import torch
from _cases import small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch.nn import functional as F

from sklearn_metalabel import ConstantLabelWarning, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import TorchClassifier, asymmetric_loss, distribution_balanced_loss, focal_loss
from sklearn_metalabel.learners._emphasis import Emphasis
from sklearn_metalabel.learners._losses import build_loss, shifted_probabilities

NAMES = ["asymmetric", "distribution_balanced", "focal", "log_loss"]


def random_case(seed):
    """Logits, targets and frequencies; the first sample has no label."""
    rng = np.random.RandomState(seed)
    Z, Y = 3 * rng.randn(12, 5), (rng.rand(12, 5) < 0.4).astype(float)
    Y[0] = 0
    return Z, Y, rng.uniform(0.01, 0.7, size=5)


def tensors(*arrays):
    return [torch.tensor(array, dtype=torch.float32) for array in arrays]


def entries(function, Z, Y):
    """What `function(logit, target, row, column)` gives for each entry."""
    return np.array([[function(Z[i, j], Y[i, j], i, j) for j in range(Z.shape[1])] for i in range(len(Z))])


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("params", [{}, {"gamma_neg": 1.0, "gamma_pos": 2.0}, {"clip": 0.0}, {"clip": 0.2}])
def test_the_asymmetric_loss_is_its_formula(params, global_random_seed):
    Z, Y, _ = random_case(global_random_seed)
    g_neg, g_pos, m = ({"gamma_neg": 4.0, "gamma_pos": 0.0, "clip": 0.05} | params).values()

    def slow(z, y, i, j):
        p = sigmoid(z)
        shifted = max(p - m, 0.0)
        return -((1 - p) ** g_pos) * math.log(p) if y else -(shifted**g_neg) * math.log(1 - shifted)

    assert_allclose(asymmetric_loss(*tensors(Z, Y), **params), entries(slow, Z, Y), rtol=1e-4, atol=1e-7)


def test_no_gradient_passes_through_the_focus_of_the_asymmetric_loss(global_random_seed):
    Z, Y, _ = random_case(global_random_seed)
    z, y = tensors(Z, Y)
    z.requires_grad_()
    asymmetric_loss(z, y, gamma_pos=1.0).sum().backward()

    def slow(z, y, i, j):
        p = sigmoid(z)
        if y:
            return -(1 - p) * (1 - p)
        shifted = max(p - 0.05, 0.0)
        return shifted**4 * p * (1 - p) / (1 - shifted)

    assert_allclose(z.grad, entries(slow, Z, Y), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.5])
def test_shifted_probabilities_are_their_formula_without_a_gradient(margin, global_random_seed):
    Z, _, _ = random_case(global_random_seed)
    (z,) = tensors(Z)
    before = z.clone().requires_grad_()
    found = shifted_probabilities(before, margin)
    assert not found.requires_grad
    assert_allclose(found, np.maximum(1 / (1 + np.exp(-Z)) - margin, 0), rtol=1e-5, atol=1e-7)
    found.zero_()
    assert_array_equal(before.detach(), z)


@pytest.mark.parametrize("gamma", [1.0, 3.0, 4.0])
def test_a_focus_in_the_weights_is_the_focus_of_the_asymmetric_loss(gamma, global_random_seed):
    Z, Y, _ = random_case(global_random_seed)
    z, y = tensors(Z, Y)
    weight = Emphasis(torch.device("cpu"), focus=gamma).weight(torch.ones(5), z, y)
    # The focus alone: the asymmetric loss also moves the probability within the logarithm.
    ratio = asymmetric_loss(z, y, gamma_neg=gamma) / asymmetric_loss(z, y, gamma_neg=0.0)
    counted = (Y == 0) & (weight.numpy() > 0)
    assert_allclose(ratio[counted], weight[counted], rtol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_the_focal_loss_is_its_formula(gamma, global_random_seed):
    Z, Y, _ = random_case(global_random_seed)

    def slow(z, y, i, j):
        q = sigmoid(z) if y else 1 - sigmoid(z)
        return -((1 - q) ** gamma) * math.log(q)

    assert_allclose(focal_loss(*tensors(Z, Y), gamma=gamma), entries(slow, Z, Y), rtol=1e-4)


@pytest.mark.parametrize(
    "params",
    [{}, {"mu": 0.2, "beta": 3.0, "alpha": 0.5, "gamma": 2.0, "negative_scale": 5.0}, {"beta": 0.0, "kappa": 0.5}],
    ids=["defaults", "others", "one weight for all"],
)
def test_the_distribution_balanced_loss_is_its_formula(params, global_random_seed):
    Z, Y, f = random_case(global_random_seed)
    given = {"alpha": 0.1, "beta": 10.0, "mu": 0.9, "kappa": 0.05, "negative_scale": 2.0, "gamma": 0.0} | params
    alpha, beta, mu, kappa, scale, gamma = given.values()

    def slow(z, y, i, j):
        total = sum(1 / f[k] for k in range(Z.shape[1]) if Y[i, k])
        relative = (1 / f[j]) / total if total else 1e30
        weight = alpha + (1.0 if beta * relative > 500 else sigmoid(beta * (relative - mu)))
        z = z - kappa * math.log(1 / f[j] - 1)
        q = sigmoid(z) if y else 1 - sigmoid(scale * z)
        return -weight * (1 - q) ** gamma * math.log(q) / (1 if y else scale)

    assert_allclose(distribution_balanced_loss(*tensors(Z, Y, f), **params), entries(slow, Z, Y), rtol=1e-3, atol=1e-9)


LOSSES = {
    "asymmetric": asymmetric_loss,
    "asymmetric without a clip": lambda z, y: asymmetric_loss(z, y, clip=0.0, gamma_neg=0.5, gamma_pos=0.5),
    "focal": focal_loss,
    "distribution balanced": lambda z, y: distribution_balanced_loss(z, y, torch.tensor([1e-7, 0.5]), gamma=2.0),
}


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("size", [0.0, 20.0, 1e4, 1e30])
def test_values_and_gradients_are_finite_at_extreme_logits(case, size):
    z = torch.tensor([[size, -size], [-size, size], [size, size], [-size, -size]], requires_grad=True)
    losses = LOSSES[case](z, torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]))
    losses.sum().backward()
    assert losses.shape == z.shape
    assert (losses >= 0).all()
    assert torch.isfinite(losses).all()
    assert torch.isfinite(z.grad).all()


@pytest.mark.parametrize("case", LOSSES)
def test_what_is_clearly_right_costs_nothing_and_what_is_wrong_is_pulled_back(case):
    z = torch.tensor([[20.0, -20.0], [-3.0, 3.0]], requires_grad=True)
    losses = LOSSES[case](z, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    losses.sum().backward()
    assert_allclose(losses[0].detach(), 0, atol=1e-4)
    assert z.grad[1, 0] < 0 < z.grad[1, 1]


def test_frequencies_reach_the_loss_and_are_never_nought_or_one(multilabel_data):
    X, Y = multilabel_data
    Y = Y.copy()
    Y[:, 1], Y[:, 2] = 0, 1
    seen = []

    def noting(logits, targets, frequencies):
        seen.append(frequencies)
        return focal_loss(logits, targets)

    with pytest.warns(ConstantLabelWarning):
        small_torch(loss=noting, n_epochs=1).fit(X, Y)
    n = len(X)
    assert_allclose(seen[0], [Y[:, 0].mean(), 0.5 / n, 1 - 0.5 / n, Y[:, 3].mean()], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_weights_multiply_the_loss_of_each_entry(name, global_random_seed):
    Z, Y, f = random_case(global_random_seed)
    z, y, frequencies = tensors(Z, Y, f)
    loss = build_loss(name, {}, frequencies)
    alone = np.array([[loss(z, y, one(i, j)).item() for j in range(5)] for i in range(12)])
    (weight,) = tensors(np.random.RandomState(0).rand(12, 5))
    assert_allclose(loss(z, y, weight), (alone * weight.numpy()).sum(), rtol=1e-4)
    assert_allclose(loss(z, y, weight[0]), (alone * weight[0].numpy()).sum(), rtol=1e-4)


def one(i, j):
    """Weights (12, 5) of which all but one are nought."""
    weight = torch.zeros(12, 5)
    weight[i, j] = 1.0
    return weight


@pytest.mark.parametrize("name", NAMES)
def test_sample_and_label_weights_are_taken_with_every_loss(name, multilabel_data):
    X, Y = multilabel_data
    plain = small_torch(loss=name, random_state=0).fit(X, Y)
    same = small_torch(loss=name, random_state=0).fit(X, Y, label_weight=np.ones(4), sample_weight=np.ones(len(X)))
    other = small_torch(loss=name, random_state=0).fit(X, Y, label_weight=[1, 9, 1, 1])
    assert_array_equal(same.predict_proba(X), plain.predict_proba(X))
    assert not np.array_equal(other.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_learns_to_rank(name, multilabel_data):
    X, Y = multilabel_data
    P = small_torch(loss=name, n_epochs=40, random_state=0).fit(X, Y).predict_proba(X)
    assert all(np.mean(P[Y[:, j] == 1, j]) > np.mean(P[Y[:, j] == 0, j]) + 0.05 for j in range(Y.shape[1]))


def test_the_log_loss_as_a_function_is_the_log_loss_by_name(multilabel_data):
    X, Y = multilabel_data
    by_name, given = (
        small_torch(random_state=0, **params).fit(X, Y).predict_proba(X)
        for params in ({}, {"loss": F.binary_cross_entropy_with_logits, "loss__reduction": "none"})
    )
    assert_allclose(given, by_name, rtol=1e-3)
    focal = small_torch(random_state=0, loss="focal", loss__gamma=0.0).fit(X, Y).predict_proba(X)
    assert_allclose(focal, by_name, rtol=1e-3)


def test_parameters_of_the_loss_are_cloned_and_searched(multilabel_data):
    classifier = small_torch(loss="asymmetric", loss__gamma_neg=1.0, random_state=0)
    assert clone(classifier).get_params()["loss__gamma_neg"] == 1.0
    search = GridSearchCV(classifier, {"loss__gamma_neg": [0.0, 30.0]}, cv=2).fit(*multilabel_data)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] != scores[1]
    assert search.best_estimator_.loss__gamma_neg == search.best_params_["loss__gamma_neg"]


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_thresholds_are_learned_over_another_loss(make, multilabel_data):
    X, Y = multilabel_data
    classifier = make(small_torch(loss="asymmetric", n_epochs=3, random_state=0), cv=2, random_state=0).fit(X, Y)
    assert classifier.thresholds_.shape == (4,)
    assert classifier.predict(X).shape == Y.shape


def test_other_losses_weigh_no_positives_or_hard_negatives_of_their_own():
    assert {name: bool(small_torch(loss=name).training_run().emphases) for name in NAMES} == {
        name: name == "log_loss" for name in NAMES
    }


def test_an_unknown_loss_is_refused(multilabel_data):
    with pytest.raises(ValueError, match=r"loss must be one of \['asymmetric', .*'log_loss'\] or a function.*'hinge'"):
        small_torch(loss="hinge").fit(*multilabel_data)


@pytest.mark.parametrize(
    ("loss", "match"),
    [
        ("asymmetric", r"asymmetric takes no gama; its parameters are \['gamma_neg', 'gamma_pos', 'clip'\]"),
        ("log_loss", r"log_loss takes no gama; its parameters are \[\]"),
        (focal_loss, r"focal_loss takes no gama; its parameters are \['gamma'\]"),
    ],
    ids=["by name", "torch's own", "a function"],
)
def test_unknown_parameters_of_a_loss_are_refused(loss, match, multilabel_data):
    with pytest.raises(TypeError, match=match):
        small_torch(loss=loss, loss__gama=1.0).fit(*multilabel_data)


@pytest.mark.parametrize(
    ("loss", "got"),
    [(F.binary_cross_entropy_with_logits, r"\(\)"), (lambda z, y: [1.0], "list")],
    ids=["a mean", "a list"],
)
def test_a_loss_of_another_shape_is_refused(loss, got, multilabel_data):
    match = rf"The loss must return a number for each sample and label, of shape \(27, 4\), got {got}; leave the mean"
    with pytest.raises(ValueError, match=match):
        TorchClassifier(torch.nn.Linear(8, 4), loss=loss, batch_size=32, device="cpu").fit(*multilabel_data)


def test_a_loss_with_any_parameters_is_given_them(multilabel_data):
    seen = {}

    def open_ended(logits, targets, **params):
        seen.update(params)
        return focal_loss(logits, targets)

    small_torch(loss=open_ended, loss__anything=3, n_epochs=1).fit(*multilabel_data)
    assert seen == {"anything": 3}
