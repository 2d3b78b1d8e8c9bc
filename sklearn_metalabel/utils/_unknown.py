"""Entries of a target whose truth is not known, and how each kind of array marks them.

Users mark them by NaN (or another missing value, or a mask), an encoded target by -1. Where truth meets
out-of-fold probabilities, such an entry becomes a negative of a probability that no classifier gives: it is never
predicted and never missed, so that counts of hits, of predictions and of errors do not see it.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = [
    "UNKNOWN",
    "as_certain_negatives",
    "has_unknown",
    "is_certain_negative",
    "is_unlabeled",
    "known_totals",
    "missing_entries",
    "positives_only",
    "refuse_unknown",
    "with_nan",
]

# What an encoded target has where the truth is not known.
UNKNOWN = -1
# Probabilities are clipped far above it, and float32 has it too.
_CERTAIN = 2.0**-100


def missing_entries(values) -> NDArray[np.bool_] | None:
    """Mask of the entries that are NaN, another missing value, or masked; None where there are none."""
    if np.ma.isMaskedArray(values) and np.ma.is_masked(values):
        return np.ma.getmaskarray(values)
    values = np.asarray(values)
    if values.dtype.kind == "f":
        missing = np.isnan(values)
    elif values.dtype.kind == "O":
        flat = [value is None or not _equals_itself(value) for value in values.ravel().tolist()]
        missing = np.array(flat, dtype=bool).reshape(values.shape)
    else:
        return None
    return missing if missing.any() else None


def _equals_itself(value):
    """Whether a value is not NaN or NA, which equal nothing."""
    try:
        return bool(value == value)
    except (TypeError, ValueError):
        return False


def has_unknown(Y) -> bool:
    """Whether an encoded target has entries whose truth is not known."""
    values = Y.data if sp.issparse(Y) else Y
    return values.dtype.kind == "i" and values.size > 0 and bool(values.min() < 0)


def positives_only(Y):
    """An encoded target in which what is not known counts as absent; `Y` itself where all is known."""
    if not has_unknown(Y):
        return Y
    if not sp.issparse(Y):
        return np.maximum(Y, 0)
    Y = Y.copy()
    Y.data = np.maximum(Y.data, 0)
    Y.eliminate_zeros()
    return Y


def with_nan(Y):
    """An encoded target as users give it, float32 with NaN for what is not known; `Y` itself where all is known."""
    if not has_unknown(Y):
        return Y
    Y = Y.astype(np.float32)
    values = Y.data if sp.issparse(Y) else Y
    values[values < 0] = np.nan
    return Y


def is_unlabeled(Y) -> NDArray[np.bool_]:
    """Rows (n,) of an encoded target of which no label is known."""
    if not has_unknown(Y):
        return np.zeros(Y.shape[0], dtype=bool)
    if not sp.issparse(Y):
        return (Y < 0).all(axis=1)
    return np.asarray((Y < 0).sum(axis=1)).ravel() == Y.shape[1]


def known_totals(Y, sample_weight=None):
    """Weight of the rows in which a label is known: one number where that is all rows, else an array (L,)."""
    total = Y.shape[0] if sample_weight is None else float(sample_weight.sum())
    if not has_unknown(Y):
        return total
    unknown = Y < 0
    lost = unknown.sum(axis=0) if sample_weight is None else unknown.T.astype(np.float64) @ sample_weight
    return np.maximum(total - np.asarray(lost, dtype=np.float64).ravel(), 0.0)


def as_certain_negatives(Y, P):
    """Truth of dense rows of an encoded target, bool, and their probabilities, without what is not known."""
    truth = Y > 0
    if has_unknown(Y):
        P = np.where(Y < 0, P.dtype.type(_CERTAIN), P)
    return truth, P


def is_certain_negative(P) -> NDArray[np.bool_] | None:
    """Mask of the entries that `as_certain_negatives` has made so; None where there are none."""
    if not P.size or P.min() > _CERTAIN:
        return None
    mask = P == _CERTAIN
    return mask if mask.any() else None


def refuse_unknown(Y, name, remedy="fill these entries, or drop these rows"):
    """Raise where something that needs to know all labels is given entries that are not known."""
    if has_unknown(Y):
        n = int((Y < 0).sum())
        raise ValueError(f"{name} needs to know every label of every sample, and y has {n} missing values; {remedy}.")
