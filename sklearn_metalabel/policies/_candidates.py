"""What the policy chooses from: the cuts of a few rules, on a scale of logits that all base learners share."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from sklearn_metalabel.policies._label_descriptors import scaled_log_frequency
from sklearn_metalabel.thresholds import (
    Calibration,
    calibrate_histogram,
    global_of,
    micromacro_of,
    order_entries,
    plug_in_thresholds,
    shrunken_of,
)

__all__ = [
    "CANDIDATES",
    "Candidates",
    "calibrated_logits",
    "candidates_without_folds",
    "find_candidates",
    "nested_candidates",
    "probability_thresholds",
]

_BALANCES = (0.0, 0.3, 0.6, 0.9)
CANDIDATES = ("half", "global", "micromacro", "shrunken", *(f"plug_in {balance}" for balance in _BALANCES))
# A cut that nothing passes, in logits; its negative is one that everything passes.
_NEVER = 30.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """Cuts (C, L) in calibrated logits, and what the labels that they were found on look like."""

    cuts: np.ndarray
    descriptors: np.ndarray  # (L, F)
    varied: np.ndarray  # (L,), False for labels of one value, whose cuts stay as they are
    calibration: Calibration | None = None

    @property
    def constant(self):
        """Cuts of the labels of one value, (L,); meaningless elsewhere."""
        return self.cuts[0]


def calibrated_logits(link, P):
    """Calibrated logits of probabilities, in float64."""
    return link.logits(logit(np.asarray(P, dtype=np.float64)))


def probability_thresholds(link, cuts):
    """Thresholds on P that cut where `cuts` cut the calibrated logits; strictly inside (0, 1)."""
    limits = np.finfo(np.float64)
    return np.clip(expit(link.scores(cuts)), limits.tiny, 1 - limits.epsneg)


def nested_candidates(out_of_fold, fold_of):
    """`Candidates` of all rows of an `OutOfFold`, their link, and the candidates of the rows of all folds but each."""
    ordered = order_entries(out_of_fold, fold_of)
    whole, link = find_candidates(ordered)
    return whole, link, candidates_without_folds(ordered, fold_of, whole, link, out_of_fold.sample_weight)


def candidates_without_folds(ordered, fold_of, whole, link, sample_weight=None):
    """List of the candidates of the rows of all folds but each; calibrations start from that of `whole`."""
    rows = np.bincount(fold_of, sample_weight)
    remaining, total = [np.delete(rows, k).sum() for k in range(rows.size)], rows.sum()
    others = (ordered.without(k, n, n / total) for k, n in enumerate(remaining) if n)
    return [find_candidates(each, link, whole.calibration)[0] for each in others] or [whole]


def find_candidates(ordered, link=None, start=None):
    """Return the `Candidates` of `Ordered` entries, and the `LogisticLink`, fitted here where None is given.

    `start` is the calibration of nearly the same rows, if there is one.
    """
    positives, n = ordered.positives, ordered.n_samples
    calibration = calibrate_histogram(ordered.histogram(), positives, n, start)
    if link is None:
        link = calibration.pooled()
    cuts, pool = ordered.cuts(), ordered.pool()
    rules = [global_of(ordered, pool), micromacro_of(ordered, cuts), shrunken_of(ordered, cuts, pool)]
    limits = np.finfo(np.float64)
    inside = np.clip([*rules, *plug_in_thresholds(calibration, _BALANCES)], limits.tiny, 1 - limits.epsneg)
    cuts = np.clip(np.vstack([np.zeros(positives.size), calibrated_logits(link, inside)]), -_NEVER, _NEVER)
    cuts = np.where(positives == 0, _NEVER, np.where(positives == n, -_NEVER, cuts))
    varied = (positives > 0) & (positives < n)
    return Candidates(cuts, _describe(positives, n), varied, calibration), link


def _describe(positives, n):
    """Descriptors (L, 2) of the labels: 1 and the log frequency, scaled to about (-1, 1)."""
    return np.column_stack([np.ones(positives.size), scaled_log_frequency(positives, n)])
