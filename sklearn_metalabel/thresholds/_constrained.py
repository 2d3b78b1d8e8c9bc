"""Thresholds that keep a promise of precision, recall or cost, with a bound on the chance that they do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom

from sklearn_metalabel.thresholds._cuts import ALWAYS, NEVER, midpoints
from sklearn_metalabel.utils import check_pair, dense_labels, is_certain_negative, shown

__all__ = ["check_constraint", "constrained", "constrained_labels"]

# Sizes of the predicted part that a label's precision is tested for.
_N_SIZES = 20


def constrained(
    Y: ArrayLike,
    P: ArrayLike,
    metric: str = "precision",
    level: float = 0.9,
    *,
    confidence: float | None = 0.95,
    miss_cost: float = 1.0,
) -> NDArray[np.float64]:
    r"""For each label find the best recall under a least precision or a most cost, or precision under a least recall.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Out-of-fold probabilities, strictly inside (0, 1).
    metric : {"precision", "recall", "cost"}, default="precision"
        What is promised of each label. The cost is that of a sample on average, where a false positive costs 1 and a
        missed positive `miss_cost`.
    level : float in (0, 1), default=0.9
        The least precision or recall, or the most cost, which may be larger than 1.
    confidence : float in (0, 1) or None, default=0.95
        With this probability over the rows, a label keeps its promise on new rows of the same kind; None promises it of
        these rows alone.
    miss_cost : float, default=1.0
        What a missed positive costs, above 0; for the cost alone.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,), float64
        In [0, 1]. Where the rows do not bear the promise out it is 1 (never) for precision, 0 (always) for recall, and
        that of the least cost on these rows for cost.

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
    :math:`P(\mathrm{Bin}(n_j, 1 - \rho) \le r) \le 1 - c`, the exact bound for an order statistic [2]_. Cost: at G
    sizes m, the shares of false positives and of misses are each below their exact upper bounds [3]_ but for a chance
    of :math:`(1 - c) / 2G`; the largest m whose bounds together cost no more than was promised is taken. Each promise
    holds for its label, not for all labels at once, and for rows as these are.

    References
    ----------
    .. [1] A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then Test: Calibrating Predictive
       Algorithms to Achieve Risk Control", 2021. arXiv:2110.01052
    .. [2] S. S. Wilks, "Determination of Sample Sizes for Setting Tolerance Limits", Annals of Mathematical Statistics
       12(1), 1941. :doi:`10.1214/aoms/1177731788`
    .. [3] C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
       Binomial", Biometrika 26(4), 1934. :doi:`10.1093/biomet/26.4.404`

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
    return constrained_labels(Y, P, metric, level, confidence, miss_cost)[0]


def constrained_labels(Y, P, metric, level, confidence, miss_cost):
    """Thresholds (L,) of `constrained`, and whether each label can keep the promise (L,)."""
    check_constraint(metric, level, confidence, miss_cost)
    Y, P, _ = check_pair(Y, P)
    unknown = is_certain_negative(P)

    def of_label(j):
        y, p = dense_labels(Y, [j])[0], P[:, j].astype(np.float64)
        known = slice(None) if unknown is None else ~unknown[:, j]
        if not y[known].size:
            return NEVER if metric != "recall" else ALWAYS, False
        if metric == "cost":
            return _for_cost(y[known], p[known], level, confidence, miss_cost)
        if metric == "precision":
            t = _for_precision(y[known], p[known], level, confidence)
            return t, t < NEVER
        t = _for_recall(y[known], p[known], level, confidence)
        return t, t > ALWAYS

    thresholds, kept = zip(*(of_label(j) for j in range(P.shape[1])), strict=True)
    return np.array(thresholds, dtype=np.float64), np.array(kept, dtype=bool)


def check_constraint(metric, level, confidence, miss_cost=1.0):
    """Raise where a parameter is not as described."""
    if not isinstance(metric, str) or metric not in ("precision", "recall", "cost"):
        raise ValueError(f'metric must be "precision", "recall" or "cost", got {shown(metric)}.')
    shares = {} if confidence is None else {"confidence": confidence}
    amounts = {"miss_cost": miss_cost}
    (amounts if metric == "cost" else shares)["level"] = level
    for name, value in shares.items():
        if not (_is_number(value) and 0 < value < 1):
            raise ValueError(f"{name} must be a number in (0, 1), got {shown(value)}; 0.9 is nine in ten.")
    for name, value in amounts.items():
        if not (_is_number(value) and 0 < value < np.inf):
            raise ValueError(f"{name} must be a number above 0, got {shown(value)}; a false positive costs 1.")
    if metric != "cost" and miss_cost != 1:
        raise ValueError(
            f'miss_cost={miss_cost:g} plays no part in a promise of {metric}; set metric="cost", or leave it out.'
        )


def _is_number(value):
    """Whether something is a real number and no truth value."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


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
    return _cut_below(p, kept.max())


def _for_cost(y, p, most, confidence, miss_cost):
    """Threshold of a label that keeps a cost, and whether it can."""
    order = np.argsort(-p, kind="stable")
    p, hits = p[order], np.append(0, np.cumsum(y[order]))
    n, n_positives = len(p), hits[-1]
    sizes = np.concatenate([[0], np.flatnonzero(p[1:] < p[:-1]) + 1, [n]])
    if confidence is not None:
        at = np.geomspace(1, len(sizes), _N_SIZES).round().astype(np.intp) - 1
        sizes = sizes[np.unique(at)]
    errors = np.array([sizes - hits[sizes], n_positives - hits[sizes]])
    costs = np.array([1.0, miss_cost])
    bound = costs @ (errors / n if confidence is None else _upper_bounds(errors, n, (1 - confidence) / (2 * _N_SIZES)))
    kept = sizes[bound <= most]
    m = kept.max() if len(kept) else sizes[np.argmin(costs @ errors)]
    return _cut_below(p, m), len(kept) > 0


def _upper_bounds(errors, n, level):
    """Shares of n rows that errors exceed but for a chance of `level`."""
    return np.where(errors == n, 1.0, beta.isf(level, errors + 1, np.maximum(n - errors, 1)))


def _cut_below(p, m):
    """Threshold that lets the first m of falling probabilities pass."""
    if m == 0:
        return NEVER
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
