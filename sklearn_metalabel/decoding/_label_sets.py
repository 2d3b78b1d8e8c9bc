"""The label sets that were observed, and how often each of them was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_metalabel.utils import check_labels, shown

__all__ = ["LabelSets", "check_number", "check_sets", "codes_of_rows", "distinct", "expand", "segment_sums"]

# An implication must be as unlikely to arise by chance in any pair of a label.
_LEVEL = 0.05
# Of the sets with the same rarest label the most frequent ones are looked at.
_SETS_OF_LABEL = 1024


@dataclass(frozen=True, eq=False)
class LabelSets:
    """The distinct label sets of some rows, in the order of their codes.

    Parameters
    ----------
    n_labels : int
        Number of labels.
    indptr, labels : ndarray of int
        Labels of each set in ascending order, as the arrays of a CSR matrix; one set may be empty.
    counts : ndarray of shape (n_sets,), float64
        How many rows have each set, by weight.
    codes : ndarray of shape (n_sets,), uint64
        Sums of the codes of the labels, ascending.
    implied : CSR array of shape (n_labels, n_labels) or None
        Where a row has an entry for a column, each row of the data that has the label of the row has that of the column
        too, more often than chance would have it; None where there are no such pairs.

    See Also
    --------
    Dependence : Draws decisions to label sets.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.decoding import LabelSets
    >>> sets = LabelSets.from_rows(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
    >>> len(sets), sorted(sets.counts.tolist())
    (2, [1.0, 2.0])
    """

    n_labels: int
    indptr: NDArray[np.int64]
    labels: NDArray[np.int64]
    counts: NDArray[np.float64]
    codes: NDArray[np.uint64]
    implied: sp.csr_array | None = None

    @classmethod
    def from_rows(cls, Y, sample_weight=None) -> LabelSets:
        """Sets of truth Y (n, L), dense or sparse, whose rows count by weight.

        Parameters
        ----------
        Y : {ndarray, sparse matrix} of shape (n_samples, n_labels)
            In {0, 1}.
        sample_weight : ndarray of shape (n_samples,), default=None
            How many times each row counts.

        Returns
        -------
        sets : LabelSets
            Of all rows.

        Raises
        ------
        ValueError
            If `Y` is no matrix of 0 and 1 with a row and a column.
        """
        rows = _canonical(Y)
        codes, first, number = np.unique(codes_of_rows(rows), return_index=True, return_inverse=True)
        counts = np.bincount(number, sample_weight, minlength=codes.size).astype(np.float64)
        at, indptr = expand(rows.indptr.astype(np.int64), first)
        return cls(rows.shape[1], indptr, rows.indices[at].astype(np.int64), counts, codes, _implications(rows))

    def __len__(self):
        return self.counts.size

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of labels of each set."""
        return np.diff(self.indptr)

    @cached_property
    def log_counts(self) -> NDArray[np.float64]:
        """Logarithm of the counts."""
        return np.log(self.counts)

    def find(self, codes) -> NDArray[np.intp]:
        """Find sets by their codes.

        Parameters
        ----------
        codes : ndarray of shape (n,), uint64
            Sums of the codes of labels.

        Returns
        -------
        sets : ndarray of shape (n,), int
            Number of the set of each code, -1 where it was not observed.
        """
        at = np.minimum(np.searchsorted(self.codes, codes), len(self) - 1)
        return np.where(self.codes[at] == codes, at, -1)

    @cached_property
    def indicators(self) -> sp.csr_array:
        """Indicators (n_sets, n_labels), float64."""
        entries = np.ones(self.labels.size), self.labels, self.indptr
        return sp.csr_array(entries, shape=(len(self), self.n_labels))

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """Place of each label in the order of rising frequency."""
        frequency = np.bincount(self.labels, np.repeat(self.counts, self.sizes), minlength=self.n_labels)
        rank = np.empty(self.n_labels, dtype=np.int64)
        rank[np.argsort(frequency, kind="stable")] = np.arange(self.n_labels)
        return rank

    @cached_property
    def by_rarest_label(self):
        """Sets listed under their rarest label, the most frequent first and not all of many: bounds (L + 1,), sets."""
        filled, order = np.flatnonzero(self.sizes), np.argsort(self.ranks)
        owner = order[np.minimum.reduceat(self.ranks[self.labels], self.indptr[filled])] if filled.size else filled
        by_owner = np.lexsort((filled, -self.counts[filled], owner))
        owner, filled = owner[by_owner], filled[by_owner]
        kept = np.arange(filled.size) - np.searchsorted(owner, owner) < _SETS_OF_LABEL
        return np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=self.n_labels))]), filled[kept]

    @cached_property
    def by_rarest_pair(self):
        """The same sets under the ranks of their two rarest labels: keys, bounds, and places in `by_rarest_label`.

        The key is the rank of the rarest label times L, and the rank of the next, or its own again where it is alone.
        """
        _, listed = self.by_rarest_label
        at, bounds = expand(self.indptr, listed)
        ranks, starts = self.ranks[self.labels[at]], bounds[:-1]
        rarest = np.minimum.reduceat(ranks, starts) if listed.size else listed
        others = np.where(ranks == np.repeat(rarest, np.diff(bounds)), self.n_labels, ranks)
        second = np.minimum.reduceat(others, starts) if listed.size else listed
        key = rarest * self.n_labels + np.where(second == self.n_labels, rarest, second)
        place = np.argsort(key, kind="stable")
        keys, first = np.unique(key[place], return_index=True)
        return keys, np.append(first, key.size), place

    def sums(self, M, row, sets):
        """Sum margins over the labels of sets.

        Parameters
        ----------
        M : ndarray of shape (n_samples, n_labels)
            Margins.
        row, sets : ndarray of shape (n_pairs,), int
            Pairs of a row and a set.

        Returns
        -------
        sums : ndarray of shape (n_pairs,)
            Of each pair.
        """
        at, indptr = expand(self.indptr, sets)
        return segment_sums(M[np.repeat(row, np.diff(indptr)), self.labels[at]], indptr)


