"""From probabilities or scores, and thresholds, to decisions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from sklearn_metalabel.decoding._dependence import Dependence
from sklearn_metalabel.utils import check_probabilities, check_thresholds, row_blocks

__all__ = ["PROBABILITIES", "SCORES", "Units", "decide", "decide_block", "decide_rows", "margins"]

# Entries of a block of rows where label sets are looked at.
_SET_BLOCK_ENTRIES = 2**20
# Margin of a label that is never or always predicted, beyond that of any other.
_FARTHEST = 1e4


class Units(NamedTuple):
    """What thresholds are measured in: the threshold that is never exceeded, and the scale of margins."""

    never: float
    scale: object


PROBABILITIES = Units(1.0, logit)
SCORES = Units(np.inf, np.asarray)


def decide(
    P: ArrayLike, thresholds: ArrayLike, allow_unlabeled: bool = True, *, dependence: Dependence | None = None
) -> NDArray[np.int64]:
    """Predict the labels whose probability is strictly greater than their threshold, or sets of labels.

    Parameters
    ----------
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1).
    thresholds : float or array-like of shape (n_labels,)
        Thresholds in [0, 1], or one for all labels; 0 always predicts the label, 1 never.
    allow_unlabeled : bool, default=True
        Whether a sample may get no label. False gives a sample without any label above its threshold the label of the
        largest margin ``logit(P) - logit(t)``. Labels with threshold 1 are left out, unless all labels have it: then
        the most probable label is taken. Ties go to the lower index.
    dependence : Dependence, default=None
        Label sets that were observed, which decisions are drawn to; None decides on each label alone.

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
    >>> from sklearn_metalabel.decoding import decide
    >>> P = [[0.9, 0.3], [0.1, 0.2], [0.5, 0.1]]
    >>> decide(P, [0.5, 0.25])
    array([[1, 1],
           [0, 0],
           [0, 0]])
    >>> decide(P, [0.5, 0.25], allow_unlabeled=False)
    array([[1, 1],
           [0, 1],
           [1, 0]])
    """
    R = check_probabilities(P)
    if dependence is not None and dependence.sets.n_labels != R.shape[1]:
        raise ValueError(
            f"dependence must be that of the {R.shape[1]} labels of P, got one of {dependence.sets.n_labels}; learn it "
            "on the same labels."
        )
    return decide_rows(R, check_thresholds(thresholds, R.shape[1]), allow_unlabeled, dependence=dependence)


def decide_rows(R, t, allow_unlabeled, units=PROBABILITIES, dependence=None):
    """Decisions (n, L), int64, for responses R (n, L) and thresholds t (L,) in the given units; nothing is checked."""
    Y = np.empty(R.shape, dtype=np.int64)
    for rows in row_blocks(*R.shape) if dependence is None else _larger_blocks(*R.shape):
        Y[rows] = decide_block(R[rows], t, allow_unlabeled, units, dependence)
    return Y


def _larger_blocks(n_samples, n_labels):
    """Slices of as many rows as are worth a look at all sets."""
    step = max(1, _SET_BLOCK_ENTRIES // n_labels)
    return [slice(start, min(start + step, n_samples)) for start in range(0, n_samples, step)]


def decide_block(R, t, allow_unlabeled, units=PROBABILITIES, dependence=None):
    """Decisions (b, L), bool, for few rows of responses."""
    if dependence is not None:
        return dependence.decide(margins(R, t, units), allow_unlabeled)
    D = R > t
    if not allow_unlabeled:
        empty = np.flatnonzero(~D.any(axis=1))
        D[empty, _nearest(R[empty], t, units)] = True
    return D


def margins(R, t, units=PROBABILITIES):
    """Responses minus thresholds, on the logit scale of probabilities; finite, and float64."""
    R = R.astype(np.float64)
    # NumPy's logarithm is several times faster than SciPy's logit.
    M = np.log(R / (1 - R)) if units is PROBABILITIES else R
    M -= units.scale(t)
    return np.clip(M, -_FARTHEST, _FARTHEST, out=M)


def _nearest(R, t, units):
    """Index of the label of the largest margin in each row."""
    if (t == units.never).all():
        return R.argmax(axis=1)
    # In float64, where logits of close probabilities stay apart.
    return (units.scale(R.astype(np.float64)) - units.scale(t)).argmax(axis=1)
