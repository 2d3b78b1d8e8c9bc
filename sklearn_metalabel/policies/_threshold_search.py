"""Policy search: ascend the expected score on nested out-of-fold rows, then decide on all rows."""

from dataclasses import replace
from functools import cached_property

import numpy as np
from sklearn.utils import check_random_state

from sklearn_metalabel.policies._candidates import (
    CANDIDATES,
    candidates_without_folds,
    find_candidates,
    probability_thresholds,
)
from sklearn_metalabel.policies._expected_score import DecisionProblem
from sklearn_metalabel.policies._mixture import candidate_parameters, policy_cuts, policy_gradient
from sklearn_metalabel.policies._prior import prior_parameters
from sklearn_metalabel.thresholds import ALWAYS, NEVER, order_entries

__all__ = ["ThresholdSearch"]

_LEARNING_RATE, _MEAN_DECAY, _SQUARE_DECAY = 0.1, 0.9, 0.999
# Steps after which the entries with a part in the score are looked up again.
_STEPS_NEARBY = 4
# Steps after which other rows are drawn, where not all are looked at.
_STEPS_A_PART = 12
# Pull towards the start, by the squared weight of all rows: chosen on training splits, felt below a thousand rows.
_PENALTY = 2_000.0
# Entries (rows times labels, or of compact rows) that the search looks at; more do not change a few parameters.
_SEARCH_ENTRIES, _SEARCH_ENTRIES_COMPACT = 20_000_000, 4_000_000
_LEAST_ROWS = 500
# Rows are enough where they are these, and so many for each label.
_ENOUGH_ROWS, _ENOUGH_ROWS_OF_LABEL = 8_000, 40
_DEALT_FOLDS, _MOST_FOLDS = 3, 10
# A cut of all rows may lie as far beyond those of the folds as these lie apart, and so much more, in logits.
_REACH = 0.5
# Policies tried around the one found where the scoring is a function, whose gradient is not known.
_ROUNDS, _TRIED, _DEVIATION = 10, 12, 0.3


