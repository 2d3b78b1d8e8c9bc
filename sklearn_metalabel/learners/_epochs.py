"""What happens between the epochs of a network's training run."""

import numpy as np

from sklearn_metalabel.learners._early_stopping import EarlyStopping, count_training_rows
from sklearn_metalabel.learners._schedulers import build_schedule
from sklearn_metalabel.utils import TimedLines

__all__ = ["Epochs", "updates_of_epoch"]


def updates_of_epoch(classifier, n_samples):
    """Updates of one epoch of a `TorchClassifier` that is given so many rows."""
    n = count_training_rows(n_samples, classifier.validation_fraction) if classifier.early_stopping else n_samples
    return -(-n // classifier.batch_size)


class Epochs:
    """Counts the updates of a run, and after each epoch moves the learning rate, validates and prints.

    Attributes
    ----------
    stopping : EarlyStopping or None
    finished : bool
        Whether early stopping has ended the training; the module then has the parameters of the best epoch.
    n_ended : int
        Epochs so far.
    """

    def __init__(self, run, Y, sample_weight, seed):
        classifier = run.classifier
        self.finished, self.n_ended, self._n_made = False, 0, 0
        self.stopping = EarlyStopping(classifier, Y, sample_weight, seed) if classifier.early_stopping else None
        self._length = updates_of_epoch(classifier, Y.shape[0])
        self.schedule = build_schedule(
            classifier.scheduler, classifier._routed("scheduler__"), run.optimizer, self._known(classifier)
        )
        self.line = TimedLines(classifier.verbose)

    def _known(self, classifier):
        """What schedulers may ask for."""
        n_epochs = classifier.n_epochs
        n_updates = n_epochs * self._length
        falls = not classifier.early_stopping or classifier.scoring == "loss"
        rates = {"max_lr": classifier.lr, "mode": "min" if falls else "max"}
        return {"n_updates": n_updates, "total_steps": n_updates, "n_epochs": n_epochs, "T_max": n_epochs, **rates}

    def after_update(self, run):
        """Count an update, and do what is due."""
        self._n_made += 1
        self.schedule.after_update()
        if self._n_made % self._length == 0:
            self._end_epoch(run)

    def finish(self, run):
        """End the training: where epochs were compared, with the parameters of the best."""
        if self.stopping is not None and not self.finished:
            self.stopping.restore(run)
            self.finished = True

    def _end_epoch(self, run):
        """Validate, move the learning rate, print, and finish where it is time."""
        self.n_ended += 1
        ends = self.stopping is not None and self.stopping.after_epoch(run)
        if self.schedule.needs_value or run.classifier.verbose:
            run.check()
        if run.classifier.verbose:
            self._print(run)
        self.schedule.after_epoch(self._value(run) if self.schedule.needs_value else None)
        if ends or self.n_ended == run.classifier.n_epochs:
            self.finish(run)

    def _training_loss(self, run):
        """Mean loss of the last epoch."""
        return float(np.mean(run.losses[-self._length :]))

    def _value(self, run):
        """What a plateau is looked for in: the validation loss or score, or the training loss where there is none."""
        if self.stopping is None:
            return self._training_loss(run)
        return -self.stopping.scores[-1] if run.classifier.scoring == "loss" else self.stopping.scores[-1]

    def _print(self, run):
        """Print a line on the epoch."""
        parts = [f"epoch {self.n_ended}/{run.classifier.n_epochs}: loss {self._training_loss(run):.4f}"]
        if self.stopping is not None:
            name = "loss" if run.classifier.scoring == "loss" else "score"
            parts.append(f"validation {name} {self._value(run):.4f}")
        parts.append(f"learning rate {run.optimizer.param_groups[0]['lr']:.3g}")
        self.line(", ".join(parts))
