"""Average precision: how well a label ranks its instances."""

import numpy as np

from sklearn_metalabel.rewards._base import BaseReward
from sklearn_metalabel.thresholds._checks import dense_labels

__all__ = ["AveragePrecisionReward"]

_BLOCK_ENTRIES = 2**20


class AveragePrecisionReward(BaseReward):
    """Score probabilities by the average precision of each label; thresholds play no part.

    It pays for a better ranking of the instances, which is what the loss weights of a label can give it: any threshold
    can be moved afterwards, for nothing.

    See Also
    --------
    SoftF1Reward : Pays for probabilities and thresholds together.

    Notes
    -----
    The average precision of a label is the mean, over its positives, of the share of positives among the instances of
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
    def bounds(self):
        """Lowest and highest value the reward can take: (low, high)."""
        return (0.0, 1.0)

    def check(self):
        """Do nothing: there are no parameters."""

    def _score(self, Y, P, thresholds):
        n, n_labels = P.shape
        width = max(1, _BLOCK_ENTRIES // n)
        blocks = (slice(first, first + width) for first in range(0, n_labels, width))
        scores = [
            _average_precision(dense_labels(Y, labels), np.sort(P[:, labels].T), P[:, labels].T) for labels in blocks
        ]
        return np.broadcast_to(np.concatenate(scores), thresholds.shape).copy()


def _average_precision(y, ascending, p):
    """Average precision (b,) of labels y (b, n) with probabilities p (b, n); `ascending` holds them sorted."""
    scores = np.zeros(len(y))
    for j in np.flatnonzero(y.any(axis=1)):
        hits = np.sort(p[j, y[j]])
        passed = y.shape[1] - np.searchsorted(ascending[j], hits)
        scores[j] = np.mean((len(hits) - np.searchsorted(hits, hits)) / passed)
    return scores
