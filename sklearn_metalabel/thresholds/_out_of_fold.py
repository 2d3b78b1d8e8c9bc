"""Out-of-fold truth and probabilities: what thresholds are chosen on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from sklearn_metalabel.thresholds._compact import CompactRows
from sklearn_metalabel.utils import (
    check_row_weights,
    check_truth,
    is_certain_negative,
    label_rows,
    total_weight,
)

__all__ = ["OutOfFold"]


class OutOfFold:
    """Truth and probabilities of rows, from base learners that never saw them.

    Where rows times labels are so many that their probabilities cannot be kept, an object made by `from_compact` has
    the most promising entries of each row and counts of all others; thresholds are then found within the width of a
    bin.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}; what is NaN or masked is not known and decides nothing.
    P : array-like of shape (n_samples, n_labels), float32 or float64
        Probabilities strictly inside (0, 1), from classifiers that did not train on these rows.
    fold : array-like of shape (n_samples,), int, default=None
        Fold of each row; None is one fold.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Attributes
    ----------
    n_samples, n_labels : int
        Number of rows and labels.
    fold : ndarray of shape (n_samples,), int
        Fold of each row.
    sample_weight : ndarray of shape (n_samples,), float64, or None
        Weight of each row, above 0; None where each counts once.
    total_weight : float
        Weight of all rows; their number where each counts once.
    is_complete : bool
        Whether all probabilities are there.
    unknown : ndarray of shape (n_samples, n_labels), bool, or None
        Entries whose truth is not known: there `Y` has 0 and `P` 2**-100, so that no threshold predicts them. None
        where all is known, or where not all probabilities are there. Rows of which nothing is known are left out.

    Raises
    ------
    ValueError
        If `Y`, `P`, `fold` and `sample_weight` do not fit each other, or `P` leaves (0, 1).

    See Also
    --------
    sklearn_metalabel.policies.LearnedThresholds : Learns thresholds from these rows.

    Examples
    --------
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> rows = OutOfFold(
    ...     [[1, 0], [0, 1], [1, 1]], [[0.9, 0.2], [0.4, 0.6], [0.7, 0.1]], [0, 0, 1]
    ... )
    >>> rows.n_samples, rows.n_labels, rows.is_complete
    (3, 2, True)
    >>> rows.take(rows.fold != 1).P
    array([[0.9, 0.2],
           [0.4, 0.6]])
    """

    def __init__(
        self,
        Y: ArrayLike,
        P: ArrayLike,
        fold: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ):
        truth, probabilities = check_truth(Y, P)
        n = len(probabilities)
        fold_of = np.zeros(n, dtype=np.intp) if fold is None else np.asarray(fold)
        if fold_of.shape != (n,):
            raise ValueError(
                f"fold must have shape ({n},), one fold for each row of P, got shape {fold_of.shape}; leave it "
                "out where there are no folds."
            )
        self._set(truth, probabilities, fold_of)
        weight = check_row_weights(sample_weight, n)
        if weight is not None:
            kept = slice(None) if weight.all() else np.flatnonzero(weight)
            self._set(self._Y[kept], self._P[kept], self.fold[kept], weight[kept])
        if self.unknown is not None and self.unknown.all(axis=1).any():
            known = self.take(~self.unknown.all(axis=1))
            self._set(known._Y, known._P, known.fold, known.sample_weight)

    def _set(self, Y, P, fold, sample_weight=None):
        # Rows are read in blocks, and rows of a CSC matrix are slow to cut out.
        self._Y, self._P, self.fold = Y.tocsr() if sp.issparse(Y) else Y, P, fold
        self.n_samples, self.n_labels = P.shape
        self.sample_weight = sample_weight
        self.unknown = is_certain_negative(P)

    @classmethod
    def from_compact(cls, compact: CompactRows) -> OutOfFold:
        """Hold rows of which only the most promising entries and counts of the others are left.

        Parameters
        ----------
        compact : CompactRows
            The rows.

        Returns
        -------
        out_of_fold : OutOfFold
            Without `Y` and `P`.
        """
        held = cls.__new__(cls)
        held._Y = held._P = held.unknown = None
        held.fold, held.n_samples, held.n_labels = compact.fold_of, compact.n_samples, compact.n_labels
        held.sample_weight, held.compact = compact.sample_weight, compact
        return held

    @classmethod
    def concatenate(cls, parts: Sequence[OutOfFold]) -> OutOfFold:
        """Hold the rows of several, one after the other; part k becomes fold k.

        Parameters
        ----------
        parts : sequence of OutOfFold
            All complete, or none.

        Returns
        -------
        out_of_fold : OutOfFold
            All rows.
        """
        if not parts[0].is_complete:
            return cls.from_compact(CompactRows.concatenate([p.compact for p in parts], folds=range(len(parts))))
        stack = sp.vstack if sp.issparse(parts[0]._Y) else np.concatenate
        held = cls.__new__(cls)
        fold = np.repeat(np.arange(len(parts)), [part.n_samples for part in parts])
        held._set(
            stack([part.Y for part in parts]), np.concatenate([part.P for part in parts]), fold, _joined_weights(parts)
        )
        return held

    @property
    def is_complete(self) -> bool:
        """Whether all probabilities are there."""
        return self._P is not None

    @property
    def total_weight(self) -> float:
        """Weight of all rows; their number where each counts once."""
        return total_weight(self.n_samples, self.sample_weight)

    @property
    def Y(self):
        """Truth, {ndarray, CSR} of shape (n_samples, n_labels)."""
        return self._complete(self._Y)

    @property
    def P(self) -> NDArray:
        """Probabilities, ndarray of shape (n_samples, n_labels)."""
        return self._complete(self._P)

    @cached_property
    def compact(self) -> CompactRows:
        """The most promising entries of these rows, and counts of the others."""
        return CompactRows.from_dense(self._Y, self._P, self.fold, self.sample_weight)

    def highest(self) -> NDArray[np.float64]:
        """Highest probability of each label.

        Returns
        -------
        highest : ndarray of shape (n_labels,)
            Exact where all probabilities are there; else up to the width of a bin.
        """
        if self.is_complete:
            return self._P.max(axis=0).astype(np.float64)
        return self.compact.highest()

    def take(self, rows: NDArray) -> OutOfFold:
        """Part of the rows.

        Parameters
        ----------
        rows : ndarray of bool or int
            Mask or numbers of the rows.

        Returns
        -------
        part : OutOfFold
            These rows, with the folds they had.
        """
        part = OutOfFold.__new__(OutOfFold)
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        part._set(self.Y[rows], self.P[rows], self.fold[rows], weight)
        return part

    def with_folds(self, fold: NDArray[np.intp]) -> OutOfFold:
        """Return the same rows in other folds.

        Parameters
        ----------
        fold : ndarray of shape (n_samples,), int
            Fold of each row.

        Returns
        -------
        rows : OutOfFold
            Complete, as these must be.
        """
        rows = OutOfFold.__new__(OutOfFold)
        rows._set(self.Y, self.P, fold, self.sample_weight)
        return rows

    def truth(self) -> NDArray[np.bool_]:
        """Truth as a dense matrix.

        Returns
        -------
        Y : ndarray of shape (n_samples, n_labels), bool
            The truth.
        """
        return label_rows(self.Y, dtype=bool)

    def _complete(self, array):
        """`array`, or raise where only a part of it was kept."""
        if array is None:
            raise ValueError(
                f"{self.n_samples} rows of {self.n_labels} labels are too many to keep all probabilities, which this "
                "prediction policy needs; use LearnedThresholds, or a rule by one of the names 'global', 'micromacro', "
                "'shrunken' and 'plug_in', with scorings by their names."
            )
        return array


def _joined_weights(parts):
    """Weights of the rows of several parts, one after the other; None where no part has any."""
    if all(part.sample_weight is None for part in parts):
        return None
    return np.concatenate(
        [np.ones(part.n_samples) if part.sample_weight is None else part.sample_weight for part in parts]
    )
