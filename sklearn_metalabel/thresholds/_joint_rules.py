"""Threshold rules in which labels learn from each other: `micromacro` and `shrunken`.

Both work on `Ordered` entries. The public functions order the columns of complete probabilities block by block; who
asks for several rules on the same out-of-fold rows orders their entries once, and calls the functions that end in
`_of`.
"""

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_metalabel.thresholds._cuts import (
    NEVER,
    best_f_measure,
    best_pooled_cut,
    f_measure,
    fill_constant_labels,
    pool_labels,
    pool_thresholds,
)
from sklearn_metalabel.thresholds._ordered import last_best, ordered_blocks
from sklearn_metalabel.utils import check_weighted_pair, shown

__all__ = ["global_of", "micromacro", "micromacro_of", "pooled_candidates", "shrunken", "shrunken_of"]

_POOLED_CUTS = 512
_BLOCK_ENTRIES = 2**20
# What scores may be wrong by.
_ROUNDING = 1e-9


def micromacro(Y: ArrayLike, P: ArrayLike, *, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
    """Choose thresholds label by label, frequent labels first, for macro-F1 and micro-F1 together.

    The cut of the label at place l of the order of decreasing frequency maximises F1_j / l plus the micro-F1
    of the counts of this and all earlier labels, whose cuts are fixed by then (Lin and Lin, 2023). A rare
    label can no longer buy a little F1 of its own with many false positives.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        One threshold for each label; 1.0 (never) without positives, 0.0 (always) without negatives.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other or `P` leaves (0, 1).

    Notes
    -----
    Labels of equal frequency are taken in the order of the columns. Where no prediction at all is the best
    cut, the threshold is the label's highest held-out probability.

    References
    ----------
    Y.-J. Lin, C.-J. Lin, "On the thresholding strategy for infrequent labels in multi-label classification",
    CIKM 2023. doi:10.1145/3583780.3614996

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import micromacro
    >>> micromacro(
    ...     [[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]]
    ... ).round(3)
    array([0.333, 0.1  ])
    """
    Y, P, weight, positives, total = check_weighted_pair(Y, P, sample_weight)
    order = np.argsort(-positives, kind="stable")
    t, chosen = np.full(P.shape[1], NEVER), _MicroMacro()
    for labels, ordered in ordered_blocks(Y, P, order[: np.count_nonzero(positives)], weight):
        t[labels] = chosen.thresholds(ordered, ordered.cuts(hits_only=True), range(len(labels)))
    return fill_constant_labels(t, positives, total)


def micromacro_of(ordered, cuts):
    """Thresholds (L,) of `micromacro`, from the entries of all labels and their `Cuts`."""
    positives = ordered.positives
    order = np.argsort(-positives, kind="stable")[: np.count_nonzero(positives)]
    t = _MicroMacro().thresholds(ordered, cuts.take(cuts.has_hit), order.tolist())
    return fill_constant_labels(t, positives, ordered.n_samples)


class _MicroMacro:
    """The counts of the labels whose cuts are fixed: true positives, predictions, positives, and how many labels."""

    def __init__(self):
        self.hits = self.predicted = self.truth = self.n_labels = 0

    def thresholds(self, ordered, useful, order):
        """Thresholds of the labels of `ordered`, fixed one after the other in the given order.

        Of equal hits fewer predictions are never worse, so the `useful` cuts are those that have a hit.
        """
        positives, bounds = ordered.positives, ordered.bounds
        starts = np.searchsorted(useful.label, np.arange(positives.size + 1)).tolist()
        own = f_measure(useful.true_positives, useful.predicted, positives[useful.label])
        t, chosen = np.full(positives.size, NEVER), {}
        for j in order:
            here = slice(starts[j], starts[j + 1])
            self.n_labels += 1
            self.truth += positives[j]
            tp, rows = useful.true_positives[here], useful.predicted[here]
            score = own[here] / self.n_labels + f_measure(self.hits + tp, self.predicted + rows, self.truth)
            best = score.size - 1 - int(score[::-1].argmax())
            if score[best] > f_measure(self.hits, self.predicted, self.truth):
                self.hits, self.predicted = self.hits + tp[best], self.predicted + rows[best]
                chosen[j] = starts[j] + best
            else:
                t[j] = ordered.scores[bounds[j + 1] - 1]
        if chosen:
            t[list(chosen)] = useful.take(list(chosen.values())).thresholds
        return t


def shrunken(
    Y: ArrayLike, P: ArrayLike, kappa: float = 10.0, *, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Choose for each label the threshold of its best F1, shrunk towards that of all labels together.

    To the counts of a label at every cut the rule adds the pooled counts of all labels at the same probability,
    scaled to `kappa` positives. Rare labels lean on the pool, frequent ones on themselves.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    kappa : float in [0, inf], default=10.0
        Strength: a label with this many positives is half its own, half the pool's. 0 is `scut`, infinity
        `global_threshold` (both up to labels with one value only, which are constant).
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out. `kappa` counts positives by
        weight too.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        One threshold for each label; 1.0 (never) without positives, 0.0 (always) without negatives.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other, `P` leaves (0, 1) or `kappa` is negative.

    Notes
    -----
    With the pool's true-positive rate a(t) and its predictions per positive b(t), label j with n_j positives
    takes the t that maximises 2 (TP_j(t) + kappa a(t)) / (predicted_j(t) + kappa b(t) + n_j + kappa). Tried
    are all cuts of the label itself and up to 512 cuts of the pool, the best one among them; equally good
    cuts go to the label's own, and among these to the highest.

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import shrunken
    >>> Y, P = [[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]]
    >>> shrunken(Y, P, kappa=0).round(3)
    array([0.333, 0.1  ])
    >>> shrunken(Y, P, kappa=1).round(3)
    array([0.449, 0.1  ])
    """
    if not isinstance(kappa, Real) or not kappa >= 0:
        raise ValueError(f"kappa must be a number in [0, inf], got {shown(kappa)}; it counts positives of the pool.")
    Y, P, weight, positives, total = check_weighted_pair(Y, P, sample_weight)
    seen = np.flatnonzero(positives)
    t = np.full(P.shape[1], NEVER)
    if kappa == 0:
        t = best_f_measure(Y, P, positives, weight)[0]
    elif seen.size:
        pool = pool_labels(Y, P, seen, weight)
        if np.isinf(kappa):
            t[seen] = best_pooled_cut(pool)[1]
        else:
            shared = pooled_candidates(pool)
            for labels, ordered in ordered_blocks(Y, P, seen, weight):
                t[labels] = _shrink(ordered, ordered.cuts(), pool, shared, kappa)
    return fill_constant_labels(t, positives, total)


def shrunken_of(ordered, cuts, pool, kappa=10.0):
    """Thresholds (L,) of `shrunken`, from the entries of all labels, their `Cuts` and their `Pool`."""
    t = np.full(ordered.positives.size, NEVER)
    if (ordered.positives > 0).any():
        t = _shrink(ordered, cuts, pool, pooled_candidates(pool), kappa)
    return fill_constant_labels(t, ordered.positives, ordered.n_samples)


def global_of(ordered, pool):
    """Thresholds (L,) of `global_threshold`."""
    t = np.full(ordered.positives.size, NEVER)
    seen = ordered.positives > 0
    if seen.any():
        t[seen] = best_pooled_cut(pool)[1]
    return t


def pooled_candidates(pool):
    """Ascending thresholds of the pool that every label may take: some under its positives, and the best."""
    n_distinct = np.unique(pool.positives).size
    spread = np.unique(np.linspace(0, n_distinct - 1, _POOLED_CUTS).round().astype(np.intp))
    best = np.asarray([best_pooled_cut(pool)[1]], dtype=pool.scores.dtype)
    return np.unique(np.concatenate([pool_thresholds(pool, at=spread), best]))


def _shrink(ordered, cuts, pool, shared, kappa):
    """Thresholds of best shrunken F1 of each label of `ordered`; never for those without positives."""
    positives = ordered.positives
    t = np.full(positives.size, NEVER)
    seen = np.flatnonzero(positives)
    best_pooled, pooled_at = _best_shared(ordered, pool, shared, kappa)
    # Even if the pool had all its positives and nothing else beyond the cut, these would be worse than the best shared.
    least = best_pooled[cuts.label] / (2 + _ROUNDING) * (cuts.predicted + (positives + 2 * kappa)[cuts.label]) - kappa
    tried = cuts.take((cuts.true_positives >= least) & (positives > 0)[cuts.label])
    counts = tried.true_positives, tried.predicted, positives[tried.label]
    tried_at = tried.thresholds
    score = _shrunken_f_measure(*counts, pool, tried_at, kappa)
    best_own, t_own = np.full(t.size, -np.inf), t.copy()
    labels, at = last_best(score, tried.label)
    best_own[labels], t_own[labels] = score[at], tried_at[at]
    # No prediction at all is a cut too, at the highest probability.
    top = ordered.scores[ordered.bounds[seen + 1] - 1]
    none = _shrunken_f_measure(0, 0, positives[seen], pool, top, kappa)
    empty = none >= best_own[seen]
    best_own[seen[empty]], t_own[seen[empty]] = none[empty], top[empty]
    t[seen] = np.where(best_pooled > best_own, shared[pooled_at], t_own)[seen]
    return t


def _best_shared(ordered, pool, shared, kappa):
    """Best shrunken F1 of each label at the shared thresholds, and at which of them, both of shape (L,)."""
    L, width = ordered.positives.size, shared.size + 1
    bounds = ordered.bounds
    share = kappa / pool.n_positives
    pooled, pooled_rows = share * pool.hits_above(shared), share * pool.count_above(shared)
    best, at = np.zeros(L), np.zeros(L, dtype=np.intp)
    step = max(1, _BLOCK_ENTRIES // width)
    for start in range(0, L, step):
        stop = min(start + step, L)
        inside = slice(bounds[start], bounds[stop])
        # Number of shared thresholds below each entry.
        below = np.searchsorted(shared, ordered.scores[inside], side="left")
        key = (ordered.label[inside].astype(np.intp) - start) * width + below
        hits = ordered.hits[inside]
        tp = _counts_above(key[hits], ordered.weights_of_hits(inside), stop - start, width)
        predicted = _counts_above(key, ordered.rows[inside], stop - start, width)
        score = 2 * (tp + pooled) / (predicted + pooled_rows + ordered.positives[start:stop, None] + kappa)
        at[start:stop] = shared.size - 1 - np.argmax(score[:, ::-1], axis=1)
        best[start:stop] = score[np.arange(stop - start), at[start:stop]]
    return best, at


def _counts_above(key, rows, n_labels, width):
    """Rows above each shared threshold, shape (n_labels, width - 1), from how many of these each entry exceeds."""
    counts = np.bincount(key, rows, minlength=n_labels * width).reshape(n_labels, width)
    return np.cumsum(counts[:, :0:-1], axis=1)[:, ::-1]


def _shrunken_f_measure(hits, predicted, positives, pool, thresholds, kappa):
    """F1 of the counts of labels and those of the pool, scaled to `kappa` positives."""
    share = kappa / pool.n_positives
    tp = hits + share * pool.hits_above(thresholds)
    return 2 * tp / (predicted + share * pool.count_above(thresholds) + positives + kappa)
