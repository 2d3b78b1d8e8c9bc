"""What every cut of a grid would have decided on out-of-fold rows, in little space."""

import numpy as np

from sklearn_metalabel.thresholds._compact import BIN_EDGES, CompactRows, bins_of

__all__ = ["threshold_counts"]

# Numbers that are kept for each kind of count; of more labels than fit in, neighbouring cuts are left out.
_MOST_COUNTS = 2**21


def threshold_counts(out_of_fold, to_scores=None):
    """Counts of decisions on out-of-fold rows, by threshold.

    Parameters
    ----------
    out_of_fold : OutOfFold
        Truth and probabilities; entries that are not known count nothing.
    to_scores : callable, default=None
        What turns thresholds of probabilities into those of decision values.

    Returns
    -------
    counts : dict of str -> ndarray
        "thresholds" of shape (n_thresholds,), ascending, a factor of about 1.2 in odds apart, or more where labels are
        many; "tps" and "fps" of shape (n_labels, n_thresholds), the true and false positives among probabilities at
        or above them, by weight, float32; and "positives" of shape (n_labels,).
    """
    everything, positives = _by_bin(out_of_fold)
    filled = np.flatnonzero(everything.any(axis=0))
    ends = slice(filled[0], filled[-1] + 1) if filled.size else slice(0, 1)
    step = max(1, -(-everything.shape[0] * (ends.stop - ends.start) // _MOST_COUNTS))
    tps, above = (_at_or_above(counts)[:, ends.start : ends.stop + 1 : step] for counts in (positives, everything))
    t = BIN_EDGES[ends.start : ends.stop + 1 : step]
    return {
        "thresholds": t if to_scores is None else to_scores(t),
        "tps": tps.astype(np.float32),
        "fps": np.maximum(above - tps, 0).astype(np.float32),
        "positives": positives.sum(axis=1),
    }


def _at_or_above(counts):
    """Counts (L, bins + 1) at or above the lower edge of each bin, and above the last."""
    above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([above, np.zeros((len(above), 1))], axis=1)


def _by_bin(rows):
    """Weight of all entries and of the positives, (L, bins)."""
    weight = rows.sample_weight
    if rows.is_complete:
        row, label = rows.Y.nonzero()
        P, everything = rows.P[row, label], CompactRows.counts_of(rows.P, weight)
    else:
        row, label, P, truth = rows.compact.entries()
        everything = rows.compact.counts_beside(label, P, weight=None if weight is None else weight[row])
        row, label, P = row[truth], label[truth], P[truth]
    n_bins = everything.shape[1]
    of_positive = None if weight is None else weight[row]
    keys = label * np.int64(n_bins) + bins_of(P)
    positives = np.bincount(keys, of_positive, minlength=everything.size).reshape(everything.shape)
    return everything.astype(np.float64), positives.astype(np.float64)
