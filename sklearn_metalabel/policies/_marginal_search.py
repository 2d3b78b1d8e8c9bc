"""Learn on out-of-fold rows how label sets correct the probabilities of labels, and whether that helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from sklearn_metalabel.decoding import SetMarginals, codes_of_rows, listed_sets
from sklearn_metalabel.policies._candidates import calibrated_logits
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.utils import total_weight

__all__ = ["learn_marginals"]

_START, _RIDGE = (1.0, 0.3, 0.0), 1e-3
_MIXINGS = (0.15, 0.3, 0.45, 0.6)
# The log-loss must fall by so many standard errors, since several mixtures are tried.
_ERRORS = 2.0


def learn_marginals(search):
    """`SetMarginals` of the highest average precision among those that lower the log-loss beyond chance, or None.

    None has a lower average precision than the probabilities as they are.

    Parameters
    ----------
    search : DependenceSearch
        Held-out rows, and the label sets of the folds that each of them is not in.
    """
    parts = [(calibrated_logits(search.link, search.rows.P[rows]), rows) for rows in search.of_marginals]
    listed = [listed_sets(Z, sets) for (Z, _), sets in zip(parts, search.sets, strict=True)]
    weights = _fit_weights(search, parts, listed)
    slope, intercept = float(search.link.slope), float(search.link.intercept)
    tried = [SetMarginals(search.all_sets, weights, mixing, slope, intercept) for mixing in _MIXINGS]
    marginals = [
        replace(tried[0], sets=sets).marginals(Z, of_rows)
        for (Z, _), sets, of_rows in zip(parts, search.sets, listed, strict=True)
    ]
    rows, weight = np.concatenate(search.of_marginals), search.rows.sample_weight
    weight = None if weight is None else weight[rows]
    Y, P, Q = search.truth(rows), search.rows.P[rows].astype(np.float64), np.concatenate(marginals)
    seen = Y.any(axis=0)
    if not seen.any():
        return None
    loss, precision, found = _log_losses(Y, P), _precisions(Y, P, weight), []
    for each in tried:
        mixed = each.mix(P, Q)
        gain = loss - _log_losses(Y, mixed)
        mean = np.average(gain, weights=weight)
        error = np.sqrt(np.average((gain - mean) ** 2, weights=weight) / total_weight(len(rows), weight))
        if mean > _ERRORS * error:
            found.append(((_precisions(Y, mixed, weight) - precision)[seen].mean(), each))
    best = max(found, key=lambda pair: pair[0], default=(-1.0, None))
    return best[1] if best[0] >= 0 else None


def _fit_weights(search, parts, listed):
    """Weights of the logits, the log count and the size of a set, by maximum likelihood.

    Rows whose own set is not among their likeliest of other folds take no part. A little pull towards the start keeps
    them finite where few rows, or sets that separate, are left.
    """
    kept, total = [], 0.0
    for (Z, rows), sets, (row, number, features) in zip(parts, search.sets, listed, strict=True):
        own = sets.find(codes_of_rows(sp.csr_array(search.truth(rows))))
        right = number == own[row]
        inside = np.zeros(len(Z), dtype=bool)
        inside[row[right]] = True
        at = inside[row]
        if at.any():
            starts = np.flatnonzero(np.diff(row[at], prepend=-1))
            weight = search.rows.sample_weight
            of_row = np.ones(starts.size) if weight is None else weight[rows][row[at][starts]]
            kept.append((features[at], right[at], starts, np.cumsum(np.diff(row[at], prepend=-1) != 0) - 1, of_row))
            total += of_row.sum()
    if not kept:
        return _START

    def loss(w):
        value, gradient = 0.0, np.zeros(3)
        for features, right, starts, group, of_row in kept:
            energy = features @ w
            top = np.maximum.reduceat(energy, starts)
            odds = np.exp(energy - top[group])
            sums = np.add.reduceat(odds, starts)
            value += of_row @ (np.log(sums) + top - energy[right])
            gradient += (odds / sums[group] * of_row[group]) @ features - of_row @ features[right]
        away = w - np.array(_START)
        return value / total + _RIDGE * away @ away, gradient / total + 2 * _RIDGE * away

    return tuple(float(each) for each in minimize(loss, _START, jac=True, method="L-BFGS-B").x)


def _log_losses(Y, P):
    """Log-loss of each row (n,), summed over the labels."""
    return -np.log(np.where(Y, P, 1 - P)).sum(axis=1)


def _precisions(Y, P, weight):
    """Average precision of each label (L,)."""
    options = {} if weight is None else {"sample_weight": weight}
    return AveragePrecisionReward()(Y, P, np.full((1, P.shape[1]), 0.5), **options)[0]
