"""Training runs as tasks of scikit-learn's callbacks, and as printed lines."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from sklearn_metalabel.learners import TrainingRun

__all__ = ["CallbackMonitor", "RunMonitor", "RunReport"]


@dataclass(frozen=True, eq=False)
class RunReport:
    """What is told of a finished training run.

    `proposal` names what it was trained under, `reward` is what that earned, or None; `run` is the training run where
    callbacks want to look at it, `weights` and `thresholds` (L,) are those of its last step.
    """

    proposal: str
    reward: float | None
    run: TrainingRun | None
    weights: np.ndarray
    thresholds: np.ndarray


class RunMonitor:
    """Hears of every training run; this one does nothing with it."""

    # Whether finished runs are to be kept, for callbacks that score them.
    keeps_runs = False

    def begin(self):
        """Report that a run begins; returns its ticket."""
        return None

    def end(self, ticket, report):
        """Report that a run ended; returns whether a callback asks for an end of the search."""
        return False


class CallbackMonitor(RunMonitor):
    """Reports training runs to the callbacks of `estimator`, and prints a line for each where `verbose`."""

    def __init__(self, estimator, context, X, y, verbose):
        self.estimator, self.context, self.X, self.y, self.verbose = estimator, context, X, y, verbose
        self.keeps_runs = bool(getattr(estimator, "_skl_callbacks", []))
        self._started, self._n_ended = time.perf_counter(), 0

    def begin(self):
        """Report that a run begins; returns its task."""
        task = self.context.subcontext("episode")
        return task.call_on_fit_task_begin(estimator=self.estimator, X=self.X, y=self.y)

    def end(self, ticket, report):
        """Report that a run ended; returns whether a callback asks for an end of the search."""
        self._n_ended += 1
        if self.verbose:
            earned = "" if report.reward is None else f", reward {report.reward:.4f}"
            elapsed = time.perf_counter() - self._started
            print(f"[{elapsed:7.1f} s] training run {self._n_ended}: {report.proposal}{earned}")  # noqa: T201
        return ticket.call_on_fit_task_end(
            estimator=self.estimator,
            X=self.X,
            y=self.y,
            reconstruction_attributes=lambda: _snapshot(report),
        )


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
