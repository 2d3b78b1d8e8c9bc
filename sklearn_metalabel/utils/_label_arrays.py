"""Truth and probabilities as the rules and the rewards expect them, and the blocks they are read in."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from sklearn_metalabel.utils._messages import as_numbers
from sklearn_metalabel.utils._unknown import (
    UNKNOWN,
    as_certain_negatives,
    is_certain_negative,
    known_totals,
    missing_entries,
    positives_only,
)

__all__ = [
    "check_labels",
    "check_pair",
    "check_probabilities",
    "check_row_weights",
    "check_thresholds",
    "check_truth",
    "check_weighted_pair",
    "dense_labels",
    "has_label_names",
    "in_label_order",
    "label_frequencies",
    "label_sums",
    "row_blocks",
    "settle_positives",
    "total_weight",
    "totals_of",
    "weighted_positives",
]

# Labels, dense or sparse.
Matrix: TypeAlias = "np.ndarray | sp.csc_matrix"

_ROW_BLOCK_ENTRIES = 2**17
# Sums of weights round: a label whose negatives weigh less than this share of all rows has none.
_ROUNDING = 1e-10


def check_probabilities(P: ArrayLike) -> NDArray:
    """Return `P` as a float32 or float64 array of shape (n, L) strictly inside (0, 1), or raise."""
    P = as_numbers(P, "P", dtype=np.float32 if getattr(P, "dtype", None) == np.float32 else np.float64)
    if P.ndim != 2 or P.size == 0:
        raise ValueError(
            f"P must be a non-empty array of shape (n_samples, n_labels), got shape {P.shape}; "
            "pass one column of probabilities for each label."
        )
    # Written so that NaN fails too.
    if not (P.min() > 0 and P.max() < 1):
        raise ValueError(
            f"P must lie strictly inside (0, 1), got values from {P.min()} to {P.max()}; "
            "clip it first, for example np.clip(P, 1e-7, 1 - 1e-7)."
        )
    return P


def check_labels(Y, shape):
    """Return `Y` as an array, or a CSC matrix where it is sparse, of the given shape in {0, 1}, or raise."""
    Y = Y.tocsc() if sp.issparse(Y) else np.asarray(_even_rows(Y, shape))
    if Y.shape != shape:
        raise ValueError(
            f"Y must have the shape of P, {shape}, got {Y.shape}; pass the rows and labels that P was predicted for."
        )
    values = Y.data if sp.issparse(Y) else Y
    if values.dtype.kind == "b" or values.size == 0:
        return Y
    if values.dtype.kind in "iu":
        binary = values.min() >= 0 and values.max() <= 1
    else:
        binary = ((values == 0) | (values == 1)).all()
    if not binary:
        raise ValueError(
            "Y must hold only 0 and 1, got other values; encode the labels first, "
            "for example with sklearn.preprocessing.MultiLabelBinarizer."
        )
    return Y


def _even_rows(Y, shape):
    """`Y` as an array, masked where it is, or raise where its rows differ in length."""
    try:
        return np.asanyarray(Y)
    except ValueError as error:
        raise ValueError(f"Y must have the shape of P, {shape}, and its rows differ in length.") from error


def check_truth(Y, P) -> tuple[Matrix, NDArray]:
    """Return validated `Y` and `P`, in which what `Y` does not know (NaN, or masked) is a certain negative."""
    P = check_probabilities(P)
    Y = Y if sp.issparse(Y) else _even_rows(Y, P.shape)
    missing = None if sp.issparse(Y) else missing_entries(Y)
    if missing is None:
        return check_labels(Y, P.shape), P
    encoded = check_labels(np.where(missing, 0, np.ma.getdata(Y)), P.shape).astype(np.int8)
    encoded[missing] = UNKNOWN
    return as_certain_negatives(encoded, P)


def check_pair(Y, P) -> tuple[Matrix, NDArray, NDArray[np.int64]]:
    """Return validated `Y` and `P`, and the number of positives of each label."""
    Y, P = check_truth(Y, P)
    return Y, P, np.asarray(Y.sum(axis=0)).ravel().astype(np.int64)


def check_row_weights(sample_weight, n_samples) -> NDArray[np.float64] | None:
    """Return weights of rows as float64 of shape (n,), or None for None and for ones, or raise."""
    if sample_weight is None:
        return None
    weight = as_numbers(sample_weight, "sample_weight")
    weight = np.full(n_samples, weight) if weight.ndim == 0 else weight
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_samples,)}; pass one weight for each of the rows."
        )
    # Written so that NaN fails too.
    if not (weight.min(initial=0) >= 0 and weight.max(initial=0) < np.inf and (weight.any() or not n_samples)):
        raise ValueError(
            "sample_weight must be finite, not negative, and above 0 for at least one row; leave it out where all rows "
            "count the same."
        )
    return None if (weight == 1).all() else weight


def check_weighted_pair(Y, P, sample_weight) -> tuple[Matrix, NDArray, NDArray | None, NDArray, float]:
    """Return validated `Y` and `P`, the weights of rows, positives (L,) by weight, and the weight of all rows.

    Rows of weight 0 are left out. Where all weights are 1, they are None, and the rest are counts of rows. The last is
    an array (L,) of the rows in which each label is known where not all are.
    """
    Y, P, positives = check_pair(Y, P)
    weight = check_row_weights(sample_weight, P.shape[0])
    if weight is None:
        return Y, P, None, positives, totals_of(P)
    if not weight.all():
        rows = np.flatnonzero(weight)
        Y, P, weight = (Y.tocsr()[rows].tocsc() if sp.issparse(Y) else Y[rows]), P[rows], weight[rows]
    return Y, P, weight, weighted_positives(Y, weight), totals_of(P, weight)


def totals_of(P, sample_weight=None):
    """Weight of the rows of P, or an array (L,) where some entries are certain negatives, which do not count."""
    total, unknown = total_weight(P.shape[0], sample_weight), is_certain_negative(P)
    if unknown is None:
        return total
    lost = unknown.sum(axis=0) if sample_weight is None else label_sums(unknown, sample_weight)
    return np.maximum(total - lost, 0)


def total_weight(n_samples, sample_weight):
    """Weight of all rows: their number where there are no weights."""
    return n_samples if sample_weight is None else float(sample_weight.sum())


def weighted_positives(Y, sample_weight):
    """Positives of each label (L,), by weight; exactly the weight of all rows where a label has no negatives."""
    total = known_totals(Y, sample_weight)
    Y = positives_only(Y)
    if sample_weight is None:
        return np.asarray(Y.sum(axis=0, dtype=np.int64)).ravel()
    return settle_positives(label_sums(Y, sample_weight), total)


def label_frequencies(Y, sample_weight=None):
    """Share of positives of each label (L,), by weight, among the rows in which it is known; 0 where there are none."""
    totals = known_totals(Y, sample_weight)
    return weighted_positives(Y, sample_weight) / np.maximum(totals, np.finfo(np.float64).tiny)


def settle_positives(positives, total):
    """Weighted positives (L,) that differ from the weight of all rows by more than rounding, or not at all.

    `total` is one number, or an array (L,).
    """
    return np.where(positives >= total * (1 - _ROUNDING), total, positives)


def label_sums(values, sample_weight):
    """Sums (L,) of the columns of an array (n, L), by weight of the rows; read in blocks, since they become floats."""
    if sp.issparse(values):
        return values.T @ sample_weight
    sums = np.zeros(values.shape[1])
    for rows in row_blocks(*values.shape):
        sums += sample_weight[rows] @ values[rows]
    return sums


def check_thresholds(thresholds: ArrayLike, n_labels: int, *, samples: bool = False) -> NDArray[np.float64]:
    """Return `thresholds` as float64 of shape (L,), or (S, L) too if `samples`, in [0, 1], or raise.

    One number is that for every label.
    """
    t = as_numbers(thresholds, "thresholds")
    t = np.full(n_labels, t) if t.ndim == 0 else t
    if t.ndim not in ((1, 2) if samples else (1,)) or t.shape[-1] != n_labels:
        wanted = "(n_labels,) or (n_draws, n_labels)" if samples else "(n_labels,)"
        raise ValueError(
            f"thresholds must have shape {wanted} with n_labels={n_labels}, got {t.shape}; "
            "pass one threshold for each column of P."
        )
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("thresholds must lie in [0, 1], got values outside or NaN; pass probabilities, not logits.")
    return t


def has_label_names(values):
    """Whether values of labels go by names: those of a mapping, or of a pandas Series whose index is not numbers."""
    if isinstance(values, Mapping):
        return True
    return hasattr(values, "index") and hasattr(values, "to_dict") and values.index.dtype.kind not in "iu"


def in_label_order(values, label_names, name):
    """Values of labels as an array in the order of the labels; a pandas Series or a mapping is read by their names."""
    if not has_label_names(values):
        return values
    if len(set(label_names)) < len(label_names):
        raise ValueError(
            f"{name} goes by the names of the labels, and several columns of y have the same name; give one value for "
            "each column, in their order."
        )
    by_name = {str(label): value for label, value in dict(values).items()}
    wrong = sorted(set(by_name) ^ set(label_names))
    if wrong:
        raise ValueError(
            f"{name} must name each label once, and {wrong[:5]} are in one of {name} and y alone; use the names of the "
            "columns of y."
        )
    return np.array([by_name[label] for label in label_names])


def row_blocks(n_samples: int, n_labels: int) -> Iterator[slice]:
    """Yield slices of rows that hold few enough entries to stay in the processor's cache."""
    step = max(1, _ROW_BLOCK_ENTRIES // n_labels)
    for start in range(0, n_samples, step):
        yield slice(start, min(start + step, n_samples))


def dense_labels(Y, labels):
    """Columns `labels` of `Y` as rows: a boolean array of shape (b, n)."""
    block = Y[:, labels]
    block = block.toarray() if sp.issparse(block) else block
    return np.ascontiguousarray(block.T != 0)
