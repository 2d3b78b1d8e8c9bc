"""Costs of the two kinds of error."""

from __future__ import annotations

import numpy as np

from sklearn_metalabel.rewards._base import BaseReward, column_sums, weighted_blocks
from sklearn_metalabel.utils import shown, total_weight

__all__ = ["CostReward"]


class CostReward(BaseReward):
    """Score thresholds by the cost of their errors.

    The reward of a label is minus the mean cost of a sample, with one cost for each kind of error and,
    optionally, for each label.

    Parameters
    ----------
    false_positive : float or array-like of shape (n_labels,), default=1.0
        Cost of predicting a label that a sample does not have, finite and at least 0.
    false_negative : float or array-like of shape (n_labels,), default=1.0
        Cost of missing a label that a sample has, finite and at least 0.

    See Also
    --------
    HammingMarginReward : The smooth form for equal costs.

    Notes
    -----
    For calibrated probabilities the optimal threshold of a label is false_positive / (false_positive +
    false_negative).

    Examples
    --------
    >>> from sklearn_metalabel.rewards import CostReward
    >>> Y, P = [[1], [0], [0]], [[0.9], [0.2], [0.1]]
    >>> CostReward(false_negative=5.0)(Y, P, [[0.95], [0.15]]).round(3)
    array([[-1.667],
           [-0.333]])
    """

    def __init__(self, false_positive=1.0, false_negative=1.0):
        self.false_positive = false_positive
        self.false_negative = false_negative

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value the reward can take: (low, high)."""
        return (-float(max(np.max(self.false_positive), np.max(self.false_negative))), 0.0)

    def check(self) -> None:
        """Raise a ValueError that says what is wrong with a cost, if anything is."""
        for name in ("false_positive", "false_negative"):
            cost = np.asarray(getattr(self, name))
            if cost.ndim > 1 or cost.dtype.kind not in "iuf" or not (np.isfinite(cost) & (cost >= 0)).all():
                raise ValueError(
                    f"{name} must be a finite cost of at least 0, or one for each label, "
                    f"got {shown(getattr(self, name))}; the default is 1.0."
                )

    def _score(self, Y, P, thresholds, sample_weight=None):
        n, L = total_weight(len(P), sample_weight), P.shape[1]
        costs = {name: np.asarray(getattr(self, name), dtype=float) for name in self.get_params(deep=False)}
        for name, cost in costs.items():
            if cost.ndim and cost.shape != (L,):
                raise ValueError(
                    f"{name} must be a number or one cost for each of the {L} labels, got shape {cost.shape}; "
                    "give it as many entries as P has columns."
                )
        predicted, hits, truth = np.zeros(thresholds.shape), np.zeros(thresholds.shape), np.zeros(L)
        for y, p, weight in weighted_blocks(Y, P, sample_weight):
            truth += column_sums(y, weight)
            for s, t in enumerate(thresholds):
                decided = p > t
                predicted[s] += column_sums(decided, weight)
                hits[s] += column_sums(decided & y, weight)
        total = costs["false_positive"] * (predicted - hits) + costs["false_negative"] * (truth - hits)
        return 0.0 - total / n
