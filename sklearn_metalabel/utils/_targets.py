"""The one place where a target is encoded, and predictions are decoded."""

from dataclasses import dataclass
from numbers import Number

import numpy as np
import scipy.sparse as sp
from scipy.special import logit
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_y, _num_samples, check_consistent_length, column_or_1d

from sklearn_metalabel.utils._unknown import UNKNOWN, missing_entries

__all__ = ["Target", "boolean_rows", "encode_target", "label_column", "label_rows"]

_DENSE_LABELS_AT_MOST = 1000
_ENCODING = "mlb = MultiLabelBinarizer(); Y = pd.DataFrame(mlb.fit_transform(y), columns=mlb.classes_)"


@dataclass(frozen=True)
class Target:
    """What was learned about `y`: its kind, its classes and the names of its labels.

    `kind` is "multilabel" (one column a label), "binary" (two classes, one column for the second) or "multiclass" (one
    column a class).
    """

    kind: str
    classes: np.ndarray
    label_names: np.ndarray
    sparse: bool = False

    @property
    def has_thresholds(self):
        """Whether each column is cut at a threshold of its own."""
        return self.kind != "multiclass"

    def probabilities(self, P):
        """What `predict_proba` returns for label probabilities P of shape (n, L)."""
        if self.kind == "binary":
            return np.column_stack([1 - P[:, 0], P[:, 0]])
        if self.kind == "multiclass":
            return P / P.sum(axis=1, keepdims=True)
        return P

    def decision(self, P, thresholds):
        """What `decision_function` returns: positive exactly where `decode` says 1."""
        if self.kind == "binary":
            return _log_odds_beyond(P[:, 0], thresholds)
        if self.kind == "multiclass":
            return logit(P)
        return P - thresholds

    def decode(self, P, decide):
        """What `predict` returns; `decide` turns P into an indicator matrix of labels."""
        if self.kind == "binary":
            return self.classes[decide(P)[:, 0].astype(np.intp)]
        if self.kind == "multiclass":
            return self.classes[P.argmax(axis=1)]
        decisions = decide(P).astype(np.int64, copy=False)
        return sp.csr_matrix(decisions) if self.sparse else decisions


def encode_target(y, *, n_samples=None):
    """Return Y of shape (n, L) in {0, 1} (int8, CSR where given sparse with many labels) and its `Target`.

    What is missing or masked in a label matrix is not known, and -1.
    """
    if y is None:
        raise ValueError("This classifier requires y to be passed, but the target y is None.")
    names = _column_names(y)
    _refuse_label_sets(y)
    if sp.issparse(y):
        y = sp.csr_array(y, copy=True)
        y.sum_duplicates()
        missing = missing_entries(y.data)
    else:
        y, missing = _check_y_values(y)
    if n_samples is not None:
        check_consistent_length(np.empty(n_samples), y)
    if getattr(y, "ndim", 1) == 2 and (y.shape[1] > 1 or _is_one_label(y)):
        return _encode_indicator(y, names, missing)
    check_classification_targets(y)
    return _encode_classes(y)


def label_rows(Y, rows=slice(None), dtype=np.float32):
    """Dense rows of an encoded target; as truth values, what is not known is False."""
    block = Y[rows]
    block = block.toarray() if sp.issparse(block) else block
    return block > 0 if dtype is bool and block.dtype.kind == "i" else block.astype(dtype, copy=False)


def boolean_rows(Y, rows):
    """Rows of an encoded target as a dense boolean matrix, without a copy where these are all rows."""
    everything = len(rows) == Y.shape[0] and (rows == np.arange(len(rows))).all()
    if sp.issparse(Y):
        return label_rows(Y, slice(None) if everything else rows, dtype=bool)
    return (Y if everything else Y[rows]).view(bool)


def label_column(Y, j):
    """One label of an encoded target as a dense vector of shape (n,)."""
    return Y[:, [j]].toarray().ravel() if sp.issparse(Y) else Y[:, j]


def _column_names(y):
    """Label names of a pandas or polars frame, None for anything else."""
    columns = getattr(y, "columns", None)
    return None if columns is None else np.asarray([str(name) for name in columns], dtype=object)


def _refuse_label_sets(y):
    """Raise where y lists the labels of each sample, and say how it is encoded."""
    if hasattr(y, "__array__") and getattr(y, "ndim", 1) == 1:
        y = np.asarray(y)
    if sp.issparse(y) or not np.iterable(y) or (hasattr(y, "__array__") and (y.ndim != 1 or y.dtype.kind != "O")):
        return
    rows = [row for row in y if hasattr(row, "__len__") and not isinstance(row, str | bytes)]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        found = "lists of different lengths"
    elif any(isinstance(row, set | frozenset) for row in rows):
        found = "sets"
    elif max(lengths, default=1) > 1 and any(isinstance(label, str) for row in rows for label in row):
        found = "lists of names"
    else:
        return
    raise ValueError(
        f"y must be an indicator matrix of shape (n_samples, n_labels), and its rows are {found}; encode the labels of "
        f"each sample, with sklearn.preprocessing and pandas: {_ENCODING}"
    )


