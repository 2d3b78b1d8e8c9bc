"""Held-out rows with the label sets that each may be given, on which an expected score is a few sums."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.decoding import LabelSets, alone, candidate_sets, codes_of_rows, distinct, expand, segment_sums

__all__ = ["SetChances", "expected_score"]

# Factors of the weight of counts, and shifts of all margins, under which sets are looked for.
_VARIANTS = ((0.3, 0.0), (1.0, -0.4), (2.0, 0.0))
_N_BEST = 6
# Sets whose energy is this far below the best of a row are left out until sets are looked up again.
_NEAR = 3.0
# Exploration noise of energies: the chance of a set is a softmax over those of the row.
_NOISE = 0.15
_TINY = 1e-12


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
    """

    def __init__(self, Z, Y, weight, sets: LabelSets, may_be_empty):
        self.Z, self.Y, self.sets, self.may_be_empty = Z, Y, sets, may_be_empty
        self.weight = np.ones(len(Y)) if weight is None else weight
        rows = sp.csr_array(Y)
        self.truth_code, self.truth_size = codes_of_rows(rows), np.diff(rows.indptr)
        self.positives = self.weight @ Y
        self.listed = None

    def look_up(self, cuts, count_weight, unseen):
        """Take the decisions of each label alone under these cuts (L,), and the sets that are not far below the best.

        Sets are looked for the first time that this is called.
        """
        M = self.Z - cuts
        if self.listed is None:
            self.listed = candidate_sets(M, self.sets, count_weight, self.may_be_empty, _VARIANTS, _N_BEST)
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
        self._keep(row[near], log_count[near], is_unseen[near], code[near], labels, *expand(bounds, near))

    def _listed_with(self, M):
        """Rows and sets as listed, and where they were observed those of each label alone; these, and the others."""
        own = sp.csr_array(alone(M, self.may_be_empty, self.sets.implied))
        found = self.sets.find(codes_of_rows(own))
        seen, novel = np.flatnonzero(found >= 0), np.flatnonzero(found < 0)
        row, number = self.listed
        key = np.concatenate([row * len(self.sets) + number, seen * len(self.sets) + found[seen]])
        key = distinct(key)
        return key // len(self.sets), key % len(self.sets), own, novel

    def _keep(self, row, log_count, is_unseen, code, labels, at, bounds):
        """Set the arrays of the candidates (C,) and of their labels (E,)."""
        self.row, self.log_count, self.is_unseen = row, log_count, is_unseen
        self.labels, self.bounds, self.sizes = labels[at], bounds, np.diff(bounds)
        of_entry = np.repeat(row, self.sizes)
        self.logits = segment_sums(self.Z[of_entry, self.labels], bounds)
        self.hit = self.Y[of_entry, self.labels].astype(np.float64)
        self.right = (code == self.truth_code[row]).astype(np.float64)
        both = self.sizes + self.truth_size[row]
        self.f1 = 2 * segment_sums(self.hit, bounds) / np.maximum(both, 1)
        self.starts = np.flatnonzero(np.diff(row, prepend=-1))
        self.group = np.cumsum(np.diff(row, prepend=-1) != 0) - 1

    def chances(self, cuts, count_weight, unseen):
        """Chance (C,) that a row is given each of its candidates."""
        energy = self.logits - segment_sums(cuts[self.labels], self.bounds)
        energy = (energy + count_weight * self.log_count + unseen * self.is_unseen) / _NOISE
        odds = np.exp(energy - np.maximum.reduceat(energy, self.starts)[self.group])
        return odds / np.add.reduceat(odds, self.starts)[self.group]

    def gradient(self, chances, gain):
        """Gradient in cuts (L,), count weight and unseen, of the sum of chances times gains (C,)."""
        mean = np.add.reduceat(chances * gain, self.starts)[self.group]
        by_energy = chances * (gain - mean) / _NOISE
        by_cut = -np.bincount(self.labels, np.repeat(by_energy, self.sizes), minlength=self.Z.shape[1])
        return by_cut, np.array([by_energy @ self.log_count, by_energy @ self.is_unseen])


def expected_score(parts, cuts, count_weight, unseen, weights):
    """Expected score of rows in `parts`, a `SetChances` a fold, under cuts (K, L), and its gradients.

    Parameters
    ----------
    parts : list of SetChances
    cuts : sequence of ndarray of shape (L,)
        Of each fold.
    count_weight, unseen : float
    weights : dict of str -> float
        Weight of each named scoring.

    Returns
    -------
    value : float
    by_cut : list of ndarray of shape (L,)
    by_own : ndarray of shape (2,)
        In `count_weight` and `unseen`.
    """
    n_labels, total = parts[0].Z.shape[1], sum(part.weight.sum() for part in parts)
    chances = [part.chances(t, count_weight, unseen) for part, t in zip(parts, cuts, strict=True)]
    hits, predicted, positives = np.zeros(n_labels), np.zeros(n_labels), sum(part.positives for part in parts)
    for part, p in zip(parts, chances, strict=True):
        of_entry = np.repeat(p * part.weight[part.row], part.sizes)
        predicted += np.bincount(part.labels, of_entry, minlength=n_labels)
        hits += np.bincount(part.labels, of_entry * part.hit, minlength=n_labels)
    value, by_hit, by_predicted = _of_counts(hits, predicted, positives, weights)
    by_cut, by_own = [], np.zeros(2)
    for part, p in zip(parts, chances, strict=True):
        of_row = part.weight[part.row]
        own = (weights.get("accuracy", 0.0) * part.right + weights.get("f1_samples", 0.0) * part.f1) * of_row / total
        value += p @ own
        of_entry = by_predicted[part.labels] + by_hit[part.labels] * part.hit
        gradient, own_gradient = part.gradient(p, own + of_row * segment_sums(of_entry, part.bounds))
        by_cut.append(gradient)
        by_own += own_gradient
    return value, by_cut, by_own


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
