"""Rows of X in whatever form it comes: arrays, sparse matrices, data frames, and dictionaries of these."""

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import _num_samples

__all__ = [
    "categorical_columns",
    "check_tensor",
    "count_rows",
    "has_parts",
    "is_frame",
    "is_matrix",
    "map_parts",
    "refuse_masked",
    "refuse_raw_text",
    "take_rows",
]

# Types of such columns in pandas and in polars.
_CATEGORIES = ("category", "Categorical", "Enum")


def has_parts(X):
    """Whether X is a dictionary of inputs; SciPy's dictionary of keys is none."""
    return isinstance(X, Mapping) and not sp.issparse(X)


def is_frame(X):
    """Whether X is a data frame of pandas, polars or another library, with a type for each column."""
    return hasattr(X, "columns") and hasattr(X, "dtypes") and hasattr(X, "shape")


def categorical_columns(X):
    """Names of the columns of a data frame that hold categories; none of anything else."""
    if not is_frame(X):
        return []
    kinds = [str(kind) for kind in X.dtypes]
    return [name for name, kind in zip(X.columns, kinds, strict=True) if kind.startswith(_CATEGORIES)]


def _is_raw_text(X):
    """Whether X is a list, a vector or a column of strings."""
    is_vector = isinstance(X, list | tuple) or len(getattr(X, "shape", ())) == 1
    return is_vector and len(X) > 0 and isinstance(next(iter(X)), str)


def refuse_raw_text(X, name):
    """Raise where X is raw text, with the line to write; `name` is the estimator that it was given to."""
    if _is_raw_text(X):
        raise ValueError(
            "X must be numbers, and holds raw texts; put a TfidfVectorizer in front: "
            f"make_pipeline(TfidfVectorizer(), {name}(...)).fit(X, y)."
        )


def is_matrix(X):
    """Whether X is neither a dictionary of inputs nor an array of more than two dimensions."""
    return not has_parts(X) and _depth(X) <= 2


def _depth(X):
    """Number of dimensions, read from the first entries where X is a list."""
    if isinstance(X, list | tuple):
        return 1 + (_depth(X[0]) if X else 0)
    return getattr(X, "ndim", 0)


def check_tensor(X):
    """X as arrays of finite numbers with as many rows each, and one phrase on its form."""
    if not has_parts(X):
        X = check_array(X, allow_nd=True, input_name="X")
        return X, f"an array of {X.ndim} dimensions"
    if not X:
        raise ValueError("X holds no inputs, got an empty dictionary; pass an array for each argument of forward.")
    options = {"accept_sparse": "csr", "allow_nd": True, "ensure_2d": False}
    parts = {name: check_array(part, input_name=f"X[{name!r}]", **options) for name, part in X.items()}
    lengths = {name: part.shape[0] for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"All inputs of X must have the same number of rows, got {lengths}; pass the same samples.")
    return parts, f"inputs {dict(sorted((name, f'{part.ndim}-D') for name, part in parts.items()))}"


def map_parts(function, X):
    """`function` of X, or of each input of a dictionary."""
    return {name: function(part) for name, part in X.items()} if has_parts(X) else function(X)


def refuse_masked(data, name):
    """Raise where entries of an array are masked, since the mask would be lost."""
    if np.ma.is_masked(data):
        raise ValueError(
            f"{name} has {np.ma.count_masked(data)} masked entries, whose mask would be lost; fill them, or drop these "
            "rows."
        )


def count_rows(X):
    """Number of rows of X; those of the first entry of a dictionary."""
    return _num_samples(next(iter(X.values()), ()) if has_parts(X) else X)


def take_rows(X, rows):
    """Rows of X by a slice, numbers or a mask, in the form that X has."""
    return map_parts(lambda part: _safe_indexing(part, rows), X)
