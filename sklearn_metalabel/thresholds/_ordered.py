"""Entries by label and rising probability: sorted once, they serve every rule and every part of the rows."""

from typing import NamedTuple

import numpy as np

from sklearn_metalabel.thresholds._calibration import Histogram, logits
from sklearn_metalabel.thresholds._compact import BIN_PROBABILITIES
from sklearn_metalabel.thresholds._cuts import Pool, midpoints, pool_weighted
from sklearn_metalabel.utils import dense_labels, settle_positives, total_weight

__all__ = ["Cuts", "Ordered", "last_best", "order_entries", "ordered_blocks"]

_N_BINS = 256
_LEFT_OUT = -1
_BLOCK_ENTRIES = 2**20


class Cuts(NamedTuple):
    """The cuts just under the distinct probabilities of each label, from the lowest to the highest."""

    label: np.ndarray  # (C,)
    true_positives: np.ndarray  # (C,)
    predicted: np.ndarray  # (C,)
    has_hit: np.ndarray  # (C,), whether a positive has this very probability
    lower: np.ndarray  # (C,), the highest probability that is not predicted, or just under the lowest of the label
    upper: np.ndarray  # (C,), the lowest probability that is predicted
    is_lowest: np.ndarray  # (C,), whether all entries of the label are predicted

    def take(self, chosen):
        """The cuts of a mask, or of some numbers."""
        return Cuts(*(array[chosen] for array in self))

    @property
    def thresholds(self):
        """Threshold of each cut, (C,); computed when asked for, since few of the cuts are taken."""
        return np.where(self.is_lowest, self.lower, midpoints(np.minimum(self.lower, self.upper), self.upper))


class Ordered(NamedTuple):
    """Entries by label, within a label by rising probability; a bin of entries left out is one entry of many rows."""

    label: np.ndarray  # (M,)
    scores: np.ndarray  # (M,)
    hits: np.ndarray  # (M,)
    rows: np.ndarray  # (M,), float64, by weight
    fold: np.ndarray  # (M,), -1 for those left out
    bin: np.ndarray  # (M,), of the histogram
    logits: np.ndarray  # (M,)
    positives: np.ndarray  # (L,), by weight
    n_samples: float | np.ndarray  # by weight; (L,) where labels are known in different rows
    weighted: bool = False

    def without(self, fold, n_samples, share):
        """All but a fold; `n_samples` rows, by weight, remain, which are a share of all, also of those left out."""
        kept = self.fold != fold
        label, scores, hits, rows, fold_of, bins, z = (array[kept] for array in self[:7])
        rows = np.where(fold_of == _LEFT_OUT, rows * share, rows)
        if np.ndim(self.n_samples):
            n_samples = settle_positives(np.bincount(label, rows, minlength=self.positives.size), n_samples)
        positives = _count_positives(label, hits, rows if self.weighted else None, self.positives.size, n_samples)
        return Ordered(label, scores, hits, rows, fold_of, bins, z, positives, n_samples, self.weighted)

    @property
    def bounds(self):
        """First entry of each label, and one past the last of all, shape (L + 1,)."""
        return np.searchsorted(self.label, np.arange(self.positives.size + 1))

    def weights_of_hits(self, inside=slice(None)):
        """Weights of the entries inside that are positive, None where each counts once."""
        return self.rows[inside][self.hits[inside]] if self.weighted else None

    def _hit_rows(self, inside=slice(None)):
        """What each entry inside adds to the positives."""
        hits = self.hits[inside]
        return np.where(hits, self.rows[inside], 0.0) if self.weighted else hits

    def cuts(self, *, hits_only=False):
        """`Cuts` of all labels; with `hits_only` those that have a hit."""
        first = _run_starts(self.label, self.scores)
        before_hits, before_rows = _sums_before(self._hit_rows()), _sums_before(self.rows)
        hits_at = before_hits[np.append(first, self.hits.size)]
        has_hit = hits_at[1:] > hits_at[:-1]
        if hits_only:
            first, has_hit = first[has_hit], has_hit[has_hit]
        bounds, label = self.bounds, self.label[first]
        upper, lower = self.scores[first], self.scores[first - 1]
        is_lowest = first == bounds[label]
        lower[is_lowest] = np.nextafter(upper[is_lowest], upper.dtype.type(0))
        stops = bounds[label + 1]
        true_positives, predicted = before_hits[stops] - before_hits[first], before_rows[stops] - before_rows[first]
        return Cuts(label, true_positives, predicted, has_hit, lower, upper, is_lowest)

    def pool(self):
        """`Pool` of the labels that have a positive."""
        seen, left_out = self.positives[self.label] > 0, self.fold == _LEFT_OUT
        kept, others, binned = seen & ~left_out, seen & left_out, ()
        if others.any():
            middles, at = np.unique(self.scores[others], return_inverse=True)
            binned = middles, np.bincount(at, self.rows[others])
        scores, positives = self.scores[kept], self.scores[self.hits]
        if self.weighted:
            return pool_weighted(scores, self.rows[kept], positives, self.rows[self.hits], *binned)
        return Pool(np.sort(scores), np.sort(positives), *binned)

    def histogram(self):
        """`Histogram` of the labels that have both values."""
        varied = (self.positives > 0) & (self.positives < self.n_samples)
        inside = slice(None) if varied.all() else varied[self.label]
        label, bins, rows, z = (a[inside] for a in (self.label, self.bin, self.rows, self.logits))
        hits = self._hit_rows(inside).astype(np.float64, copy=False)
        if not label.size:
            return Histogram(np.flatnonzero(varied), *np.zeros((1, 0), dtype=np.intp), *np.zeros((3, 0)))
        first = _run_starts(label, bins)
        counts, sums, positives = (np.add.reduceat(a, first) for a in (rows, rows * z, hits))
        sizes = np.bincount(label[first], minlength=varied.size)[varied]
        return Histogram(np.flatnonzero(varied), sizes, counts, sums / counts, positives)


