"""From a name, a reward or a function to a reward that scores many thresholds at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sklearn_metalabel.rewards._average_precision import AveragePrecisionReward
from sklearn_metalabel.rewards._base import BaseReward
from sklearn_metalabel.rewards._cost import CostReward
from sklearn_metalabel.rewards._hamming_margin import HammingMarginReward
from sklearn_metalabel.rewards._ratio import RatioReward
from sklearn_metalabel.rewards._soft_f1 import SoftF1Reward
from sklearn_metalabel.utils import shown, takes_sample_weight, weights_differ

__all__ = ["REWARDS", "as_reward"]

REWARDS: dict[str, type[BaseReward]] = {
    "average_precision": AveragePrecisionReward,
    "cost": CostReward,
    "hamming_margin": HammingMarginReward,
    "ratio": RatioReward,
    "soft_f1": SoftF1Reward,
}


class FunctionReward:
    """A user's function of one vector of thresholds, called for each of several."""

    bounds = (-np.inf, np.inf)

    def __init__(self, function: Callable):
        self.function = function

    def __call__(
        self, Y: NDArray, P: NDArray, thresholds: NDArray, sample_weight: NDArray | None = None
    ) -> NDArray[np.float64]:
        """Reward (S, L) of thresholds (S, L)."""
        self.check_sample_weight(sample_weight)
        options = {"sample_weight": sample_weight} if takes_sample_weight(self.function) else {}
        return np.stack([self._one(Y, P, t, **options) for t in thresholds])

    def check_sample_weight(self, sample_weight: NDArray | None) -> None:
        """Raise where weights differ and the function takes none."""
        if weights_differ(sample_weight) and not takes_sample_weight(self.function):
            raise ValueError(
                f"reward={self.function!r} takes no sample_weight, and the weights of the samples differ; give it a "
                "parameter of that name, or pass no sample_weight."
            )

    def _one(self, Y, P, thresholds, **options):
        """Reward (L,) of one vector of thresholds; a single number counts for every label."""
        reward = np.asarray(self.function(Y, P, thresholds, **options), dtype=np.float64)
        if reward.shape not in ((), thresholds.shape):
            raise ValueError(
                f"reward must return one number for each of the {len(thresholds)} labels, got shape {reward.shape}; "
                "return an array of shape (n_labels,)."
            )
        return np.broadcast_to(reward, thresholds.shape)


def as_reward(reward: str | BaseReward | Callable) -> BaseReward | FunctionReward:
    """A reward called with thresholds (S, L), from what a user passes, or raise."""
    if isinstance(reward, str) and reward in REWARDS:
        return REWARDS[reward]()
    if isinstance(reward, BaseReward):
        reward.check()
        return reward
    if callable(reward):
        return FunctionReward(reward)
    raise (ValueError if isinstance(reward, str) else TypeError)(
        f"reward must be one of {sorted(REWARDS)}, a reward of sklearn_metalabel.rewards or a function "
        f"(Y, P, thresholds) -> one number for each label, got {shown(reward)}."
    )
