"""Label sets as sequences of numbers."""

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.utils import label_depths

__all__ = ["START", "label_order", "label_sequences", "label_sets"]

# What comes before the first label; labels are 1, 2, ... in their order, and one number more is the end.
START = 0


def label_order(order, counts, label_names, hierarchy, rng):
    """Permutation (L,) of the labels for a name or an explicit order; `counts` (L,) are their positives."""
    if not isinstance(order, str):
        return _check_permutation(np.asarray(order), len(counts))
    if order == "random":
        return rng.permutation(len(counts))
    if order == "hierarchy":
        return np.lexsort((-counts, label_depths(label_names, hierarchy)))
    return np.argsort(counts if order == "rare" else -counts, kind="stable")


def _check_permutation(order, n_labels):
    """An explicit order as it is, or one sentence on what is wrong with it."""
    if order.dtype.kind not in "iu" or not np.array_equal(np.sort(order), np.arange(n_labels)):
        raise ValueError(
            f"order must name each label index from 0 to {n_labels - 1} once, got {order.tolist()}; "
            'pass such a permutation, or one of "frequent", "rare", "hierarchy" and "random".'
        )
    return order


def label_sequences(Y, order, max_labels=None):
    """Numbers (n, T) of the positive labels of each row in their order, then ends; and the number of labels (n,).

    T is the longest label set; with `max_labels`, a longer set is cut there, and a shorter one keeps an end.
    """
    positives = sp.csr_array(sp.csr_array(Y)[:, order])
    positives.sort_indices()
    lengths = np.diff(positives.indptr)
    longest = int(lengths.max(initial=0))
    width = max(longest, 1) if max_labels is None else min(longest + 1, max_labels)
    sequences = np.full((positives.shape[0], width), len(order) + 1)
    row = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(row)) - np.repeat(positives.indptr[:-1], lengths)
    kept = place < width
    sequences[row[kept], place[kept]] = positives.indices[kept] + 1
    return sequences, lengths


def label_sets(sequences, order, n_labels):
    """Indicator matrix (n, L) of sequences, the inverse of `label_sequences`."""
    Y = np.zeros((len(sequences), n_labels), dtype=np.int8)
    row, place = np.nonzero(sequences <= len(order))
    Y[row, order[sequences[row, place] - 1]] = 1
    return Y
