import numpy as np
import torch
from numpy.testing import assert_allclose
from scipy.stats import norm

from sklearn_metalabel.policies._actions import (
    as_tensor,
    log_probability,
    sample_action,
)
from sklearn_metalabel.policies._squash import squash_thresholds, squash_weights


def test_draws_have_the_mean_and_deviation_asked_for():
    rng = np.random.RandomState(0)
    action = sample_action(np.zeros(3), np.array([-1.0, 0.0, 2.0]), 0.3, 20_000, rng)
    assert_allclose(action.u.mean(axis=0), [-1, 0, 2], atol=0.02)
    assert_allclose(action.u.std(axis=0), 0.3, rtol=0.02)
    assert action.weights.shape == (3,)
    assert action.thresholds.shape == (20_000, 3)


def test_no_noise_gives_the_mean_action():
    action = sample_action(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.0, 1, np.random.RandomState(0))
    assert_allclose(action.weights, squash_weights([0.0, 1.0]))
    assert_allclose(action.thresholds[0], squash_thresholds([0.0, 1.0]))


def test_log_probability_is_the_normal_density_up_to_a_constant():
    draws, means, sigma = np.array([0.1, -0.4]), np.array([0.0, 0.5]), 0.7
    ours = log_probability(as_tensor(draws), as_tensor(means), sigma).numpy()
    assert_allclose(ours - norm.logpdf(draws, means, sigma), 0.5 * np.log(2 * np.pi), rtol=1e-5)


def test_score_function_is_the_deviation_over_the_variance():
    means = torch.tensor([0.2, -0.1], requires_grad=True)
    draws = torch.tensor([0.5, 0.3])
    log_probability(draws, means, 0.3).sum().backward()
    assert_allclose(means.grad.numpy(), (draws - means).detach().numpy() / 0.09, rtol=1e-5)