class ThresholdSearch:
    """The search for a prediction policy on one set of out-of-fold rows; what several scorings share is computed once.

    Parameters
    ----------
    out_of_fold : OutOfFold
        The rows. On a fold the policy decides with candidates from the other folds.
    """

    def __init__(self, out_of_fold):
        # Drawn by the rows alone, so that a search is the same whoever asks for it first.
        rng = np.random.RandomState(0)
        self.rows = out_of_fold
        self.fold_of = _few_folds(out_of_fold.fold, rng)
        self._ordered = order_entries(out_of_fold, self.fold_of)
        self.candidates, self.link = find_candidates(self._ordered)
        self._drawn = self._draw_rows(rng)

    @classmethod
    def of(cls, out_of_fold):
        """The search on these rows, made once: who compared proposals on them need not look for candidates again."""
        kept = vars(out_of_fold)
        if "_threshold_search" not in kept:
            kept["_threshold_search"] = cls(out_of_fold)
        return kept["_threshold_search"]

    def start(self, scoring):
        """Parameters of the pre-trained policy."""
        return prior_parameters(scoring.named_weights)

    def ascend(self, start, always_label, scoring, n_steps, random_state):
        """Parameters after `n_steps` up the expected score, or around the best that was sampled without a gradient."""
        rng = check_random_state(random_state)
        parameters = _ascend(self.nested, self.folds, start, always_label, scoring.named_weights, n_steps, rng)
        if scoring.is_named:
            return parameters
        return _explore(self.nested, self.folds, parameters, always_label, scoring, rng)

    def scores(self, parameters, always_label, scoring):
        """Scores of a policy by the parts of a scoring, on each fold with candidates from the other folds."""
        return self.scores_of_choices(parameters, [always_label], scoring)[0]

    def scores_of_choices(self, parameters, choices, scoring):
        """The same for each of several values of `always_label`."""
        cuts = _all_cuts(parameters, self.folds)
        if scoring.is_named:
            return _named_scores(self.nested, cuts, choices, scoring)
        return [_scores(self.nested, cuts, always, scoring) for always in choices]

    def spread(self, parameters):
        """Standard deviation (L,) over the folds of the thresholds that a policy has on each."""
        cuts = _all_cuts(parameters, self.folds)
        return probability_thresholds(self.link, cuts).std(axis=0)

    def candidate_scores(self, number, always_label, scoring):
        """Scores of a candidate's cuts in the same way."""
        cuts = np.stack([candidates.cuts[number] for candidates in self.folds])
        return _scores(self.nested, cuts, always_label, scoring)

    def starts(self, scoring):
        """Parameters, by name, of what the learned policy must not score below: its start and each candidate."""
        start = self.start(scoring)
        alone = {f"candidate {name}": candidate_parameters(c, start.shape[1]) for c, name in enumerate(CANDIDATES)}
        return {"pretrained": start, **alone}

    def prefers_labels(self, parameters, scoring, *, nested=True):
        """Whether it scores better to give every sample a label; not nested: on the very rows of the candidates."""
        problem, folds = (self.nested, self.folds) if nested else (self._whole, [self.steady])
        cuts = _all_cuts(parameters, folds)
        without, filled = (_mean_score(problem, cuts, always, scoring) for always in (False, True))
        return bool(filled > without)

    def thresholds(self, parameters):
        """Thresholds (L,) of a policy, with the candidates of all rows."""
        return self._on_probabilities(policy_cuts(parameters, self.steady))

    def candidate_thresholds(self, number):
        """Thresholds (L,) of a candidate."""
        return self._on_probabilities(self.candidates.cuts[number])

    @cached_property
    def folds(self):
        """Candidates of the rows of all folds but each."""
        return candidates_without_folds(
            self._ordered, self.fold_of, self.candidates, self.link, self.rows.sample_weight
        )

    @cached_property
    def steady(self):
        """Candidates of all rows, none far away from those of the folds, with which policies are learned and judged.

        Where probabilities hardly depend on a label, few rows turn a cut that nothing passes into one that all pass.
        """
        cuts = np.stack([candidates.cuts for candidates in self.folds])
        low, high = cuts.min(axis=0), cuts.max(axis=0)
        reach = high - low + _REACH
        return replace(self.candidates, cuts=np.clip(self.candidates.cuts, low - reach, high + reach))

    @cached_property
    def nested(self):
        """The problem of rows that candidates were not found on; on a fold the policy decides with those of others."""
        return self._problem(self.fold_of, self.folds, self._drawn)

    @cached_property
    def _whole(self):
        """The problem of the very rows that the candidates were found on."""
        return self._problem(np.zeros_like(self.fold_of), [self.steady])

    def _problem(self, fold_of, folds, rows=None):
        """Problem of the rows of a mask, None for all."""
        if not self.rows.is_complete:
            return DecisionProblem.from_compact(self.rows.compact, fold_of, folds, self.link, rows)
        held = self.rows if rows is None else self.rows.take(rows)
        fold_of = fold_of if rows is None else fold_of[rows]
        return DecisionProblem.build(held.Y, held.P, fold_of, folds, self.link, held.sample_weight)

    def _draw_rows(self, rng):
        """Mask of the rows that the search looks at, or None for all."""
        n = self.rows.n_samples
        if self.rows.is_complete:
            most = _SEARCH_ENTRIES // self.rows.n_labels
        else:
            most = _SEARCH_ENTRIES_COMPACT * n // self.rows.compact.entries()[0].size
        most = max(_LEAST_ROWS, min(most, max(_ENOUGH_ROWS, _ENOUGH_ROWS_OF_LABEL * self.rows.n_labels)))
        if n <= most:
            return None
        drawn = np.zeros(n, dtype=bool)
        drawn[rng.choice(n, most, replace=False)] = True
        return drawn

    def _on_probabilities(self, cuts):
        """Thresholds on P of cuts; 1 (never) and 0 (always) for labels of one value."""
        candidates, inside = self.candidates, probability_thresholds(self.link, cuts)
        return np.where(candidates.varied, inside, np.where(candidates.constant > 0, NEVER, ALWAYS))


