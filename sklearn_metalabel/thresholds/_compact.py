"""Out-of-fold rows in little space: what a threshold may decide on is kept, all else is counted.

A row keeps its most promising entries and its positives. The others, all of them negatives, are counted for each label
in narrow bins of their odds, so that no count above a cut is off by more than a bin.
"""

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.utils import (
    is_certain_negative,
    label_rows,
    row_blocks,
    settle_positives,
    total_weight,
    totals_of,
    weighted_positives,
)

__all__ = ["BIN_EDGES", "BIN_PROBABILITIES", "CompactRows", "bins_of"]

# Of a row, or of a label in rows that are all there.
_LEAST_OF_ROW, _LEAST_OF_LABEL, _KEPT_PER_POSITIVE = 50, 100, 5
# Frequent labels get fewer for each positive: their counts are large, so that bins are fine enough for them.
_MANY_OF_LABEL = 1_000
# Bins of odds from 2^-23 to 2^23, four for each power of two: the first bits of a float32 are its bin.
_POWER, _SHIFT = 23, 21
_N_BINS = 2 * _POWER * 4
_FIRST_BIN = (127 - _POWER) << 2
_LABELS_PER_BLOCK, _ROWS_PER_BLOCK = 512, 2_048


def _bin_probabilities():
    """Probability in the middle of each bin, and at the edges of the bins."""
    edges = np.arange(_FIRST_BIN, _FIRST_BIN + _N_BINS + 1, dtype=np.int32) << _SHIFT
    odds = edges.view(np.float32).astype(np.float64)
    middles = np.sqrt(odds[1:] * odds[:-1])
    return middles / (1 + middles), odds / (1 + odds)


BIN_PROBABILITIES, BIN_EDGES = _bin_probabilities()


