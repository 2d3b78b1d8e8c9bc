"""From a name, a reward or a function to a reward that scores many thresholds at once."""

import numpy as np

from sklearn_metalabel.rewards._average_precision import AveragePrecisionReward
from sklearn_metalabel.rewards._base import BaseReward
from sklearn_metalabel.rewards._cost import CostReward
from sklearn_metalabel.rewards._hamming_margin import HammingMarginReward
from sklearn_metalabel.rewards._ratio import RatioReward
from sklearn_metalabel.rewards._soft_f1 import SoftF1Reward

__all__ = ["REWARDS", "as_reward"]

REWARDS = {
    "average_precision": AveragePrecisionReward,
    "cost": CostReward,
    "hamming_margin": HammingMarginReward,
    "ratio": RatioReward,
    "soft_f1": SoftF1Reward,
}


class FunctionReward:
    """A user's function of one vector of thresholds, called for each of several."""

    bounds = (-np.inf, np.inf)

    def __init__(self, function):
        self.function = function

    def __call__(self, Y, P, thresholds):
        """Reward (S, L) of thresholds (S, L)."""
        return np.stack([self._one(Y, P, t) for t in thresholds])

    def _one(self, Y, P, thresholds):
        """Reward (L,) of one vector of thresholds; a single number counts for every label."""
        reward = np.asarray(self.function(Y, P, thresholds), dtype=np.float64)
        if reward.shape not in ((), thresholds.shape):
            raise ValueError(
                f"reward must return one number for each of the {len(thresholds)} labels, got shape {reward.shape}; "
                "return an array of shape (n_labels,)."
            )
        return np.broadcast_to(reward, thresholds.shape)


def as_reward(reward):
    """A reward called with thresholds (S, L), from what a user passes."""
    if isinstance(reward, str):
        return REWARDS[reward]()
    if isinstance(reward, BaseReward):
        reward.check()
        return reward
    return FunctionReward(reward)
