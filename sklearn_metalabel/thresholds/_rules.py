"""Threshold rules: pure functions from held-out truth and probabilities to one threshold for each label.

Every rule reads `Y` of shape (n_samples, n_labels) in {0, 1}, dense or sparse, and `P` of the same shape
strictly inside (0, 1), and returns float64 thresholds for the strict decision ``P > t``. A label that has
both values gets a threshold strictly inside (0, 1). A label without a positive gets 1.0, never predicted, and
is left out of every pooled count; the rules that look at labels one by one give 0.0, always predicted, to a
label without a negative. `sample_weight` says how many times each row counts: a weight of 2 is the row twice, and
of 0 the row left out.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_metalabel.thresholds._cuts import (
    NEVER,
    best_f_measure,
    best_pooled_cut,
    cut_thresholds,
    fill_constant_labels,
    pool_labels,
    sweep_blocks,
)
from sklearn_metalabel.utils import check_weighted_pair, shown

__all__ = ["global_threshold", "odr_macro", "odr_micro"]


def global_threshold(
    Y: ArrayLike, P: ArrayLike, average: str = "micro", *, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Choose one threshold for all labels.

    The cut is exact: every distinct probability is tried. Of equally good cuts the highest one is taken.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    average : {"micro", "macro"}, default="micro"
        The F1 that the cut maximises: of the counts pooled over labels, or the mean over labels. "macro"
        keeps three more arrays of the size of `P`.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        The same value for each label that has a positive, 1.0 (never) for the others.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other, `P` leaves (0, 1) or `average` is unknown.

    See Also
    --------
    micromacro : One cut for each label that still looks at the pooled counts.

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import global_threshold
    >>> global_threshold(
    ...     [[1, 0], [1, 1], [0, 0]], [[0.9, 0.2], [0.5, 0.5], [0.2, 0.1]]
    ... ).round(3)
    array([0.333, 0.333])
    """
    if average not in ("micro", "macro"):
        raise ValueError(f'average must be "micro" or "macro", got {shown(average)}; choose one of the two.')
    Y, P, weight, positives, _ = check_weighted_pair(Y, P, sample_weight)
    seen = np.flatnonzero(positives)
    t = np.full(P.shape[1], NEVER)
    if seen.size and average == "micro":
        t[seen] = best_pooled_cut(pool_labels(Y, P, seen, weight))[1]
    elif seen.size:
        t[seen] = _best_macro_cut(Y, P, seen, weight)
    return t


def odr_micro(Y: ArrayLike, P: ArrayLike, *, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
    """Take half of the best micro-F1 as the threshold of all labels.

    For calibrated probabilities the threshold of the best F1 is half of that F1 (Lipton, Elkan and
    Naryanaswamy, 2014), so the best F1 alone, a statistic of all labels together, fixes the threshold.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Calibrated probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        The same value, at most 0.5, for each label that has a positive, 1.0 (never) for the others.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other or `P` leaves (0, 1).

    References
    ----------
    Z. C. Lipton, C. Elkan, B. Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure",
    ECML PKDD 2014. doi:10.1007/978-3-662-44851-9_15

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import odr_micro
    >>> odr_micro([[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]]).round(
    ...     3
    ... )
    array([0.333, 0.333])
    """
    Y, P, weight, positives, _ = check_weighted_pair(Y, P, sample_weight)
    seen = np.flatnonzero(positives)
    t = np.full(P.shape[1], NEVER)
    if seen.size:
        t[seen] = best_pooled_cut(pool_labels(Y, P, seen, weight))[0] / 2
    return t


def odr_macro(Y: ArrayLike, P: ArrayLike, *, sample_weight: ArrayLike | None = None) -> NDArray[np.float64]:
    """Take half of the best F1 of each label as its threshold.

    The rule of `odr_micro` for each label alone. A classifier that knows nothing about a label gets a
    threshold below its constant probability, so it predicts the label for every row: rare labels with weak
    scores flood the output.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Calibrated probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        At most 0.5 for each label with both values; 1.0 (never) without positives, 0.0 (always) without
        negatives.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other or `P` leaves (0, 1).

    References
    ----------
    Z. C. Lipton, C. Elkan, B. Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure",
    ECML PKDD 2014. doi:10.1007/978-3-662-44851-9_15

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import odr_macro
    >>> odr_macro([[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]]).round(
    ...     3
    ... )
    array([0.5 , 0.25])
    """
    Y, P, weight, positives, total = check_weighted_pair(Y, P, sample_weight)
    return fill_constant_labels(best_f_measure(Y, P, positives, weight)[1] / 2, positives, total)


def _best_macro_cut(Y, P, labels, weight):
    """Find the cut of best summed F1 of `labels`: their gains, added up in the order of the scores."""
    scores, gains = [], []
    for _, sweep in sweep_blocks(Y, P, labels, weight):
        for row, f, is_cut in zip(sweep.scores, sweep.f_measure(), sweep.is_cut, strict=True):
            at = np.flatnonzero(is_cut)
            scores.append(row[at[1:] - 1])
            gains.append(np.diff(f[at]))
    scores, gains = np.concatenate(scores), np.concatenate(gains)
    order = np.argsort(scores)[::-1]
    scores, total = scores[order][None], np.cumsum(gains[order])
    at = np.flatnonzero(np.append(scores[0, :-1] != scores[0, 1:], True))
    # The running sum rounds, so sums within the rounding error are ties.
    best = np.argmax(total[at] >= total[at].max() - 1e-9)
    return cut_thresholds(scores, 1 + at[best : best + 1])[0]
