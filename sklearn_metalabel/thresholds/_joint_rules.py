"""Threshold rules in which labels learn from each other: `micromacro` and `shrunken`."""

from numbers import Real

import numpy as np

from sklearn_metalabel.thresholds._checks import check_pair
from sklearn_metalabel.thresholds._cuts import (
    NEVER,
    best_cuts,
    best_f_measure,
    best_pooled_cut,
    count_above,
    cut_thresholds,
    f_measure,
    fill_constant_labels,
    pool_labels,
    pool_thresholds,
    sweep_blocks,
)

__all__ = ["micromacro", "pooled_candidates", "shrunken"]

_POOLED_CUTS = 512


def micromacro(Y, P):
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
    >>> micromacro([[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]]).round(3)
    array([0.333, 0.1  ])
    """
    Y, P, positives = check_pair(Y, P)
    order = np.argsort(-positives, kind="stable")
    order = order[positives[order] > 0]
    t = np.full(P.shape[1], NEVER)
    hits = predicted = truth = place = 0
    for labels, sweep in sweep_blocks(Y, P, order):
        own = sweep.f_measure()
        index = np.empty(len(labels), dtype=np.intp)
        for b, tp in enumerate(sweep.true_positives):
            place += 1
            truth += tp[-1]
            micro = f_measure(hits + tp, predicted + sweep.predicted, truth)
            cut = best_cuts((own[b] / place + micro)[None], sweep.is_cut[b : b + 1])[0]
            hits, predicted, index[b] = hits + tp[cut], predicted + cut, cut
        t[labels] = cut_thresholds(sweep.scores, index)
    return fill_constant_labels(t, positives, P.shape[0])


def shrunken(Y, P, kappa=10.0):
    """Choose for each label the threshold of its best F1, shrunk towards that of all labels together.

    To the counts of a label at every cut the rule adds `kappa` positives' worth of the pooled curve of all
    labels at the same probability. Rare labels lean on the pool, frequent ones on themselves.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    kappa : float in [0, inf], default=10.0
        Strength: a label with this many positives is half its own, half the pool's. 0 is `scut`, infinity
        `global_threshold` (both up to labels with one value only, which are constant).

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
        raise ValueError(f"kappa must be a number in [0, inf], got {kappa!r}; it counts positives lent by the pool.")
    Y, P, positives = check_pair(Y, P)
    seen = np.flatnonzero(positives)
    t = np.full(P.shape[1], NEVER)
    if kappa == 0:
        t = best_f_measure(Y, P, positives)[0]
    elif seen.size:
        pool = pool_labels(Y, P, seen)
        shared = pooled_candidates(pool)
        if np.isinf(kappa):
            t[seen] = best_pooled_cut(pool)[1]
        else:
            # Labels of like frequency share a block, and with it the number of cuts worth trying.
            for labels, sweep in sweep_blocks(Y, P, seen[np.argsort(positives[seen])]):
                t[labels] = _shrink(sweep, pool, shared, kappa)
    return fill_constant_labels(t, positives, P.shape[0])


def pooled_candidates(pool):
    """Ascending thresholds of the pool that every label may take: some under its positives, and the best."""
    n_distinct = np.unique(pool.positives).size
    spread = np.unique(np.linspace(0, n_distinct - 1, _POOLED_CUTS).round().astype(np.intp))
    best = np.asarray([best_pooled_cut(pool)[1]], dtype=pool.scores.dtype)
    return np.unique(np.concatenate([pool_thresholds(pool, at=spread), best]))


def _shrink(sweep, pool, shared, kappa):
    """Thresholds of best shrunken F1 for the labels of a sweep, shape (b,)."""
    rows = np.arange(len(sweep.scores))
    predicted = np.stack([count_above(row[::-1], shared) for row in sweep.scores])
    hits = np.take_along_axis(sweep.true_positives, predicted, axis=1)
    lent = _shrunken_f_measure(hits, predicted, sweep, pool, shared, kappa)
    best = lent.shape[1] - 1 - np.argmax(lent[:, ::-1], axis=1)
    best_lent = lent[rows, best]
    # With all positives hit, a cut of more predictions than this is still worse than the best shared one.
    most = (sweep.positives[:, 0] + kappa) * (2 / np.maximum(best_lent, 1e-12) - 1)
    m = int(min(sweep.scores.shape[1], most.max() + 1))
    own = cut_thresholds(sweep.scores[:, : m + 1])[:, : m + 1]
    # Ascending keys let the binary search start from the last hit, which is several times faster.
    hits, predicted = sweep.true_positives[:, m::-1], sweep.predicted[m::-1]
    score = _shrunken_f_measure(hits, predicted, sweep, pool, own[:, ::-1], kappa)[:, ::-1]
    index = best_cuts(score, sweep.is_cut[:, : m + 1])
    return np.where(best_lent > score[rows, index], shared[best], own[rows, index])


def _shrunken_f_measure(hits, predicted, sweep, pool, thresholds, kappa):
    """F1 of the label's counts and `kappa` positives' worth of the pool's."""
    share = kappa / pool.positives.size
    tp = hits + share * count_above(pool.positives, thresholds)
    return 2 * tp / (predicted + share * pool.count_above(thresholds) + sweep.positives + kappa)
