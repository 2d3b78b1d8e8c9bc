"""Exact sweeps over the cuts of a score: a label is sorted once, never cut inside a run of equal scores.

A cut with index i predicts the i rows of the highest scores. Of equally good cuts every function here takes
the one with the fewest predictions, which is the last best cut of a sweep from the lowest threshold to the
highest.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, logit

from sklearn_metalabel.utils import dense_labels

__all__ = [
    "ALWAYS",
    "NEVER",
    "Pool",
    "Sweep",
    "best_cuts",
    "best_f_measure",
    "best_pooled_cut",
    "count_above",
    "cut_thresholds",
    "f_measure",
    "fill_constant_labels",
    "midpoints",
    "pool_labels",
    "pool_thresholds",
    "sweep_blocks",
    "sweep_labels",
]

NEVER, ALWAYS = 1.0, 0.0
_BLOCK_ENTRIES = 2**20


class Sweep(NamedTuple):
    """Counts of b labels at the n + 1 cuts of n rows."""

    scores: np.ndarray  # (b, n), descending
    true_positives: np.ndarray  # (b, n + 1)
    is_cut: np.ndarray  # (b, n + 1), False inside a run of equal scores

    @property
    def predicted(self):
        """Number of predicted rows at each cut, shape (n + 1,)."""
        return np.arange(self.is_cut.shape[1])

    @property
    def positives(self):
        """Number of positives of each label, shape (b, 1)."""
        return self.true_positives[:, -1:]

    def f_measure(self):
        """F1 at every cut, shape (b, n + 1)."""
        return f_measure(self.true_positives, self.predicted, self.positives)


_NOTHING = np.zeros(0)


class Pool(NamedTuple):
    """All scores of all labels, and those of the positives; further scores stand for several rows. All ascending."""

    scores: np.ndarray
    positives: np.ndarray
    binned: np.ndarray = _NOTHING
    rows: np.ndarray = _NOTHING  # of each of the binned scores

    def count_above(self, thresholds, *, or_equal=False):
        """Rows with a score above each threshold, or equal to it."""
        side = "left" if or_equal else "right"
        count = self.scores.size - np.searchsorted(self.scores, thresholds, side=side)
        if not self.binned.size:
            return count
        before = np.concatenate([[0.0], np.cumsum(self.rows)])
        return count + before[-1] - before[np.searchsorted(self.binned, thresholds, side=side)]


def sweep_labels(hits, scores):
    """Sweep of b labels from their truth and scores, both of shape (b, n)."""
    order = np.argsort(scores, axis=1)[:, ::-1]
    scores = np.take_along_axis(scores, order, axis=1)
    b, n = scores.shape
    true_positives = np.zeros((b, n + 1), dtype=np.int64)
    np.cumsum(np.take_along_axis(hits, order, axis=1), axis=1, out=true_positives[:, 1:])
    is_cut = np.ones((b, n + 1), dtype=bool)
    np.not_equal(scores[:, :-1], scores[:, 1:], out=is_cut[:, 1:-1])
    return Sweep(scores, true_positives, is_cut)


def sweep_blocks(Y, P, labels):
    """Yield (labels of the block, their `Sweep`), so that no array of the size of `P` is built."""
    step = max(1, _BLOCK_ENTRIES // P.shape[0])
    for start in range(0, len(labels), step):
        block = labels[start : start + step]
        yield block, sweep_labels(dense_labels(Y, block), np.ascontiguousarray(P[:, block].T))


def f_measure(true_positives, predicted, positives):
    """F1 = 2 TP / (predicted + positives), 0 where that is 0/0; two equal fractions give the same float."""
    return 2 * true_positives / np.maximum(predicted + positives, 1)


def best_cuts(objective, is_cut):
    """Index of the best allowed cut of each label, shape (b,); of equals the one that predicts fewest."""
    return np.argmax(np.where(is_cut, objective, -np.inf), axis=1)


def cut_thresholds(scores, index=None):
    """Thresholds t, in the dtype of `scores`, for which scores > t predicts the highest `index` scores.

    `scores` has shape (b, n) and `index` (b,) or None, which means all n + 1 cuts. Between two scores it is
    their midpoint on the logit scale; no prediction is the maximum itself, all is the float just below the
    minimum.
    """
    floor = np.nextafter(scores[:, -1:], scores.dtype.type(0))
    upper = np.concatenate([scores[:, :1], scores], axis=1)
    lower = np.concatenate([scores, floor], axis=1)
    if index is not None:
        upper, lower = (np.take_along_axis(a, index[:, None], axis=1)[:, 0] for a in (upper, lower))
    # At both ends the lower neighbour is the threshold: there is no second score to lie midway to.
    inner = np.arange(1, scores.shape[1]) if index is None else (index > 0) & (index < scores.shape[1])
    t = lower.copy()
    t[..., inner] = midpoints(lower[..., inner], upper[..., inner])
    return t


def midpoints(lower, upper):
    """Thresholds t with lower <= t < upper, midway on the logit scale as far as the dtype allows."""
    t = expit((logit(lower) + logit(upper)) / 2).astype(lower.dtype)
    return np.where((lower <= t) & (t < upper), t, lower)


def pool_labels(Y, P, labels):
    """Pool of the columns `labels`, every column with a positive among them; copies these scores once."""
    scores = np.take(P, labels, axis=1).reshape(-1)
    scores.sort()
    positives = P[Y.nonzero() if sp.issparse(Y) else np.nonzero(Y)]
    positives.sort()
    return Pool(scores, positives)


def count_above(ascending, thresholds):
    """Count the values strictly greater than each threshold."""
    return ascending.size - np.searchsorted(ascending, thresholds, side="right")


def pool_thresholds(pool, at=None):
    """Thresholds just under the distinct positive scores number `at` (default: all), ascending."""
    distinct = np.unique(pool.positives)
    upper = distinct if at is None else distinct[at]
    first = np.searchsorted(pool.scores, upper, side="left")
    lower = pool.scores[np.maximum(first - 1, 0)]
    floor = np.nextafter(pool.scores[0], pool.scores.dtype.type(0))
    return np.where(first > 0, midpoints(np.minimum(lower, upper), upper), floor)


def best_pooled_cut(pool):
    """Best micro-F1 of one cut for all pooled scores, and its threshold; exact.

    Only cuts just under a positive score are tried: any other has the same hits and more predictions than one
    of them.
    """
    distinct = np.unique(pool.positives)
    hits = pool.positives.size - np.searchsorted(pool.positives, distinct, side="left")
    predicted = pool.count_above(distinct, or_equal=True)
    score = f_measure(hits, predicted, pool.positives.size)
    best = score.size - 1 - int(np.argmax(score[::-1]))
    return float(score[best]), float(pool_thresholds(pool, at=np.array([best]))[0])


def best_f_measure(Y, P, positives):
    """Threshold of the best F1 of each label, and that F1, both of shape (L,)."""
    t, best = np.full(P.shape[1], NEVER), np.zeros(P.shape[1])
    for labels, sweep in sweep_blocks(Y, P, np.flatnonzero(positives)):
        score = sweep.f_measure()
        index = best_cuts(score, sweep.is_cut)
        t[labels] = cut_thresholds(sweep.scores, index)
        best[labels] = score[np.arange(len(labels)), index]
    return t, best


def fill_constant_labels(t, positives, n_samples):
    """Thresholds with labels of one value set to never or always."""
    return np.where(positives == 0, NEVER, np.where(positives == n_samples, ALWAYS, t))
