"""The rules `scut` and `scutfbr`: a threshold for each label from the best F1 of that label alone."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from sklearn_metalabel.thresholds._cuts import (
    NEVER,
    best_cuts,
    best_f_measure,
    cut_thresholds,
    f_measure,
    fill_constant_labels,
    sweep_sorted,
)
from sklearn_metalabel.utils import check_weighted_pair, dense_labels, row_blocks, shown

__all__ = ["scut", "scutfbr"]

_FBR_GRID = np.arange(1, 9) / 10


def scut(Y: ArrayLike, P: ArrayLike, *, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
    """Choose for each label the threshold of its best F1.

    SCut of Yang (2001), exact at every distinct probability of the label. The threshold is the midpoint, on
    the logit scale, of the two probabilities around the cut; of equally good cuts the highest one is taken.
    Rare labels overfit: see `scutfbr`, `micromacro` and `shrunken` for three remedies.

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

    References
    ----------
    Y. Yang, "A study of thresholding strategies for text categorization", SIGIR 2001.
    doi:10.1145/383952.383975

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import scut
    >>> scut([[1, 0], [1, 1], [0, 0]], [[0.9, 0.2], [0.5, 0.5], [0.2, 0.1]]).round(3)
    array([0.333, 0.333])
    """
    Y, P, weight, positives, total = check_weighted_pair(Y, P, sample_weight)
    return fill_constant_labels(best_f_measure(Y, P, positives, weight)[0], positives, total)


def scutfbr(
    Y: ArrayLike,
    P: ArrayLike,
    fbr: float | str = 0.1,
    variant: int = 1,
    n_folds: int = 3,
    random_state: int | np.random.RandomState | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Choose thresholds as `scut`, and fall back where the best F1 of a label is no better than `fbr`.

    A label that cannot reach the F1 `fbr` on held-out rows has a tuned cut that is mostly noise, and often a
    low one that floods the predictions.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    fbr : float in [0, 1] or "nested", default=0.1
        A label falls back when its best F1 is at most this. "nested" chooses it for each label from 0.1, 0.2, ...,
        0.8 by cross-validation over the given rows.
    variant : {0, 1}, default=1
        The fallback: 0 never predicts the label (threshold 1.0), 1 takes its highest held-out probability.
    n_folds : int >= 2, default=3
        Folds of "nested"; with fewer rows, one for each row.
    random_state : int, RandomState instance or None, default=None
        Deals the rows into the folds of "nested".
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        One threshold for each label; 1.0 (never) without positives, 0.0 (always) without negatives.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other, `P` leaves (0, 1), or `fbr`, `variant` or `n_folds` is not one of
        the above.

    Notes
    -----
    "nested" sets each fold aside in turn. The rule with each `fbr` takes a threshold from the other folds, and its
    F1 on the fold set aside is added up. A label takes the largest `fbr` of the highest sum, or 0.1 if all
    sums are 0, and with it the rule runs on all rows.

    LIBLINEAR's SCutFBR.1 selects in the same way but trains the classifier anew in every fold and in folds within
    these, nine full trainings in all, and its threshold is a mean over folds. Here nothing is trained: the rows
    are out-of-fold already, and one cut is made on all of them.

    References
    ----------
    Y. Yang, "A study of thresholding strategies for text categorization", SIGIR 2001.
    doi:10.1145/383952.383975

    R.-E. Fan, C.-J. Lin, "A study on threshold selection for multi-label classification", technical report,
    National Taiwan University, 2007.

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import scutfbr
    >>> Y, P = [[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]]
    >>> scutfbr(Y, P, fbr=0.6).round(3)
    array([0.333, 0.5  ])
    >>> scutfbr(Y, P, fbr=0.6, variant=0).round(3)
    array([0.333, 1.   ])
    """
    _check_options(fbr, variant, n_folds)
    Y, P, weight, positives, total = check_weighted_pair(Y, P, sample_weight)
    if isinstance(fbr, str):
        fold_of = _deal(P.shape[0], n_folds, check_random_state(random_state))
        fbr = _nested_fbr(Y, P, weight, np.flatnonzero((positives > 0) & (positives < total)), variant, fold_of)
    t, best = best_f_measure(Y, P, positives, weight)
    t = np.where(best > fbr, t, P.max(axis=0) if variant == 1 else NEVER)
    return fill_constant_labels(t, positives, total)


