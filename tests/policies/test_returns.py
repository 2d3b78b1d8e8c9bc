import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._returns import MovingBaseline, leave_one_out, returns_to_go, standardize


@pytest.mark.parametrize("discount", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_returns_to_go_equal_the_double_loop(discount, seed):
    rewards = np.random.default_rng(seed).normal(size=(6, 4))
    naive = np.zeros_like(rewards)
    for t in range(6):
        for later in range(t, 6):
            naive[t] += discount ** (later - t) * rewards[later]
    assert_allclose(returns_to_go(rewards, discount), naive)


def test_returns_to_go_leaves_the_rewards_alone():
    rewards = np.ones((3, 2))
    returns_to_go(rewards, 0.9)
    assert_allclose(rewards, 1)


def test_leave_one_out_is_the_mean_of_the_other_draws():
    rewards = np.random.default_rng(0).normal(size=(4, 3))
    naive = [np.delete(rewards, i, axis=0).mean(axis=0) for i in range(4)]
    assert_allclose(leave_one_out(rewards), naive)


def test_standardize_ignores_labels_outside_the_mask():
    advantages = np.array([[1.0, 3.0, 1e9], [2.0, 6.0, -1e9]])
    scaled = standardize(advantages, np.array([True, True, False]))
    assert_allclose(scaled[:, 2], 0)
    assert_allclose([scaled[:, :2].mean(), scaled[:, :2].std()], [0, 1], atol=1e-7)


def test_standardize_without_any_label_is_zero():
    assert_allclose(standardize(np.ones((2, 3)), np.zeros(3, dtype=bool)), 0)


def test_moving_baseline_forgets_by_its_decay():
    baseline = MovingBaseline(decay=0.9)
    assert_allclose(baseline(0, np.array([1.0, 3.0])), 2.0)
    assert_allclose(baseline(0, np.array([2.0, 2.0])), [1.0, 3.0])
    assert_allclose(baseline(0, np.array([0.0, 0.0])), [0.9 * 1 + 0.1 * 2, 0.9 * 3 + 0.1 * 2])


def test_moving_baseline_discriminates_between_steps():
    baseline = MovingBaseline()
    baseline(0, np.array([10.0, 10.0]))
    assert_allclose(baseline(1, np.array([1.0, 3.0])), 2.0)
