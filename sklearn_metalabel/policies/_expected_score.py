"""The reward of a prediction policy: the expected score of its decisions on rows its candidates were not found on.

Exploration noise of logistic distribution and scale `NOISE` on the calibrated logits turns the decision on an entry
into a Bernoulli variable of known probability, and the nearest label of an empty row into a draw by softmax. The
gradient of the expected score is then computed instead of sampled: a policy gradient without variance.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sklearn_metalabel.policies._candidates import calibrated_logits
from sklearn_metalabel.policies._in_question import in_question, in_question_of
from sklearn_metalabel.thresholds import BIN_PROBABILITIES
from sklearn_metalabel.utils import is_certain_negative, label_rows, row_blocks, total_weight

__all__ = ["DecisionProblem"]

NOISE = 0.15
# Entries this far (in calibrated logits) below every candidate are looked at one by one, those further down by bins.
_SLACK, _BINNED_SLACK = 10 * NOISE, 20 * NOISE
# Entries this many deviations of noise below their cut, and below the nearest label of their row, are left alone.
_NEAR = 14.0
# Entries of a part of the rows; a gradient in a few parameters needs no more.
_PART_ENTRIES, _PART_ROWS = 60_000, 1_000


class _SoftDecisions(NamedTuple):
    """Decisions on the entries, which noise makes Bernoulli variables."""

    margins: np.ndarray  # (E,), over the cuts, in deviations of noise
    chances: np.ndarray  # (E,), that the entry is above its cut
    log_misses: np.ndarray  # (E,), logarithm of the chance that it is not

    @classmethod
    def of(cls, margins):
        """Soft decisions of margins."""
        small = np.exp(-np.abs(margins))
        chances = np.where(margins > 0, 1.0, small) / (1 + small)
        return cls(margins, chances, -np.maximum(margins, 0) - np.log1p(small))


class _Totals(NamedTuple):
    """Expected counts of each label, (L,)."""

    hits: np.ndarray
    predicted: np.ndarray


class _Empty(NamedTuple):
    """Rows that may stay empty."""

    chance: np.ndarray  # (rows,), that none of the row's entries is predicted
    nearest: np.ndarray  # (E,), that the entry is the row's nearest


class _BinnedNegatives(NamedTuple):
    """Bins of negatives far below every cut, counted by weight; which row they are of is not known."""

    cell: np.ndarray
    logits: np.ndarray
    counts: np.ndarray

    @classmethod
    def beside(cls, compact, label, fold, P, weight, rows_of, cuts, link):
        """Bins of what `CompactRows` left out and of further entries, as far as cuts (C, K, L) may come near them.

        `weight` has those of the further entries, or is None; `rows_of` (K,) counts the rows of each fold by weight.
        """
        L, Z, parts = compact.n_labels, calibrated_logits(link, BIN_PROBABILITIES), []
        floor, total = cuts.min(axis=0) - _BINNED_SLACK, total_weight(compact.n_samples, compact.sample_weight)
        for k, n in enumerate(rows_of):
            inside = fold == k
            of_entries = None if weight is None else weight[inside]
            counts = compact.counts_beside(label[inside], P[inside], n / total, of_entries)
            of, bins = np.nonzero(counts)
            near = Z[bins] > floor[k, of]
            of, bins = of[near], bins[near]
            parts.append((k * L + of, Z[bins], counts[of, bins]))
        return cls(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def margins(self, cuts):
        """Margins over cuts (K, L)."""
        return self.logits - cuts.ravel()[self.cell]


_NOTHING = _BinnedNegatives(np.zeros(0, dtype=np.intp), np.zeros(0), np.zeros(0))


class DecisionProblem:
    """Truth and logits of held-out rows, kept for the entries alone that a policy may want to predict.

    Parameters
    ----------
    n_rows, n_labels : int
        Shape of the held-out labels.
    entries : tuple of ndarray of shape (E,)
        Row (ascending), label, fold, calibrated logit and truth of each entry. All positives are among them.
    binned : _BinnedNegatives, optional
        Negatives beside these.
    factor : float, default=1.0
        How many rows each row of the entries stands for.
    sample_weight : ndarray of shape (n_rows,), optional
        How many times each row counts.
    """

    def __init__(self, n_rows, n_labels, entries, binned=_NOTHING, factor=1.0, sample_weight=None):
        self.n_rows, self.n_labels, self.binned, self.factor = n_rows, n_labels, binned, factor
        self.sample_weight, self.total = sample_weight, total_weight(n_rows, sample_weight)
        self.row, self.label, fold, self.logits, self.truth = entries
        self.weight = None if sample_weight is None else sample_weight[self.row]
        self.cell = fold * n_labels + self.label
        self.starts = np.flatnonzero(np.diff(self.row, prepend=-1))
        self.group = np.cumsum(np.diff(self.row, prepend=-1) != 0) - 1
        self.on = np.flatnonzero(self.truth)
        self.positives = self._by_label(np.ones(self.on.size), self.on)
        self.row_positives = self._by_row(self.truth.astype(np.float64))
        # What is to be added to the counts of the rows for those of all.
        self.others = _Totals(np.zeros(n_labels), np.zeros(n_labels))

    @classmethod
    def build(cls, Y, P, fold_of, folds, link, sample_weight=None):
        """Problem of rows Y, P of shape (n, L); `folds` holds the candidates of each fold's other rows."""
        parts = []
        n, L = P.shape
        cuts = np.stack([candidates.cuts for candidates in folds], axis=1)
        for rows in row_blocks(n, L):
            Z, truth, fold = calibrated_logits(link, P[rows]), label_rows(Y, rows, dtype=bool), fold_of[rows]
            kept = truth.copy()
            for k in np.unique(fold):
                inside = np.flatnonzero(fold == k)
                kept[inside] |= in_question(Z[inside], cuts[:, k], _SLACK)
            unknown = is_certain_negative(P[rows])
            i, j = np.nonzero(kept if unknown is None else kept & ~unknown)
            parts.append((i + rows.start, j, fold[i], Z[i, j], truth[i, j]))
        entries = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return cls(n, L, entries, sample_weight=sample_weight)

    @classmethod
    def from_compact(cls, compact, fold_of, folds, link, rows=None):
        """Problem of `CompactRows`, or of their `rows`, a mask."""
        n, L, weight = compact.n_samples, compact.n_labels, compact.sample_weight
        row, label, P, truth = compact.entries()
        if rows is not None:
            n, number, inside = np.count_nonzero(rows), np.cumsum(rows) - 1, rows[row]
            row, label, P, truth = number[row[inside]], label[inside], P[inside], truth[inside]
            fold_of, weight = fold_of[rows], None if weight is None else weight[rows]
        Z, fold = calibrated_logits(link, P), fold_of[row]
        cuts = np.stack([candidates.cuts for candidates in folds], axis=1)
        kept = truth | in_question_of(Z, row, fold * L + label, cuts, _SLACK)
        rows_of = np.bincount(fold_of, weight, minlength=len(folds))
        others = label[~kept], fold[~kept], P[~kept], None if weight is None else weight[row[~kept]]
        binned = _BinnedNegatives.beside(compact, *others, rows_of, cuts, link)
        return cls(n, L, [array[kept] for array in (row, label, fold, Z, truth)], binned, sample_weight=weight)

    def near(self, cuts):
        """The problem without the entries that small changes of cuts (K, L) cannot give a part in the score."""
        margins = self._margins(cuts)
        top = np.maximum.reduceat(margins, self.starts)[self.group] if self.starts.size else margins
        return self._keep(self.truth | (margins > np.minimum(-_NEAR, top - _NEAR)), self.factor)

    def part(self, cuts, always_label, rng):
        """The problem of a random part of the rows where entries are many.

        Its counts are completed to those that all rows have at `cuts`, so that a label has the right frequency even
        where chance gave the part no positive of it.
        """
        share = _PART_ENTRIES / max(self.row.size, 1)
        n_kept = max(_PART_ROWS, round(share * self.starts.size))
        if share >= 1 or n_kept >= self.starts.size:
            return self
        drawn = np.zeros(self.starts.size, dtype=bool)
        drawn[rng.choice(drawn.size, n_kept, replace=False)] = True
        part = self._keep(drawn[self.group], self.starts.size / n_kept)
        whole, counted = self._totals(cuts, always_label), part._totals(cuts, always_label)
        part.others = _Totals(*(a - part.factor * b for a, b in zip(whole, counted, strict=True)))
        return part

    def _keep(self, kept, factor):
        """The problem of a mask of the entries; the counts it is completed to stay."""
        fold = self.cell[kept] // self.n_labels
        entries = [self.row[kept], self.label[kept], fold, self.logits[kept], self.truth[kept]]
        problem = DecisionProblem(self.n_rows, self.n_labels, entries, self.binned, factor, self.sample_weight)
        problem.others, problem.positives = self.others, self.positives
        return problem

    def _margins(self, cuts):
        """Margins (E,) over cuts (K, L), in deviations of noise."""
        return (self.logits - cuts.ravel()[self.cell]) / NOISE

    def _totals(self, cuts, always_label):
        """Expected counts of the entries under cuts (K, L)."""
        chance, _ = self._chances(_SoftDecisions.of(self._margins(cuts)), always_label)
        return _Totals(self._by_label(chance[self.on], self.on), self._by_label(chance))

    def decide(self, cuts, always_label):
        """Decisions (E,) of cuts (K, L)."""
        return self._decide(self.logits - cuts.ravel()[self.cell], always_label)

    def _decide(self, margins, always_label):
        """Decisions (E,) on margins that are not scaled."""
        return (margins > 0) | (self._nearest(margins) if always_label else False)

    def decisions(self, decided):
        """Decisions as an indicator matrix (n, L)."""
        D = np.zeros((self.n_rows, self.n_labels), dtype=bool)
        D[self.row[decided], self.label[decided]] = True
        return D

    def score(self, cuts, always_label, weights):
        """Weighted score of the decisions of cuts (K, L); `weights` as in `expected_score`."""
        scores = self.scores(cuts, always_label, weights)
        return sum(weight * scores[name] for name, weight in weights.items())

    def scores(self, cuts, always_label, names):
        """Score of the decisions of cuts (K, L) by each of the named scorings."""
        return self.scores_of_choices(cuts, [always_label], names)[0]

    def scores_of_choices(self, cuts, choices, names):
        """The same for each of several values of `always_label`."""
        margins = self.logits - cuts.ravel()[self.cell]
        extra = self._by_cell(self.binned.counts * (self.binned.margins(cuts) > 0), cuts).sum(axis=0)
        return [self._scores_of(self._decide(margins, always), extra, names) for always in choices]

    def _scores_of(self, decided, extra, names):
        """Score of decisions (E,), and of predictions (L,) among what was left out, by each of the named scorings."""
        at = np.flatnonzero(decided)
        counts = [at[self.truth[at]], at]
        return {
            name: float(self._right(decided, extra) if name == "accuracy" else self._f1_of(name, counts, extra))
            for name in names
        }

    def _right(self, decided, extra):
        """Share of rows without an error."""
        wrong = np.zeros(self.starts.size, dtype=bool)
        wrong[self.group[np.flatnonzero(decided != self.truth)]] = True
        return (1 - self._count_rows(wrong) / self.total) * self._spared(extra)

    def _f1_of(self, name, entries, extra):
        """F1 of the numbers of entries that are hit, and that are predicted."""
        if name == "f1_samples":
            hits, predicted = (np.bincount(self.group[at], minlength=self.starts.size) for at in entries)
            value = _f1(hits, predicted + extra.sum() / self.total, self.row_positives)[0]
            return self.factor * self._weighted_rows(value).sum() / self.total
        counts = (self.factor * self._by_label(np.ones(at.size), at) for at in entries)
        hits, predicted = (count + other for count, other in zip(counts, self.others, strict=True))
        if name == "f1_micro":
            return _f1(hits.sum(), predicted.sum() + extra.sum(), self.positives.sum())[0]
        return _f1(hits, predicted + extra, self.positives)[0].mean()

    def expected_score(self, cuts, always_label, weights):
        """Expected score of cuts (K, L) under noise, and its gradient (K, L).

        `weights` maps names of scorings to their weights.
        """
        soft, binned_soft = _SoftDecisions.of(self._margins(cuts)), expit(self.binned.margins(cuts) / NOISE)
        extra = self._by_cell(self.binned.counts * binned_soft, cuts).sum(axis=0)
        chance, empty = self._chances(soft, always_label)
        total, by_extra = 0.0, np.zeros(self.n_labels)
        by_chance, by_margin = np.zeros_like(chance), np.zeros_like(chance)
        for name, weight in weights.items():
            if name == "accuracy":
                value, part, extra_part = self._accuracy(soft, empty, extra)
                by_margin += weight * part
            else:
                value, part, extra_part = getattr(self, f"_{name}")(chance, extra)
                by_chance += weight * part
            by_extra += weight * extra_part
            total += weight * value
        by_margin += by_chance * soft.chances * (1 - soft.chances)
        if empty is not None:
            by_margin += self._through_nearest(by_chance, soft.chances, empty)
        gradient = self.factor * np.bincount(self.cell, by_margin, minlength=cuts.size).reshape(cuts.shape)
        gradient += by_extra * self._by_cell(self.binned.counts * binned_soft * (1 - binned_soft), cuts)
        return total, -gradient / NOISE

    def _chances(self, soft, always_label):
        """Chance (E,) that an entry is predicted, and what it owes to rows that may stay empty, if these may not."""
        if not always_label:
            return soft.chances, None
        top = np.maximum.reduceat(soft.margins, self.starts) if self.starts.size else soft.margins
        weight = np.exp(soft.margins - top[self.group])
        chance = np.exp(self._by_row(soft.log_misses))
        empty = _Empty(chance, weight * (1 / self._by_row(weight))[self.group])
        return soft.chances + chance[self.group] * empty.nearest, empty

    def _through_nearest(self, by_chance, soft, empty):
        """Gradient in the margins that flows through the fallback of empty rows, from that in the chances."""
        mean = self._by_row(by_chance * empty.nearest)[self.group]
        return empty.chance[self.group] * (empty.nearest * (by_chance - mean) - soft * mean)

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

    def _by_label(self, values, entries=slice(None)):
        """Sums of values of some entries over those of each label, by weight."""
        return np.bincount(self.label[entries], self._weighted(values, entries), minlength=self.n_labels)

    def _weighted(self, values, entries=slice(None)):
        """Values of some entries, times the weights of their rows."""
        return values if self.weight is None else values * self.weight[entries]

    def _weighted_rows(self, values):
        """Values of the rows that have entries, times their weights."""
        return self._weighted(values, self.starts)

    def _count_rows(self, marks):
        """Marked rows among those that have entries, by weight."""
        return np.count_nonzero(marks) if self.weight is None else self._weighted_rows(marks).sum()

    def _by_cell(self, values, cuts):
        """Sums over the bins of what was left out, of the shape (K, L) of `cuts`."""
        return np.bincount(self.binned.cell, values, minlength=cuts.size).reshape(cuts.shape)

    def _spared(self, extra):
        """Chance that a row has none of the false positives among what was left out."""
        return np.exp(-extra.sum() / self.total)

    def _accuracy(self, soft, empty, extra):
        """Expected share of rows without an error, and its gradients in the margins and in `extra`."""
        log_hits = np.bincount(self.group[self.on], soft.margins[self.on], minlength=self.starts.size)
        right = np.exp(self._by_row(soft.log_misses) + log_hits)
        right, share = self._weighted_rows(right), self._spared(extra) / self.total
        if empty is None:
            n_rows = self._count_rows(np.ones(right.size, dtype=bool))
            value = (self.total - self.factor * (n_rows - right.sum())) * share
            return value, self._raised(right * share, -soft.chances), -value / self.total
        # A row without labels is never right, one with a single label is if it is the nearest of an empty row too.
        right *= self.row_positives > 0
        hit = np.bincount(self.group[self.on], empty.nearest[self.on], minlength=self.starts.size)
        rescued = self._weighted_rows(np.where(self.row_positives == 1, empty.chance * hit, 0.0))
        gradient = self._raised(right * share, -soft.chances)
        gradient += self._raised(rescued * share, -empty.nearest - soft.chances)
        value = self.factor * (right.sum() + rescued.sum()) * share
        return value, gradient, -value / self.total

    def _raised(self, of_row, lowered):
        """Gradient of values of rows that their positives raise by 1 and all entries by `lowered`."""
        gradient = of_row[self.group] * lowered
        gradient[self.on] += of_row[self.group[self.on]]
        return gradient

    # These take the chance of each entry and the false positives (L,) among what was left out; they return the score
    # and its gradients in both. Each row counts by its weight alone in these; `factor` is for the caller.
    def _f1_micro(self, chance, extra):
        """F1 of the expected counts of all labels together."""
        hits = self.factor * self._weighted(chance[self.on], self.on).sum() + self.others.hits.sum()
        predicted = self.factor * self._weighted(chance).sum() + self.others.predicted.sum() + extra.sum()
        value, slope, slope_predicted = _f1(hits, predicted, self.positives.sum())
        gradient = np.full(chance.size, -slope_predicted)
        gradient[self.on] += slope
        return value, self._weighted(gradient), -slope_predicted

    def _f1_macro(self, chance, extra):
        """Mean over labels of the F1 of expected counts."""
        hits = self.factor * self._by_label(chance[self.on], self.on) + self.others.hits
        predicted = self.factor * self._by_label(chance) + self.others.predicted
        value, slope, slope_predicted = _f1(hits, predicted + extra, self.positives)
        gradient = -slope_predicted[self.label]
        gradient[self.on] += slope[self.label[self.on]]
        return value.mean(), self._weighted(gradient) / self.n_labels, -slope_predicted / self.n_labels

    def _f1_samples(self, chance, extra):
        """Mean over rows of the F1 of expected counts."""
        hits = np.bincount(self.group[self.on], chance[self.on], minlength=self.starts.size)
        predicted = self._by_row(chance) + extra.sum() / self.total
        value, slope, slope_predicted = _f1(hits, predicted, self.row_positives)
        gradient = -slope_predicted[self.group]
        gradient[self.on] += slope[self.group[self.on]]
        by_extra = -self.factor * self._weighted_rows(slope_predicted).sum() / self.total**2
        value = self.factor * self._weighted_rows(value).sum() / self.total
        return value, self._weighted(gradient) / self.total, by_extra


def _f1(hits, predicted, positives):
    """F1 of counts, and what a hit adds to it and a prediction takes from it; estimates of none may be below zero."""
    hits = np.maximum(hits, 0)
    total = np.maximum(np.maximum(predicted, hits) + positives, np.finfo(np.float64).tiny)
    value = 2 * hits / total
    return value, 2 / total, value / total
