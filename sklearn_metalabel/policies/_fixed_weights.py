"""Given loss weights as a training policy."""

from __future__ import annotations

from sklearn_metalabel.learners import NAMED_WEIGHTS, LossWeights, resolve_label_weight
from sklearn_metalabel.policies._runs import held_out_rows, train_trials
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult
from sklearn_metalabel.utils import check_hierarchy_is_used, shown

__all__ = ["FixedWeights", "check_weights", "is_uniform"]


def check_weights(given, name):
    """Raise where `given` is neither a name of weights, nor an array, nor a function."""
    if given is None or (isinstance(given, str) and given not in NAMED_WEIGHTS):
        raise ValueError(
            f"{name} must be one of {sorted(NAMED_WEIGHTS)}, an array of shape (n_labels,) or a function of the label "
            f"matrix, got {shown(given)}."
        )


def is_uniform(given):
    """Whether these are the weights of that name, which are 1."""
    return isinstance(given, str) and given == "uniform"


class FixedWeights(TrainingPolicy):
    """Train under given loss weights, and hold rows out for the prediction policy.

    Parameters
    ----------
    weights : {"uniform", "frequency", "hierarchy"}, array-like of shape (n_labels,) or callable, default="uniform"
        Positive weights, scaled to mean 1. "frequency" is one over the fourth root of the label's number of positives;
        "hierarchy" its depth in `hierarchy` (the paper's Hierarchy-Aware baseline). A callable is given the label
        matrix of shape (n_samples, n_labels) and returns the weights.
    hierarchy : array-like, mapping or directed graph, default=None
        Where the labels stand, for "hierarchy", in any form that :class:`~sklearn_metalabel.LabelWeightedClassifier`
        takes; None reads label names as paths such as "/person/artist".

    Attributes
    ----------
    best_proposal_ : str
        "given", or the name of the weights.
    history_ : dict
        Empty: nothing was tried.

    See Also
    --------
    PolicySearch : Tries a few weights, and takes what scores better.
    sklearn_metalabel.LabelWeightedClassifier : Trains once under given weights, without thresholds.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.policies import FixedWeights
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> policy = FixedWeights([2, 1, 1, 0.5, 0.5])
    >>> MetaPolicyClassifier(training_policy=policy, random_state=0).fit(X, Y).weights_
    array([2. , 1. , 1. , 0.5, 0.5])
    """

    keeps_classifier = True

    def __init__(self, weights="uniform", *, hierarchy=None):
        self.weights = weights
        self.hierarchy = hierarchy

    def check(self):
        """Raise where there are no such weights, or a hierarchy that they do not look at."""
        check_weights(self.weights, "weights")
        check_hierarchy_is_used(self.hierarchy, "weights", self.weights)

    def weights_labels(self, run):
        """Tell whether the weights may differ from 1; documented in the base class."""
        return not is_uniform(self.weights)

    def train(self, task):
        """Train every fold under the weights.

        Parameters
        ----------
        task : TrainingTask
            The base learner and the folds.

        Returns
        -------
        result : TrainingResult
            The weights, and the held-out rows.
        """
        options = {"name": "weights", "sample_weight": task.folds[0].sample_weight}
        label = resolve_label_weight(self.weights, task.folds[0].Y, task.label_names, self.hierarchy, **options)
        weights = LossWeights(label)
        self.best_proposal_ = self.weights if isinstance(self.weights, str) else "given"
        self.history_ = {}
        if not task.holds_rows_out:
            return TrainingResult(weights)
        trials = train_trials(task, weights, self.best_proposal_)
        return TrainingResult(weights, held_out_rows(trials), classifier=trials[-1].classifier)

    def count_runs(self, task):
        """One for each fold with held-out rows; documented in the base class."""
        return len(task.folds) if task.holds_rows_out else 0
