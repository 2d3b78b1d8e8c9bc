"""Training runs of several folds, side by side."""

from __future__ import annotations

from sklearn.utils.parallel import Parallel

from sklearn_metalabel.policies._monitor import RunReport
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.policies._trials import TrialPlan, run_trials
from sklearn_metalabel.policies._workers import count_workers, delayed_on_fold
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import current_threads, draw_seeds, label_frequencies

__all__ = ["TrialRunner", "folds_for", "held_out_rows", "trial_plan", "train_folds"]


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
    if not task.holds_rows_out:
        return None
    folds = folds_for(task)
    runner = TrialRunner(task, trial_plan(task, folds, None))
    seeds = draw_seeds(task.random_state, len(folds))
    path = [Proposal(name, weights)]
    runs = runner([(fold, path, seed, {"scored": False}) for fold, seed in zip(folds, seeds, strict=True)])
    return held_out_rows([trials[-1] for trials in runs])


def folds_for(task):
    """The folds of a task; with complete probabilities alone where the user's scoring needs them."""
    if task.judge.needs_all_probabilities():
        return [fold.keeping_rows() for fold in task.folds]
    return task.folds


def trial_plan(task, folds, reward):
    """How trials on these folds are run."""
    is_compact = any(fold.all_held_out is not None for fold in folds)
    frequency = label_frequencies(folds[0].Y, folds[0].held_out_weight) if is_compact else None
    return TrialPlan(reward, task.monitor.keeps_runs, frequency)


def held_out_rows(trials):
    """The held-out rows of one trial a fold; in compact form where that is what they have."""
    parts = [trial.held_out if trial.compact is None else trial.compact for trial in trials]
    return OutOfFold.concatenate(parts)


class TrialRunner:
    """Makes trials side by side, and reports each to the monitor."""

    def __init__(self, task, plan):
        self.base, self.plan, self.monitor, self.memory = task.base, plan, task.monitor, task.memory
        self.threads = current_threads()
        self.n_jobs = count_workers(task.n_jobs, self.threads)
        self.stopped = False

    def __call__(self, arguments):
        """Trials of each of (fold, path, seed, further arguments of `run_trials` by name)."""
        calls = [(fold, {"path": path, "seed": seed, **options}) for fold, path, seed, options in arguments]
        return self.call(run_trials, calls)

    def call(self, function, calls):
        """What a function returns for each of (fold, arguments by name): a list of trials."""
        tickets = [self.monitor.begin() for _ in calls]
        shared = {"base": self.base, "plan": self.plan, "threads": self.threads}
        made = Parallel(n_jobs=self.n_jobs)(
            delayed_on_fold(function, fold, memory=self.memory, **shared, **options) for fold, options in calls
        )
        for ticket, trials in zip(tickets, made, strict=True):
            self.stopped |= bool(self.monitor.end(ticket, _report(trials)))
        return made


def _report(trials):
    """What is told of a run: the proposal of largest reward, and the last step."""
    last = trials[-1]
    best = max(trials, key=lambda trial: -float("inf") if trial.outcome is None else trial.outcome.value)
    reward = None if best.outcome is None else best.outcome.value
    label = last.proposal.weights.last.label
    return RunReport(best.proposal.name, reward, last.run, label, 0.0 * label + 0.5)