def _check_options(fbr, variant, n_folds):
    """Raise where an option of `scutfbr` is none of what it takes."""
    if not (fbr == "nested" if isinstance(fbr, str) else isinstance(fbr, Real) and 0 <= fbr <= 1):
        raise ValueError(f'fbr must be a number in [0, 1] or "nested", got {shown(fbr)}; it is compared with an F1.')
    if not isinstance(variant, Real) or variant not in (0, 1):
        raise ValueError(f"variant must be 0 (never predict) or 1 (highest probability), got {shown(variant)}.")
    if not isinstance(n_folds, Integral) or n_folds < 2:
        raise ValueError(f"n_folds must be an integer of at least 2, got {shown(n_folds)}; 3 is usual.")


def _deal(n, n_folds, rng):
    """A fold for each of n rows, at random."""
    n_folds = min(n_folds, n)
    fold_of = np.empty(n, dtype=np.intp)
    for k, rows in enumerate(np.split(rng.permutation(n), [k * n // n_folds for k in range(1, n_folds)])):
        fold_of[rows] = k
    return fold_of


def _nested_fbr(Y, P, weight, varied, variant, fold_of):
    """The fbr of each label that did best on folds set aside, shape (L,); `varied` labels have both values."""
    fbr, folds = np.full(P.shape[1], _FBR_GRID[0]), np.unique(fold_of)
    for block in row_blocks(varied.size, P.shape[0]):
        labels = varied[block]
        hits, scores = dense_labels(Y, labels), np.ascontiguousarray(P[:, labels].T)
        order = np.argsort(scores, axis=1)[:, ::-1]
        hits, scores = (np.take_along_axis(values, order, axis=1) for values in (hits, scores))
        weights = None if weight is None else weight[order]
        total = sum(_fold_scores(hits, scores, weights, (fold_of == k)[order], variant) for k in folds)
        # Equal sums of the same fractions may differ by rounding.
        best = total >= total.max(axis=0) - 1e-12
        largest = _FBR_GRID.size - 1 - np.argmax(best[::-1], axis=0)
        fbr[labels] = np.where(total.max(axis=0) > 0, _FBR_GRID[largest], _FBR_GRID[0])
    return fbr


def _fold_scores(hits, scores, weights, aside, variant):
    """F1 on the rows `aside` of the thresholds that every fbr takes from the others, shape (grid, b).

    All are (b, n), each label by descending scores, so that the rows of a fold need no sorting.
    """
    (kept_hits, held_hits), (kept, held), (kept_weights, held_weights) = (
        [None if values is None else values[rows].reshape(len(values), -1) for rows in (~aside, aside)]
        for values in (hits, scores, weights)
    )
    sweep = sweep_sorted(kept_hits, kept, kept_weights)
    f1 = sweep.f_measure()
    index = best_cuts(f1, sweep.is_cut)
    tuned = cut_thresholds(kept, index).astype(np.float64)
    fallback = kept[:, 0].astype(np.float64) if variant == 1 else np.full(tuned.size, NEVER)
    held_out = []
    for t in (tuned, fallback):
        t = fill_constant_labels(t, kept_hits.sum(axis=1), kept.shape[1])
        decided = held > t[:, None]
        counts = (_count(marks, held_weights) for marks in (decided & held_hits, decided, held_hits))
        held_out.append(f_measure(*counts))
    return np.where(f1[np.arange(index.size), index] > _FBR_GRID[:, None], *held_out)


def _count(marks, weights):
    """Marked rows of each label (b,), by weight."""
    return marks.sum(axis=1) if weights is None else np.where(marks, weights, 0.0).sum(axis=1)
