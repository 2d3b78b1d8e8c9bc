"""The stochastic policy: softmax-normal weights and logit-normal thresholds.

Actions are drawn in unconstrained space, v ~ N(mu_w, sigma^2) and u ~ N(mu_p, sigma^2), and squashed: w = softmax(v),
p = sigmoid(u). The Jacobian of the squashing does not depend on the policy, so the score function needs only the normal
log-density.
"""

from dataclasses import dataclass

import numpy as np
import torch

from sklearn_metalabel.policies._squash import squash_thresholds, squash_weights

__all__ = ["Action", "as_tensor", "log_probability", "sample_action"]


@dataclass
class Action:
    """One draw: `v` (L,) and `u` (S, L) unconstrained, `weights` (L,) of mean 1, `thresholds` (S, L) in (0, 1)."""

    v: np.ndarray
    u: np.ndarray
    weights: np.ndarray
    thresholds: np.ndarray


def sample_action(weight_means, threshold_means, sigma, n_samples, rng):
    """Draw one vector of weights and `n_samples` vectors of thresholds around the means, each of shape (L,)."""
    v = weight_means + sigma * rng.standard_normal(weight_means.shape)
    u = threshold_means + sigma * rng.standard_normal((n_samples, *threshold_means.shape))
    return Action(v, u, squash_weights(v), squash_thresholds(u))


def log_probability(draws, means, sigma):
    """Normal log-density of each unconstrained draw, up to a constant; tensors of one shape."""
    return -((draws - means) ** 2) / (2 * sigma**2) - float(np.log(sigma))


def as_tensor(array):
    """A float32 tensor of an array."""
    return torch.as_tensor(np.asarray(array), dtype=torch.float32)
