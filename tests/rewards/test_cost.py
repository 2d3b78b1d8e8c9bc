import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.rewards import CostReward


@pytest.mark.parametrize("seed", range(10))
def test_the_reward_equals_the_naive_loop(seed):
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.01, 0.99, (40, 3))
    Y = rng.integers(0, 2, P.shape)
    t, fp, fn = rng.uniform(0.1, 0.9, 3), rng.uniform(0, 5, 3), rng.uniform(0, 5, 3)
    naive = np.zeros(3)
    for i in range(40):
        for j in range(3):
            predicted = P[i, j] > t[j]
            naive[j] -= fp[j] * (predicted and not Y[i, j]) + fn[j] * (Y[i, j] and not predicted)
    assert_allclose(CostReward(fp, fn)(Y, P, t), naive / 40, rtol=1e-10)


def test_equal_costs_give_minus_the_hamming_loss():
    assert_allclose(CostReward()([[1], [0], [0], [1]], [[0.9], [0.8], [0.1], [0.2]], [0.5]), -0.5)


def test_the_optimal_threshold_of_calibrated_probabilities_is_the_ratio_of_the_costs():
    rng = np.random.default_rng(0)
    P = rng.uniform(1e-6, 1 - 1e-6, (200_000, 1))
    Y = rng.random(P.shape) < P
    T = np.linspace(0.05, 0.95, 19)[:, None]
    best = T[CostReward(1.0, 4.0)(Y, P, T).argmax(), 0]
    assert best == pytest.approx(0.2)


def test_bounds_follow_the_costliest_error():
    assert CostReward(false_positive=[1, 7], false_negative=2.0).bounds == (-7.0, 0.0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"false_positive": -1.0}, "false_positive must be a finite cost"),
        ({"false_negative": np.inf}, "false_negative must be a finite cost"),
        ({"false_negative": "high"}, "false_negative must be a finite cost"),
        ({"false_negative": [[1.0]]}, "false_negative must be a finite cost"),
        ({"false_positive": [1.0, 2.0, 3.0]}, "one cost for each of the 2 labels"),
    ],
)
def test_wrong_costs_are_found_at_the_call(params, message):
    with pytest.raises(ValueError, match=message):
        CostReward(**params)([[1, 0]], [[0.5, 0.5]], [0.5, 0.5])
