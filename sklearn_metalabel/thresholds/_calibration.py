"""Hierarchical Platt scaling: one sigmoid for each label, those of rare labels close to the line of all labels.

`P` is read once, into histograms of its logits; all that follows costs labels times bins, not labels times rows.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit, logit

from sklearn_metalabel.thresholds._cuts import fill_constant_labels
from sklearn_metalabel.thresholds._link import LogisticLink
from sklearn_metalabel.utils import check_weighted_pair, is_certain_negative, row_blocks

__all__ = ["Calibration", "Histogram", "calibrate", "calibrate_histogram", "logit_histogram", "logits"]

_N_BINS = 256
_GRID_CELLS = 2**16
_SAMPLE_ENTRIES = 2**18
_LABELS_PER_BLOCK = 256
# Deviations of u and v; that of b and c is so wide that it only keeps the sigmoids of separable labels finite.
_INTERCEPT_SD, _SLOPE_SD, _SHARED_SD = 1.0, 0.3, 10.0
_MAX_LOG_SLOPE = 30.0
_MAX_ITERATIONS, _MAX_HALVINGS, _TOLERANCE = 100, 30, 1e-8


class Histogram(NamedTuple):
    """The K non-empty bins of m labels: label after label, within a label from low logits to high."""

    labels: np.ndarray  # (m,), columns of P
    sizes: np.ndarray  # (m,), number of bins of each label
    rows: np.ndarray  # (K,), by weight
    logits: np.ndarray  # (K,), mean logit of the rows
    positives: np.ndarray  # (K,), by weight

    @property
    def starts(self):
        """First bin of each label, shape (m,)."""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def owners(self):
        """Which of the m labels each bin belongs to, shape (K,)."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibrated logits ``intercept + slope * logit(P)`` of each label, and the counts they were fitted to."""

    intercept: np.ndarray  # (L,)
    slope: np.ndarray  # (L,), positive
    positives: np.ndarray  # (L,), of all rows, by weight
    n_samples: float | np.ndarray  # by weight; (L,) where labels are known in different rows
    histogram: Histogram  # of the labels with both values
    shared: np.ndarray  # (4,), b0, b1, c0 and c1
    own: np.ndarray  # (2, L), u and v

    def logits(self, Z):
        """Calibrated logits of the logits `Z` of P, both of shape (..., L)."""
        return self.intercept + self.slope * Z

    def pooled(self):
        """`LogisticLink` that fits the logits of all labels together."""
        return _fit_pooled(self.histogram)

    def thresholds(self, t):
        """Thresholds on P, (..., L), that cut where `t` cuts calibrated probabilities; constant labels are filled."""
        limits = np.finfo(np.float64)
        inside = np.clip(expit((logit(t) - self.intercept) / self.slope), limits.tiny, 1 - limits.epsneg)
        return fill_constant_labels(inside, self.positives, self.n_samples)


def calibrate(Y, P, sample_weight=None):
    """`Calibration` of all labels from truth `Y` and out-of-fold probabilities `P`, both (n, L).

    The posterior mode of logit pr_ij = b0 + b1 x_j + u_j + exp(c0 + c1 x_j + v_j) z_ij, where z = logit(P) divided by
    its deviation, x_j is the standardised log frequency of label j, u ~ N(0, 1) and v ~ N(0, 0.3^2). Labels of one
    value take no part; they get the regression line, u = v = 0.
    """
    Y, P, weight, positives, total = check_weighted_pair(Y, P, sample_weight)
    varied = np.flatnonzero((positives > 0) & (positives < total))
    return calibrate_histogram(logit_histogram(Y, P, varied, weight), positives, total)


def calibrate_histogram(histogram, positives, n, start=None):
    """`Calibration` from the histogram of the labels with both values; `start` is one of nearly the same rows."""
    frequency, varied = np.log((positives + 0.5) / np.maximum(n, 1)), histogram.labels
    if not varied.size:
        identity = np.zeros(frequency.size), np.ones(frequency.size)
        return Calibration(*identity, positives, n, histogram, np.zeros(4), np.zeros((2, frequency.size)))
    x = (frequency - frequency[varied].mean()) / (frequency[varied].std() or 1.0)
    scale = _logit_deviation(histogram)
    own = np.zeros((2, frequency.size)) if start is None else start.own.copy()
    shared = np.array([0.0, 0.0, np.log(scale), 0.0]) if start is None else start.shared
    parameters = _fit(histogram, x[varied], scale, np.concatenate([shared, own[0, varied], own[1, varied]]))
    shared = parameters[:4]
    own[:] = 0.0
    own[:, varied] = parameters[4:].reshape(2, -1)
    intercept, log_slope = shared[0] + shared[1] * x + own[0], shared[2] + shared[3] * x + own[1]
    return Calibration(intercept, _bounded_exp(log_slope) / scale, positives, n, histogram, shared, own)


