"""Average precision: how well a label ranks its samples."""

from __future__ import annotations

import numpy as np

from sklearn_metalabel.rewards._base import BaseReward
from sklearn_metalabel.utils import dense_labels

__all__ = ["AveragePrecisionReward"]

_BLOCK_ENTRIES = 2**20


class AveragePrecisionReward(BaseReward):
    """Score probabilities by the average precision of each label; thresholds do not matter.

    It rewards a better ranking of the samples, which is what the loss weight of a label can change; the threshold can
    be tuned afterwards at no cost.

    See Also
    --------
    SoftF1Reward : Scores probabilities and thresholds together.

    Notes
    -----
    The average precision of a label is the mean, over its positives, of the share of positives among the samples of
    at least the same probability. It is what :func:`sklearn.metrics.average_precision_score` returns, and 0 for a
    label without positives.

    Examples
    --------
    >>> from sklearn_metalabel.rewards import AveragePrecisionReward
    >>> Y, P = [[1], [0], [1]], [[0.9], [0.6], [0.1]]
    >>> AveragePrecisionReward()(Y, P, [0.5]).round(3)
    array([0.833])
    """

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value the reward can take: (low, high)."""
        return (0.0, 1.0)

    def check(self) -> None:
        """Do nothing: there are no parameters."""

    def _score(self, Y, P, thresholds, sample_weight=None):
        scores = np.zeros(P.shape[1])
        present = np.flatnonzero(np.asarray(Y.sum(axis=0)).ravel())
        width = max(1, _BLOCK_ENTRIES // len(P))
        for first in range(0, present.size, width):
            labels = present[first : first + width]
            scores[labels] = _average_precision(dense_labels(Y, labels), P[:, labels].T, sample_weight)
        return np.broadcast_to(scores, thresholds.shape).copy()


def _average_precision(y, p, weight=None):
    """Average precision (b,) of labels y (b, n), each with a positive, and probabilities p (b, n), by weights (n,)."""
    label, at = np.nonzero(y)
    hits = p[label, at]
    order = np.lexsort((hits, label))
    label, hits = label[order], hits[order]
    # Positives of a label with equal probabilities share the rank of the first of them.
    is_first = (np.diff(label, prepend=-1) != 0) | (np.diff(hits, prepend=-1) != 0)
    rank = np.maximum.accumulate(np.where(is_first, np.arange(hits.size), 0))
    if weight is None:
        positives = np.bincount(label)
        hits_passed = np.cumsum(positives)[label] - rank
        passed = y.shape[1] - _count_below(np.sort(p), label, hits)
        return np.bincount(label, hits_passed / passed) / positives
    of_hits = weight[at[order]]
    positives, before = np.bincount(label, of_hits), np.cumsum(of_hits) - of_hits
    hits_passed = np.cumsum(positives)[label] - before[rank]
    ranked = np.argsort(p, axis=1)
    below = np.pad(np.cumsum(weight[ranked], axis=1), ((0, 0), (1, 0)))
    passed = below[:, -1][label] - below[label, _count_below(np.take_along_axis(p, ranked, axis=1), label, hits)]
    return np.bincount(label, of_hits * hits_passed / passed) / positives


def _count_below(ascending, row, values):
    """How many entries of a row of `ascending` (b, n) are below each value, by bisection for all of them at once."""
    low, high = np.zeros(values.size, dtype=np.intp), np.full(values.size, ascending.shape[1])
    while (low < high).any():
        middle = (low + high) // 2
        below = (low < high) & (ascending[row, np.minimum(middle, ascending.shape[1] - 1)] < values)
        low, high = np.where(below, middle + 1, low), np.where(below, high, np.minimum(middle, high))
    return low
