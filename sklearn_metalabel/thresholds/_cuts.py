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
    "cut_thresholds",
    "f_measure",
    "fill_constant_labels",
    "midpoints",
    "pool_labels",
    "pool_thresholds",
    "pool_weighted",
    "sweep_blocks",
    "sweep_labels",
    "sweep_sorted",
]

NEVER, ALWAYS = 1.0, 0.0
_BLOCK_ENTRIES = 2**20
# Below every count of rows, whatever their weights.
_TINY = np.finfo(np.float64).tiny


class Sweep(NamedTuple):
    """Counts of b labels at the n + 1 cuts of n rows."""

    scores: np.ndarray  # (b, n), descending
    true_positives: np.ndarray  # (b, n + 1)
    is_cut: np.ndarray  # (b, n + 1), False inside a run of equal scores
    weights: np.ndarray | None = None  # (b, n + 1), of the predicted rows; None where each counts once

    @property
    def predicted(self):
        """Predicted rows at each cut, by weight, shape (n + 1,) or (b, n + 1)."""
        return np.arange(self.is_cut.shape[1]) if self.weights is None else self.weights

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
    weights: np.ndarray | None = None  # of the scores; None where each counts once
    positive_weights: np.ndarray | None = None  # of the positives

    @property
    def n_positives(self):
        """Positives, by weight."""
        return self.positives.size if self.positive_weights is None else self.positive_weights.sum()

    def count_above(self, thresholds, *, or_equal=False):
        """Rows with a score above each threshold, or equal to it, by weight."""
        side = "left" if or_equal else "right"
        count = _weight_above(self.scores, self.weights, thresholds, side)
        return count + _weight_above(self.binned, self.rows, thresholds, side) if self.binned.size else count

    def hits_above(self, thresholds, *, or_equal=False):
        """Positives with a score above each threshold, or equal to it, by weight."""
        return _weight_above(self.positives, self.positive_weights, thresholds, "left" if or_equal else "right")


def sweep_labels(hits, scores, weight=None):
    """Sweep of b labels from their truth and scores, both of shape (b, n), and the weights (n,) of the rows."""
    order = np.argsort(scores, axis=1)[:, ::-1]
    return sweep_sorted(
        np.take_along_axis(hits, order, axis=1),
        np.take_along_axis(scores, order, axis=1),
        None if weight is None else weight[order],
    )


def sweep_sorted(hits, scores, weights=None):
    """Sweep of b labels whose rows are in the order of falling scores; all arguments are of shape (b, n)."""
    b, n = scores.shape
    true_positives = np.zeros((b, n + 1), dtype=np.int64 if weights is None else np.float64)
    np.cumsum(hits if weights is None else np.where(hits, weights, 0.0), axis=1, out=true_positives[:, 1:])
    is_cut = np.ones((b, n + 1), dtype=bool)
    np.not_equal(scores[:, :-1], scores[:, 1:], out=is_cut[:, 1:-1])
    if weights is None:
        return Sweep(scores, true_positives, is_cut)
    predicted = np.zeros((b, n + 1))
    np.cumsum(weights, axis=1, out=predicted[:, 1:])
    return Sweep(scores, true_positives, is_cut, predicted)


def sweep_blocks(Y, P, labels, weight=None):
    """Yield (labels of the block, their `Sweep`), so that no array of the size of `P` is built."""
    step = max(1, _BLOCK_ENTRIES // P.shape[0])
    for start in range(0, len(labels), step):
        block = labels[start : start + step]
        yield block, sweep_labels(dense_labels(Y, block), np.ascontiguousarray(P[:, block].T), weight)


def f_measure(true_positives, predicted, positives):
    """F1 = 2 TP / (predicted + positives), 0 where that is 0/0; two equal fractions give the same float."""
    return 2 * true_positives / np.maximum(predicted + positives, _TINY)


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


def pool_labels(Y, P, labels, weight=None):
    """Pool of the columns `labels`, every column with a positive among them; copies these scores once."""
    scores = np.take(P, labels, axis=1).reshape(-1)
    rows, columns = Y.nonzero() if sp.issparse(Y) else np.nonzero(Y)
    positives = P[rows, columns]
    if weight is None:
        scores.sort()
        positives.sort()
        return Pool(scores, positives)
    return pool_weighted(scores, np.repeat(weight, len(labels)), positives, weight[rows])


def pool_weighted(scores, weights, positives, positive_weights, binned=_NOTHING, rows=_NOTHING):
    """Pool of weighted scores in any order."""
    order, order_of_positives = np.argsort(scores), np.argsort(positives)
    return Pool(
        scores[order],
        positives[order_of_positives],
        binned,
        rows,
        weights[order],
        positive_weights[order_of_positives],
    )


def _weight_above(ascending, weights, thresholds, side):
    """How many values are beyond each threshold, or what they weigh."""
    first = np.searchsorted(ascending, thresholds, side=side)
    if weights is None:
        return ascending.size - first
    before = np.concatenate([[0.0], np.cumsum(weights)])
    return before[-1] - before[first]


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
    hits, predicted = (count(distinct, or_equal=True) for count in (pool.hits_above, pool.count_above))
    score = f_measure(hits, predicted, pool.n_positives)
    best = score.size - 1 - int(np.argmax(score[::-1]))
    return float(score[best]), float(pool_thresholds(pool, at=np.array([best]))[0])


def best_f_measure(Y, P, positives, weight=None):
    """Threshold of the best F1 of each label, and that F1, both of shape (L,)."""
    t, best = np.full(P.shape[1], NEVER), np.zeros(P.shape[1])
    for labels, sweep in sweep_blocks(Y, P, np.flatnonzero(positives), weight):
        score = sweep.f_measure()
        index = best_cuts(score, sweep.is_cut)
        t[labels] = cut_thresholds(sweep.scores, index)
        best[labels] = score[np.arange(len(labels)), index]
    return t, best


def fill_constant_labels(t, positives, n_samples):
    """Thresholds with labels of one value set to never or always; positives and samples may be counted by weight."""
    return np.where(positives == 0, NEVER, np.where(positives == n_samples, ALWAYS, t))
