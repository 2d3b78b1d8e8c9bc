"""Rules that rank instead of cutting: they return decisions, since no threshold can express them."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_metalabel.utils import (
    check_labels,
    check_probabilities,
    check_row_weights,
    count_rows,
    label_frequencies,
    row_blocks,
    shown,
)

__all__ = ["pcut", "rcut"]


def rcut(P: ArrayLike, k: int) -> NDArray[np.int64]:
    """Give each sample its `k` most probable labels.

    Parameters
    ----------
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1).
    k : int in [1, n_labels]
        Number of labels of each sample.

    Returns
    -------
    Y : ndarray of shape (n_samples, n_labels), int64
        Decisions in {0, 1}; of equal probabilities the label with the lower index goes first.

    Raises
    ------
    ValueError
        If `P` leaves (0, 1) or `k` is not an integer in [1, n_labels].

    References
    ----------
    Y. Yang, "A study of thresholding strategies for text categorization", SIGIR 2001.
    doi:10.1145/383952.383975

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import rcut
    >>> rcut([[0.9, 0.2, 0.3], [0.1, 0.1, 0.1]], k=1)
    array([[1, 0, 0],
           [1, 0, 0]])
    """
    P = check_probabilities(P)
    n, L = P.shape
    if not isinstance(k, Integral) or not 1 <= k <= L:
        raise ValueError(f"k must be an integer from 1 to the number of labels, {L}, got {shown(k)}; choose one.")
    Y = np.zeros((n, L), dtype=np.int64)
    for rows in row_blocks(n, L):
        Y[rows] = _highest(P[rows], np.full(rows.stop - rows.start, k))
    return Y


def pcut(
    Y: ArrayLike, P: ArrayLike, proportion: float = 1.0, *, sample_weight: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Give each label to its most probable samples, as many as its share of the training rows asks for.

    A rule for a whole batch: the decision for a row depends on the other rows, so it cannot be a `predict`.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_train, n_labels)
        Truth that gives the share of each label, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities of the batch to decide on, strictly inside (0, 1).
    proportion : float > 0, default=1.0
        Label j goes to ``round(proportion * share_j * n_samples)`` rows.
    sample_weight : array-like of shape (n_train,), default=None
        How many times each row of `Y` counts in the shares; every row of the batch counts once.

    Returns
    -------
    Y : ndarray of shape (n_samples, n_labels), int64
        Decisions in {0, 1}; of equal probabilities the row with the lower index goes first.

    Raises
    ------
    ValueError
        If the numbers of labels differ, `P` leaves (0, 1) or `proportion` is not positive.

    References
    ----------
    Y. Yang, "A study of thresholding strategies for text categorization", SIGIR 2001.
    doi:10.1145/383952.383975

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import pcut
    >>> pcut(
    ...     [[1, 0], [0, 1], [1, 0], [1, 0]],
    ...     [[0.9, 0.2], [0.3, 0.1], [0.5, 0.6], [0.7, 0.4]],
    ... )
    array([[1, 0],
           [0, 0],
           [1, 1],
           [1, 0]])
    """
    if not isinstance(proportion, Real) or not 0 < proportion < np.inf:
        raise ValueError(
            f"proportion must be a positive finite number, got {shown(proportion)}; 1.0 keeps the shares of Y."
        )
    P = check_probabilities(P)
    Y = check_labels(Y, (count_rows(Y), P.shape[1]))
    weight = check_row_weights(sample_weight, Y.shape[0])
    share = label_frequencies(Y, weight)
    counts = np.minimum(np.round(proportion * share * P.shape[0]), P.shape[0]).astype(np.int64)
    decisions = np.zeros(P.shape, dtype=np.int64)
    for labels in row_blocks(P.shape[1], P.shape[0]):
        decisions[:, labels] = _highest(P[:, labels].T, counts[labels]).T
    return decisions


def _highest(scores, counts):
    """Mark in each row of `scores` its `counts` highest entries, the leftmost first among equals."""
    order = np.argsort(-scores, axis=1, kind="stable")
    marks = np.empty(scores.shape, dtype=bool)
    np.put_along_axis(marks, order, np.arange(scores.shape[1]) < counts[:, None], axis=1)
    return marks