def check_sets(sets):
    """Raise where something is no `LabelSets`."""
    if not isinstance(sets, LabelSets):
        raise TypeError(f"sets must be LabelSets, got {type(sets).__name__}; make them by LabelSets.from_rows(Y).")


def check_number(name, value, wanted, allowed):
    """Raise where a value is no number, or none that is `allowed`, which is a function."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and allowed(value)):
        raise ValueError(f"{name} must be {wanted}, got {shown(value)}.")


def codes_of_rows(rows):
    """Code (n,) of the label set of each row of a CSR array: the sum of the codes of its labels, modulo 2**64."""
    return segment_sums(_label_codes(rows.shape[1])[rows.indices], rows.indptr)


def _label_codes(n_labels):
    """A well-mixed number of 64 bits for each label (the finaliser of splitmix64)."""
    z = np.arange(1, n_labels + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def distinct(numbers):
    """Ascending distinct values of many integers; NumPy's own hashes them, which is slower where most come twice."""
    numbers = np.sort(numbers)
    return numbers[np.diff(numbers, prepend=numbers[:1] - 1) > 0]


def segment_sums(values, indptr):
    """Sums of consecutive segments of values; 0 for empty ones."""
    sums = np.zeros(len(indptr) - 1, dtype=values.dtype)
    filled = np.flatnonzero(np.diff(indptr))
    if filled.size:
        sums[filled] = np.add.reduceat(values, indptr[filled])
    return sums


def expand(indptr, segments):
    """Places of the entries of some segments, one after the other, and the bounds of the segments in that order."""
    sizes = np.diff(indptr)[segments]
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    return np.arange(bounds[-1]) + np.repeat(indptr[segments] - bounds[:-1], sizes), bounds


def _canonical(Y):
    """Truth as a CSR array of its positives, labels ascending, or raise."""
    Y = Y if sp.issparse(Y) else np.asarray(Y)
    if Y.ndim != 2 or 0 in Y.shape:
        raise ValueError(
            f"Y must be an indicator matrix of shape (n_samples, n_labels), got shape {Y.shape}; pass one row for each "
            "sample."
        )
    rows = sp.csr_array(check_labels(Y, Y.shape)).astype(bool)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return rows


def _implications(rows):
    """Pairs of labels of which the first never comes without the second, as a CSR array (L, L), or None.

    That it has always been so may be chance where the first is rare or the second frequent: with the rate of the second
    among all rows, it must be less likely than a level shared by all pairs of a label. What follows from such pairs is
    implied too.
    """
    n, n_labels = rows.shape
    indicators = rows.astype(np.float64)
    together = (indicators.T @ indicators).tocoo()
    own = np.asarray(rows.sum(axis=0)).ravel().astype(np.float64)
    label, other = together.row, together.col
    always = (label != other) & (together.data == own[label]) & (own[label] > 1)
    label, other = label[always], other[always]
    log_chance = own[label] * np.log((own[other] + 1) / (n + 1))
    beyond = log_chance < np.log(_LEVEL / n_labels)
    if not beyond.any():
        return None
    entries = np.ones(np.count_nonzero(beyond)), (label[beyond], other[beyond])
    return _closed(sp.csr_array(entries, shape=(n_labels, n_labels)))


def _closed(implied):
    """Pairs of labels of which the second follows from the first in any number of steps."""
    n_pairs = 0
    while implied.nnz > n_pairs:
        n_pairs = implied.nnz
        implied = sp.csr_array(((implied + implied @ implied) > 0).astype(np.float64))
        implied.setdiag(0)
        implied.eliminate_zeros()
    return implied
