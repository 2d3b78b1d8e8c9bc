"""Held-out rows with the label sets that each may be given, on which an expected score is a few sums."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.decoding import LabelSets, alone, candidate_sets, codes_of_rows, distinct, expand, segment_sums

__all__ = ["SetChances", "SetProblem"]

# Factors of the weight of counts, and shifts of all margins, under which sets are looked for.
_VARIANTS = ((0.3, 0.0), (1.0, -0.4), (2.0, 0.0))
_N_BEST = 6
# Sets whose energy is this far below the best of a row are left out until sets are looked up again.
_NEAR = 3.0
# Exploration noise of energies: the chance of a set is a softmax over those of the row.
_NOISE = 0.15
_TINY = 1e-12


class _Near(NamedTuple):
    """Label sets that rows may be given, those of a row after each other."""

    row: np.ndarray  # (C,), ascending
    labels: sp.csr_array  # (C, L), 1 for each label of the set
    hits: sp.csr_array  # (C, L), 1 where it is one of the row
    logits: np.ndarray  # (C,), sums over the labels
    log_count: np.ndarray  # (C,), of the rows that have the set, 0 where it was not observed
    is_unseen: np.ndarray  # (C,), 1 where it was not observed
    right: np.ndarray  # (C,), 1 where it is the set of the row
    f1: np.ndarray  # (C,), of the row


class SetChances:
    """Rows of one fold, and for each a few label sets of the other folds and the decisions of each label alone.

    Parameters
    ----------
    Z : ndarray of shape (n, L)
        Calibrated logits.
    Y : ndarray of shape (n, L), bool
        Truth.
    weight : ndarray of shape (n,) or None
        How many times each row counts.
    sets : LabelSets
        Of the other folds.
    may_be_empty : bool
        Whether a row may get no label.
    start : tuple
        Cuts (L,), the weight of counts and what stands for it in unseen sets, at which sets are looked for.
    """

    def __init__(self, Z, Y, weight, sets: LabelSets, may_be_empty, start):
        self.Z, self.Y, self.sets, self.may_be_empty = Z, Y, sets, may_be_empty
        self.weight = np.ones(len(Y)) if weight is None else weight
        rows = sp.csr_array(Y)
        self.truth_code, self.truth_size = codes_of_rows(rows), np.diff(rows.indptr)
        self.positives = self.weight @ Y
        cuts, count_weight, _ = start
        self.listed = candidate_sets(Z - cuts, sets, count_weight, may_be_empty, _VARIANTS, _N_BEST)
        self.near_start = self.look_up(*start)

    def look_up(self, cuts, count_weight, unseen):
        """The decisions of each label alone under these cuts (L,), and the sets that are not far below the best."""
        M = self.Z - cuts
        row, number, own, novel = self._listed_with(M)
        at, of_sets = expand(self.sets.indptr, number)
        more, of_own = expand(own.indptr.astype(np.int64), novel)
        labels = np.concatenate([self.sets.labels[at], own.indices[more]]).astype(np.int64)
        sizes = np.concatenate([np.diff(of_sets), np.diff(of_own)])
        row = np.concatenate([row, novel])
        log_count = np.concatenate([self.sets.log_counts[number], np.zeros(novel.size)])
        is_unseen = np.repeat([0.0, 1.0], [number.size, novel.size])
        code = np.concatenate([self.sets.codes[number], codes_of_rows(own)[novel]])
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        energy = segment_sums(M[np.repeat(row, sizes), labels], bounds) + count_weight * log_count + unseen * is_unseen
        top = np.full(len(M), -np.inf)
        np.maximum.at(top, row, energy)
        near = np.flatnonzero(energy > top[row] - _NEAR)
        near = near[np.argsort(row[near], kind="stable")]
        at, bounds = expand(bounds, near)
        return self._near(row[near], (labels[at], bounds), log_count[near], is_unseen[near], code[near])

    def _listed_with(self, M):
        """Rows and sets as listed, and where they were observed those of each label alone; these, and the others."""
        own = sp.csr_array(alone(M, self.may_be_empty, self.sets.implied))
        found = self.sets.find(codes_of_rows(own))
        seen, novel = np.flatnonzero(found >= 0), np.flatnonzero(found < 0)
        row, number = self.listed
        key = np.concatenate([row * len(self.sets) + number, seen * len(self.sets) + found[seen]])
        key = distinct(key)
        return key // len(self.sets), key % len(self.sets), own, novel

    def _near(self, row, sets, log_count, is_unseen, code):
        """`_Near` of candidates (C,), of which `sets` has the labels and their bounds."""
        labels, bounds = sets
        of_entry = np.repeat(row, np.diff(bounds))
        hit = self.Y[of_entry, labels].astype(np.float64)
        both = np.diff(bounds) + self.truth_size[row]
        return _Near(
            row,
            _indicators(np.ones(labels.size), labels, bounds, self.Y.shape[1]),
            _indicators(hit, labels, bounds, self.Y.shape[1]),
            segment_sums(self.Z[of_entry, labels], bounds),
            log_count,
            is_unseen,
            (code == self.truth_code[row]).astype(np.float64),
            2 * segment_sums(hit, bounds) / np.maximum(both, 1),
        )


class SetProblem:
    """The rows of several folds, each with its own cuts, and the sets that they may be given.

    Parameters
    ----------
    parts : list of SetChances
        Rows of each fold.
    near : list of _Near
        What was looked up for them.
    """

    def __init__(self, parts, near):
        self.n_folds, self.n_labels = len(parts), parts[0].Y.shape[1]
        self.total, self.positives = sum(part.weight.sum() for part in parts), sum(part.positives for part in parts)
        _, labels, hits, self.logits, self.log_count, self.is_unseen, self.right, self.f1 = (
            [each[i] for each in near] if i < 3 else np.concatenate([each[i] for each in near]) for i in range(8)
        )
        self.labels, self.hits = _side_by_side(labels), _side_by_side(hits)
        self.of_label, self.hits_of_label = self.labels.T, self.hits.T
        before = np.cumsum([0, *(len(part.Y) for part in parts)])
        self.row = np.concatenate([each.row + n for each, n in zip(near, before[:-1], strict=True)])
        self.weight = np.concatenate([part.weight for part in parts])[self.row]
        is_first = np.diff(self.row, prepend=-1) != 0
        self.starts, self.group = np.flatnonzero(is_first), np.cumsum(is_first) - 1

    def chances(self, cuts, count_weight, unseen):
        """Chance (C,) that a row is given each of its candidates, under cuts (K, L) of the folds."""
        energy = self.logits - self.labels @ cuts.ravel()
        energy = (energy + count_weight * self.log_count + unseen * self.is_unseen) / _NOISE
        odds = np.exp(energy - np.maximum.reduceat(energy, self.starts)[self.group])
        return odds / np.add.reduceat(odds, self.starts)[self.group]

    def expected_score(self, cuts, count_weight, unseen, weights):
        """Expected score, and its gradients.

        Parameters
        ----------
        cuts : ndarray of shape (K, L)
            Of each fold.
        count_weight, unseen : float
        weights : dict of str -> float
            Weight of each named scoring.

        Returns
        -------
        value : float
        by_cut : ndarray of shape (K, L)
        by_own : ndarray of shape (2,)
            In `count_weight` and `unseen`.
        """
        p = self.chances(cuts, count_weight, unseen)
        hits, predicted = (self._by_label(of, p * self.weight) for of in (self.hits_of_label, self.of_label))
        value, by_hit, by_predicted = _of_counts(hits, predicted, self.positives, weights)
        own = weights.get("accuracy", 0.0) * self.right + weights.get("f1_samples", 0.0) * self.f1
        own *= self.weight / self.total
        by_hit, by_predicted = (np.tile(each, self.n_folds) for each in (by_hit, by_predicted))
        gain = own + self.weight * (self.labels @ by_predicted + self.hits @ by_hit)
        mean = np.add.reduceat(p * gain, self.starts)[self.group]
        by_energy = p * (gain - mean) / _NOISE
        by_cut = -(self.of_label @ by_energy).reshape(cuts.shape)
        return value + p @ own, by_cut, np.array([by_energy @ self.log_count, by_energy @ self.is_unseen])

    def _by_label(self, of_label, values):
        """Sums (L,) of values (C,) over the candidates of all folds that have each label."""
        return (of_label @ values).reshape(self.n_folds, self.n_labels).sum(axis=0)


def _indicators(values, labels, bounds, n_labels):
    """Values of the labels of sets, as a CSR array."""
    return sp.csr_array((values, labels, bounds), shape=(bounds.size - 1, n_labels))


def _side_by_side(arrays):
    """CSR arrays one after the other, each with columns of its own."""
    n_labels, n_entries = arrays[0].shape[1], np.cumsum([0, *(each.nnz for each in arrays)])
    return _indicators(
        np.concatenate([each.data for each in arrays]),
        np.concatenate([each.indices + k * n_labels for k, each in enumerate(arrays)]),
        np.concatenate([each.indptr[:-1] + n for each, n in zip(arrays, n_entries, strict=False)] + [n_entries[-1:]]),
        n_labels * len(arrays),
    )


def _of_counts(hits, predicted, positives, weights):
    """The part of the score that expected counts (L,) decide, and its gradient in hits and predictions, (L,)."""
    value, by_hit, by_predicted = 0.0, np.zeros(hits.size), np.zeros(hits.size)
    for name, pooled in (("f1_micro", True), ("f1_macro", False)):
        weight = weights.get(name, 0.0)
        both = predicted + positives
        total = np.maximum(both.sum() if pooled else both, _TINY)
        f1 = 2 * (hits.sum() if pooled else hits) / total
        share = weight if pooled else weight / hits.size
        value += weight * np.mean(f1)
        by_hit += 2 * share / total
        by_predicted -= share * f1 / total
    return value, by_hit, by_predicted
