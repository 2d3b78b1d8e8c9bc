"""A smooth F1."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.special import logit

from sklearn_metalabel.rewards._base import BaseReward, column_sums, weighted_blocks, weighted_values
from sklearn_metalabel.utils import shown

__all__ = ["SoftF1Reward"]

_SHARPEST = 1e30  # times any logit this is still finite in float32


class SoftF1Reward(BaseReward):
    """Score thresholds by an F1 with soft decisions.

    Near its threshold a sample counts in part, so the reward is smooth in the thresholds, bounded, and has
    its optimum inside (0, 1). Call it on many samples: the F1 of a small batch is biased for rare labels.

    Parameters
    ----------
    sharpness : float > 0, default=5.0
        Steepness k of the decision on the logit scale. Infinity gives hard decisions ``P > t``.
    smoothing : float >= 0, default=0.5
        Pseudo-count c of the denominator; it lowers the reward of labels with few positives.

    See Also
    --------
    HammingMarginReward : Counts correct decisions instead, true negatives included.
    CostReward : Has a cost for each of the two kinds of error.

    Notes
    -----
    With q = sigmoid(k (logit P - logit t)) the reward of a label is 2 sum(q y) / (sum(q) + sum(y) + c), and 0
    where the denominator is 0. A label without positives gets 0 whatever is predicted.

    Examples
    --------
    >>> from sklearn_metalabel.rewards import SoftF1Reward
    >>> Y, P = [[1], [0], [0]], [[0.9], [0.2], [0.1]]
    >>> SoftF1Reward()(Y, P, [[0.5], [0.15]]).round(3)
    array([[0.8  ],
           [0.581]])
    >>> SoftF1Reward(sharpness=float("inf"), smoothing=0.0)(Y, P, [0.15]).round(3)
    array([0.667])
    """

    def __init__(self, sharpness=5.0, smoothing=0.5):
        self.sharpness = sharpness
        self.smoothing = smoothing

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value the reward can take: (low, high)."""
        return (0.0, 1.0)

    def check(self) -> None:
        """Raise a ValueError that says what is wrong with the parameters, if anything is."""
        if not isinstance(self.sharpness, Real) or not float(self.sharpness) > 0:
            raise ValueError(f"sharpness must be a number above 0 or infinity, got {shown(self.sharpness)}; try 5.0.")
        if not isinstance(self.smoothing, Real) or not 0 <= float(self.smoothing) < np.inf:
            raise ValueError(f"smoothing must be a finite number of at least 0, got {shown(self.smoothing)}; try 0.5.")

    def _score(self, Y, P, thresholds, sample_weight=None):
        predicted, hits = np.zeros(thresholds.shape), np.zeros(thresholds.shape)
        truth = np.zeros(P.shape[1])
        for y, p, weight in weighted_blocks(Y, P, sample_weight):
            rows, labels = np.nonzero(y)
            truth += column_sums(y, weight)
            for s, q in enumerate(self._decisions(p, thresholds)):
                predicted[s] += column_sums(q, weight)
                weighted = weighted_values(q[rows, labels], rows, weight)
                hits[s] += np.bincount(labels, weights=weighted, minlength=truth.size)
        total = predicted + truth + self.smoothing
        return np.divide(2 * hits, total, out=np.zeros_like(total), where=total > 0)

    def _decisions(self, p, thresholds):
        """Yield the decisions on a block under each row of thresholds, in one buffer that is reused."""
        if np.isinf(self.sharpness):
            yield from (p > t for t in thresholds)
            return
        z = logit(p)
        cuts = logit(thresholds).astype(z.dtype)
        q = np.empty_like(z)
        sharpness = z.dtype.type(min(self.sharpness, _SHARPEST))
        for cut in cuts:
            np.subtract(z, cut, out=q)
            q *= -sharpness
            # 1 / (1 + exp(-x)) in place is twice as fast as expit; the cap keeps exp finite in float32.
            np.exp(np.minimum(q, 80, out=q), out=q)
            q += 1
            yield np.reciprocal(q, out=q)
