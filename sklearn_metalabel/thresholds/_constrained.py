"""Thresholds that keep a promise of precision or recall, with a bound on the chance that they do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from sklearn_metalabel.thresholds._cuts import ALWAYS, NEVER, midpoints
from sklearn_metalabel.utils import check_pair, dense_labels, is_certain_negative, shown

__all__ = ["check_constraint", "constrained"]

# Sizes of the predicted part that a label's precision is tested for.
_N_SIZES = 20


def constrained(
    Y: ArrayLike,
    P: ArrayLike,
    metric: str = "precision",
    at_least: float = 0.9,
    *,
    confidence: float | None = 0.95,
) -> NDArray[np.float64]:
    r"""For each label find the best recall under a least precision, or the best precision under a least recall.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Out-of-fold probabilities, strictly inside (0, 1).
    metric : {"precision", "recall"}, default="precision"
        What is promised of each label.
    at_least : float in (0, 1), default=0.9
        How much of it.
    confidence : float in (0, 1) or None, default=0.95
        With this probability over the rows, a label keeps its promise on new rows of the same kind; None promises it of
        these rows alone.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,), float64
        In [0, 1]. Where the rows do not bear the promise out it is 1 (never) for precision and 0 (always) for recall.

    Raises
    ------
    ValueError
        If `P` leaves (0, 1), `Y` does not fit it, or a parameter is not as described.

    See Also
    --------
    sklearn_metalabel.policies.ConstrainedThresholds : The same as a prediction policy.

    Notes
    -----
    Precision: at most G = 20 sizes m, which depend on the probabilities alone, are tested for whether the k positives
    among the m most probable rows are too many for a precision below the promise,
    :math:`P(\mathrm{Bin}(m, \pi) \ge k) \le (1 - c) / G` [1]_; the largest m that passes is taken. Recall: at most r of
    the positives may lie below the threshold, where r is the largest number with
    :math:`P(\mathrm{Bin}(n_j, 1 - \rho) \le r) \le 1 - c`, the exact bound for an order statistic [2]_. Each promise
    holds for its label, not for all labels at once, and for rows as these are.

    References
    ----------
    .. [1] A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then Test: Calibrating Predictive
       Algorithms to Achieve Risk Control", 2021. arXiv:2110.01052
    .. [2] S. S. Wilks, "Determination of Sample Sizes for Setting Tolerance Limits", Annals of Mathematical Statistics
       12(1), 1941. :doi:`10.1214/aoms/1177731788`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.thresholds import constrained
    >>> P = np.linspace(0.005, 0.995, 100)[:, None]
    >>> constrained(P > 0.6, P, "precision", 0.8).round(2)
    array([0.59])
    >>> constrained(P > 0.6, P, "recall", 0.9).round(2)
    array([0.6])
    """
    check_constraint(metric, at_least, confidence)
    Y, P, _ = check_pair(Y, P)
    threshold = _for_precision if metric == "precision" else _for_recall
    unknown = is_certain_negative(P)

    def of_label(j):
        y, p = dense_labels(Y, [j])[0], P[:, j].astype(np.float64)
        known = slice(None) if unknown is None else ~unknown[:, j]
        return threshold(y[known], p[known], at_least, confidence)

    return np.array([of_label(j) for j in range(P.shape[1])])


def check_constraint(metric, at_least, confidence):
    """Raise where a parameter is not as described."""
    if not isinstance(metric, str) or metric not in ("precision", "recall"):
        raise ValueError(f'metric must be "precision" or "recall", got {shown(metric)}.')
    for name, value in (("at_least", at_least), ("confidence", confidence)):
        if not (name == "confidence" and value is None) and not (isinstance(value, int | float) and 0 < value < 1):
            raise ValueError(f"{name} must be a number in (0, 1), got {shown(value)}; 0.9 is nine in ten.")


def _for_precision(y, p, least, confidence):
    """Threshold of a label that keeps a precision."""
    order = np.argsort(-p, kind="stable")
    p, hits = p[order], np.cumsum(y[order])
    # A cut lies between different probabilities only, and may lie below all of them.
    sizes = np.append(np.flatnonzero(p[1:] < p[:-1]) + 1, len(p))
    if confidence is None:
        kept = sizes[hits[sizes - 1] >= least * sizes]
    else:
        sizes = _tested(sizes, least, (1 - confidence) / _N_SIZES)
        kept = sizes[binom.sf(hits[sizes - 1] - 1, sizes, least) <= (1 - confidence) / _N_SIZES]
    if not len(kept):
        return NEVER
    m = kept.max()
    return ALWAYS if m == len(p) else float(midpoints(p[m], p[m - 1]))


def _tested(sizes, least, level):
    """At most as many sizes as are tested, from the least that could pass up to all rows, evenly in their logarithm."""
    smallest = np.log(level) / np.log(least)
    sizes = sizes[sizes >= smallest]
    if len(sizes) <= _N_SIZES:
        return sizes
    wanted = np.geomspace(sizes[0], sizes[-1], _N_SIZES)
    return np.unique(sizes[np.searchsorted(sizes, wanted.round().clip(sizes[0], sizes[-1]))])


def _for_recall(y, p, least, confidence):
    """Threshold of a label that keeps a recall."""
    scores = np.sort(p[y])
    n = len(scores)
    if confidence is None:
        n_below = int(np.floor((1 - least) * n + 1e-9))
    else:
        n_below = int(np.searchsorted(binom.cdf(np.arange(n + 1), n, 1 - least), 1 - confidence, side="right")) - 1
    if n == 0 or n_below < 0:
        return ALWAYS
    lowest = scores[n_below]
    below = p[p < lowest]
    return float(midpoints(below.max(), lowest)) if len(below) else ALWAYS
