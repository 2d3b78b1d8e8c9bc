"""What a policy is paid: the expected score of its decisions on rows that its candidates were not found on.

Exploration noise of logistic distribution and scale `NOISE` on the calibrated logits makes the decision on an entry a
coin whose probability is known in closed form, and the nearest label of an empty row a draw by softmax. The gradient of
the expected reward is then computed instead of sampled: a policy gradient without variance.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit

from sklearn_metalabel.thresholds._checks import row_blocks
from sklearn_metalabel.utils._targets import label_rows

__all__ = ["DecisionProblem"]

NOISE = 0.15
# Entries this far (in calibrated logits) below every candidate are never predicted.
_SLACK = 1.5


class _Empty(NamedTuple):
    """Rows that may stay empty."""

    chance: np.ndarray  # (rows,), that none of the row's entries is predicted
    nearest: np.ndarray  # (E,), that the entry is the row's nearest


class DecisionProblem:
    """Truth and logits of held-out rows, kept for the entries alone that a policy may want to predict.

    Parameters
    ----------
    n_rows, n_labels : int
        Shape of the held-out labels.
    entries : tuple of ndarray of shape (E,)
        Row (ascending), label, fold, calibrated logit and truth of each entry. All positives are among them.
    """

    def __init__(self, n_rows, n_labels, entries):
        self.n_rows, self.n_labels = n_rows, n_labels
        self.row, self.label, fold, self.logits, self.truth = entries
        self.cell = fold * n_labels + self.label
        self.starts = np.flatnonzero(np.diff(self.row, prepend=-1))
        self.group = np.cumsum(np.diff(self.row, prepend=-1) != 0) - 1
        self.hits = self.truth.astype(np.float64)
        self.positives = np.bincount(self.label, self.hits, minlength=n_labels)
        self.row_positives = self._by_row(self.hits)

    @classmethod
    def build(cls, Y, P, fold_of, folds, link):
        """Problem of rows Y, P of shape (n, L); `folds` holds the candidates of each fold's other rows."""
        parts = []
        n, L = P.shape
        for rows in row_blocks(n, L):
            Z, truth, fold = link.logits(P[rows]), label_rows(Y, rows, dtype=bool), fold_of[rows]
            kept = truth.copy()
            for k in np.unique(fold):
                inside = np.flatnonzero(fold == k)
                kept[inside] |= _in_question(Z[inside], folds[k].cuts)
            i, j = np.nonzero(kept)
            parts.append((i + rows.start, j, fold[i], Z[i, j], truth[i, j]))
        return cls(n, L, [np.concatenate(part) for part in zip(*parts, strict=True)])

    def decide(self, cuts, never_empty):
        """Decisions (E,) of cuts (K, L)."""
        margins = self.logits - cuts.ravel()[self.cell]
        return (margins > 0) | (self._nearest(margins) if never_empty else False)

    def decisions(self, decided):
        """Decisions as an indicator matrix (n, L)."""
        D = np.zeros((self.n_rows, self.n_labels), dtype=bool)
        D[self.row[decided], self.label[decided]] = True
        return D

    def score(self, cuts, never_empty, weights):
        """Weighted score of the decisions of cuts (K, L); `weights` as in `expected_reward`."""
        decided = self.decide(cuts, never_empty)
        total = 0.0
        for name, weight in weights.items():
            if name == "strict_accuracy":
                total += weight * (1 - np.count_nonzero(self._by_row(decided != self.truth)) / self.n_rows)
            else:
                total += weight * getattr(self, f"_{name}")(decided.astype(np.float64))[0]
        return total

    def expected_reward(self, cuts, never_empty, weights):
        """Expected reward of cuts (K, L) under noise, and its gradient (K, L).

        `weights` maps names of `CRITERIA` to what a point of each is worth.
        """
        margins = (self.logits - cuts.ravel()[self.cell]) / NOISE
        coins = expit(margins)
        empty = self._nearest_chances(margins) if never_empty else None
        chance = coins if empty is None else coins + empty.chance[self.group] * empty.nearest
        reward, by_chance, by_margin = 0.0, np.zeros_like(coins), np.zeros_like(coins)
        for name, weight in weights.items():
            if name == "strict_accuracy":
                value, part = self._strict_accuracy(margins, coins, empty)
                by_margin += weight * part
            else:
                value, part = getattr(self, f"_{name}")(chance)
                by_chance += weight * part
            reward += weight * value
        by_margin += by_chance * coins * (1 - coins)
        if empty is not None:
            by_margin += self._through_nearest(by_chance, coins, empty)
        gradient = np.bincount(self.cell, by_margin, minlength=cuts.size)
        return reward, -gradient.reshape(cuts.shape) / NOISE

    def _nearest_chances(self, margins):
        """Chance that a row stays empty, and of each entry that it is the nearest of its row then."""
        top = np.maximum.reduceat(margins, self.starts)
        weight = np.exp(margins - top[self.group])
        return _Empty(np.exp(self._by_row(log_expit(-margins))), weight / self._by_row(weight)[self.group])

    def _through_nearest(self, by_chance, coins, empty):
        """Gradient in the margins that flows through the fallback of empty rows, from that in the chances."""
        mean = self._by_row(by_chance * empty.nearest)[self.group]
        return empty.chance[self.group] * (empty.nearest * (by_chance - mean) - coins * mean)

    def _nearest(self, margins):
        """Mark the entry of the largest margin of each row, the first one among equals."""
        top = np.maximum.reduceat(margins, self.starts) if self.starts.size else margins
        at = np.flatnonzero(margins == top[self.group])
        first = at[np.diff(self.group[at], prepend=-1) != 0]
        marks = np.zeros(margins.size, dtype=bool)
        marks[first] = True
        return marks

    def _by_row(self, values):
        """Sums over the entries of each row that has any."""
        return np.add.reduceat(values, self.starts) if self.starts.size else np.zeros(0)

    def _strict_accuracy(self, margins, coins, empty):
        """Expected share of rows without an error, and its gradient in the margins."""
        right = np.exp(self._by_row(log_expit(np.where(self.truth, margins, -margins))))
        n_unseen = self.n_rows - right.size
        if empty is None:
            return (right.sum() + n_unseen) / self.n_rows, right[self.group] * (self.hits - coins) / self.n_rows
        # A row without labels is never right, one with a single label is if it is the nearest of an empty row too.
        right *= self.row_positives > 0
        rescued = np.where(self.row_positives == 1, empty.chance * self._by_row(self.hits * empty.nearest), 0.0)
        gradient = right[self.group] * (self.hits - coins)
        gradient += rescued[self.group] * (self.hits - empty.nearest - coins)
        return (right.sum() + rescued.sum()) / self.n_rows, gradient / self.n_rows

    def _micro_f1(self, chance):
        """F1 of the expected counts of all labels together, and its gradient in the chances."""
        return self._f1((self.hits @ chance), chance.sum(), self.positives.sum())

    def _macro_f1(self, chance):
        """Mean over labels of the F1 of expected counts, and its gradient in the chances."""
        hits = np.bincount(self.label, self.hits * chance, minlength=self.n_labels)
        predicted = np.bincount(self.label, chance, minlength=self.n_labels)
        value, gradient = self._f1(hits, predicted, self.positives, self.label)
        return value.mean(), gradient / self.n_labels

    def _samples_f1(self, chance):
        """Mean over rows of the F1 of expected counts, and its gradient in the chances."""
        hits, predicted = self._by_row(self.hits * chance), self._by_row(chance)
        value, gradient = self._f1(hits, predicted, self.row_positives, self.group)
        return value.sum() / self.n_rows, gradient / self.n_rows

    def _f1(self, hits, predicted, positives, owner=None):
        """F1 of counts, and its gradient in the chance of each entry; `owner` says which counts an entry is in."""
        total = np.maximum(predicted + positives, np.finfo(np.float64).tiny)
        value = 2 * hits / total
        slope_hit, slope_predicted = 2 / total, value / total
        if owner is not None:
            slope_hit, slope_predicted = slope_hit[owner], slope_predicted[owner]
        return value, np.where(self.truth, slope_hit, 0.0) - slope_predicted


def _in_question(Z, cuts):
    """Which entries of calibrated logits Z (n, L) some mixture of cuts (C, L) may predict."""
    kept = cuts.min(axis=0) - _SLACK < Z
    for cut in cuts:
        kept[np.arange(len(Z)), (Z - cut).argmax(axis=1)] = True
    return kept
