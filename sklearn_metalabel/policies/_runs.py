"""Training runs of several folds, side by side."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

from sklearn_metalabel.model_selection import deal_rows
from sklearn_metalabel.policies._monitor import MOST_STEPS, RunReport
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.policies._trials import TrialPlan, run_trials
from sklearn_metalabel.policies._workers import count_workers, delayed_on_fold
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import current_threads, draw_seeds, in_order, label_frequencies, runs_here, shown

__all__ = [
    "TrialRunner",
    "check_n_folds",
    "folds_for",
    "held_out_rows",
    "pooled_rows",
    "train_folds",
    "train_trials",
    "trial_plan",
]


def train_folds(task, weights, name="given"):
    """Train the base learner on every fold under the same weights.

    Parameters
    ----------
    task : TrainingTask
        The base learner and the folds.
    weights : LossWeights
        What multiplies the loss.
    name : str, default="given"
        What the weights are called where training runs are reported.

    Returns
    -------
    out_of_fold : OutOfFold or None
        The held-out rows of all folds; None where no rows are held out.

    See Also
    --------
    TrainingPolicy : Calls it in `train`.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.learners import LossWeights
    >>> from sklearn_metalabel.policies import (
    ...     TrainingPolicy,
    ...     TrainingResult,
    ...     train_folds,
    ... )
    >>> class Equal(TrainingPolicy):
    ...     def train(self, task):
    ...         weights = LossWeights.uniform(task.n_labels)
    ...         self.best_proposal_, self.history_ = "equal", {}
    ...         return TrainingResult(weights, train_folds(task, weights))
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> MetaPolicyClassifier(training_policy=Equal(), random_state=0).fit(X, Y).weights_
    array([1., 1., 1., 1., 1.])
    """
    return held_out_rows(train_trials(task, weights, name)) if task.holds_rows_out else None


def train_trials(task, weights, name, folds=None, seeds=None):
    """A trial of each fold of a task, or of some of them by seeds drawn before, all under the same weights."""
    if folds is None:
        folds = folds_for(task)
        seeds = draw_seeds(task.random_state, len(folds))
    if not folds:
        return []
    runner = TrialRunner(task, trial_plan(task, folds, None))
    path = [Proposal(name, weights)]
    runs = runner([(fold, path, seed, {"scored": False}) for fold, seed in zip(folds, seeds, strict=True)])
    return [trials[-1] for trials in runs]


def check_n_folds(n_folds):
    """Raise where a number of folds is neither a positive integer nor "auto"."""
    is_number = isinstance(n_folds, Integral) and not isinstance(n_folds, bool) and n_folds > 0
    if not (is_number or (isinstance(n_folds, str) and n_folds == "auto")):
        raise ValueError(f'n_folds must be a positive integer or "auto", got {shown(n_folds)}.')


def folds_for(task):
    """The folds of a task; with complete probabilities alone where the user's scoring needs them."""
    if task.judge.needs_all_probabilities():
        return [fold.keeping_rows() for fold in task.folds]
    return task.folds


def trial_plan(task, folds, reward):
    """How trials on these folds are run."""
    is_compact = any(fold.all_held_out is not None for fold in folds)
    frequency = label_frequencies(folds[0].Y, folds[0].held_out_weight) if is_compact else None
    return TrialPlan(reward, task.monitor.keeps_runs, frequency, task.keep_classifier)


def held_out_rows(trials):
    """The held-out rows of one trial a fold; in compact form where that is what they have."""
    return pooled_rows([trial.held_out if trial.compact is None else trial.compact for trial in trials])


def pooled_rows(parts):
    """Rows of several folds; complete ones of a single fold are dealt to folds to compare what is chosen on them."""
    rows = OutOfFold.concatenate(parts)
    return rows.with_folds(deal_rows(rows.Y)) if len(parts) == 1 and rows.is_complete else rows


class TrialRunner:
    """Makes trials side by side, and reports each to the monitor."""

    def __init__(self, task, plan):
        self.base, self.plan, self.monitor, self.memory = task.base, plan, task.monitor, task.memory
        self.threads = current_threads()
        self.n_jobs = count_workers(task.n_jobs, self.threads)
        self.stopped = False

    def __call__(self, arguments):
        """List of the trials of each of (fold, path, seed, further arguments of `run_trials` by name)."""
        return list(self.each(arguments))

    def each(self, arguments):
        """The same one by one, as they are there."""
        calls = [
            (self._n_steps(*each), fold, {"path": path, "seed": seed, **options})
            for each in arguments
            for fold, path, seed, options in [each]
        ]
        return self.call(run_trials, calls)

    def call(self, function, calls):
        """What a function returns for each of (steps that may be told of, fold, arguments by name): lists of trials."""
        here = runs_here(self.n_jobs)
        tickets = [self.monitor.begin(n_steps if here else 0) for n_steps, _, _ in calls]
        shared = {"base": self.base, "plan": self.plan, "threads": self.threads}
        outcomes = in_order(
            self.n_jobs,
            [
                delayed_on_fold(
                    function,
                    fold,
                    memory=self.memory,
                    reporter=self.monitor.reporter(ticket) if here else None,
                    **shared,
                    **options,
                )
                for ticket, (_, fold, options) in zip(tickets, calls, strict=True)
            ],
        )
        for ticket, trials in zip(tickets, outcomes, strict=True):
            self.stopped |= bool(self.monitor.end(ticket, _report(trials)))
            yield [replace(trial) for trial in trials]  # those that a memory keeps stay as they are

    def _n_steps(self, fold, path, seed, options):
        """Steps of a run that may be told of."""
        n_updates = self.base.training_run(seed).n_updates(len(fold.train))
        return len(path) * min(MOST_STEPS, max(1, round(options.get("share", 1.0) * n_updates)))


def _report(trials):
    """What is told of a run: the proposal of largest reward, and the last step."""
    last = trials[-1]
    best = max(trials, key=lambda trial: -float("inf") if trial.outcome is None else trial.outcome.value)
    reward = None if best.outcome is None else best.outcome.value
    label = last.proposal.weights.last.label
    return RunReport(best.proposal.name, reward, last.run, label, 0.0 * label + 0.5, last.held_out)
