"""X of any form for networks: dictionaries, arrays of many dimensions, tokens; and torch's settings."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import TextCNN

N, L = 120, 3


class TwoInputs(nn.Module):
    def __init__(self, n_labels=L):
        super().__init__()
        self.words = nn.Embedding(30, 6)
        self.numbers = nn.Linear(5, 6)
        self.out = nn.Linear(12, n_labels)

    def forward(self, words, numbers):
        return self.out(torch.cat([self.words(words).mean(dim=1), self.numbers(numbers)], dim=1))


class Image(nn.Module):
    def __init__(self, n_features=2, n_labels=L):
        super().__init__()
        self.seen = nn.Conv2d(n_features, 8, 3)
        self.out = nn.Linear(8, n_labels)

    def forward(self, x):
        return self.out(self.seen(x).relu().mean(dim=(2, 3)))


class Recurrent(nn.Module):
    def __init__(self, n_labels=L):
        super().__init__()
        self.states = nn.GRU(4, 8, batch_first=True)
        self.out = nn.Linear(8, n_labels)

    def forward(self, x):
        return self.out(self.states(x)[1][0])


class Words(nn.Module):
    def __init__(self, n_tokens, n_labels):
        super().__init__()
        self.vectors = nn.Embedding(n_tokens, n_labels)

    def forward(self, x):
        return self.vectors(x).mean(dim=1)


RNG = np.random.default_rng(0)
Y = (RNG.random((N, L)) < 0.4).astype(int)
INPUTS = {
    "dictionary": (TwoInputs, {"words": RNG.integers(30, size=(N, 4)), "numbers": RNG.normal(size=(N, 5))}),
    "images": (Image, RNG.normal(size=(N, 2, 5, 5)) + Y[:, :2, None, None]),
    "sequences": (Recurrent, RNG.normal(size=(N, 7, 4))),
}


def torch_classifier(module, **params):
    return TorchClassifier(module, **{"n_epochs": 2, "device": "cpu", "random_state": 0, **params})


def skorch_net(module, **params):
    return NeuralNet(module, criterion=nn.BCEWithLogitsLoss, max_epochs=2, train_split=None, verbose=0, **params)


# Thresholds are not what is looked at here.
QUICK = {"prediction_policy": "shrunken", "cv": 2, "random_state": 0}
MAKERS = {
    "meta": lambda base: MetaPolicyClassifier(base, **QUICK),
    "recurrent": lambda base: MetaPolicyClassifier(base, training_policy="shared", **QUICK),
    "paper": lambda base: MetaPolicyClassifier.from_paper(base, training_policy__n_episodes=1, random_state=0),
    "tuned": lambda base: TunedThresholdsClassifierCV(base, **QUICK),
    "fixed": FixedThresholdsClassifier,
    "weighted": LabelWeightedClassifier,
    "predictions as features": lambda base: PredictionsAsFeaturesClassifier(base, cv=2, random_state=0),
}


def rows_of(X, rows):
    return {name: part[rows] for name, part in X.items()} if isinstance(X, dict) else X[rows]


@pytest.mark.parametrize("base", [torch_classifier, skorch_net])
@pytest.mark.parametrize("form", INPUTS)
@pytest.mark.parametrize("maker", [maker for maker in MAKERS if maker != "predictions as features"])
def test_networks_take_inputs_of_any_form(maker, form, base):
    module, X = INPUTS[form]
    fitted = MAKERS[maker](base(module)).fit(X, Y)
    P = fitted.predict_proba(X)
    assert P.shape == Y.shape
    assert np.ptp(P, axis=0).min() > 0
    assert_allclose(fitted.predict_proba(rows_of(X, slice(10, 15))), P[10:15], rtol=1e-4)  # sums of other batches
    with pytest.raises(ValueError, match="the form that it had in fit"):
        fitted.predict(RNG.normal(size=(N, 4)))


def test_a_dictionary_is_what_its_arrays_side_by_side_are():
    X = INPUTS["dictionary"][1]

    class Together(TwoInputs):
        def forward(self, x):
            return super().forward(x[:, :4].long(), x[:, 4:].float())

    torch.manual_seed(0)
    module = TwoInputs()
    together = Together()
    together.load_state_dict(module.state_dict())
    apart = torch_classifier(module).fit(X, Y).predict_proba(X)
    # A module with an embedding takes int64, so that the numbers are rounded for both.
    whole = {**X, "numbers": X["numbers"].round()}
    side_by_side = np.hstack([whole["words"], whole["numbers"].astype(int)])
    expected = torch_classifier(together).fit(side_by_side, Y).predict_proba(side_by_side)
    assert_allclose(torch_classifier(module).fit(whole, Y).predict_proba(whole), expected, rtol=1e-5)
    assert not np.allclose(apart, expected)


def test_sparse_inputs_stand_beside_dense_ones():
    X = {"words": INPUTS["dictionary"][1]["words"], "numbers": RNG.normal(size=(N, 5)) * (RNG.random((N, 5)) < 0.3)}
    dense = torch_classifier(TwoInputs).fit(X, Y).predict_proba(X)
    X = {**X, "numbers": sp.csr_array(X["numbers"])}
    assert_allclose(MAKERS["weighted"](torch_classifier(TwoInputs)).fit(X, Y).predict_proba(X), dense, rtol=1e-5)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        ({}, "got an empty dictionary|0 sample"),
        ({"words": np.zeros((N, 2), int), "numbers": np.zeros((N - 1, 5))}, "same number of rows"),
        ({"words": np.zeros((N - 1, 2), int), "numbers": np.zeros((N - 1, 5))}, "inconsistent numbers of samples"),
        ({"words": np.zeros((N, 2), int), "numbers": np.full((N, 5), np.nan)}, r"X\['numbers'\] contains NaN"),
    ],
)
@pytest.mark.parametrize("maker", ["meta", "fixed", "weighted"])
def test_dictionaries_that_do_not_fit_are_refused(maker, X, match):
    with pytest.raises(ValueError, match=match):
        MAKERS[maker](torch_classifier(TwoInputs)).fit(X, Y)


def test_a_size_that_a_dictionary_does_not_tell_is_asked_for_by_name():
    with pytest.raises(ValueError, match="asks for n_features.*module__n_features"):
        torch_classifier(RequiresFeatures).fit(INPUTS["dictionary"][1], Y)


class RequiresFeatures(nn.Module):
    def __init__(self, n_features):
        super().__init__()


@pytest.mark.parametrize("maker", ["meta", "recurrent", "tuned", "predictions as features"])
@pytest.mark.parametrize("module", [Words, TextCNN])
def test_there_is_room_for_tokens_that_a_fold_does_not_hold(maker, module):
    X = RNG.integers(5, size=(60, 6))
    X[-1] = np.arange(94, 100)  # in one row alone, and so in one fold alone
    fitted = MAKERS[maker](torch_classifier(module, n_epochs=1)).fit(X, Y[:60])
    assert fitted.predict(X).shape == (60, L)
    if module is Words:  # the others take numbers beyond for unknown words
        with pytest.raises(ValueError, match="the largest is 200.*module__n_tokens=201"):
            fitted.predict(np.full((2, 6), 200))


@pytest.mark.parametrize("base", [torch_classifier, skorch_net])
@pytest.mark.parametrize("maker", ["meta", "recurrent", "fixed"])
def test_settings_of_torch_change_nothing(maker, base):
    module, X = INPUTS["images"]
    expected = MAKERS[maker](base(module)).fit(X, Y).predict_proba(X) if maker != "fixed" else None
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            fitted = MAKERS[maker](base(module)).fit(X, Y)
        with torch.inference_mode():
            again = MAKERS[maker](base(module)).fit(X, Y)
            P = again.predict_proba(X)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    if expected is not None:
        assert_array_equal(fitted.predict_proba(X), expected)
        assert_array_equal(P, expected)
    assert np.ptp(P, axis=0).min() > 0


def test_a_module_in_double_precision_is_trained_as_one_in_single():
    torch.manual_seed(0)
    module, X = Image(), INPUTS["images"][1]
    expected = torch_classifier(module).fit(X, Y).predict_proba(X)
    double = torch_classifier(Image().double(), n_epochs=2)
    double.module.load_state_dict(module.state_dict())
    assert_allclose(MAKERS["weighted"](double).fit(X, Y).predict_proba(X), expected, atol=1e-4)
    meta = MAKERS["meta"](double).fit(X, Y)  # positives and focus are weighed too
    assert meta.estimator_.state_["out.weight"].dtype == np.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_modules_of_half_precision_are_refused_by_name(dtype):
    module, X = INPUTS["images"]
    match = rf"parameters are {str(dtype)[6:]}.*precision=\"bfloat16\""
    for maker in ("meta", "tuned", "weighted"):
        with pytest.raises(ValueError, match=match):
            MAKERS[maker](torch_classifier(module().to(dtype))).fit(X, Y)
