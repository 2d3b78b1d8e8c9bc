"""What the episode loop sees of a base learner."""

from abc import ABC, abstractmethod

import numpy as np

__all__ = ["BatchSampler", "Learner", "RefitLearner"]


class Learner(ABC):
    """One training run of a base learner, one update at a time.

    Attributes
    ----------
    batch_size : int or None
        Rows of one update; None where every update sees all rows.
    scales : tuple of float
        Factors of all label weights that are worth trying one after the other, where weights set the strength of a
        penalty; empty where their scale means little.
    emphases : frozenset of str
        What `step` takes beside the weights of the labels: "positive_weight" (L,), "focus" (float).
    solution : object
        What another run of this learner may be started from, or None.
    """

    batch_size = None
    scales = ()
    emphases = frozenset()
    solution = None

    @abstractmethod
    def start(self, X, Y, *, sample_weight=None, seed=0):
        """Take fresh parameters for these training rows; X (n, d), Y (n, L), sample_weight (n,)."""

    def hold(self, X, Y, sample_weight=None):
        """Hold training rows from now on; None for all lets go of those that are held."""
        self.X, self.Y, self.sample_weight = X, Y, sample_weight

    @abstractmethod
    def step(self, rows, label_weight):
        """Make one update on `rows` (None: all) with the loss of label j multiplied by label_weight[j]."""

    @abstractmethod
    def predict_proba(self, X):
        """Probabilities, ndarray of shape (n, L) strictly inside (0, 1)."""

    def predict_rows(self, X, rows):
        """Probabilities of the training rows `rows` (None: all) of X; those of the last step may come cheaper."""
        return self.predict_proba(X if rows is None else X[rows])

    def n_updates(self, n_samples):
        """Updates of one full training run on `n_samples` rows."""
        return 1

    def batches(self, n_samples, rng):
        """What draws the rows of each step: `BatchSampler`, or one that tells this learner of every epoch."""
        return BatchSampler(n_samples, self.batch_size, rng)


class RefitLearner(Learner):
    """Any label classifier, trained anew under the current weights at every step."""

    def __init__(self, classifier):
        self.classifier = classifier

    def start(self, X, Y, *, sample_weight=None, seed=0):
        self.hold(X, Y, sample_weight)
        self._seed = seed
        self._fitted = None

    def step(self, rows, label_weight):
        self._fitted = self.classifier._clone_for_training(self._seed)
        self._fitted._fit_labels(self.X, self.Y, label_weight=label_weight, sample_weight=self.sample_weight)

    def predict_proba(self, X):
        return self._fitted._label_probabilities(X)


class BatchSampler:
    """Endless batches of rows, each row once an epoch, in an order drawn from `rng`.

    The batches of an epoch differ by one row at most: a last batch of one row would be no batch to normalise over.
    `on_epoch`, if given, is called with the list of an epoch's batches before the first of them is handed out.
    """

    def __init__(self, n_samples, batch_size, rng, on_epoch=None):
        self.n_samples = n_samples
        self.batch_size = batch_size
        self.rng = rng
        self.on_epoch = on_epoch
        self._left = []

    def __call__(self):
        """Rows of the next batch, or None where every batch is all rows."""
        if self.batch_size is None:
            return None
        if not self._left:
            n_batches = -(-self.n_samples // self.batch_size)
            batches = np.array_split(self.rng.permutation(self.n_samples), n_batches)
            if self.on_epoch is not None:
                self.on_epoch(batches)
            self._left = batches[::-1]
        return self._left.pop()
