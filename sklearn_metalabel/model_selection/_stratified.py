"""Iterative stratification as pure functions on an indicator matrix."""

from __future__ import annotations

import heapq
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils.multiclass import type_of_target

from sklearn_metalabel.utils import missing_entries

# Demands are sums of products of floats; ties must stay ties whatever the order of the subtractions.
_DECIMALS = 9


def iterative_folds(
    Y: NDArray | sparse.sparray, proportions: ArrayLike, rng: np.random.RandomState | None = None
) -> NDArray[np.intp]:
    """Assign the rows of `Y` to parts that have the given sizes and about the same share of every label.

    The label with the fewest rows still to be assigned goes first, and each of its rows goes to the part
    that lacks most positives of that label; ties go to the part with most room, and are then broken at random.

    Parameters
    ----------
    Y : {ndarray, sparse array} of shape (n_samples, n_labels)
        Indicator matrix with entries in {0, 1}.

    proportions : array-like of shape (n_parts,)
        Relative sizes of the parts, positive. Sizes are rounded by largest remainders and then kept exactly.

    rng : numpy.random.RandomState, default=None
        Shuffles the rows first and breaks ties. `None` takes the rows in order and the first part at ties.

    Returns
    -------
    fold : ndarray of shape (n_samples,), dtype=intp
        The part of each row.

    Notes
    -----
    Rows of one label are assigned in one vectorised step with the same result as one at a time, since only this
    label's own demand and the room of the parts decide; which label is next is determined after each label (a heap
    whose outdated entries are skipped), as in the original algorithm. A part never takes more rows than its size:
    only the labels assigned last, which are the frequent ones, can be affected by that.
    """
    Y = sparse.csr_array(Y)
    n, n_labels = Y.shape
    order = np.arange(n) if rng is None else rng.permutation(n)
    Y = Y[order]
    columns = Y.tocsc()
    share = np.asarray(proportions, dtype=np.float64) / np.sum(proportions)
    left = np.diff(columns.indptr).astype(np.int64)
    demand = np.outer(share, left)
    room = largest_remainder(share, n)
    fold = np.full(n, -1, dtype=np.intp)

    heap = [(int(count), j) for j, count in enumerate(left) if count]
    heapq.heapify(heap)
    while heap:
        count, j = heapq.heappop(heap)
        if count != left[j]:
            continue
        rows = columns.indices[columns.indptr[j] : columns.indptr[j + 1]]
        rows = rows[fold[rows] < 0]
        fold[rows] = assign(demand[:, j], room, rows.size, rng)
        room -= np.bincount(fold[rows], minlength=room.size)
        labels, lengths = _entries_of(Y, rows)
        touched = _charge(demand, left, labels, lengths, fold[rows])
        for label in touched[left[touched] > 0]:
            heapq.heappush(heap, (int(left[label]), int(label)))

    unlabelled = np.flatnonzero(fold < 0)
    fold[unlabelled] = assign(room, room, unlabelled.size, rng)
    result = np.empty(n, dtype=np.intp)
    result[order] = fold
    return result


def assign(
    demand: NDArray, room: NDArray[np.integer], n_rows: int, rng: np.random.RandomState | None = None
) -> NDArray[np.intp]:
    """Parts (n_rows,) of some rows, each the part with the largest remaining demand that has room."""
    tie = np.arange(room.size) if rng is None else rng.permutation(room.size)
    n_slots = np.minimum(room, n_rows)
    part = np.repeat(np.arange(room.size), n_slots)
    taken = np.arange(part.size) - np.repeat(np.cumsum(n_slots) - n_slots, n_slots)
    # Each row lowers the demand of its part by one, so picking the largest repeatedly is one sort.
    lack = np.round(demand[part] - taken, _DECIMALS)
    return part[np.lexsort((tie[part], taken - room[part], -lack))[:n_rows]]


def _entries_of(Y, rows):
    """Labels of some rows of a CSR array, and how many each row has; without building a matrix."""
    first = Y.indptr[rows]
    lengths = Y.indptr[rows + 1] - first
    at = np.arange(lengths.sum()) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
    return Y.indices[at], lengths


def _charge(demand, left, labels, lengths, fold_rows):
    """Subtract the labels of rows just assigned from `demand` and `left`; return these labels."""
    np.subtract.at(demand, (np.repeat(fold_rows, lengths), labels), 1.0)
    touched, counts = np.unique(labels, return_counts=True)
    left[touched] -= counts
    return touched


def largest_remainder(share: NDArray[np.floating], total: int) -> NDArray[np.int64]:
    """Integers (n_parts,) that sum to `total` and are nearest to `share * total`."""
    exact = np.round(share * total, _DECIMALS)
    size = np.floor(exact).astype(np.int64)
    most_cut = np.argsort(size - exact, kind="stable")
    size[most_cut[: total - size.sum()]] += 1
    return size


def label_matrix(y: Any) -> sparse.csr_array:
    """Turn a target of any accepted kind into a CSR indicator (n, L); one column per class if 1-D.

    What is missing in a matrix is not known, and counts as absent.
    """
    if y is None:
        raise ValueError("y is needed to stratify by its labels and is None; pass it to split(X, y).")
    if sparse.issparse(y):
        Y = sparse.csr_array(y)
        Y.sum_duplicates()
        missing = missing_entries(Y.data)
        if missing is not None:
            Y = Y.copy()
            Y.data[missing] = 0
        Y.eliminate_zeros()
        if not (Y.data == 1).all():
            raise ValueError("A sparse y must hold 0 and 1 only, and holds other values; binarize it first.")
        return Y
    array = _as_array(y)
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return _one_hot(array.ravel())
    missing = missing_entries(y)
    if missing is not None:
        array = np.where(missing, 0, array)
    if array.ndim != 2 or not ((array == 0) | (array == 1)).all():
        raise ValueError(
            "y must be an indicator matrix (n_samples, n_labels) of 0 and 1, or 1-D classes; got shape "
            f"{array.shape} with other values. MultiLabelBinarizer makes one from lists of labels."
        )
    return sparse.csr_array(array != 0)


def _as_array(y):
    """Return `y` as an array, with an error of its own for lists of unequal length."""
    try:
        return np.asarray(y)
    except ValueError as error:
        raise ValueError(
            "y must be an indicator matrix (n_samples, n_labels) or 1-D classes, and its rows differ in "
            "length. MultiLabelBinarizer makes an indicator matrix from lists of labels."
        ) from error


def _one_hot(y):
    """CSR indicator (n, n_classes) of 1-D classes."""
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"A 1-D y must hold classes, and is {kind}; use KFold or bin its values first.")
    classes, code = np.unique(y, return_inverse=True)
    rows = np.arange(y.size)
    return sparse.csr_array((np.ones(y.size, dtype=bool), (rows, code)), shape=(y.size, classes.size))


def warn_about_groups(splitter: object, groups: object) -> None:
    """Warn, as scikit-learn's stratified splitters do, that `groups` has no effect."""
    if groups is not None:
        message = f"The groups parameter is ignored by {type(splitter).__name__}"
        warnings.warn(message, UserWarning, stacklevel=3)
