"""A smooth count of correct decisions."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import logit

from sklearn_metalabel.rewards._base import BaseReward, column_sums, weighted_blocks, weighted_values
from sklearn_metalabel.utils import settle_positives, shown, total_weight

__all__ = ["HammingMarginReward"]


class HammingMarginReward(BaseReward):
    """Score thresholds by how far the samples lie on the right side of them.

    Each sample adds its margin to the threshold on the logit scale, positive on the right side and
    clipped at `width`. For a small width this is twice the share of correct decisions, minus one.

    Parameters
    ----------
    width : float > 0, default=1.0
        Margin, in logits, beyond which a sample counts fully right or wrong.
    balanced : bool, default=False
        Give the positives of a label the same total weight as its negatives. A constant label is scored on the
        only class that it has.

    See Also
    --------
    SoftF1Reward : Ignores true negatives, which suits rare labels better.
    RatioReward : The reward of the paper, whose margin is not clipped.

    Notes
    -----
    The reward of a label is the mean of (2 y - 1) clip((logit P - logit t) / width, -1, 1). Unlike Eq. 6 of
    the paper it is bounded and can have an optimum inside (0, 1).

    Examples
    --------
    >>> from sklearn_metalabel.rewards import HammingMarginReward
    >>> Y, P = [[1], [0], [0]], [[0.9], [0.2], [0.1]]
    >>> HammingMarginReward()(Y, P, [[0.5], [0.15]]).round(3)
    array([[1.   ],
           [0.371]])
    >>> HammingMarginReward(balanced=True)(Y, P, [0.15]).round(3)
    array([0.529])
    """

    def __init__(self, width=1.0, balanced=False):
        self.width = width
        self.balanced = balanced

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value the reward can take: (low, high)."""
        return (-1.0, 1.0)

    def check(self) -> None:
        """Raise a ValueError that says what is wrong with the parameters, if anything is."""
        if not isinstance(self.width, Real) or not 0 < float(self.width) < np.inf:
            raise ValueError(f"width must be a finite number above 0, got {shown(self.width)}; try 1.0.")
        if not isinstance(self.balanced, (bool, np.bool_)):
            raise ValueError(f"balanced must be True or False, got {shown(self.balanced)}; choose one.")

    def _score(self, Y, P, thresholds, sample_weight=None):
        n, L = total_weight(len(P), sample_weight), P.shape[1]
        total, of_positives, truth = np.zeros(thresholds.shape), np.zeros(thresholds.shape), np.zeros(L)
        cuts = logit(thresholds)
        for y, p, weight in weighted_blocks(Y, P, sample_weight):
            rows, labels = np.nonzero(y)
            truth += column_sums(y, weight)
            z = logit(p)
            margin = np.empty_like(z)
            for s, cut in enumerate(cuts.astype(z.dtype)):
                np.subtract(z, cut, out=margin)
                margin /= z.dtype.type(self.width)
                np.clip(margin, -1, 1, out=margin)
                total[s] += column_sums(margin, weight)
                weighted = weighted_values(margin[rows, labels], rows, weight)
                of_positives[s] += np.bincount(labels, weights=weighted, minlength=L)
        of_negatives = of_positives - total
        if not self.balanced:
            return (of_positives + of_negatives) / n
        truth = settle_positives(truth, n)
        n_classes = (truth > 0).astype(float) + (truth < n)
        least = 1 if sample_weight is None else sample_weight.min()
        return (of_positives / np.maximum(truth, least) + of_negatives / np.maximum(n - truth, least)) / n_classes
