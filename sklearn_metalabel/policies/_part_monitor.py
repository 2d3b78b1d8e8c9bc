"""Fits of a classifier on parts of the rows as tasks of scikit-learn's callbacks, and as printed lines."""

from sklearn_metalabel.utils import TimedLines

__all__ = ["PartMonitor"]


class PartMonitor:
    """Reports fits on `n_parts` parts, and the choice of thresholds after them, to the callbacks of `estimator`.

    It prints a line for each where `estimator.verbose`.
    """

    def __init__(self, estimator, n_parts, X, y):
        self.given = {"estimator": estimator, "X": X, "y": y}
        self.line, self.n_parts, self._n_ended = TimedLines(estimator.verbose), n_parts, 0
        self.context = estimator._init_callback_context(max_subtasks=n_parts + 1)
        self.context.call_on_fit_task_begin(**self.given)

    def begin(self, name):
        """Report that a part begins; returns its task."""
        return self.context.subcontext(name).call_on_fit_task_begin(**self.given)

    def end(self, ticket, score=None):
        """Report that a part ended; `score`, a function, gives what it was worth where rows were held out."""
        self._n_ended += 1
        if self.line.verbose:
            name = f"fold {self._n_ended}" if ticket.task_name == "fold" else "all rows"
            earned = "" if score is None else f", score {score():.4f} before tuning"
            self.line(f"training run {self._n_ended} of {self.n_parts}: {name}{earned}")
        ticket.call_on_fit_task_end(**self.given)

    def finish(self, ticket, score, attributes):
        """Report that thresholds were chosen, which ends the fit."""
        if score is not None:
            self.line(f"thresholds: out-of-fold score {score:.4f}")
        for ended in (ticket, self.context):
            ended.call_on_fit_task_end(**self.given, reconstruction_attributes=attributes)