def _check_y_values(y):
    """A dense target as an array, and the mask of its missing entries or None.

    A single column of classes becomes 1-D with scikit-learn's warning, and may lack nothing.
    """
    missing = missing_entries(y)
    array = np.asarray(y)
    if array.ndim <= 1 or (array.ndim == 2 and array.shape[1] == 1 and not _is_one_label(array)):
        if missing is not None:
            raise ValueError(
                f"Input y contains NaN or infinity, or another missing value, in {np.count_nonzero(missing)} of its "
                "rows; classes must be known, so drop these rows (a label matrix of 0 and 1 may have missing values)."
            )
        _check_y(column_or_1d(array), y_numeric=False)
        return column_or_1d(array, warn=True), None
    return array, missing


def _is_one_label(y):
    """Whether a single column says for each row whether it has the one label."""
    values = np.asarray(y.data if sp.issparse(y) else y)
    if y.ndim != 2 or y.shape[1] != 1 or values.dtype.kind not in "biufO":
        return False
    missing = missing_entries(values)
    values = values.ravel() if missing is None else values[~missing]
    is_number = values.dtype.kind != "O" or all(isinstance(value, Number) for value in values.tolist())
    return is_number and bool(np.isin(values.astype(float), (0, 1)).all())


def _log_odds_beyond(p, thresholds):
    """Log-odds of p (n,) beyond those of its threshold: positive exactly where p is above it."""
    t = np.broadcast_to(np.asarray(thresholds, dtype=np.float64), (1,))[0]
    tiny = np.finfo(np.float64).eps
    margin = logit(p) - logit(np.clip(t, tiny, 1 - tiny))
    return np.where(p > t, np.maximum(margin, tiny), np.minimum(margin, 0.0))


def _encode_indicator(y, names, missing):
    """Encode a matrix with one column a label; `missing` masks the entries, or the stored ones, that are not known."""
    if missing is not None:
        y = _without_missing(y, missing)
    values = y.data if sp.issparse(y) else y
    if values.dtype.kind in "OUS":  # may hold what cannot be sorted
        values = np.array(list(dict.fromkeys(values.ravel().tolist())), dtype=object)
    values = values if values.dtype.kind == "O" else np.unique(values)
    allowed = np.array([value in (0, 1) for value in values], dtype=bool)
    if not allowed.all():
        raise ValueError(
            f"Unknown label type: a y of {y.shape[1]} columns must hold only 0 and 1, one column a label, got "
            f"values such as {values[~allowed][:3].tolist()}; "
            "encode it with sklearn.preprocessing.MultiLabelBinarizer first."
        )
    L, sparse = y.shape[1], sp.issparse(y)
    Y = sp.csr_array(y, dtype=np.int8) if sparse else np.ascontiguousarray(y, dtype=np.int8)
    if missing is not None:
        (Y.data if sparse else Y)[missing] = UNKNOWN
        _check_some_known(missing, y)
    if sparse:
        Y.eliminate_zeros()
        Y = Y.toarray() if L <= _DENSE_LABELS_AT_MOST else Y
    names = np.asarray([str(j) for j in range(L)], dtype=object) if names is None else names
    return Y, Target("multilabel", np.tile([0, 1], (L, 1)), names, sparse)


def _without_missing(y, missing):
    """A copy of a label matrix with 0 for what is missing."""
    y = y.copy() if sp.issparse(y) else np.array(y)
    (y.data if sp.issparse(y) else y)[missing] = 0
    return y


def _check_some_known(missing, y):
    """Refuse a matrix of which nothing is known."""
    n_missing = np.count_nonzero(missing)
    if n_missing == y.shape[0] * y.shape[1]:
        raise ValueError(f"y holds no known label, got {n_missing} missing values; pass some rows with 0 and 1.")


def _encode_classes(y):
    """Encode a vector of classes: one column for two classes, one-hot for more."""
    y = column_or_1d(y.toarray() if sp.issparse(y) else y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"y must hold at least two classes, got one class: {classes[0]!r}. Add samples of another class."
        )
    names = np.asarray([str(c) for c in classes], dtype=object)
    if len(classes) == 2:
        return codes.astype(np.int8).reshape(-1, 1), Target("binary", classes, names[1:])
    Y = np.zeros((_num_samples(y), len(classes)), dtype=np.int8)
    Y[np.arange(len(codes)), codes] = 1
    return Y, Target("multiclass", classes, names)
