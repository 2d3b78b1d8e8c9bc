"""Which of the observed label sets may be the best for a row: all are looked at, or those of its best labels."""

from __future__ import annotations

import numpy as np

from sklearn_metalabel.decoding._label_sets import LabelSets, distinct, expand

__all__ = ["best_sets", "candidate_sets"]

# Numbers of an array of rows times sets, or rows times entries of sets.
_BLOCK_ENTRIES = 4_000_000
# Labels of all sets together up to which every set is looked at for every row.
_FEW_ENTRIES = 4_000
# Labels of a row whose sets are looked at beyond that.
_BEST_LABELS = 24
# What bounds of energies may be wrong by.
_SLACK = 1e-6


def best_sets(M, sets: LabelSets, count_weight, may_be_empty, floor):
    """The set of largest energy for each row of margins M (n, L): rows (ascending), sets and energies, all (P,).

    The energy is the sum of the margins of the labels of the set and `count_weight` times the logarithm of its count.
    A row of which no set is looked at is left out, and so may be sets whose energy is not above its `floor`. Of equal
    sets the first is taken.
    """
    if sets.labels.size <= _FEW_ENTRIES:
        row, found = candidate_sets(M, sets, count_weight, may_be_empty, ((1.0, 0.0),), 1)
    else:
        row, found = _above_floor(M, sets, count_weight, may_be_empty, floor)
    energy = sets.sums(M, row, found) + count_weight * sets.log_counts[found]
    order = np.lexsort((found, -energy, row))  # the empty set is a candidate beside the best
    first = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    return row[first], found[first], energy[first]


def candidate_sets(M, sets: LabelSets, count_weight, may_be_empty, variants, n_best):
    """Rows (ascending) and sets, both (P,): the `n_best` of each row under each variant.

    A variant is a factor of the weight of counts, and a number that all margins are lowered by.
    """
    empty = np.flatnonzero(sets.sizes == 0)
    if not may_be_empty and len(sets) == empty.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    weights = [(factor * count_weight, shift) for factor, shift in variants]
    if sets.labels.size <= _FEW_ENTRIES:
        row, found = _among_all(M, sets, weights, n_best)
    else:
        row, found = _among_those_of_best_labels(M, sets, weights, n_best)
    number = np.arange(len(M))
    row = np.concatenate([row, np.repeat(number, empty.size)])
    found = np.concatenate([found, np.tile(empty, len(M))])
    if not may_be_empty:
        row, found = (values[sets.sizes[found] > 0] for values in (row, found))
    key = distinct(row * len(sets) + found)
    return key // len(sets), key % len(sets)


