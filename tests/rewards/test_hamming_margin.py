import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logit
from sklearn.metrics import balanced_accuracy_score

from sklearn_metalabel.rewards import HammingMarginReward


def random_case(seed, n=50, L=4):
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.01, 0.99, (n, L))
    return (rng.random((n, L)) < P).astype(int), P, rng.uniform(0.05, 0.95, L)


@pytest.mark.parametrize("seed", range(10))
def test_the_reward_equals_the_naive_loop(seed):
    Y, P, t = random_case(seed)
    for j in range(4):
        margins = [np.clip((logit(p) - logit(t[j])) / 0.7, -1, 1) for p in P[:, j]]
        signed = np.array([m if y else -m for y, m in zip(Y[:, j], margins, strict=True)])
        both = (signed[Y[:, j] == 1].mean() + signed[Y[:, j] == 0].mean()) / 2
        assert_allclose(HammingMarginReward(width=0.7)(Y, P, t)[j], signed.mean(), rtol=1e-10, atol=1e-12)
        assert_allclose(HammingMarginReward(width=0.7, balanced=True)(Y, P, t)[j], both, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_a_narrow_margin_is_twice_the_accuracy_minus_one(seed):
    Y, P, t = random_case(seed)
    accuracy = ((t < P) == Y).mean(axis=0)
    assert_allclose(HammingMarginReward(width=1e-9)(Y, P, t), 2 * accuracy - 1, atol=1e-12)
    balanced = [balanced_accuracy_score(Y[:, j], P[:, j] > t[j]) for j in range(4)]
    assert_allclose(HammingMarginReward(width=1e-9, balanced=True)(Y, P, t), 2 * np.array(balanced) - 1, atol=1e-12)


def test_balancing_moves_the_optimum_of_a_rare_label_down():
    rng = np.random.default_rng(0)
    P = rng.beta(1, 9, (5000, 1))
    Y = rng.random(P.shape) < P
    T = np.linspace(0.01, 0.99, 99)[:, None]
    plain, balanced = (HammingMarginReward(balanced=b)(Y, P, T).argmax() for b in (False, True))
    assert balanced < plain


@pytest.mark.parametrize("balanced", [False, True])
def test_a_constant_label_is_scored_on_its_only_class(balanced):
    reward = HammingMarginReward(width=1e-9, balanced=balanced)
    assert_allclose(reward(np.zeros((3, 1)), [[0.2], [0.3], [0.6]], [0.5]), 1 / 3)
    assert_allclose(reward(np.ones((3, 1)), [[0.2], [0.3], [0.6]], [0.5]), -1 / 3)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 0}, "width must be"),
        ({"width": float("inf")}, "width must be"),
        ({"width": None}, "width must be"),
        ({"balanced": "yes"}, "balanced must be"),
    ],
)
def test_wrong_parameters_are_found_at_the_call(params, message):
    with pytest.raises(ValueError, match=message):
        HammingMarginReward(**params)([[1]], [[0.5]], [0.5])
