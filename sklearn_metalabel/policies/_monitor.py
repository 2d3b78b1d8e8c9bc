"""Training runs as tasks of scikit-learn's callbacks, and as printed lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from sklearn_metalabel.learners import TrainingRun
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import TimedLines

__all__ = ["MOST_STEPS", "CallbackMonitor", "RunMonitor", "RunReport", "Steps"]

# Steps of a training run that callbacks hear of.
MOST_STEPS = 10
# Runs of which each may have a progress bar of its own; of more a terminal shows no end.
_MOST_BARS = 12


@dataclass(frozen=True, eq=False)
class RunReport:
    """What is told of a finished training run.

    `proposal` names what it was trained under, `reward` is what that earned, or None; `run` is the training run where
    callbacks want to look at it, `weights` and `thresholds` (L,) are those of its last step; `held_out` has the
    held-out rows, where they were kept.
    """

    proposal: str
    reward: float | None
    run: TrainingRun | None
    weights: np.ndarray
    thresholds: np.ndarray
    held_out: OutOfFold | None = None


class RunMonitor:
    """Hears of every training run; this one does nothing with it."""

    # Whether finished runs are to be kept, for callbacks that score them.
    keeps_runs = False

    def begin(self, n_steps=0):
        """Report that a run of so many steps begins, 0 where none will be told of; returns its ticket."""
        return None

    def reporter(self, ticket):
        """A function to call after each step of a run, or None."""
        return None

    def end(self, ticket, report):
        """Report that a run ended; returns whether a callback asks for an end of the search."""
        return False


class CallbackMonitor(RunMonitor):
    """Reports training runs to the callbacks of `estimator`, and prints a line for each where `verbose`.

    `n_runs` is how many there will be at most; `judge` scores the held-out rows of runs that earn no reward.
    """

    def __init__(self, estimator, context, X, y, *, n_runs, judge):
        self.estimator, self.context, self.X, self.y, self.judge = estimator, context, X, y, judge
        self.keeps_runs = bool(getattr(estimator, "_skl_callbacks", []))
        self.line, self._n_ended = TimedLines(estimator.verbose), 0
        self._has_steps = self.keeps_runs and n_runs <= _MOST_BARS

    def begin(self, n_steps=0):
        """Report that a run begins; returns its task."""
        task = self.context.subcontext("episode", max_subtasks=n_steps if self._has_steps else 0)
        return task.call_on_fit_task_begin(estimator=self.estimator, X=self.X, y=self.y)

    def reporter(self, ticket):
        """A function to call after each step of a run, or None."""
        return partial(self._step, ticket) if ticket.max_subtasks else None

    def _step(self, ticket):
        """Report a step, which has ended when one hears of it."""
        step = ticket.subcontext("step").call_on_fit_task_begin(estimator=self.estimator)
        step.call_on_fit_task_end(estimator=self.estimator)

    def end(self, ticket, report):
        """Report that a run ended; returns whether a callback asks for an end of the search."""
        self._n_ended += 1
        if self.line.verbose:
            self.line(f"training run {self._n_ended}: {report.proposal}{self._earned(report)}")
        return ticket.call_on_fit_task_end(
            estimator=self.estimator,
            X=self.X,
            y=self.y,
            reconstruction_attributes=lambda: _snapshot(report),
        )

    def _earned(self, report):
        """What a run was worth: its reward, or what its held-out rows score before thresholds are tuned."""
        if report.reward is not None:
            return f", reward {report.reward:.4f}"
        return "" if report.held_out is None else f", score {self.judge.untuned(report.held_out):.4f} before tuning"


class Steps:
    """Calls a reporter after about every tenth of `n` steps, where there is one."""

    def __init__(self, n, reporter):
        self.n, self.reporter, self._n_made = n, reporter, 0

    def __call__(self):
        """Count a step."""
        self._n_made += 1
        n_told = min(self.n, MOST_STEPS)
        if self.reporter is not None and self._n_made * n_told // self.n > (self._n_made - 1) * n_told // self.n:
            self.reporter()


class _RunClassifier:
    """The base learner of a training run, as far as predictions go."""

    def __init__(self, run):
        self._label_probabilities = run.predict_proba


def _snapshot(report):
    """Attributes that make the estimator predict as the run's base learner would."""
    return {
        "estimator_": _RunClassifier(report.run),
        "weights_": report.weights,
        "thresholds_": report.thresholds,
        "allow_unlabeled_": True,
    }
