"""What networks that look at labels see of them, scaled to about (-1, 1)."""

import numpy as np

from sklearn_metalabel.utils import is_certain_negative, label_sums, positives_only, totals_of

__all__ = ["mean_log_odds", "scaled_co_occurrence", "scaled_log_frequency"]


def scaled_log_frequency(positives, n):
    """Scaled logarithm of the frequency of each label, (L,), of its positives and the rows in which it is known."""
    return (np.log((positives + 1) / np.maximum(n, 1)) + 4) / 2


def scaled_co_occurrence(Y, positives, weight=None):
    """Scaled logarithm (L,) of how many other labels come with each label, on average over its positives.

    `Y` (n, L) is the encoded target, dense or sparse, `positives` (L,) counts by weights (n,) of the rows.
    """
    Y = positives_only(Y)
    others = np.asarray(Y.sum(axis=1, dtype=np.float64)).ravel() - 1
    total = label_sums(Y, others if weight is None else others * weight)
    return np.log1p(np.maximum(total, 0) / np.maximum(positives, 1)) - 1


def mean_log_odds(Y, P, Z, weight=None):
    """Scaled means (L,) and (L,) of the log-odds Z (n, L) of positives and of negatives, by weights (n,) of the rows.

    Certain negatives among the probabilities P (n, L) of Z are not known, and are left out.
    """
    counted, unknown = Y if weight is None else Y * weight[:, None], is_certain_negative(P)
    positives, total = counted.sum(axis=0), totals_of(P, weight)
    known = Z if unknown is None else np.where(unknown, 0.0, Z)
    of_positives = np.einsum("ij,ij->j", counted, known)
    of_negatives = (known.sum(axis=0) if weight is None else weight @ known) - of_positives
    least = 1 if weight is None else weight[weight > 0].min()
    return of_positives / np.maximum(positives, least) / 4, of_negatives / np.maximum(total - positives, least) / 4