def _few_folds(fold_of, rng):
    """Folds from 0, two at least and not many: a single one is split at random, and several of many are merged."""
    names, fold_of = np.unique(fold_of, return_inverse=True)
    if names.size < 2:
        # Rows of one fold are as held out as any.
        fold_of = rng.permutation(fold_of.size) % min(_DEALT_FOLDS, fold_of.size)
    return fold_of % _MOST_FOLDS


def _all_cuts(parameters, folds):
    """Cuts (K, L) of a policy on every fold."""
    return np.stack([policy_cuts(parameters, candidates) for candidates in folds])


def _ascend(problem, folds, start, always_label, weights, n_steps, rng):
    """Parameters after a few steps up the expected score (Adam); few rows keep them near the start."""
    penalty = _PENALTY / problem.total**2
    parameters, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, n_steps + 1):
        cuts = _all_cuts(parameters, folds)
        if step % _STEPS_A_PART == 1:
            part = problem.part(cuts, always_label, rng)
        if step % _STEPS_NEARBY == 1:
            near = part.near(cuts)
        _, by_cut = near.expected_score(cuts, always_label, weights)
        gradient = sum(policy_gradient(parameters, c, g) for c, g in zip(folds, by_cut, strict=True))
        gradient -= penalty * (parameters - start)
        mean += (1 - _MEAN_DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient**2 - square)
        unit = np.sqrt(square / (1 - _SQUARE_DECAY**step)) + 1e-8
        parameters += _LEARNING_RATE * mean / (1 - _MEAN_DECAY**step) / unit
    return parameters


def _explore(problem, folds, parameters, always_label, scoring, rng):
    """Best of the policies sampled around `parameters`, by any scoring."""
    mean, deviation = parameters, np.full(parameters.shape, _DEVIATION)
    best = _mean_score(problem, _all_cuts(mean, folds), always_label, scoring), mean
    for _ in range(_ROUNDS):
        tried = mean + deviation * rng.standard_normal((_TRIED, *mean.shape))
        scores = [_mean_score(problem, _all_cuts(each, folds), always_label, scoring) for each in tried]
        elite = tried[np.argsort(scores)[-_TRIED // 4 :]]
        mean, deviation = elite.mean(axis=0), 0.5 * deviation + 0.5 * elite.std(axis=0)
        best = max(best, (max(scores), tried[int(np.argmax(scores))]), key=lambda each: each[0])
    return best[1]


def _mean_score(problem, cuts, always_label, scoring):
    """Score of cuts (K, L) by a scoring; named ones need no indicator matrices."""
    if scoring.is_named:
        return problem.score(cuts, always_label, scoring.named_weights)
    decided = problem.decisions(problem.decide(cuts, always_label))
    return scoring(problem.decisions(problem.truth), decided, problem.sample_weight)


def _scores(problem, cuts, always_label, scoring):
    """Scores of cuts (K, L) by the parts of a scoring, by name."""
    if scoring.is_named:
        return _named_scores(problem, cuts, [always_label], scoring)[0]
    decided = problem.decisions(problem.decide(cuts, always_label))
    return scoring.by_part(problem.decisions(problem.truth), decided, problem.sample_weight)


def _named_scores(problem, cuts, choices, scoring):
    """The same for each of several values of `always_label`, by a named scoring."""
    found = problem.scores_of_choices(cuts, choices, scoring.named_weights)
    return [{name: by_part[part] for name, part in scoring.parts.items()} for by_part in found]