class CompactRows:
    """Truth and out-of-fold probabilities of any number of rows, added block by block.

    Parameters
    ----------
    frequency : array-like of shape (n_labels,)
        Share of positives of each label in the training rows. An entry is promising by its odds over the square root of
        this: cuts of rare labels are lower, but not as much lower as the labels are rarer.
    n_kept : int or None, default=None
        Entries kept of each row besides its positives; None keeps five for each label that a row has on average, and no
        fewer than 50.

    Attributes
    ----------
    n_labels, n_kept : int
    left_out : ndarray of shape (n_labels, 184), uint32 or float64
        Number of entries not kept, by label and bin of odds; by weight where rows have weights.
    """

    def __init__(self, frequency, n_kept=None):
        frequency = np.asarray(frequency, dtype=np.float64)
        wanted = max(_LEAST_OF_ROW, int(np.ceil(_KEPT_PER_POSITIVE * frequency.sum()))) if n_kept is None else n_kept
        self.n_labels, self.n_kept = frequency.size, min(wanted, frequency.size)
        # A label without positives is treated like the rarest that has some.
        rarest = frequency[frequency > 0].min(initial=1.0)
        self._promise = (1 / np.sqrt(np.maximum(frequency, rarest))).astype(np.float32)
        self.left_out = np.zeros((self.n_labels, _N_BINS), dtype=np.uint32)
        self._parts = []

    @classmethod
    def from_dense(cls, Y, P, fold_of, sample_weight=None):
        """Hold rows that are all there: Y {ndarray, sparse matrix} and P of shape (n, L), fold_of of shape (n,).

        Not rows but labels keep their best entries here, several for each positive: cuts further down are poor ones.
        """
        Y = Y.tocsr() if sp.issparse(Y) else Y
        positives, total = weighted_positives(Y, sample_weight), totals_of(P, sample_weight)
        compact = cls(positives / np.maximum(total, 1e-300))
        if sample_weight is not None:
            compact._weigh(sample_weight)
        compact._count(P, sample_weight)
        # Weights far below 1 count small parts of rows, and as few entries are to be kept for them as for rows.
        share = np.minimum(1.0, total / P.shape[0])
        least, many = share * _LEAST_OF_LABEL, share * _MANY_OF_LABEL
        wanted = least + np.minimum(_KEPT_PER_POSITIVE * positives, many + 2 * positives)
        above = np.cumsum(compact.left_out[:, ::-1], axis=1)
        # The highest bin that has enough entries in it and above; labels with fewer entries are kept whole.
        floor = np.maximum(_N_BINS - 1 - np.count_nonzero(above < wanted[:, None], axis=1), 0)
        if sample_weight is not None:
            compact._weigh(sample_weight)  # those that are kept are not counted
        for rows in row_blocks(*P.shape):
            kept = bins_of(P[rows]) >= floor
            kept |= label_rows(Y, rows, dtype=bool)
            weight = None if sample_weight is None else sample_weight[rows]
            found = compact._keep(P[rows], Y[rows], fold_of[rows], weight, *np.nonzero(kept))
            if weight is None:
                compact._uncount(*found)
            else:
                compact._count(P[rows], weight, kept)
        return compact

    @classmethod
    def counts_of(cls, P, sample_weight=None):
        """Number of entries (L, bins) of P of shape (n, L), by weight."""
        counted = cls(np.ones(P.shape[1]))
        if sample_weight is not None:
            counted._weigh(sample_weight)
        counted._count(P, sample_weight)
        return counted.left_out

    @classmethod
    def concatenate(cls, parts, folds=None):
        """Hold the rows of several, one after the other; `folds` gives each part a fold, None keeps the rows'."""
        first, *others = parts
        compact = cls.__new__(cls)
        compact.__dict__.update(first.__dict__, left_out=first.left_out.copy())
        for part in others:
            if part.n_labels != compact.n_labels:
                raise ValueError(f"parts must agree in their labels, got {part.n_labels} beside {compact.n_labels}.")
            compact.left_out = compact.left_out + part.left_out
        compact._parts = [block for part in parts for block in part._parts]
        if folds is not None:
            fold_of = [np.full(block[0].size, k) for part, k in zip(parts, folds, strict=True) for block in part._parts]
            compact._parts = [(fold, *block[1:]) for fold, block in zip(fold_of, compact._parts, strict=True)]
        return compact

    def add(self, P, Y, fold=0, sample_weight=None):
        """Add rows: P of shape (b, L), strictly inside (0, 1), truth Y, dense or sparse, and their fold or folds.

        Weights of rows are above 0, and all rows have some or none has. Blocks of 200 rows or more are fastest.
        """
        P = np.asarray(P)
        truth = sp.csr_array(Y) if sp.issparse(Y) else np.asarray(Y)
        if sample_weight is not None and not self._parts:
            self._weigh(sample_weight)
        kept = []
        for rows in row_blocks(*P.shape):
            i, j = self._most_promising(P[rows], label_rows(truth, rows, dtype=bool))
            kept.append((i + rows.start, j))
            if sample_weight is not None and self.n_kept < self.n_labels:
                marks = np.zeros((rows.stop - rows.start, self.n_labels), dtype=bool)
                marks[i, j] = True
                self._count(P[rows], sample_weight[rows], marks)
        places = (np.concatenate(part) for part in zip(*kept, strict=True))
        label, values = self._keep(P, truth, fold, sample_weight, *places)
        if sample_weight is None and self.n_kept < self.n_labels:
            self._count(P)
            self._uncount(label, values)

    @property
    def fold_of(self):
        """Fold of each row, shape (n,)."""
        return self._joined(0)

    @property
    def sample_weight(self):
        """Weight of each row, shape (n,), or None."""
        return self._joined(5)

    @property
    def n_samples(self):
        """Number of rows."""
        return sum(part[0].size for part in self._parts)

    def totals(self):
        """Weight of the rows, or an array (L,) where not all rows have an entry of each label, kept or counted."""
        total, weight = total_weight(self.n_samples, self.sample_weight), self.sample_weight
        row, label, _, _ = self.entries()
        n_entries = row.size + (self.left_out.sum() if weight is None else np.inf)
        if n_entries == self.n_samples * self.n_labels:
            return total
        kept = np.bincount(label, None if weight is None else weight[row], minlength=self.n_labels)
        totals = kept + self.left_out.sum(axis=1)
        return total if np.allclose(totals, total, rtol=1e-9) else settle_positives(totals, total)

    def entries(self):
        """Row (ascending), label, probability and truth of the entries kept, each of shape (E,)."""
        lengths = self._joined(1)
        return np.repeat(np.arange(lengths.size), lengths), self._joined(2), self._joined(3), self._joined(4)

    def counts_beside(self, label, P, share=1.0, weight=None):
        """Counts (L, bins) of a share of the entries left out and of further entries, by weight."""
        counts = np.bincount(label * np.int64(_N_BINS) + bins_of(P), weight, minlength=self.n_labels * _N_BINS)
        counts = counts.reshape(self.n_labels, _N_BINS).astype(np.float64)
        return counts + share * self.left_out

    def highest(self):
        """Highest probability of each label (L,): that of an entry kept, or the middle of a bin of others."""
        filled = self.left_out[:, ::-1] > 0
        highest = np.where(filled.any(axis=1), BIN_PROBABILITIES[_N_BINS - 1 - filled.argmax(axis=1)], 0.0)
        _, label, P, _ = self.entries()
        np.maximum.at(highest, label, P)
        return highest

    def _joined(self, k):
        """One of the arrays, of all parts."""
        if len(self._parts) > 1:
            self._parts = [tuple(_joined(arrays) for arrays in zip(*self._parts, strict=True))]
        return self._parts[0][k]

    def _most_promising(self, P, truth):
        """Row and label of the entries to keep of a few rows, in the order of both."""
        b, L = P.shape
        if self.n_kept == L:
            return np.divmod(np.arange(b * L), L)
        promise = P / (1 - P) * self._promise
        kept = truth.copy()
        np.put_along_axis(kept, np.argpartition(promise, L - self.n_kept, axis=1)[:, L - self.n_kept :], True, axis=1)
        return np.nonzero(kept)

    def _keep(self, P, truth, fold, sample_weight, row, label):
        """Keep the given entries of a block, but for certain negatives; return their labels and probabilities."""
        values = P[row, label]
        unknown = is_certain_negative(values)
        if unknown is not None:
            row, label, values = (array[~unknown] for array in (row, label, values))
        hits = np.asarray(truth[row, label]).ravel() != 0
        lengths = np.bincount(row, minlength=P.shape[0])
        folds = np.broadcast_to(np.asarray(fold, dtype=np.int64), P.shape[:1]).copy()
        self._parts.append((folds, lengths.astype(np.int32), label.astype(np.int32), values, hits, sample_weight))
        return label, values

    def _uncount(self, label, values):
        """Take entries that are kept out of the counts."""
        np.subtract.at(self.left_out, (label, bins_of(values)), np.uint32(1))

    def _weigh(self, sample_weight):
        """Start to count from nothing, by weight where there are weights."""
        self.left_out = np.zeros(self.left_out.shape, dtype=np.uint32 if sample_weight is None else np.float64)

    def _count(self, P, sample_weight=None, kept=None):
        """Count every entry of a block but certain negatives, the kept ones too unless these are given as a mask.

        Sums of weights round, so that they cannot be taken out again.
        """
        for start in range(0, self.n_labels, _LABELS_PER_BLOCK):
            block = slice(start, min(start + _LABELS_PER_BLOCK, self.n_labels))
            first = (_N_BINS * np.arange(block.stop - start)).astype(np.int32)
            for rows in range(0, P.shape[0], _ROWS_PER_BLOCK):
                part = slice(rows, rows + _ROWS_PER_BLOCK)
                keys, weights = bins_of(P[part, block]) + first, None
                if sample_weight is not None:
                    weights = np.broadcast_to(sample_weight[part, None], keys.shape)
                    weights = (weights if kept is None else np.where(kept[part, block], 0.0, weights)).ravel()
                unknown, keys = is_certain_negative(P[part, block]), keys.ravel()
                if unknown is not None:
                    keys, weights = keys[~unknown.ravel()], None if weights is None else weights[~unknown.ravel()]
                counts = np.bincount(keys, weights, minlength=_N_BINS * first.size)
                self.left_out[block] += counts.reshape(-1, _N_BINS).astype(self.left_out.dtype)


def _joined(arrays):
    """Arrays one after the other; None where there are none."""
    return None if arrays[0] is None else np.concatenate(arrays)


def bins_of(P):
    """Bin of the odds of each probability."""
    odds = (P / (1 - P)).astype(np.float32, copy=False)
    return np.clip((odds.view(np.int32) >> _SHIFT) - _FIRST_BIN, 0, _N_BINS - 1)
