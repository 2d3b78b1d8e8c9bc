"""What every cut of a grid would have decided on out-of-fold rows, in little space."""

import numpy as np

from sklearn_metalabel.thresholds._compact import BIN_EDGES, CompactRows, bins_of

__all__ = ["threshold_counts"]

# Numbers that are kept for each kind of count; of more labels than fit in, neighbouring cuts are left out.
_MOST_COUNTS = 2**22


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
    n_bins = BIN_EDGES.size - 1
    step = max(1, -(-out_of_fold.n_labels * n_bins // _MOST_COUNTS))
    everything, positives = _by_bin(out_of_fold, np.arange(0, n_bins, step))
    filled = np.flatnonzero(everything.any(axis=0))
    ends = slice(filled[0], filled[-1] + 2) if filled.size else slice(0, 1)
    tps, above = (_at_or_above(counts)[:, ends] for counts in (positives, everything))
    t = np.append(BIN_EDGES[:-1:step], BIN_EDGES[-1])[ends]
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


def _by_bin(rows, starts):
    """Weight of all entries and of the positives, (L, n_starts), in bins joined from each start to the next."""
    weight = rows.sample_weight
    if rows.is_complete:
        row, label = rows.Y.nonzero()
        P = rows.P[row, label]
        counts, entries = CompactRows.counts_of(rows.P, weight), 0.0
    else:
        row, label, P, truth = rows.compact.entries()
        counts, entries = rows.compact.left_out, _count(label, P, None if weight is None else weight[row], rows, starts)
        row, label, P = row[truth], label[truth], P[truth]
    everything = np.add.reduceat(counts, starts, axis=1).astype(np.float64) + entries
    return everything, _count(label, P, None if weight is None else weight[row], rows, starts)


def _count(label, P, weight, rows, starts):
    """Weight (L, n_starts) of entries."""
    keys = label * np.int64(starts.size) + (np.searchsorted(starts, bins_of(P), side="right") - 1)
    counts = np.bincount(keys, weight, minlength=rows.n_labels * starts.size)
    return counts.reshape(rows.n_labels, starts.size).astype(np.float64)
