"""What the policy chooses from: the cuts of a few rules, on a scale of logits that all base learners share."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from sklearn_metalabel.thresholds import global_threshold, micromacro, shrunken
from sklearn_metalabel.thresholds._calibration import calibrate
from sklearn_metalabel.thresholds._plug_in import plug_in_thresholds

__all__ = ["CANDIDATES", "Candidates", "Link", "find_candidates"]

_BALANCES = (0.0, 0.3, 0.6, 0.9)
CANDIDATES = ("half", "global", "micromacro", "shrunken", *(f"plug_in {balance}" for balance in _BALANCES))
# A cut that nothing passes, in logits; its negative is one that everything passes.
_NEVER = 30.0


@dataclass(frozen=True)
class Link:
    """The sigmoid that fits all labels together: calibrated logit = intercept + slope * logit(P)."""

    slope: float
    intercept: float

    def logits(self, P):
        """Calibrated logits, in float64."""
        return self.intercept + self.slope * logit(np.asarray(P, dtype=np.float64))

    def thresholds(self, cuts):
        """Thresholds on P that cut where `cuts` cut the calibrated logits; strictly inside (0, 1)."""
        limits = np.finfo(np.float64)
        return np.clip(expit((cuts - self.intercept) / self.slope), limits.tiny, 1 - limits.epsneg)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Cuts (C, L) in calibrated logits, and what the labels that they were found on look like."""

    cuts: np.ndarray
    descriptors: np.ndarray  # (L, F)
    varied: np.ndarray  # (L,), False for labels of one value, whose cuts stay as they are

    @property
    def constant(self):
        """Cuts of the labels of one value, (L,); meaningless elsewhere."""
        return self.cuts[0]


def find_candidates(Y, P, link=None):
    """Return the `Candidates` of rows Y, P of shape (n, L), and the `Link`, fitted here where None is given."""
    calibration = calibrate(Y, P)
    if link is None:
        link = Link(*calibration.pooled())
    positives, n = calibration.positives, calibration.n_samples
    rules = [global_threshold(Y, P), micromacro(Y, P), shrunken(Y, P), *plug_in_thresholds(calibration, _BALANCES)]
    limits = np.finfo(np.float64)
    inside = np.clip(rules, limits.tiny, 1 - limits.epsneg)
    cuts = np.clip(np.vstack([np.zeros(P.shape[1]), link.logits(inside)]), -_NEVER, _NEVER)
    cuts = np.where(positives == 0, _NEVER, np.where(positives == n, -_NEVER, cuts))
    return Candidates(cuts, _describe(positives, n), (positives > 0) & (positives < n)), link


def _describe(positives, n):
    """Descriptors (L, 2) of the labels: 1 and the log frequency, scaled to about (-1, 1)."""
    return np.column_stack([np.ones(positives.size), (np.log((positives + 1) / n) + 4) / 2])
