"""Learn thresholds and how labels depend on each other together, and judge whether dependence pays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.decoding import Dependence, LabelSets, alone, codes_of_rows
from sklearn_metalabel.policies._candidates import Candidates, calibrated_logits, probability_thresholds
from sklearn_metalabel.policies._marginal_search import learn_marginals
from sklearn_metalabel.policies._nested import Choice, fallbacks
from sklearn_metalabel.policies._prior import dependence_start
from sklearn_metalabel.policies._set_chances import SetChances, SetProblem
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.utils import refuse_unknown, shown

__all__ = [
    "DependenceSearch",
    "FoldCuts",
    "Learned",
    "check_dependence",
    "check_target_of_dependence",
    "insists_on",
    "may_depend",
    "rule_with_dependence",
]

_N_STEPS, _STEPS_NEARBY = 15, 5
_LEARNING_RATE, _MEAN_DECAY, _SQUARE_DECAY = 0.1, 0.9, 0.999
# Pull towards the start, by the squared weight of all rows; the two numbers of the dependence are held faster.
_PENALTY, _OWN_PENALTY = 4_000.0, 4.0
# Dependence must be ahead of labels alone by so many standard errors of the difference.
_ERRORS = 1.0
# Where a smaller share of rows has a label set that another fold has, sets tell nothing, and there are very many.
_LEAST_SEEN = 0.1
# Rows that are learned on, and entries (rows times labels); more rows are drawn from, and others are judged.
_MOST_ROWS, _LEAST_ROWS, _ENTRIES = 4_000, 500, 4_000_000
# Mean average precision hardly changes where probabilities are corrected, and needs more rows.
_MOST_ROWS_OF_MARGINALS = 10_000
# Parts of the rows that are left out in turn for the error of a scoring that is a function.
_JACKKNIFE_PARTS = 20
_TINY = 1e-12
# Cuts of rules that nothing, or everything, passes.
_FARTHEST = 30.0


def check_dependence(dependence):
    """Raise where `dependence` is none of what it may be."""
    if not (isinstance(dependence, bool | np.bool_) or (isinstance(dependence, str) and dependence == "auto")):
        raise ValueError(
            f'dependence must be True, False or "auto", got {shown(dependence)}; "auto" chooses on out-of-fold rows.'
        )


def insists_on(dependence):
    """Whether dependence is asked for whatever it scores."""
    return not isinstance(dependence, str) and bool(dependence)


def check_target_of_dependence(dependence, kind, Y):
    """Raise where a target has no labels that depend on each other, and it is asked for."""
    if not insists_on(dependence):
        return
    if kind != "multilabel" or Y.shape[1] < 2:
        got = "one label" if kind == "multilabel" else "classes, of which each sample has one"
        raise ValueError(f'dependence=True needs several labels, and y has {got}; set dependence="auto".')
    refuse_unknown(Y, "dependence=True", 'set dependence="auto"')


def may_depend(dependence, out_of_fold):
    """Whether dependence is to be learned, and can be on these rows; raise where it cannot and is asked for."""
    if not isinstance(dependence, str) and not dependence:
        return False
    reason = None
    if out_of_fold.n_labels < 2:
        reason = "there is one label"
    elif not out_of_fold.is_complete:
        reason = "not all probabilities were kept"
    elif out_of_fold.unknown is not None:
        reason = "some labels are not known"
    if reason is not None and insists_on(dependence):
        raise ValueError(f'dependence=True cannot be had, since {reason}; set dependence="auto".')
    return reason is None and out_of_fold.n_samples > 1


class FoldCuts(NamedTuple):
    """What the cuts of a policy are made of on the rows of each fold, and on all rows."""

    start: np.ndarray  # parameters, of which the last row (constant, factor of the log-frequency) is an offset
    cuts: Callable  # of parameters and one of `parts` -> (L,)
    gradient: Callable  # of parameters, one of `parts` and a gradient in cuts (L,) -> that in parameters
    parts: list  # of each fold, from the rows of the others
    whole: object  # of all rows


class Learned(NamedTuple):
    """What was learned: parameters of the cuts, dependence, nested scores by part, and the gain over labels alone."""

    parameters: np.ndarray
    dependence: Dependence
    scores: dict
    gain: float
    error: float

    @property
    def pays(self):
        """Whether dependence scores higher than labels alone, beyond chance."""
        return self.gain > _ERRORS * self.error


class DependenceSearch:
    """The search for dependence on complete out-of-fold rows.

    Parameters
    ----------
    out_of_fold : OutOfFold
        Complete rows, of which all labels are known.
    fold_of : ndarray of shape (n,), int
        Fold of each row, from 0.
    link : LogisticLink
        Calibrates the logits of all labels.
    """

    def __init__(self, out_of_fold, fold_of, link):
        self.rows, self.fold_of, self.link = out_of_fold, fold_of, link
        self.n_folds = int(fold_of.max()) + 1
        self._labels = sp.csr_array(out_of_fold.Y, dtype=bool, copy=True)
        self._labels.eliminate_zeros()
        self.inside, self.aside, self.of_marginals = self._draw_rows(np.random.RandomState(0))

    def _draw_rows(self, rng):
        """Rows of each fold to learn on, as many others to judge on (None where rows are too few), and of marginals."""
        n, n_kept = self.rows.n_samples, max(_LEAST_ROWS, _ENTRIES // self.rows.n_labels)
        if n > _MOST_ROWS:
            order, n_learned = rng.permutation(n), min(n_kept, _MOST_ROWS, n // 2)
            drawn = order[:n_learned], order[n_learned : 2 * n_learned], order[: min(n_kept, _MOST_ROWS_OF_MARGINALS)]
            return tuple(self._by_fold(rows) for rows in drawn)
        inside = self._by_fold(rng.choice(n, n_kept, replace=False) if n > n_kept else np.arange(n))
        return inside, None, inside

    def _by_fold(self, rows):
        """Which of some rows are in each fold, in ascending order."""
        rows = np.sort(rows)
        return [rows[self.fold_of[rows] == k] for k in range(self.n_folds)]

    @cached_property
    def sets(self):
        """Label sets of the rows of all folds but each."""
        return [self._sets_of(self.fold_of != k) for k in range(self.n_folds)]

    @cached_property
    def all_sets(self):
        """Label sets of all rows."""
        return self._sets_of()

    def truth(self, rows):
        """Truth of some rows, dense."""
        return self._labels[rows].toarray()

    def may_pay(self, dependence):
        """Whether to search at all: always where dependence is asked for, else where sets come again."""
        if insists_on(dependence):
            return True
        number = np.unique(codes_of_rows(self._labels), return_inverse=True)[1]
        of_fold = number * self.n_folds + self.fold_of
        seen = np.bincount(number)[number] > np.bincount(of_fold)[of_fold]
        return np.average(seen, weights=self.rows.sample_weight) >= _LEAST_SEEN

    @cached_property
    def marginals(self):
        """`SetMarginals` that make probabilities better, or None."""
        return learn_marginals(self)

    @classmethod
    def of(cls, out_of_fold, thresholds):
        """The search on the rows of a `ThresholdSearch`, made once."""
        kept = vars(out_of_fold)
        if "_dependence_search" not in kept:
            kept["_dependence_search"] = cls(out_of_fold, thresholds.fold_of, thresholds.link)
        return kept["_dependence_search"]

    def _sets_of(self, rows=slice(None)):
        """Label sets of a mask of all rows."""
        return LabelSets.from_rows(self._labels[rows], self._weight(rows))

    def learn(self, fold_cuts: FoldCuts, may_be_empty, scoring, *, n_steps=_N_STEPS) -> Learned:
        """Parameters and dependence that ascend the expected score from the start, and what they gain.

        What is judged was not learned on: rows that were set aside, or where these are few each fold with what was
        learned on the others. Where the start itself scores higher there, or than what was learned on all of them, it
        is taken as it is. What is taken is compared with the start without dependence, which may have seen these rows:
        a gain is no luck of the search.
        """
        weights, folds = scoring.named_weights, np.arange(self.n_folds)
        start, parts = self._start(fold_cuts, may_be_empty, weights)

        def learned_on(kept):
            of_folds = [fold_cuts.parts[k] for k in kept]
            return _ascend([parts[k] for k in kept], of_folds, fold_cuts, start, weights, n_steps)

        if self.aside is None:
            judged, logits = self.inside, [part.Z for part in parts]
            found, final = [learned_on(np.delete(folds, k)) for k in folds], learned_on(folds)
        else:
            judged, logits = self.aside, [self._logits(rows) for rows in self.aside]
            final = learned_on(folds)
            found = [final] * self.n_folds

        def decisions(points):
            parts = zip(points, self.sets, logits, fold_cuts.parts, strict=True)
            return np.concatenate(
                [
                    point.dependence(sets).decide(Z - fold_cuts.cuts(point.parameters, of_fold), may_be_empty)
                    for point, sets, Z, of_fold in parts
                ]
            )

        rows = np.concatenate(judged)
        Y, weight = self.truth(rows), self._weight(rows)
        D = decisions(found)
        if n_steps:
            D_start = decisions([start] * self.n_folds)
            D_final = D if self.aside is not None else decisions([final] * self.n_folds)
            if scoring(Y, D_start, weight) > min(scoring(Y, D, weight), scoring(Y, D_final, weight)):
                final, D = start, D_start
        D_apart = self._apart(logits, fold_cuts, may_be_empty)
        gain, error = _gain(scoring, Y, D, D_apart, weight)
        dependence = final.dependence(self.all_sets, self.link.slope)
        return Learned(final.parameters, dependence, scoring.by_part(Y, D, weight), gain, error)

    def score_apart(self, fold_cuts: FoldCuts, may_be_empty, scoring):
        """Score of the start, each label decided by itself, with the cuts from the other folds."""
        decided = self._apart([self._logits(rows) for rows in self.inside], fold_cuts, may_be_empty)
        rows = np.concatenate(self.inside)
        return scoring(self.truth(rows), decided, self._weight(rows))

    def _apart(self, logits, fold_cuts, may_be_empty):
        """Decisions of the start on rows of each fold, each label decided by itself."""
        cuts = [fold_cuts.cuts(fold_cuts.start, of_fold) for of_fold in fold_cuts.parts]
        return np.concatenate([alone(Z - t, may_be_empty) for Z, t in zip(logits, cuts, strict=True)])

    def _logits(self, rows):
        """Calibrated logits of some rows."""
        return calibrated_logits(self.link, self.rows.P[rows])

    def _weight(self, rows):
        """Weights of some rows, or None."""
        return None if self.rows.sample_weight is None else self.rows.sample_weight[rows]

    def _start(self, fold_cuts, may_be_empty, weights):
        """Where the ascent starts, and the rows of each fold with their candidate sets."""
        count_weight, unseen, *shift = dependence_start(weights)
        parameters = fold_cuts.start.copy()
        parameters[-1] += shift[: parameters.shape[1]]
        parts = []
        for rows, sets, of_fold in zip(self.inside, self.sets, fold_cuts.parts, strict=True):
            begin = fold_cuts.cuts(parameters, of_fold), count_weight, unseen
            given = self._logits(rows), self.truth(rows), self._weight(rows)
            parts.append(SetChances(*given, sets, may_be_empty, begin))
        return _Point(parameters, count_weight, unseen), parts


def rule_with_dependence(rule, out_of_fold, scoring, allow_unlabeled):
    """`Choice` of a rule whose thresholds are shifted together, and of dependence where it pays.

    Parameters
    ----------
    rule : PredictionPolicy
        With `dependence` and `find_thresholds`.
    out_of_fold : OutOfFold
    scoring : Scoring
    allow_unlabeled : "auto" or bool
    """
    search = ThresholdSearch.of(out_of_fold)
    dependent = DependenceSearch.of(out_of_fold, search)

    def cuts_on(rows, like):
        t = np.clip(rule.find_thresholds(rows, scoring), _TINY, 1 - 1e-16)
        cuts = np.clip(calibrated_logits(search.link, t), -_FARTHEST, _FARTHEST)
        return Candidates(cuts[None], like.descriptors, like.varied)

    parts = [cuts_on(out_of_fold.take(search.fold_of != k), each) for k, each in enumerate(search.folds)]
    whole = cuts_on(out_of_fold, search.candidates)
    fold_cuts = FoldCuts(np.zeros((1, 2)), _shifted, _gradient_of_shift, parts, whole)
    allowed = max(fallbacks(allow_unlabeled), key=lambda each: dependent.score_apart(fold_cuts, each, scoring))
    t = rule.find_thresholds(out_of_fold, scoring)
    if not dependent.may_pay(rule.dependence):
        return Choice(t, allowed)
    learned = dependent.learn(fold_cuts, allowed, scoring)
    if not (learned.pays or insists_on(rule.dependence)):
        return Choice(t, allowed, marginals=dependent.marginals)
    shifted = probability_thresholds(search.link, _shifted(learned.parameters, whole))
    return Choice(np.where(whole.varied, shifted, t), allowed, learned.dependence, dependent.marginals)


def _shifted(parameters, candidates):
    """Cuts (L,) of a rule, all of them shifted by a constant and by the log-frequency of the label."""
    shift = candidates.descriptors @ parameters[0]
    return candidates.cuts[0] + np.where(candidates.varied, shift, 0.0)


def _gradient_of_shift(parameters, candidates, cut_gradient):
    """Gradient of a number in the shift, from its gradient (L,) in the cuts."""
    return (np.where(candidates.varied, cut_gradient, 0.0) @ candidates.descriptors)[None]


class _Point(NamedTuple):
    """Where an ascent is."""

    parameters: np.ndarray
    count_weight: float
    unseen: float

    def dependence(self, sets, slope=1.0):
        """Dependence on some sets; margins of probabilities have the slope of the link."""
        return Dependence(sets, float(self.count_weight), float(self.unseen), float(slope))


def _ascend(parts, of_folds, fold_cuts, start, weights, n_steps):
    """The mean of the later half of the points of a few steps of Adam; few rows keep them near the start."""
    first = np.concatenate([start.parameters.ravel(), start[1:]])
    total = sum(part.weight.sum() for part in parts)
    pull = _PENALTY / max(total, 1.0) ** 2 * np.repeat([1.0, _OWN_PENALTY], [start.parameters.size, 2])
    x, mean, square, later = first.copy(), np.zeros_like(first), np.zeros_like(first), []
    for step in range(1, n_steps + 1):
        point = _point(x, start)
        cuts = np.stack([fold_cuts.cuts(point.parameters, each) for each in of_folds])
        if step == 1:
            problem = SetProblem(parts, [part.near_start for part in parts])
        elif step % _STEPS_NEARBY == 1:
            problem = SetProblem(parts, [part.look_up(t, *point[1:]) for part, t in zip(parts, cuts, strict=True)])
        _, by_cut, by_own = problem.expected_score(cuts, *point[1:], weights)
        by_parameter = sum(
            fold_cuts.gradient(point.parameters, each, g) for each, g in zip(of_folds, by_cut, strict=True)
        )
        gradient = np.concatenate([by_parameter.ravel(), by_own]) - pull * (x - first)
        mean += (1 - _MEAN_DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient**2 - square)
        unit = np.sqrt(square / (1 - _SQUARE_DECAY**step)) + 1e-8
        x = x + _LEARNING_RATE * mean / (1 - _MEAN_DECAY**step) / unit
        x[-2] = max(x[-2], 0.0)
        if step > n_steps - n_steps // 2:
            later.append(x)
    return _point(np.mean(later, axis=0), start) if later else start


def _point(x, start):
    """A point of the ascent from its numbers in a row."""
    return _Point(x[:-2].reshape(start.parameters.shape), float(x[-2]), float(x[-1]))


def _gain(scoring, Y, D, other, weight):
    """Score of decisions less that of others on the same rows, and the standard error of that."""
    if not scoring.is_named:
        return _jackknife(scoring, Y, D, other, weight)
    w = np.ones(len(Y)) if weight is None else weight
    (score, of_rows), (score_other, of_rows_other) = (
        _influences(scoring.named_weights, Y, each, w) for each in (D, other)
    )
    squares = w @ (of_rows - of_rows_other) ** 2 / w.sum()
    return float(score - score_other), float(np.sqrt(squares / w.sum()))


def _influences(weights, Y, D, w):
    """Score of decisions by named scorings, and how far each row (n,) moves it from its mean."""
    Yf, Df = Y.astype(np.float64), D.astype(np.float64)
    both, total = Yf * Df, w.sum()
    score, influence = 0.0, np.zeros(len(Y))
    for name, weight in weights.items():
        if name == "accuracy":
            value = (Y == D).all(axis=1).astype(np.float64)
        elif name == "f1_samples":
            value = 2 * both.sum(axis=1) / np.maximum(Df.sum(axis=1) + Yf.sum(axis=1), _TINY)
        elif name == "f1_micro":
            hits, size = both.sum(axis=1), Df.sum(axis=1) + Yf.sum(axis=1)
            whole = max(w @ size, _TINY)
            f1 = 2 * (w @ hits) / whole
            value = f1 + total * (2 * hits - f1 * size) / whole
        else:
            sizes = np.maximum(w @ Df + w @ Yf, _TINY)
            f1 = 2 * (w @ both) / sizes
            value = f1.mean() + total / f1.size * (2 * (both @ (1 / sizes)) - (Df + Yf) @ (f1 / sizes))
        mean = w @ value / total
        score += weight * mean
        influence += weight * (value - mean)
    return score, influence


def _jackknife(scoring, Y, D, other, weight):
    """The same for a scoring that is a function, by leaving out parts of the rows."""

    def difference(rows):
        of_rows = None if weight is None else weight[rows]
        return scoring(Y[rows], D[rows], of_rows) - scoring(Y[rows], other[rows], of_rows)

    n_parts = min(_JACKKNIFE_PARTS, len(Y))
    part_of = np.arange(len(Y)) % n_parts
    left = np.array([difference(part_of != k) for k in range(n_parts)])
    error = np.sqrt((n_parts - 1) * left.var())
    return float(difference(np.ones(len(Y), dtype=bool))), float(error)
