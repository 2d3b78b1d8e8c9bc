"""From probabilities and thresholds to decisions."""

import numpy as np
from scipy.special import logit

from sklearn_metalabel.thresholds._checks import check_probabilities, check_thresholds, row_blocks

__all__ = ["decide"]


def decide(P, thresholds, never_empty=False):
    """Predict the labels whose probability is strictly greater than their threshold.

    Parameters
    ----------
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1).
    thresholds : array-like of shape (n_labels,)
        Thresholds in [0, 1]; 0 always predicts the label, 1 never.
    never_empty : bool, default=False
        Give an instance without any label above its threshold the label of the largest margin ``logit(P) -
        logit(t)``. Labels with threshold 1 are left out, unless all labels have it: then the most probable
        label is taken. Ties go to the lower index.

    Returns
    -------
    Y : ndarray of shape (n_samples, n_labels), int64
        Decisions in {0, 1}.

    Raises
    ------
    ValueError
        If `P` leaves (0, 1), or `thresholds` leaves [0, 1] or does not fit the columns of `P`.

    Notes
    -----
    Rows are treated in blocks: beside the result no array of the size of `P` is built.

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import decide
    >>> P = [[0.9, 0.3], [0.1, 0.2], [0.5, 0.1]]
    >>> decide(P, [0.5, 0.25])
    array([[1, 1],
           [0, 0],
           [0, 0]])
    >>> decide(P, [0.5, 0.25], never_empty=True)
    array([[1, 1],
           [0, 1],
           [1, 0]])
    """
    P = check_probabilities(P)
    n, L = P.shape
    t = check_thresholds(thresholds, L)
    Y = np.empty((n, L), dtype=np.int64)
    for rows in row_blocks(n, L):
        Y[rows] = P[rows] > t
        if never_empty:
            empty = rows.start + np.flatnonzero(~Y[rows].any(axis=1))
            Y[empty, _nearest(P[empty], t)] = 1
    return Y


def _nearest(P, t):
    """Index of the label of the largest margin in each row."""
    allowed = t < 1
    if not allowed.any():
        return P.argmax(axis=1)
    # In float64, where logits of close probabilities stay apart.
    return (logit(P.astype(np.float64)) - logit(t)).argmax(axis=1)
