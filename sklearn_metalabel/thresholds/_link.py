"""One sigmoid for all labels: from decision values, or logits of probabilities, to calibrated logits and back."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from sklearn_metalabel.utils import clip_probabilities, row_blocks

__all__ = ["LogisticLink", "fit_link"]

# Two numbers need no more entries than this, drawn at random.
_SAMPLE_ENTRIES = 2**20
# Of standardised scores: scores that say nothing, or the opposite, still keep their order.
_MIN_SLOPE = 1e-3


@dataclass(frozen=True)
class LogisticLink:
    """The calibrated logits ``slope * z + intercept`` of scores z: decision values, or logits of probabilities."""

    slope: float  # positive
    intercept: float

    def logits(self, z):
        """Calibrated logits of scores, float64."""
        Z = np.array(z, dtype=np.float64)
        Z *= self.slope
        Z += self.intercept
        return Z

    def scores(self, logits):
        """Scores of calibrated logits: the inverse of `logits`."""
        return (logits - self.intercept) / self.slope

    def scores_of(self, P):
        """Scores of calibrated probabilities: the inverse of `probabilities`."""
        return self.scores(logit(P))

    def probabilities(self, z):
        """Calibrated probabilities of scores, float64, strictly inside (0, 1)."""
        Z = self.logits(z)
        return clip_probabilities(expit(Z, out=Z))

    def score_thresholds(self, t, S, P):
        """Thresholds (L,) for scores that decide on S (n, L) as `t` does on ``P = probabilities(S)``."""
        cut = self.scores_of(t)
        below, above = np.full(cut.size, -np.inf), np.full(cut.size, np.inf)
        for rows in row_blocks(*S.shape):
            over = P[rows] > t
            np.maximum(below, np.where(over, -np.inf, S[rows]).max(axis=0), out=below)
            np.minimum(above, np.where(over, S[rows], np.inf).min(axis=0), out=above)
        # A threshold may be one of the values itself, and the way back rounds.
        exact = np.maximum(np.where(cut < above, cut, np.nextafter(above, -np.inf)), below)
        return np.where(np.isfinite(cut), exact, cut)


def fit_link(Y, S, sample_weight=None, unknown=None):
    """`LogisticLink` of all labels together, from truth (n, L), bool, and decision values of the same shape.

    `sample_weight` (n,) says how many times each row counts, and `unknown` (n, L), bool, which entries count nothing.
    Targets are smoothed as in Platt scaling, so that the
    slope stays finite where the scores separate.
    """
    truth, scores, mean, (positives, total) = _entries(Y, S, sample_weight, unknown)
    centre = mean(scores)
    scale = np.sqrt(mean((scores - centre) ** 2))
    z = (scores - centre) / (scale if scale > 0 else 1.0)
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (total - positives + 2))

    def loss(parameters):
        u = parameters[0] * z + parameters[1]
        error = expit(u) - target
        return mean(np.logaddexp(0, u) - target * u), np.array([mean(error * z), mean(error)])

    start = np.array([1.0, logit(mean(target))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(_MIN_SLOPE, None), (None, None)])
    slope = found.x[0] / (scale if scale > 0 else 1.0)
    return LogisticLink(float(slope), float(found.x[1] - slope * centre))


def _entries(Y, S, sample_weight, unknown):
    """Truth and scores of all entries, or of many drawn at random, their mean by weight, and what these count."""
    at = ...
    if S.size > _SAMPLE_ENTRIES:
        rng = np.random.RandomState(0)
        at = tuple(rng.randint(size, size=_SAMPLE_ENTRIES) for size in S.shape)
    known = slice(None) if unknown is None else ~unknown[at].ravel()
    truth, scores = Y[at].ravel()[known], S[at].ravel()[known].astype(np.float64)
    if sample_weight is None:
        return truth, scores, np.mean, (np.count_nonzero(truth), truth.size)
    weights = np.broadcast_to(np.asarray(sample_weight)[:, None], S.shape)[at].ravel()[known]
    total = weights.sum()
    return truth, scores, lambda values: weights @ values / total, (weights[truth].sum(), total)
