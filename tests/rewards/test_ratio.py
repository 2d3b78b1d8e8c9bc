import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_metalabel.rewards import RatioReward


def random_case(seed, n=30, L=3):
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.01, 0.99, (n, L))
    return (rng.random((n, L)) < 0.4).astype(int), P, rng.uniform(0.1, 0.9, L)


def slope(Y, P):
    """S of the closed form, mean over samples."""
    return np.where(Y == 1, -P, P).mean(axis=0)


@pytest.mark.parametrize("clip", [None, (0.05, 0.95)])
@pytest.mark.parametrize("seed", range(10))
def test_value_and_derivative_equal_a_naive_double_loop_with_autograd(seed, clip):
    Y, P, t = random_case(seed)
    p = torch.tensor(t, requires_grad=True)
    n, L = P.shape
    naive = [torch.zeros((), dtype=torch.float64) for _ in range(L)]
    for i in range(n):
        for j in range(L):
            naive[j] = naive[j] + (-1.0) ** int(Y[i, j]) * (p[j] - P[i, j]) / p[j] / n
    naive = torch.stack(naive)
    assert_allclose(RatioReward(clip=clip)(Y, P, t), naive.detach().numpy(), rtol=1e-10, atol=1e-12)
    (gradient,) = torch.autograd.grad(naive.sum(), p)
    assert_allclose(gradient.numpy(), slope(Y, P) / t**2, rtol=1e-10)


@pytest.mark.parametrize("seed", range(10))
def test_the_literal_form_is_monotone_with_the_sign_of_the_slope(seed):
    Y, P, _ = random_case(seed)
    T = np.linspace(0.001, 0.999, 200)[:, None] * np.ones((1, 3))
    steps = np.diff(RatioReward(clip=None)(Y, P, T), axis=0)
    assert (np.sign(steps) == np.sign(slope(Y, P))).all()


def test_the_literal_form_diverges_where_the_sum_over_positives_is_greater_and_the_clipped_one_does_not():
    Y, P = np.array([[1], [1], [0]]), np.array([[0.9], [0.8], [0.1]])
    assert slope(Y, P)[0] < 0
    falling = np.array([[1e-3], [1e-6], [1e-12], [1e-200]])
    literal = RatioReward(clip=None)(Y, P, falling)[:, 0]
    assert (literal > 0.5 / falling[:, 0]).all()
    clipped = RatioReward()(Y, P, falling)[:, 0]
    assert (clipped == clipped[0]).all()
    assert clipped[0] < RatioReward().bounds[1]


def test_the_literal_form_of_a_rare_label_never_exceeds_its_value_at_one():
    Y, P = np.array([[1], [0], [0], [0]]), np.array([[0.3], [0.3], [0.2], [0.1]])
    T = np.array([[0.01], [0.5], [0.999], [1.0]])
    literal = RatioReward(clip=None)(Y, P, T)[:, 0]
    assert (np.diff(literal) > 0).all()


def test_float32_probabilities_are_summed_in_float64():
    P = np.full((200_000, 1), 0.1, dtype=np.float32)
    Y = np.zeros_like(P)
    assert_allclose(RatioReward(clip=None)(Y, P, [0.5]), 1 - np.float64(np.float32(0.1)) / 0.5, rtol=1e-12)


def test_the_literal_form_refuses_a_threshold_of_zero():
    with pytest.raises(ValueError, match="divides by the threshold and got a 0"):
        RatioReward(clip=None)([[1, 0]], [[0.5, 0.5]], [0.0, 0.5])


@pytest.mark.parametrize("clip", [(0, 0.9), (0.9, 0.1), (0.1, 1.1), 0.5, (0.1,), ("a", "b"), "helloworld"])
def test_a_wrong_clip_is_found_at_the_call_not_in_the_constructor(clip):
    reward = RatioReward(clip=clip)
    with pytest.raises(ValueError, match="clip must be None or a pair"):
        reward([[1]], [[0.5]], [0.5])


def test_bounds_say_that_only_the_literal_form_is_unbounded():
    assert RatioReward(clip=None).bounds == (-np.inf, np.inf)
    assert_allclose(RatioReward().bounds, (-19, 19))