def _among_all(M, sets, variants, n_best):
    """Candidates by the energies of all sets that are not empty."""
    filled = np.flatnonzero(sets.sizes > 0)
    indicators, sizes, log_counts = sets.indicators[filled], sets.sizes[filled], sets.log_counts[filled]
    n_best, step = min(n_best, filled.size), max(1, _BLOCK_ENTRIES // max(filled.size, 1))
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for start in range(0, len(M) if filled.size else 0, step):
        sums = np.ascontiguousarray((indicators @ M[start : start + step].T).T)
        energies = (sums + (weight * log_counts - shift * sizes) for weight, shift in variants)
        if n_best == 1:
            number = np.arange(start, start + len(sums))
            found += [(number, filled[energy.argmax(axis=1)]) for energy in energies]
        else:
            row, best = np.nonzero(np.logical_or.reduce([_are_best(energy, n_best) for energy in energies]))
            found.append((row + start, filled[best]))
    return _joined(found)


def _are_best(energies, n_best):
    """Mark the `n_best` largest energies of each row; of equal ones at the limit any."""
    least = np.partition(energies, -n_best, axis=1)[:, -n_best, None]
    marks = energies >= least
    tied = np.flatnonzero(np.count_nonzero(marks, axis=1) > n_best)
    if tied.size:  # to find the numbers themselves takes twice as long
        best = np.argpartition(energies[tied], -n_best, axis=1)[:, -n_best:]
        marks[tied] = False
        marks[tied[:, None], best] = True
    return marks


def _above_floor(M, sets, count_weight, may_be_empty, floor):
    """Rows and sets (P,), among them the best of each row if its energy is above the `floor` (n,) of the row.

    A set that has some labels has no larger energy than the sum of all positive margins, less what these labels lack
    to 0, and the largest bonus. Where few labels may be in a set at all, it is found by its two rarest labels.
    """
    least = floor - np.maximum(M, 0).sum(axis=1) - count_weight * sets.log_counts.max(initial=0.0) - _SLACK
    possible = (M > least[:, None]) & (least < 0)[:, None]
    is_wide = np.count_nonzero(possible, axis=1) > _BEST_LABELS
    wide, parts = np.flatnonzero(is_wide), []
    if wide.size:
        row, found = _among_those_of_best_labels(M[wide], sets, [(count_weight, 0.0)], 1, floor[wide])
        parts.append((wide[row], found))
    if may_be_empty:
        empty = np.flatnonzero(sets.sizes == 0)
        emptied = np.flatnonzero((count_weight * sets.log_counts[empty] > floor[:, None]).any(axis=1))
        parts.append((emptied, np.repeat(empty, emptied.size)))
    row, at = _pairs_of(M, possible & ~is_wide[:, None], sets, least)
    _, bounds, place = sets.by_rarest_pair
    listed = sets.by_rarest_label[1]
    n_entries = np.cumsum(np.diff(bounds)[at]) * max(1.0, sets.sizes.mean())
    for pairs in np.split(np.arange(at.size), np.flatnonzero(np.diff(n_entries // _BLOCK_ENTRIES)) + 1):
        inside, ends = expand(bounds, at[pairs])
        found, of_row = listed[place[inside]], np.repeat(row[pairs], np.diff(ends))
        energy = sets.sums(M, of_row, found) + count_weight * sets.log_counts[found]
        above = energy > floor[of_row]
        parts.append((of_row[above], found[above]))
    return _joined(parts)


def _pairs_of(M, possible, sets, least):
    """Rows, and the numbers in `by_rarest_pair` of the pairs of labels that are possible (n, L) in them, both (P,).

    A pair whose negative margins sum to no more than `least` (n,) is left out.
    """
    row, label = np.nonzero(possible)
    n_labels, lacking = np.bincount(row, minlength=len(M)), np.minimum(M[row, label], 0.0)
    bounds = np.concatenate([[0], np.cumsum(n_labels)])
    first = np.repeat(np.arange(row.size), n_labels[row])
    second, _ = expand(bounds, row)
    rank = sets.ranks[label]
    kept = (rank[first] < rank[second]) & (lacking[first] + lacking[second] > least[row[first]]) | (first == second)
    first, second = first[kept], second[kept]
    keys = sets.by_rarest_pair[0]
    wanted = rank[first] * sets.n_labels + rank[second]
    at = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    seen = keys[at] == wanted
    return row[first[seen]], at[seen]


def _among_those_of_best_labels(M, sets, variants, n_best, floor=None):
    """Candidates among the sets whose rarest label is one of the largest margins of a row, so that each comes once.

    Sets that cannot have an energy above `floor` (n,) may be left out.
    """
    indptr, listed = sets.by_rarest_label
    keys, highest = _keys(sets, indptr, listed)
    n_top, mean_size = min(_BEST_LABELS, M.shape[1]), max(1.0, sets.sizes.mean())
    found, start = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))], 0
    while start < len(M):
        block = M[start : start + max(1, _BLOCK_ENTRIES // M.shape[1])]
        top = np.argpartition(block, -n_top, axis=1)[:, -n_top:]
        ends = indptr[top + 1]
        if floor is not None:
            ends = _reach(block, top, floor[start : start + len(block)], variants[0][0], (indptr, keys, highest))
        n_listed = (ends - indptr[top]).sum(axis=1)
        n_rows = max(1, int(np.searchsorted(np.cumsum(n_listed * mean_size), _BLOCK_ENTRIES)))
        block, top, ends, n_listed = block[:n_rows], top[:n_rows], ends[:n_rows], n_listed[:n_rows]
        first_listed, lengths = indptr[top].ravel(), (ends - indptr[top]).ravel()
        at = np.arange(lengths.sum()) + np.repeat(first_listed - np.cumsum(lengths) + lengths, lengths)
        number, row = listed[at], np.repeat(np.arange(len(block)), n_listed)
        sums = sets.sums(block, row, number)
        for weight, shift in variants:
            energy = sums + weight * sets.log_counts[number] - shift * sets.sizes[number]
            kept = _best_of_rows(energy, row, number, n_best)
            found.append((start + row[kept], number[kept]))
        start += len(block)
    return _joined(found)


def _best_of_rows(energy, row, number, n_best):
    """Places of the largest energies of each row, of which the places follow each other."""
    if n_best > 1:
        order = np.lexsort((number, -energy, row))
        first = np.searchsorted(row, row)  # where each row begins, before and after sorting
        return order[np.arange(order.size) - first < n_best]
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    if not starts.size:
        return starts
    top = np.repeat(np.maximum.reduceat(energy, starts), np.diff(starts, append=row.size))
    best = np.flatnonzero(energy == top)
    return best[np.flatnonzero(np.diff(row[best], prepend=-1))]


def _keys(sets, indptr, listed):
    """Numbers that rise with the label that sets are listed under, and as their counts fall; and the range of these."""
    log_counts = sets.log_counts[listed]
    lowest, highest = (log_counts.min(), log_counts.max()) if listed.size else (0.0, 0.0)
    owner = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    return owner * (highest - lowest + 1.0) + (highest - log_counts), (lowest, highest)


def _reach(M, top, floor, count_weight, index):
    """Up to where (b, n_top) the sets listed under the labels `top` of a row may have an energy above its floor.

    A set that has a label has no larger energy than the sum of all positive margins, less what this label lacks to 0,
    and its own bonus.
    """
    indptr, keys, (lowest, highest) = index
    needed = (floor - np.maximum(M, 0).sum(axis=1))[:, None] - np.minimum(np.take_along_axis(M, top, axis=1), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(needed < 0, -np.inf, np.inf) if count_weight == 0 else needed / count_weight
    below = np.clip(highest - least, -0.5, highest - lowest + 0.5)
    ends = np.searchsorted(keys, top * (highest - lowest + 1.0) + below, side="right")
    return np.clip(ends, indptr[top], indptr[top + 1])


def _joined(found):
    """Rows and sets, each of several parts."""
    rows, sets = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(sets)
