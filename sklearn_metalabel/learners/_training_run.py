"""One training of a fresh base learner, step by step: what a training policy acts on."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from sklearn_metalabel.utils import take_rows

__all__ = ["BatchSampler", "RefitRun", "TrainingRun"]


class TrainingRun(ABC):
    """One training of a fresh base learner, one update at a time.

    It is what a training policy acts on: the policy calls `start` once, then `step` as often as it likes, each time
    under other loss weights, and looks at `predict_proba` in between. A subclass implements these three.

    Attributes
    ----------
    batch_size : int or None
        Rows of one update; None where every update sees all rows.
    scales : tuple of float
        Factors of all label weights that a policy may try one after the other, where weights set the strength of a
        penalty; empty where their scale means little.
    emphases : frozenset of str
        What the loss can weigh beside labels: "positive", "focus" (see :class:`LossWeights`).
    device : object or None
        Torch device of the run, or None.
    finished : bool
        Whether the training has ended by itself, as early stopping does: further steps then change nothing.
    takes_schedules : bool
        Whether the base learner can be trained under a `LossSchedule` in place of `LossWeights`.
    may_be_rough : bool
        Whether steps may be less exact than what `finish` gives, where most of them are not kept; a policy that keeps
        the only step sets it to False before the run starts.

    See Also
    --------
    LossWeights : What a step is made under.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.learners import LabelWeightedLogistic, LossWeights
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> run = LabelWeightedLogistic().training_run(seed=0)
    >>> run.start(X, Y)
    >>> run.step(None, LossWeights.uniform(5))
    >>> run.predict_proba(X).shape
    (100, 5)
    """

    batch_size: int | None = None
    scales: tuple[float, ...] = ()
    emphases: frozenset[str] = frozenset()
    device: object = None
    finished: bool = False
    takes_schedules: bool = False
    may_be_rough: bool = True

    @abstractmethod
    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        """Take fresh parameters for these training rows.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        Y : {ndarray, sparse matrix} of shape (n_samples, n_labels), int8
            Labels in {0, 1}; -1 is not known, and has no part in the loss.
        sample_weight : ndarray of shape (n_samples,), default=None
            Factor of each sample's loss.
        seed : int, default=0
            Randomness of what is not drawn from torch's global generator.
        solution : object, default=None
            The `checkpoint` of a run that was solved before, to start from; ignored by runs whose `checkpoint` is None.
        """

    @abstractmethod
    def step(self, rows, weights):
        """Make one update.

        Parameters
        ----------
        rows : ndarray of int or None
            Training rows of the update; None is all.
        weights : LossWeights
            What multiplies the loss.
        """

    @abstractmethod
    def predict_proba(self, X):
        """Probabilities of the base learner as it is now.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        P : ndarray of shape (n_samples, n_labels)
            Probabilities strictly inside (0, 1).
        """

    def predict_rows(self, X, rows):
        """Probabilities of training rows; those of the last step may be cheaper to have.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            The training samples.
        rows : ndarray of int or None
            Which of them; None is all.

        Returns
        -------
        P : ndarray of shape (n_rows, n_labels)
            Probabilities strictly inside (0, 1).
        """
        return self.predict_proba(X if rows is None else take_rows(X, rows))

    def checkpoint(self):
        """What another run of this base learner may start from.

        Returns
        -------
        solution : object or None
            None where a run always starts afresh.
        """
        return None

    def pool(self, solution, other, n_others):
        """Merge checkpoints of runs on several parts of the rows into one to start from on all of them.

        Parameters
        ----------
        solution : object
            The checkpoint of one of them.
        other : object
            What was made of those before.
        n_others : int
            How many these are.

        Returns
        -------
        solution : object
            Of all of them; the first that there was unless a subclass does better.
        """
        return other

    def finish(self):
        """End the training, and give what it has trained.

        Returns
        -------
        classifier : LabelClassifier
            With what predictions need of the training; no further step is made.
        """
        raise NotImplementedError

    def attach(self, X, Y, sample_weight=None):
        """Train on these rows from now on.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        Y : {ndarray, sparse matrix} of shape (n_samples, n_labels)
            Labels.
        sample_weight : ndarray of shape (n_samples,), default=None
            Factor of each sample's loss.
        """
        self.X, self.Y, self.sample_weight = X, Y, sample_weight

    def release(self):
        """Forget the training rows, so that a run that waits takes no memory for them."""
        self.X = self.Y = self.sample_weight = None

    def n_updates(self, n_samples):
        """Updates of one full training.

        Parameters
        ----------
        n_samples : int
            Training rows.

        Returns
        -------
        n_updates : int
            At least 1.
        """
        return 1

    def batches(self, n_samples, rng):
        """What draws the rows of each step.

        Parameters
        ----------
        n_samples : int
            Training rows.
        rng : RandomState
            Order of the rows.

        Returns
        -------
        sample : callable
            Returns the rows of the next batch, None for all.
        """
        return BatchSampler(n_samples, self.batch_size, rng)


class RefitRun(TrainingRun):
    """Any label classifier, trained anew under the current weights at every step."""

    def __init__(self, classifier):
        self.classifier = classifier

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.attach(X, Y, sample_weight)
        self._seed = seed
        self._fitted = None

    def step(self, rows, weights):
        self._fitted = self.classifier._clone_for_training(self._seed)
        self._fitted._fit_labels(self.X, self.Y, weights=weights, sample_weight=self.sample_weight)

    def predict_proba(self, X):
        return self._fitted._label_probabilities(X)

    def finish(self):
        return self._fitted


class BatchSampler:
    """Endless batches of rows, each row once an epoch, in an order drawn from `rng`.

    The batches of an epoch differ by one row at most: a last batch of one row would be no batch to normalise over.
    `on_epoch`, if given, is called with the list of an epoch's batches before the first of them is handed out; `rows`
    are the rows that batches are made of, None for all.
    """

    def __init__(self, n_samples, batch_size, rng, on_epoch=None, rows=None):
        self.rows = n_samples if rows is None else rows
        self.n_samples = n_samples if rows is None else len(rows)
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
            batches = np.array_split(self.rng.permutation(self.rows), n_batches)
            if self.on_epoch is not None:
                self.on_epoch(batches)
            self._left = batches[::-1]
        return self._left.pop()
