import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from sklearn_metalabel.rewards import CostReward, HammingMarginReward, RatioReward, SoftF1Reward, label_blocks

REWARDS = [
    RatioReward(),
    RatioReward(clip=None),
    SoftF1Reward(),
    SoftF1Reward(sharpness=float("inf")),
    SoftF1Reward(smoothing=0.0),
    HammingMarginReward(),
    HammingMarginReward(balanced=True),
    CostReward(false_positive=2.0),
]


def random_case(seed, n=60, L=4, S=5):
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.01, 0.99, (n, L))
    return (rng.random((n, L)) < P).astype(int), P, rng.uniform(0.05, 0.95, (S, L))


def small_blocks(monkeypatch, n_rows, L=4):
    """Make blocks of so many rows of L labels, and see that there are several."""
    monkeypatch.setattr("sklearn_metalabel.utils._label_arrays._ROW_BLOCK_ENTRIES", n_rows * L)
    sizes = [len(p) for _, p in label_blocks(*random_case(0, L=L)[:2])]
    assert len(sizes) > 1
    assert sizes[0] == n_rows


@pytest.mark.parametrize("reward", REWARDS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_draws_score_as_a_loop_over_them(reward, dtype, monkeypatch):
    small_blocks(monkeypatch, n_rows=16)
    Y, P, T = random_case(0)
    P = P.astype(dtype)
    scored = reward(Y, P, T)
    assert scored.shape == T.shape
    assert scored.dtype == np.float64
    # The terms are of the precision of P, and the two ways may sum them in another order.
    rtol = 1e-10 if dtype == np.float64 else 1e-5
    assert_allclose(scored, [reward(Y, P, t) for t in T], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("reward", REWARDS, ids=str)
def test_blocks_of_rows_change_nothing(reward, monkeypatch):
    Y, P, T = random_case(1)
    whole = reward(Y, P, T)
    small_blocks(monkeypatch, n_rows=7)
    # Sums of 60 numbers of about 1 in another order differ by 1e-14 at most.
    assert_allclose(reward(Y, P, T), whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reward", REWARDS, ids=str)
def test_the_type_of_the_truth_does_not_matter(reward):
    Y, P, T = random_case(2)
    expected = reward(Y, P, T)
    for other in (
        Y.astype(bool),
        Y.astype(float),
        Y.astype(np.int8),
        sp.csr_matrix(Y),
        sp.csc_array(Y),
        Y.tolist(),
    ):
        assert_allclose(reward(other, P, T), expected, rtol=1e-10)


@pytest.mark.parametrize("reward", REWARDS, ids=str)
@pytest.mark.parametrize("seed", range(10))
def test_rewards_stay_within_their_bounds(reward, seed):
    Y, P, _ = random_case(seed)
    T = np.array([[1e-3], [0.01], [0.5], [0.99], [1.0]]) * np.ones((1, 4))
    scored = reward(Y, P, T)
    low, high = reward.bounds
    assert np.isfinite(scored).all()
    assert (low <= scored).all()
    assert (scored <= high).all()


@pytest.mark.parametrize("reward", [r for r in REWARDS if np.isfinite(r.bounds).all()], ids=str)
@pytest.mark.parametrize("constant", [0, 1])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_constant_labels_and_the_thresholds_never_and_always_are_defined(reward, constant, threshold):
    P = np.array([[0.2], [0.7], [0.4]])
    scored = reward(np.full((3, 1), constant), P, [threshold])
    assert np.isfinite(scored).all()


@pytest.mark.parametrize("reward", REWARDS, ids=str)
def test_a_reward_is_cloned_and_compared_by_its_parameters(reward):
    copy = clone(reward)
    assert copy is not reward
    assert copy.get_params() == reward.get_params()
    assert repr(copy) == repr(reward)


def test_grid_search_reaches_the_parameters():
    reward = RatioReward()
    for params in ParameterGrid({"clip": [None, (0.1, 0.9)]}):
        assert clone(reward).set_params(**params).clip == params["clip"]


@pytest.mark.parametrize(
    ("Y", "P", "t", "message"),
    [
        ([[1, 0]], [[0.5, 1.0]], [0.5, 0.5], r"strictly inside \(0, 1\)"),
        ([[1, 0]], [[0.5, np.nan]], [0.5, 0.5], r"strictly inside \(0, 1\)"),
        ([[1, 0]], [[0.5, 0.0]], [0.5, 0.5], r"strictly inside \(0, 1\)"),
        ([1, 0], [0.5, 0.5], [0.5, 0.5], r"shape \(n_samples, n_labels\)"),
        ([[1, 0, 0]], [[0.5, 0.5]], [0.5, 0.5], "shape of P"),
        ([[1, 2]], [[0.5, 0.5]], [0.5, 0.5], "only 0 and 1"),
        ([[1, -1]], [[0.5, 0.5]], [0.5, 0.5], "only 0 and 1"),
        ([[1, 0.5]], [[0.5, 0.5]], [0.5, 0.5], "only 0 and 1"),
        ([[1, 0]], [[0.5, 0.5]], [0.5], r"thresholds must have shape .* with n_labels=2, got \(1,\)"),
        ([[1, 0]], [[0.5, 0.5]], [[[0.5, 0.5]]], "thresholds must have shape"),
        ([[1, 0]], [[0.5, 0.5]], [0.5, 1.5], r"thresholds must lie in \[0, 1\]"),
        ([[1, 0]], [[0.5, 0.5]], [0.5, np.nan], r"thresholds must lie in \[0, 1\]"),
    ],
)
def test_wrong_arguments_get_one_clear_sentence(Y, P, t, message):
    with pytest.raises(ValueError, match=message):
        SoftF1Reward()(Y, P, t)


@pytest.mark.parametrize("reward", REWARDS[:3] + REWARDS[5:], ids=str)
def test_many_draws_build_no_array_of_draws_by_rows_by_labels(reward):
    Y, P, T = random_case(0, n=20_000, L=20, S=20)
    Y = Y.astype(np.int8)
    tracemalloc.start()
    try:
        reward(Y, P, T)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * P.nbytes
