"""The reward of the paper."""

from __future__ import annotations

from numbers import Real

import numpy as np

from sklearn_metalabel.rewards._base import BaseReward, column_sums, weighted_blocks
from sklearn_metalabel.utils import shown, total_weight

__all__ = ["RatioReward"]


class RatioReward(BaseReward):
    """Score thresholds by their relative distance to the probabilities, as the paper does.

    This is Eq. 6 of Wu, Xiong and Wang (2019), kept for fidelity. It does not measure the quality of decisions: see the
    notes, and prefer `SoftF1Reward` for learning thresholds.

    Parameters
    ----------
    clip : tuple of float (low, high) or None, default=(0.05, 0.95)
        Thresholds are clipped to this interval inside the reward, with 0 < low <= high <= 1. None is the
        literal Eq. 6, which has no bound.

    See Also
    --------
    SoftF1Reward : A bounded reward with an optimum inside (0, 1).
    HammingMarginReward : A bounded reward that also uses the distance to the threshold.

    Notes
    -----
    With s = 1 for a negative and -1 for a positive, y the probability and p the threshold, the reward of a
    label is the mean of s (p - y) / p over the samples (the paper's sum would depend on the size of the
    batch). It equals C - S / p, where C is the mean of s and S the mean of s y. It is affine in 1 / p, so its
    derivative S / p^2 has one sign on all of (0, 1) and **no threshold inside is optimal**:

    - S > 0 (rare or hard labels, whose negatives have the greater sum of probabilities): best at p = 1, never predict;
    - S < 0 (frequent or well fitted labels): the reward grows without bound as p goes to 0, always predict.

    Clipping keeps the reward finite; it does not give it an optimum other than the two ends.

    References
    ----------
    J. Wu, W. Xiong, W. Y. Wang, "Learning to learn and predict: a meta-learning approach for multi-label
    classification", EMNLP-IJCNLP 2019. doi:10.18653/v1/D19-1444

    Examples
    --------
    >>> from sklearn_metalabel.rewards import RatioReward
    >>> Y, P = [[1], [0], [0]], [[0.9], [0.2], [0.1]]
    >>> RatioReward()(Y, P, [[0.5], [0.2]]).round(3)
    array([[0.733],
           [1.333]])
    """

    def __init__(self, clip=(0.05, 0.95)):
        self.clip = clip

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value the reward can take: (low, high)."""
        if self.clip is None:
            return (-np.inf, np.inf)
        widest = 1 / self.clip[0] - 1
        return (-max(widest, 1.0), max(widest, 1.0))

    def check(self) -> None:
        """Raise a ValueError that says what is wrong with `clip`, if anything is."""
        if self.clip is None:
            return
        clip = self.clip if isinstance(self.clip, (tuple, list)) and len(self.clip) == 2 else (np.nan, np.nan)
        if not all(isinstance(c, Real) for c in clip) or not 0 < clip[0] <= clip[1] <= 1:
            raise ValueError(
                f"clip must be None or a pair (low, high) with 0 < low <= high <= 1, got {shown(self.clip)}; "
                "the default is (0.05, 0.95)."
            )

    def _score(self, Y, P, thresholds, sample_weight=None):
        if self.clip is not None:
            thresholds = np.clip(thresholds, *self.clip)
        elif not thresholds.all():
            raise ValueError(
                "the literal Eq. 6 (clip=None) divides by the threshold and got a 0; "
                "set clip=(low, high) or pass thresholds above 0."
            )
        n, L = total_weight(len(P), sample_weight), P.shape[1]
        n_positive, mass = np.zeros(L), np.zeros(L)
        for y, p, weight in weighted_blocks(Y, P, sample_weight):
            n_positive += column_sums(y, weight)
            mass += column_sums(np.where(y, -p, p), weight)
        return (1 - 2 * n_positive / n) - (mass / n) / thresholds
