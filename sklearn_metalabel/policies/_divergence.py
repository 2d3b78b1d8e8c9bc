"""Tell where a reward without bounds drove the policy."""

import warnings

import numpy as np

from sklearn_metalabel.utils import PolicyDivergenceWarning

__all__ = ["warn_if_diverged"]

# A threshold this near to 0 or 1, on more than this share of the labels, or a mean reward this large, is divergence.
_END = 0.01
_TOO_MANY_AT_THE_ENDS = 0.25
_TOO_LARGE = 100.0


def warn_if_diverged(reward, history):
    """Say so where a reward without bounds drove the thresholds to 0 or 1."""
    low, high = getattr(reward, "bounds", (-np.inf, np.inf))
    if np.isfinite(low) and np.isfinite(high):
        return
    thresholds = history["greedy_thresholds"][-1]
    at_the_ends = np.mean((thresholds < _END) | (thresholds > 1 - _END))
    largest = np.abs(history["reward"]).max()
    if at_the_ends > _TOO_MANY_AT_THE_ENDS or largest > _TOO_LARGE:
        warnings.warn(
            f"The policy diverged: the reward has no bounds, its largest absolute mean was {largest:.3g}, and "
            f"{at_the_ends:.0%} of the thresholds lie at 0 or 1. Use a bounded reward, such as "
            "RatioReward(clip=(0.05, 0.95)) or SoftF1Reward().",
            PolicyDivergenceWarning,
            stacklevel=6,
        )