def logit_histogram(Y, P, labels, weight=None):
    """`Histogram` of the columns `labels` of `P`, which is read in blocks; the bins are the same for all labels."""
    parts = [(np.zeros(0, dtype=np.intp), *np.zeros((3, 0)))]
    if labels.size:
        low, scale, table = _bins(*_sample_logits(Y, P, labels, weight))
    for start in range(0, labels.size, _LABELS_PER_BLOCK):
        block = labels[start : start + _LABELS_PER_BLOCK]
        counts = np.zeros((3, block.size * _N_BINS))
        for rows, Z, hits, unknown in _logit_blocks(Y, P, block):
            cell = np.clip((Z - low) * scale, 0, _GRID_CELLS - 1).astype(np.intp)
            keys = table[cell] + _N_BINS * np.arange(block.size)
            entry_weight = None if weight is None else np.broadcast_to(weight[rows, None], Z.shape)
            if unknown is not None:
                keys, Z, hits = keys[~unknown], Z[~unknown], hits[~unknown]
                entry_weight = None if weight is None else entry_weight[~unknown]
            of_entries = _entry_weights(entry_weight, Z, hits)
            for total, k, weights in zip(counts, (keys, keys, keys[hits]), of_entries, strict=True):
                total += np.bincount(k.ravel(), weights=weights, minlength=total.size)
        used = np.flatnonzero(counts[0])
        rows, sums, positives = counts[:, used]
        parts.append((np.bincount(used // _N_BINS, minlength=block.size), rows, sums / rows, positives))
    return Histogram(labels, *(np.concatenate(part) for part in zip(*parts, strict=True)))


def logits(P):
    """logit(P) in the dtype of `P`, several times faster for float32 than SciPy's."""
    return np.log(P / (1 - P))


def _entry_weights(weights, Z, hits):
    """What the entries of a block, their logits and the positives among them count; None is once each."""
    if weights is None:
        return None, Z.ravel(), None
    return weights.ravel(), (weights * Z).ravel(), weights[hits]


def _logit_blocks(Y, P, labels):
    """Yield (rows, logits, truth, unknown) of the columns `labels`, all but the first (rows of a block, labels).

    The last masks certain negatives, and is None where there are none.
    """
    Y = Y[:, labels].tocsr() if sp.issparse(Y) else Y
    for rows in row_blocks(P.shape[0], labels.size):
        hits = Y[rows].toarray() if sp.issparse(Y) else np.take(Y[rows], labels, axis=1)
        block = np.take(P[rows], labels, axis=1)
        yield rows, logits(block), hits != 0, is_certain_negative(block)


def _sample_logits(Y, P, labels, weight=None):
    """Logits of evenly spread rows, their truth and their weights, all one-dimensional; None where there are none."""
    step = -(-P.shape[0] * labels.size // _SAMPLE_ENTRIES)
    truth = (Y.tocsr() if sp.issparse(Y) else Y)[::step][:, labels]
    truth = truth.toarray() if sp.issparse(truth) else truth
    sample = P[::step][:, labels].ravel()
    weights = None if weight is None else np.repeat(weight[::step], labels.size)
    unknown = is_certain_negative(sample)
    inside = slice(None) if unknown is None or unknown.all() else ~unknown
    Z, truth = logits(sample[inside]).astype(np.float64), (truth.ravel() != 0)[inside]
    return Z, truth, None if weight is None else weights[inside]


def _bins(Z, is_positive, weights=None):
    """Lower end and cells per unit of a fine grid of logits, and the bin of each of its cells.

    Half of the bins hold equally many positives, a quarter equally many rows and a quarter are equally wide, so that
    neither the rare positives nor a long tail are left with a bin or two.
    """
    low, high = float(Z.min()), float(Z.max())
    everyone = slice(None)
    edges = [
        _quantiles(Z[kept], None if weights is None else weights[kept], np.linspace(0, 1, k + 1)[1:-1])
        for kept, k in ((is_positive, _N_BINS // 2), (everyone, _N_BINS // 4))
        if Z[kept].size
    ]
    edges.append(np.quantile([low, high], np.linspace(0, 1, _N_BINS // 4 + 1)[1:-1]))
    scale = _GRID_CELLS / max(high - low, 1e-6)
    middles = low + (np.arange(_GRID_CELLS) + 0.5) / scale
    return low, scale, np.searchsorted(np.unique(np.concatenate(edges)), middles)


def _quantiles(values, weights, at):
    """Quantiles as NumPy's of values that are each repeated as often as they weigh, by interpolation between them."""
    if weights is None:
        return np.quantile(values, at)
    order = np.argsort(values)
    values, ends = values[order], np.cumsum(weights[order] / min(1.0, weights.min()))
    place = at * (ends[-1] - 1)
    below = np.floor(place)
    low, high = (values[np.searchsorted(ends, k, side="right").clip(max=len(ends) - 1)] for k in (below, below + 1))
    return low + (high - low) * (place - below)


def _logit_deviation(histogram):
    """Standard deviation of all logits, 1 where they are all equal."""
    total = histogram.rows.sum()
    centred = histogram.logits - histogram.rows @ histogram.logits / total
    deviation = np.sqrt(histogram.rows @ centred**2 / total)
    return deviation if deviation > 1e-6 else 1.0


def _bounded_exp(log_slope):
    """Slopes that neither overflow nor vanish."""
    return np.exp(np.clip(log_slope, -_MAX_LOG_SLOPE, _MAX_LOG_SLOPE))


def _fit(histogram, x, scale, start):
    """Mode of (b0, b1, c0, c1, u, v), shape (4 + 2 m,), by Fisher scoring."""
    parameters, Z = start, histogram.logits / scale
    value, gradient = _negative_log_posterior(parameters, histogram, x, Z)
    for _ in range(_MAX_ITERATIONS):
        step = _scoring_step(parameters, gradient, histogram, x, Z)
        gain = -gradient @ step
        if gain < _TOLERANCE:
            break
        for _ in range(_MAX_HALVINGS):
            tried, slope_at = _negative_log_posterior(parameters + step, histogram, x, Z)
            if tried <= value - 1e-4 * gain:
                break
            step, gain = step / 2, gain / 2
        else:
            break
        parameters, value, gradient = parameters + step, tried, slope_at
    return parameters


def _fit_pooled(histogram):
    """`LogisticLink` of all bins; the one that changes nothing where no label has both values."""
    if not histogram.rows.size:
        return LogisticLink(1.0, 0.0)
    rows, positives, Z = histogram.rows, histogram.positives, histogram.logits
    total = rows.sum()

    def objective(parameters):
        slope = _bounded_exp(parameters[0])
        eta = slope * Z + parameters[1]
        residual = rows * expit(eta) - positives
        # The prior only keeps the sigmoid of separable labels finite.
        value = rows @ np.logaddexp(0, eta) - positives @ eta + parameters @ parameters / (2 * _SHARED_SD**2)
        gradient = np.array([slope * (residual @ Z), residual.sum()]) + parameters / _SHARED_SD**2
        return value / total, gradient / total

    log_slope, intercept = minimize(objective, np.zeros(2), jac=True, method="L-BFGS-B", options={"ftol": 1e-14}).x
    return LogisticLink(float(_bounded_exp(log_slope)), float(intercept))


def _precision(m):
    """Inverse prior variance of every parameter, shape (4 + 2 m,)."""
    return np.repeat([_SHARED_SD, _INTERCEPT_SD, _SLOPE_SD], [4, m, m]) ** -2.0


def _linear_parts(parameters, histogram, x, Z):
    """Calibrated logits of the bins, (K,), and the slope of each label, (m,)."""
    m = x.size
    b0, b1, c0, c1 = parameters[:4]
    intercept, slope = b0 + b1 * x + parameters[4 : 4 + m], _bounded_exp(c0 + c1 * x + parameters[4 + m :])
    return np.repeat(intercept, histogram.sizes) + np.repeat(slope, histogram.sizes) * Z, slope


def _spread(by_intercept, by_slope, x):
    """Derivatives for (b0, b1, c0, c1, u, v) from those for the intercepts and the log slopes of the labels."""
    shared = [by_intercept.sum(), by_intercept @ x, by_slope.sum(), by_slope @ x]
    return np.concatenate([shared, by_intercept, by_slope])


def _negative_log_posterior(parameters, histogram, x, Z):
    """Its value and gradient; each bin counts as if all its rows had the mean logit."""
    eta, slope = _linear_parts(parameters, histogram, x, Z)
    precision = _precision(x.size)
    value = histogram.rows @ np.logaddexp(0, eta) - histogram.positives @ eta + precision @ parameters**2 / 2
    residual = histogram.rows * expit(eta) - histogram.positives
    by_intercept, by_slope = (np.add.reduceat(r, histogram.starts) for r in (residual, residual * Z))
    return value, _spread(by_intercept, slope * by_slope, x) + precision * parameters


def _scoring_step(parameters, gradient, histogram, x, Z):
    """The step of the expected curvature: two equations for each label, tied together by four shared parameters."""
    eta, slope = _linear_parts(parameters, histogram, x, Z)
    weight = histogram.rows * expit(eta) * expit(-eta)
    a, b, c = (np.add.reduceat(w, histogram.starts) for w in (weight, weight * Z, weight * Z**2))
    b, c, m = slope * b, slope**2 * c, x.size
    precision = _precision(m)
    p, q = precision[4], precision[-1]
    g, h = gradient[4 : 4 + m], gradient[4 + m :]
    determinant = (a + p) * (c + q) - b**2
    # Without the shared parameters; what is left for these is the curvature less what the labels take up.
    by_u, by_v = ((c + q) * g - b * h) / determinant, ((a + p) * h - b * g) / determinant
    design = np.stack([np.ones(m), x])
    left = [p * (a * (c + q) - b**2), p * q * b, q * (c * (a + p) - b**2)]
    blocks = [design * (part / determinant) @ design.T for part in left]
    curvature = np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]]) + np.diag(precision[:4])
    taken = np.concatenate([design @ (a * by_u + b * by_v), design @ (b * by_u + c * by_v)])
    shared = np.linalg.solve(curvature, taken - gradient[:4])
    of_u, of_v = shared[:2] @ design, shared[2:] @ design
    g, h = g + a * of_u + b * of_v, h + b * of_u + c * of_v
    return np.concatenate([shared, (b * h - (c + q) * g) / determinant, (b * g - (a + p) * h) / determinant])