def order_entries(out_of_fold, fold):
    """`Ordered` of all rows of an `OutOfFold` whose folds are renumbered as `fold` (n,), small numbers from 0."""
    compact = out_of_fold.compact
    row, label, scores, hits = compact.entries()
    fold, weight = fold[row], compact.sample_weight
    of, bins = np.nonzero(compact.left_out)
    rows = np.ones(scores.size) if weight is None else weight[row]
    if of.size:
        label = np.concatenate([label, of.astype(label.dtype)])
        rows = np.concatenate([rows, compact.left_out[of, bins].astype(np.float64)])
        scores = np.concatenate([scores, BIN_PROBABILITIES[bins].astype(scores.dtype)])
        hits = np.concatenate([hits, np.zeros(of.size, dtype=bool)])
        fold = np.concatenate([fold, np.full(of.size, _LEFT_OUT)])
    order = np.argsort(scores)
    # Few labels are small numbers, which NumPy sorts by their digits.
    small = label.astype(np.uint16) if compact.n_labels <= 2**16 else label
    order = order[np.argsort(small[order], kind="stable")]
    label, scores, hits, rows = label[order], scores[order], hits[order], rows[order]
    z = logits(scores.astype(np.float64))
    low, high = (z.min(), z.max()) if z.size else (0.0, 1.0)
    bins = np.minimum((z - low) * (_N_BINS / max(high - low, 1e-6)), _N_BINS - 1).astype(np.int16)
    total = compact.totals()
    positives = _count_positives(label, hits, None if weight is None else rows, compact.n_labels, total)
    entries = (label, scores, hits, rows, fold[order].astype(np.int8), bins, z)
    return Ordered(*entries, positives, total, weight is not None)


def _count_positives(label, hits, rows, n_labels, n_samples):
    """Positives (L,), of the given rows where these are weights, among `n_samples` rows."""
    if rows is None:
        return np.bincount(label[hits], minlength=n_labels)
    return settle_positives(np.bincount(label[hits], rows[hits], minlength=n_labels), n_samples)


def ordered_blocks(Y, P, labels, weight=None):
    """Yield (labels of a block, `Ordered` of all their entries), in which a label's number is its place in the block.

    Y (n, L) and P (n, L) are complete; no array of the size of `P` is built. The entries have no folds and no bins.
    """
    n = P.shape[0]
    step = max(1, _BLOCK_ENTRIES // n)
    for start in range(0, len(labels), step):
        block = labels[start : start + step]
        hits, scores = dense_labels(Y, block), np.ascontiguousarray(P[:, block].T)
        order = np.argsort(scores, axis=1)
        hits, scores = (np.take_along_axis(values, order, axis=1) for values in (hits, scores))
        number = np.repeat(np.arange(len(block), dtype=np.int32), n)
        nothing = np.zeros(0, dtype=np.int8)
        rows = None if weight is None else weight[order].ravel()
        entries = (number, scores.ravel(), hits.ravel(), np.ones(number.size) if rows is None else rows)
        total = total_weight(n, weight)
        positives = (
            _count_positives(number, entries[2], rows, len(block), total) if rows is not None else hits.sum(axis=1)
        )
        yield block, Ordered(*entries, nothing, nothing, nothing, positives, total, rows is not None)


def last_best(values, label):
    """Labels, and for each the place of the last of its largest values, from values in the order of labels."""
    starts = np.flatnonzero(np.diff(label, prepend=-1))
    sizes = np.diff(np.append(starts, label.size))
    top = np.repeat(np.maximum.reduceat(values, starts), sizes) if starts.size else values
    at = np.flatnonzero(values == top)
    at = at[np.diff(label[at], append=-1) != 0]
    return label[at], at


def _sums_before(values):
    """Sum of the values before each place, and of all, float64."""
    sums = np.zeros(values.size + 1)
    np.cumsum(values.astype(np.float64, copy=False), out=sums[1:])
    return sums


def _run_starts(label, values):
    """Places where a label or a value begins."""
    changed = np.ones(label.size, dtype=bool)
    np.not_equal(label[1:], label[:-1], out=changed[1:])
    changed[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(changed)
