"""Rewards count by weight: 2 is the sample twice, and 0 the sample left out."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import average_precision_score

from sklearn_metalabel.rewards import (
    REWARDS,
    AveragePrecisionReward,
    BaseReward,
    HammingMarginReward,
    SoftF1Reward,
    as_reward,
)

EVERY = {
    **{name: make() for name, make in REWARDS.items()},
    "balanced": HammingMarginReward(balanced=True),
    "hard f1": SoftF1Reward(sharpness=np.inf, smoothing=0.0),
    "a function": as_reward(
        lambda Y, P, t, sample_weight=None: np.average(Y == (P > t), axis=0, weights=sample_weight)
    ),
}


def case(seed=0, n=150, L=4):
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, L)) < 0.3).astype(int)
    Y[:, 3] = 1
    return Y, expit(rng.normal(-1, 1, Y.shape) + Y).round(2).clip(0.01, 0.99), rng.uniform(0.1, 0.9, (3, L))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_a_weight_is_a_number_of_copies(name, kind):
    if name == "a function" and kind is sp.csr_array:
        pytest.skip("it is given arrays")
    (Y, P, t), weight, reward = case(), np.random.default_rng(1).integers(1, 4, 150), EVERY[name]
    copies = np.repeat(np.arange(150), weight)
    found = reward(kind(Y), P, t, sample_weight=weight.astype(float))
    assert_allclose(found, reward(Y[copies], P[copies], t), rtol=1e-10)
    assert abs(found - reward(Y, P, t)).max() > 1e-4


@pytest.mark.parametrize("name", [name for name in EVERY if name != "a function"])
def test_samples_of_weight_zero_are_left_out(name):
    (Y, P, t), kept, reward = case(), np.arange(150) % 3 != 0, EVERY[name]
    wrong = np.where(kept[:, None], Y, 1 - Y)
    assert_array_equal(reward(wrong, P, t, kept.astype(float)), reward(Y[kept], P[kept], t, np.ones(kept.sum())))


def test_average_precision_is_that_of_scikit_learn():
    (Y, P, _), weight = case(), np.random.default_rng(1).uniform(0.1, 3, 150)
    expected = [average_precision_score(Y[:, j], P[:, j], sample_weight=weight) for j in range(4)]
    assert_allclose(AveragePrecisionReward()(Y, P, np.full(4, 0.5), weight), expected)


class Share(BaseReward):
    bounds = (0.0, 1.0)

    def check(self):
        pass

    def _score(self, Y, P, thresholds):
        return (P > thresholds[:, None]).mean(axis=1)


@pytest.mark.parametrize("given", [Share(), lambda Y, P, t: (P > t).mean(axis=0)], ids=["reward", "function"])
def test_rewards_that_take_no_weights_are_refused_where_these_differ(given):
    (Y, P, t), reward = case(), as_reward(given)
    with pytest.raises(ValueError, match="reward=.* takes no sample_weight, and the weights of the samples differ"):
        reward(Y, P, t, sample_weight=np.arange(150.0))
    assert_array_equal(reward(Y, P, t, sample_weight=np.full(150, 3.0)), reward(Y, P, t))
