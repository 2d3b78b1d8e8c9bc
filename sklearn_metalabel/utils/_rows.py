"""Rows of X in whatever form it comes: arrays, sparse matrices, data frames, and dictionaries of these."""

from collections.abc import Mapping

from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

__all__ = ["categorical_columns", "count_rows", "is_frame", "take_rows"]

# Types of such columns in pandas and in polars.
_CATEGORIES = ("category", "Categorical", "Enum")


def is_frame(X):
    """Whether X is a data frame of pandas, polars or another library, with a type for each column."""
    return hasattr(X, "columns") and hasattr(X, "dtypes") and hasattr(X, "shape")


def categorical_columns(X):
    """Names of the columns of a data frame that hold categories; none of anything else."""
    if not is_frame(X):
        return []
    kinds = [str(kind) for kind in X.dtypes]
    return [name for name, kind in zip(X.columns, kinds, strict=True) if kind.startswith(_CATEGORIES)]


def count_rows(X):
    """Number of rows of X; those of the first entry of a dictionary."""
    return _num_samples(next(iter(X.values())) if isinstance(X, Mapping) else X)


def take_rows(X, rows):
    """Rows of X by a slice, numbers or a mask, in the form that X has."""
    if isinstance(X, Mapping):
        return {name: take_rows(part, rows) for name, part in X.items()}
    return _safe_indexing(X, rows)
