import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.learners import LabelWeightedLogistic, LossWeights, TorchClassifier
from sklearn_metalabel.learners._emphasis import Emphasis
from sklearn_metalabel.learners._newton import fit_logistic

CPU = torch.device("cpu")
LOGITS = torch.tensor([[0.0, 2.0], [-4.0, -1.0]])
TARGETS = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
WEIGHT = torch.tensor([2.0, 0.5])


class Bias(torch.nn.Module):
    """The same logits for every row."""

    def __init__(self, n_labels):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(n_labels))

    def forward(self, x):
        return self.bias.expand(len(x), -1)


def test_no_emphasis_leaves_the_weights_of_the_labels_alone():
    assert Emphasis(CPU).weight(WEIGHT, LOGITS, TARGETS) is WEIGHT


def test_positives_count_by_their_own_factor():
    found = Emphasis(CPU, positive=np.array([3.0, 4.0])).weight(WEIGHT, LOGITS, TARGETS)
    assert_allclose(found, [[6.0, 0.5], [2.0, 2.0]])


def test_a_focus_takes_weight_from_easy_negatives_alone():
    p = 1 / (1 + np.exp(-LOGITS.numpy()))
    found = Emphasis(CPU, focus=2.0).weight(WEIGHT, LOGITS, TARGETS)
    assert_allclose(found, [[2.0, 0.5 * (p[0, 1] - 0.05) ** 2], [0.0, 0.5]], rtol=1e-6)
    assert p[1, 0] < 0.05  # so easy that it counts nothing


def test_no_gradient_passes_through_a_focus():
    logits = LOGITS.clone().requires_grad_()
    assert not Emphasis(CPU, focus=1.0).weight(WEIGHT, logits, TARGETS).requires_grad


@pytest.mark.parametrize("emphasis", [{"positive": np.array([9.0, 2.0])}, {"focus": 2.0}, {"focus": 4.0}])
def test_probabilities_are_corrected_for_what_the_loss_weighed(emphasis):
    Y = (np.random.default_rng(0).random((400, 2)) < [0.1, 0.3]).astype(np.int8)
    X = np.zeros((400, 1), dtype=np.float32)
    classifier = TorchClassifier(Bias, lr=0.2, batch_size=400, n_epochs=150, device="cpu", random_state=0)
    classifier._check_training_data(X, Y)
    classifier._fit_labels(X, Y, weights=LossWeights(np.ones(2), **emphasis))
    assert_allclose(classifier._label_probabilities(X)[0], Y.mean(axis=0), atol=0.01)
    odds = 1 / (1 + np.exp(-classifier.state_["bias"]))
    assert (odds > Y.mean(axis=0) + 0.1).all()


def test_the_correction_keeps_the_order():
    Z = np.linspace(-30, 30, 2001, dtype=np.float32)[:, None]
    corrected = Emphasis(CPU, positive=np.array([3.0]), focus=4.0).corrected(Z)
    assert corrected.dtype == np.float32
    assert (np.diff(corrected, axis=0) > 0).all()
    assert corrected[-1] == Z[-1] + np.float32(4 * np.log(0.95)) - np.float32(np.log(3))


@pytest.mark.parametrize("form", ["step", "fit"])
def test_a_network_is_trained_under_its_emphasis(form, multilabel_data):
    X, Y = multilabel_data
    base = TorchClassifier(
        torch.nn.Linear(8, 4), optimizer="sgd", lr=0.5, n_epochs=2, batch_size=80, device="cpu", random_state=0
    )
    states = []
    for weights in (LossWeights.uniform(4), LossWeights(np.ones(4), positive=np.full(4, 5.0), focus=1.0)):
        if form == "fit":
            base.fit(X, Y)._fit_labels(X, Y, weights=weights)
            states.append(base.state_["weight"])
        else:
            run = base.training_run()
            run.start(X, Y)
            run.step(np.arange(80), weights)
            states.append(run.module.weight.detach().numpy().copy())
    assert abs(states[0] - states[1]).max() > 1e-4


def test_positives_of_a_logistic_regression_count_as_if_they_were_there_more_often(multilabel_data):
    X, Y = multilabel_data
    W, b, _ = fit_logistic(X, Y, np.ones(4), positive_weight=np.array([3.0, 1.0, 1.0, 1.0]))
    rows = 1.0 + 2.0 * Y[:, 0]
    V, c, _ = fit_logistic(X, Y[:, :1], np.ones(1), row_weight=rows)
    assert_allclose(W[:, 0], V[:, 0], atol=1e-5)
    assert_allclose(b[0], c[0], atol=1e-5)
    plain = LabelWeightedLogistic().fit(X, Y)
    assert_allclose(W[:, 1:].T, plain.coef_[1:], atol=1e-5)
    assert_array_equal(np.sign(b[0] - plain.intercept_[0]), 1)
