"""Thresholds for networks that were trained elsewhere: torch modules and skorch nets under cv="prefit"."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel import TunedThresholdsClassifierCV
from sklearn_metalabel.thresholds import scut

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5)).astype(np.float32)
Y = (X[:, :3] + RNG.normal(size=(300, 3)) > 0.8).astype(int)
WORDS = {"words": RNG.integers(9, size=(300, 2)), "numbers": X}


class Net(nn.Module):
    def __init__(self, probabilities=False):
        super().__init__()
        self.out, self.drop, self.probabilities = nn.Linear(5, 3), nn.Dropout(), probabilities

    def forward(self, x):
        Z = self.out(self.drop(x))
        return Z.sigmoid() if self.probabilities else Z


class Two(Net):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(9, 3)

    def forward(self, words, numbers):
        return super().forward(numbers) + self.words(words).mean(dim=1)


def trained(module, inputs):
    """The module after a few steps of the user's own loop."""
    torch.manual_seed(0)
    optimizer, loss = torch.optim.Adam(module.parameters(), lr=0.1), nn.BCEWithLogitsLoss()
    for _ in range(60):
        optimizer.zero_grad()
        loss(
            module(**inputs) if isinstance(inputs, dict) else module(inputs), torch.from_numpy(Y[:150]).float()
        ).backward()
        optimizer.step()
    return module


def prefit(estimator):
    return TunedThresholdsClassifierCV(estimator, cv="prefit", refit=False, prediction_policy="scut", random_state=0)


def test_a_trained_module_is_tuned_as_it_is():
    module = trained(Net(), torch.from_numpy(X[:150]))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    clf = prefit(module).fit(X[150:], Y[150:])
    with torch.no_grad():
        P = module.eval()(torch.from_numpy(X)).sigmoid().numpy()
    assert_allclose(clf.predict_proba(X), P, rtol=1e-5)
    assert_allclose(clf.thresholds_, scut(Y[150:], clf.predict_proba(X[150:])))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_trained_module_of_several_inputs_is_tuned():
    inputs = {"words": torch.from_numpy(WORDS["words"][:150]), "numbers": torch.from_numpy(X[:150])}
    clf = prefit(trained(Two(), inputs)).fit({name: part[150:] for name, part in WORDS.items()}, Y[150:])
    assert (clf.predict(WORDS) == Y).mean() > 0.6


@pytest.mark.parametrize("probabilities", [False, True])
def test_a_trained_net_is_tuned_as_it_is(probabilities):
    criterion = nn.BCELoss if probabilities else nn.BCEWithLogitsLoss
    options = {"module__probabilities": probabilities, "max_epochs": 10, "lr": 0.5, "train_split": None, "verbose": 0}
    net = NeuralNet(Net, criterion=criterion, **options)
    with pytest.raises(NotFittedError, match="this NeuralNet is not fitted"):
        prefit(net).fit(X[150:], Y[150:])
    torch.manual_seed(0)
    net.fit(X[:150], Y[:150].astype(np.float32))
    clf = prefit(net).fit(X[150:], Y[150:])
    outputs = net.forward(X)
    assert_allclose(clf.predict_proba(X), outputs if probabilities else outputs.sigmoid(), rtol=1e-5)
    assert clf.estimator_.net_ is net
    assert_array_equal(clf.predict(X), clf.predict_proba(X) > clf.thresholds_)
