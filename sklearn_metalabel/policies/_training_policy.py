"""The base class of training policies, what they work on, and what they leave behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_metalabel.learners import Fold, LabelClassifier, LossWeights, TrainingRun
from sklearn_metalabel.policies._judge import Judge
from sklearn_metalabel.policies._monitor import RunMonitor
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import TrainingMemory

__all__ = ["TrainingPolicy", "TrainingResult", "TrainingTask"]


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """What a training policy works on.

    Parameters
    ----------
    base : LabelClassifier
        The base learner, unfitted; ``base.training_run(seed)`` starts a training of a copy.
    folds : list of Fold
        The data; one fold without held-out rows where nothing is held out.
    label_names : ndarray of shape (n_labels,)
        Names of the labels.
    judge : Judge
        Scores out-of-fold rows as the user asked for.
    has_thresholds : bool, default=True
        Whether labels are decided one by one; False for classes, of which the most probable is taken.
    n_jobs : int, default=None
        Training runs at the same time; the result must not depend on it.
    monitor : RunMonitor, default=None
        Is told of every training run.
    random_state : RandomState, default=None
        All randomness.
    previous : TrainingPolicy, default=None
        What the last fit left, to resume from.
    memory : TrainingMemory, default=None
        Keeps finished training runs of `train_folds` and of the package's own policies.
    keep_classifier : bool, default=False
        Whether what was trained on the only fold is kept instead of a final training; `TrainingResult.classifier` then
        has it.

    See Also
    --------
    TrainingPolicy : Works on it.

    Examples
    --------
    >>> from sklearn_metalabel.policies import TrainingTask
    >>> [name for name in TrainingTask.__dataclass_fields__][:2]
    ['base', 'folds']
    """

    base: LabelClassifier
    folds: list[Fold]
    label_names: NDArray
    judge: Judge
    has_thresholds: bool = True
    n_jobs: int | None = None
    monitor: RunMonitor = field(default_factory=RunMonitor)
    random_state: np.random.RandomState = field(default_factory=lambda: np.random.RandomState(0))
    previous: TrainingPolicy | None = None
    memory: TrainingMemory | None = None
    keep_classifier: bool = False

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return self.folds[0].Y.shape[1]

    @property
    def holds_rows_out(self) -> bool:
        """Whether there are held-out rows."""
        return self.folds[0].held_out is not None


@dataclass(eq=False)
class TrainingResult:
    """What a training policy leaves behind.

    Parameters
    ----------
    loss_weights : LossWeights
        What the final training is to multiply the loss by.
    out_of_fold : OutOfFold, default=None
        Held-out rows under these weights, for the prediction policy; None where nothing was held out.
    proposed_thresholds : ndarray of shape (n_labels,), default=None
        Thresholds that the policy itself proposes, where it does.
    solution : object, default=None
        What the final training may start from.
    compared : list of dict, default=()
        Rows of `cv_results_` for what was compared by the user's scoring, with "proposal".
    classifier : LabelClassifier, default=None
        What `TrainingRun.finish` gave for the run that the held-out rows come from, where the task asks for it.

    See Also
    --------
    TrainingPolicy : Returns it.

    Examples
    --------
    >>> from sklearn_metalabel.learners import LossWeights
    >>> from sklearn_metalabel.policies import TrainingResult
    >>> TrainingResult(LossWeights.uniform(2)).out_of_fold is None
    True
    """

    loss_weights: LossWeights
    out_of_fold: OutOfFold | None = None
    proposed_thresholds: NDArray | None = None
    solution: object = None
    compared: list | tuple = ()
    classifier: LabelClassifier | None = None


class TrainingPolicy(BaseEstimator, ABC):
    """Base class of training policies: they choose what multiplies the loss of each label in training.

    A subclass stores its parameters in `__init__`, says what is wrong with them in `check`, and does its work in
    `train`, which sets the attributes that users may want to see, ending in an underscore.

    Attributes
    ----------
    history_ : dict of str -> ndarray
        What happened, by training run and step.
    best_proposal_ : str
        Where the weights come from.

    See Also
    --------
    PretrainedPolicy : The default for networks.
    PolicySearch : The default for all others.
    PredictionPolicy : The base class of policies that choose thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.learners import LossWeights
    >>> from sklearn_metalabel.policies import (
    ...     TrainingPolicy,
    ...     TrainingResult,
    ...     train_folds,
    ... )
    >>> class RootFrequency(TrainingPolicy):
    ...     def train(self, task):
    ...         weights = LossWeights(np.asarray(task.folds[0].Y.sum(axis=0)) ** -0.5)
    ...         self.best_proposal_, self.history_ = "root frequency", {}
    ...         return TrainingResult(weights, train_folds(task, weights))
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = MetaPolicyClassifier(training_policy=RootFrequency(), random_state=0).fit(
    ...     X, Y
    ... )
    >>> clf.weights_.round(2)
    array([0.17, 0.14, 0.15, 0.15, 0.16])
    """

    # Whether the policy is trained on held-out rows, whether it proposes thresholds itself, and whether it gives the
    # classifier that it has trained (`TrainingTask.keep_classifier`).
    needs_held_out = False
    proposes_thresholds = False
    keeps_classifier = False

    def check(self) -> None:
        """Raise where a parameter is not as described; the base class has none."""

    def check_sample_weight(self, sample_weight: NDArray | None) -> None:
        """Raise where held-out rows are to be weighted and the policy cannot, before anything is trained.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows; `train` finds them in `Fold.sample_weight` and `Fold.held_out_weight`.
        """

    def weights_labels(self, run: TrainingRun) -> bool:
        """Tell whether labels may get weights other than 1 in training.

        Where they cannot, a base learner that takes label matrices is trained as it is, and not cloned for each label.

        Parameters
        ----------
        run : TrainingRun
            A training run of the base learner, which says what it can make use of.

        Returns
        -------
        weights_labels : bool
            True unless a subclass knows better.
        """
        return True

    @abstractmethod
    def train(self, task: TrainingTask) -> TrainingResult:
        """Choose the loss weights.

        Parameters
        ----------
        task : TrainingTask
            The base learner, the data, and how results are judged.

        Returns
        -------
        result : TrainingResult
            The weights, and held-out rows under them.
        """

    def count_runs(self, task: TrainingTask) -> int:
        """Tell how many training runs will be made, for progress bars.

        Parameters
        ----------
        task : TrainingTask
            What the policy is to work on.

        Returns
        -------
        n_runs : int
            An upper bound.
        """
        return len(task.folds)
