"""The search among a few proposals: each is trained on the same folds from the same seeds, and held-out rows choose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sklearn_metalabel.learners import Fold, LossWeights, TrainingRun, resolve_label_weight
from sklearn_metalabel.policies._fixed_weights import check_weights, is_uniform
from sklearn_metalabel.policies._judge import best_score, largest_error
from sklearn_metalabel.policies._outcomes import Outcome, is_beaten, scale_of_labels
from sklearn_metalabel.policies._proposals import EQUAL, OF_EACH_LABEL, Proposal, proposed_paths
from sklearn_metalabel.policies._runs import (
    TrialRunner,
    check_n_folds,
    folds_for,
    held_out_rows,
    pooled_rows,
    trial_plan,
)
from sklearn_metalabel.policies._search_tables import history_of_runs, table_of_proposals
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult
from sklearn_metalabel.policies._trials import Trial
from sklearn_metalabel.rewards import as_reward
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import draw_seeds, known_totals, weighted_positives

__all__ = ["PolicySearch"]

# From this many rows on, one fold is enough to compare scales, and its held-out rows for thresholds.
MANY_ROWS = 5_000
# Labels that scales are compared on first, where there are at least twice as many.
_LABELS_OF_PATH = 128
# Folds whose rows are then enough for thresholds, where no proposal is tried to the end.
_FOLDS_OF_MANY_ROWS = 2
# Share of a training after which proposals that are trainings of their own are screened (successive halving). Many rows
# make enough updates in less.
SCREENING_SHARE, SCREENING_SHARE_OF_MANY = 1 / 4, 1 / 8


class PolicySearch(TrainingPolicy):
    """Try a few loss weights that depend on the frequency of the labels, and take what held-out rows prefer.

    This is the default, but for networks. What is proposed is what the kind of base learner can make use of:

    - where weights set the strength of a penalty (:class:`~sklearn_metalabel.learners.LabelWeightedLogistic`), scales
      from 0.01 to 100, along a path on which each solution starts the next. A label departs from the best common
      scale by its own rewards, shrunk to those of labels as frequent (empirical Bayes), where that helps on rows
      that the choice has not seen;
    - where labels share the parameters of a network, more weight for positives, by the square root of how rare a label
      is, or less weight for easy negatives, as in the asymmetric loss [1]_;
    - elsewhere equal weights alone: a classifier that takes label matrices, as a random forest does, is then trained
      as it is, on all labels together, and costs what it costs in
      :class:`~sklearn_metalabel.TunedThresholdsClassifierCV`.

    Parameters
    ----------
    reward : str, reward or callable, default="average_precision"
        What ranks the proposals: a reward of :mod:`sklearn_metalabel.rewards`, its name, or a function ``(Y, P,
        thresholds) -> array of shape (n_labels,)``. The user's scoring has the last word, see Notes.
    weights : {"uniform", "frequency", "hierarchy"}, array-like of shape (n_labels,) or callable, default="uniform"
        Weights that the proposals multiply, as in :class:`FixedWeights`.
    n_folds : int or "auto", default="auto"
        Folds that all proposals are tried on, to the end; "auto" is one for a network, and for a path all of them, or
        one from 5,000 samples or 256 labels on (see Notes).

    Attributes
    ----------
    best_proposal_ : str
        The proposal that was taken.
    scale_ : float
        Factor of all weights in it, where weights set the strength of a penalty; else 1.
    proposals_ : dict of str -> ndarray
        "proposal", "reward" (mean over labels and over positives), "gain" over the user's own weights, "error" (its
        standard error by a paired bootstrap), and "score": the user's scoring after thresholds, NaN where the reward
        had ruled the proposal out.
    history_ : dict of str -> ndarray
        "reward" and "baseline" of shape (n_runs, n_steps), and "weights" of shape (n_runs, n_steps, n_labels): a row
        for each training run, and in it a column for each proposal of a path. The baseline is the reward of the user's
        own weights on the same fold.

    See Also
    --------
    FixedWeights : Tries nothing.
    SharedGRUPolicy : Learns weights step by step.

    Notes
    -----
    A label's threshold can be moved afterwards at no cost, so what weights can improve is the ranking of samples: by
    default the reward is the average precision of held-out rows, half as a mean over labels and half as a mean over
    positives. Average precision does not see how far the probabilities of a label are apart, and across folds
    thresholds need that. So the reward only proposes, and the user's scoring, out of fold and after thresholds, has the
    last word: the proposal that the reward prefers (ahead of the user's own weights by more than the standard error of
    a paired bootstrap) is taken unless it scores below the user's own weights, and another one that no proposal beats
    beyond chance takes its place where its score is clearly higher.

    A path of scales goes on to the user's own scale at least, and from there while the reward is not worse beyond
    chance. From 256 labels on it is solved for 128 of them, spread evenly from rare to frequent, on one fold; then all
    labels are solved there at the user's own scale and at the best one.

    Proposals for a network are compared on one fold: a quarter of a training under each, from 5,000 samples on an
    eighth, then equal weights and the best of the others to the end. What is taken is trained on the other folds too,
    whose held-out rows thresholds need; from 5,000 samples on those of the first fold are enough. With three folds and
    four proposals that is about what four trainings on all rows cost, the last one included, and 2.5 from 5,000 samples
    on.

    References
    ----------
    .. [1] T. Ridnik, E. Ben-Baruch, N. Zamir, A. Noy, I. Friedman, M. Protter, L. Zelnik-Manor, "Asymmetric Loss For
       Multi-Label Classification", ICCV 2021. :doi:`10.1109/ICCV48922.2021.00015`

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.policies import PolicySearch
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = MetaPolicyClassifier(
    ...     training_policy=PolicySearch(n_folds=2), random_state=0
    ... ).fit(X, Y)
    >>> clf.training_policy_.proposals_["proposal"].tolist()[:3]
    ['scale 0.01', 'scale 0.1', 'scale 1']
    """

    needs_held_out = True
    keeps_classifier = True

    def __init__(self, reward="average_precision", *, weights="uniform", n_folds="auto"):
        self.reward = reward
        self.weights = weights
        self.n_folds = n_folds

    def check(self):
        """Raise where a parameter is not as described."""
        as_reward(self.reward)
        check_weights(self.weights, "weights")
        check_n_folds(self.n_folds)

    def weights_labels(self, run):
        """Tell whether anything but equal weights of 1 is proposed; documented in the base class."""
        return bool(run.scales or run.emphases) or not is_uniform(self.weights)

    def check_sample_weight(self, sample_weight):
        """Raise where the reward takes no weights; documented in the base class."""
        as_reward(self.reward).check_sample_weight(sample_weight)

    def train(self, task):
        """Try the proposals, and take one.

        Parameters
        ----------
        task : TrainingTask
            The base learner and the folds.

        Returns
        -------
        result : TrainingResult
            The weights, and the held-out rows under them.
        """
        plan = _SearchPlan.of(self, task)
        seeds = draw_seeds(task.random_state, len(task.folds))
        runner = TrialRunner(task, trial_plan(task, plan.folds, as_reward(self.reward)))
        rounds = plan.rounds(runner, task, seeds)
        options, neutral, preferred = _options(plan, rounds[-1])
        chosen, compared = _choose(options, neutral, preferred, task.judge)
        solutions = _take_solutions(chosen, rounds[-1])
        out_of_fold, classifier, solution = _held_out(plan, runner, seeds, chosen, solutions)
        self.best_proposal_, self.scale_ = chosen.proposal.name, float(chosen.proposal.scale)
        self.proposals_ = table_of_proposals(options, neutral, compared)
        self.history_ = history_of_runs(plan, rounds)
        left = {"solution": solution, "compared": compared, "classifier": classifier}
        return TrainingResult(chosen.proposal.weights, out_of_fold, **left)

    def count_runs(self, task):
        """Tell how many training runs will be made; documented in the base class."""
        return _SearchPlan.of(self, task).n_runs


@dataclass(frozen=True, eq=False)
class _SearchPlan:
    """What is tried on which folds."""

    paths: list[list[Proposal]]
    folds: list[Fold]  # those that are trained on
    n_tried: int  # folds that proposals are tried on
    screening_share: float | None  # of a training, after which all but two proposals are dropped
    trains_again: bool  # whether the tried folds must be trained again, since not all was kept of them
    labels: NDArray[np.intp] | None = None  # those that a path is compared on first

    @classmethod
    def of(cls, policy, task):
        """The plan for a task."""
        folds, run = folds_for(task), task.base.training_run(0)
        Y, weight = folds[0].Y, folds[0].sample_weight
        label = resolve_label_weight(policy.weights, Y, task.label_names, name="weights", sample_weight=weight)
        paths = [[Proposal(EQUAL, LossWeights(label))]]
        emphasised = run.emphases and task.has_thresholds  # classes need probabilities as they are
        if run.scales or emphasised:
            counts = weighted_positives(Y, weight), known_totals(Y, weight)
            paths = proposed_paths(run, label, *counts, _last(task.previous))
        # Of what is not kept whole, no scale of each label can be put together.
        is_compact = any(fold.all_held_out is not None for fold in folds)
        many = Y.shape[0] >= MANY_ROWS or is_compact
        brief = len(paths) > 1 and policy.n_folds == "auto"
        n_folds = policy.n_folds
        if n_folds == "auto":
            few = 1 if brief else _FOLDS_OF_MANY_ROWS
            n_folds = few if many and not run.scales else len(folds)
        folds = folds[:n_folds]
        is_brief_path = policy.n_folds == "auto" and len(paths[0]) > 2 and Y.shape[1] >= 2 * _LABELS_OF_PATH
        labels = _spread_labels(counts[0]) if is_brief_path else None
        n_tried = 1 if brief or is_brief_path or (many and run.scales and policy.n_folds == "auto") else len(folds)
        # Screening two proposals would save nothing.
        trains_again = (is_compact or task.keep_classifier) and len(paths[0]) > 1
        share = (SCREENING_SHARE_OF_MANY if many else SCREENING_SHARE) if brief and len(paths) > 2 else None
        return cls(paths, folds, n_tried, share, trains_again, labels)

    def rounds(self, runner, task, seeds):
        """Trials of each fold, of those that can be compared; the last round has what is chosen from."""
        if self.screening_share is not None:
            return [*_screen(self, runner, seeds[0])]
        if self.labels is not None:
            return [*_screen_labels(self, runner, task, seeds[0])]
        return [_try_all(self, runner, seeds)]

    @property
    def is_path(self):
        """Whether the proposals are scales, tried one after the other."""
        return len(self.paths) == 1

    @property
    def n_runs(self):
        """Training runs."""
        again = 2 if self.screening_share is not None else self.n_tried * self.trains_again + (self.labels is not None)
        return self.n_tried * len(self.paths) + len(self.folds) - self.n_tried + again


@dataclass(eq=False)
class _Option:
    """A proposal, its outcome on the folds it was tried on (None where it was put together), and its trials there."""

    proposal: Proposal
    outcome: Outcome | None
    trials: list[Trial]

    @cached_property
    def rows(self):
        """The held-out rows that it is judged on."""
        return pooled_rows([trial.held_out for trial in self.trials])


def _last(previous):
    """Name and scale of what an earlier search took, or None."""
    return (previous.best_proposal_, previous.scale_) if isinstance(previous, PolicySearch) else None


def _try_all(plan, runner, seeds):
    """Trials of each fold, of all proposals to the end, as far as every fold came."""
    arguments = [(plan.folds[k], path, seeds[k], {}) for k in range(plan.n_tried) for path in plan.paths]
    runs, n_paths = runner(arguments), len(plan.paths)
    folds = [[trial for run in runs[k : k + n_paths] for trial in run] for k in range(0, len(runs), n_paths)]
    n_common = min(map(len, folds))
    return [trials[:n_common] for trials in folds]


def _screen(plan, runner, seed):
    """Trials of one fold: all proposals for a while, then equal weights and the best of the others to the end.

    Equal weights learn slowest, so that a short comparison says nothing against them.
    """
    fold, options = plan.folds[0], {"share": plan.screening_share, "may_resume": runner.n_jobs == 1}
    early = [trials[-1] for trials in runner([(fold, path, seed, options) for path in plan.paths])]
    best = 1 + int(np.argmax([trial.outcome.value for trial in early[1:]]))
    arguments = [(fold, plan.paths[c], seed, {"resumed": early[c].paused}) for c in (0, best)]
    for trial in early:
        trial.paused = None  # each is as large as the base learner
    return [early], [[trials[-1] for trials in runner(arguments)]]


def _spread_labels(positives):
    """Labels (L',), ascending, as evenly as can be from the rarest that has positives to the most frequent."""
    order = np.argsort(positives, kind="stable")[np.count_nonzero(positives == 0) :]
    at = np.linspace(0, len(order) - 1, min(_LABELS_OF_PATH, len(order))).round().astype(np.intp)
    return np.sort(order[at])


def _screen_labels(plan, runner, task, seed):
    """Trials of one fold: a path of scales for some labels, then all labels at the user's own scale and the best."""
    (path,), fold, labels = plan.paths, plan.folds[0], plan.labels
    part = replace(fold, Y=fold.Y[:, labels])
    of_part = [replace(each, weights=LossWeights(each.weights.label[labels])) for each in path]
    plain = replace(runner.plan, frequency=None, keep_classifier=False, keep_run=False)
    (early,) = TrialRunner(task, plain)([(part, of_part, seed, {})])
    for trial, proposal in zip(early, path, strict=False):
        trial.proposal = proposal
    best = max(early, key=lambda trial: trial.outcome.value)
    own = next((trial for trial in early if trial.proposal.scale == 1), best)
    kept = {own.proposal.scale, best.proposal.scale if is_beaten(own.outcome, best.outcome) else own.proposal.scale}
    finalists = [proposal for proposal in path if proposal.scale in kept]
    return [early], [runner([(fold, finalists, seed, {})])[0]]


def _options(plan, tried):
    """What to choose from, the user's own weights among it (or None), and what the reward prefers."""
    options = [
        _Option(trials[0].proposal, Outcome.pooled([trial.outcome for trial in trials]), list(trials))
        for trials in zip(*tried, strict=True)
    ]
    if len(options) == 1:
        return options, options[0], options[0]
    best = max(options, key=lambda option: option.outcome.value)
    if not plan.is_path:
        return options, options[0], best if is_beaten(options[0].outcome, best.outcome) else options[0]
    neutral = next((option for option in options if option.proposal.scale == 1), None)
    at = None if neutral is None else options.index(neutral)
    of_label = scale_of_labels([option.outcome for option in options], at)
    preferred = options[of_label[0]]
    if (of_label != of_label[0]).any():
        preferred = _of_each_label(options, of_label)
        options.append(preferred)
    return options, neutral, preferred


def _of_each_label(options, of_label):
    """The option that takes a scale for each label, put together from those of one scale."""
    scales = np.array([option.proposal.scale for option in options])[of_label]
    own = options[0].proposal.weights.label / options[0].proposal.scale
    weights = LossWeights(scales * own)
    proposal = Proposal(OF_EACH_LABEL, weights, float(weights.label.mean()))
    trials = []
    for fold_trials in zip(*(option.trials for option in options), strict=True):
        P = np.empty_like(fold_trials[0].held_out.P)
        for c in np.unique(of_label):
            P[:, of_label == c] = fold_trials[c].held_out.P[:, of_label == c]
        first = fold_trials[0].held_out
        trials.append(Trial(proposal, None, OutOfFold(first.Y, P, sample_weight=first.sample_weight)))
    return _Option(proposal, None, trials)


def _choose(options, neutral, preferred, judge):
    """The option to take, by the user's scoring after thresholds, and rows of what was compared.

    The one that the reward prefers is taken unless the user's own weights score better. Another one that the reward
    has not ruled out must be ahead by more than the largest standard error of a share of the rows.
    """
    if len(options) == 1:
        return options[0], []
    best = max((option.outcome for option in options if option.outcome), key=lambda outcome: outcome.value)
    others = [option for option in options if option.outcome and not is_beaten(option.outcome, best)]
    own = preferred if neutral is None else neutral
    rows = {
        option: judge.rows(option.proposal.name, option.rows) for option in dict.fromkeys([preferred, own, *others])
    }
    scores = {option: best_score(found) for option, found in rows.items()}
    chosen = preferred if scores[preferred] >= scores[own] else own
    leader = max(scores, key=lambda option: scores[option])
    if scores[leader] - scores[chosen] > largest_error(leader.rows):
        chosen = leader
    return chosen, [row for found in rows.values() for row in found]


def _take_solutions(chosen, tried):
    """What the run of each fold left to start others from: under the chosen weights, or else under others.

    The trials have none afterwards.
    """
    taken = []
    for trial, others in zip(chosen.trials, tried, strict=True):
        known = [each.solution for each in (trial, *others) if each.solution is not None]
        taken.append(known[0] if known else None)
        for each in (trial, *others):
            each.solution = None  # each may be as large as the base learner
    return taken


@dataclass(eq=False)
class _Start:
    """What the final training may start from, pooled from what the runs of the folds left."""

    run: TrainingRun
    solution: object = None
    n_pooled: int = 0

    def add(self, solution):
        """Take the solution of one more run, or None."""
        if solution is not None:
            self.solution = self.run.pool(solution, self.solution, self.n_pooled) if self.n_pooled else solution
            self.n_pooled += 1


def _held_out(plan, runner, seeds, chosen, solutions):
    """Held-out rows of all folds under the chosen weights, the classifier of the last where it is kept, and a start.

    Folds that were not tried are trained now. `solutions` are those of the folds that were.
    """
    known, start = [] if plan.trains_again else chosen.trials, _Start(runner.base.training_run(0))
    for solution in solutions[: len(known)]:
        start.add(solution)
    left = range(len(known), len(plan.folds))
    if left and not (runner.stopped and known):
        options, made = {"solution": solutions[0], "scored": False}, list(known)
        for (trial,) in runner.each([(plan.folds[k], [chosen.proposal], seeds[k], options) for k in left]):
            start.add(trial.solution)
            trial.solution = None
            made.append(trial)
        return held_out_rows(made), made[-1].classifier, start.solution
    is_compact = any(trial.compact is not None for trial in known)
    return held_out_rows(known) if is_compact else chosen.rows, known[-1].classifier, start.solution
