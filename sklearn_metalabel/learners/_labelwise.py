"""One clone of a scikit-learn classifier for each label."""

from numbers import Integral

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._protocol import BatchSampler, Learner, RefitLearner
from sklearn_metalabel.utils import (
    HasMethods,
    Interval,
    StrOptions,
    aligned,
    clip_probabilities,
    current_threads,
    draw_seed,
    draw_seeds,
    fix_random_states,
    label_column,
    use_threads,
)

__all__ = ["LabelwiseClassifier", "PartialFitLearner"]


class LabelwiseClassifier(MetaEstimatorMixin, LabelClassifier):
    """One clone of a scikit-learn classifier for each label, weighted through `sample_weight`.

    A label's weight multiplies the sample weights of its clone. Clones with `partial_fit` are trained incrementally, a
    batch at a time, so that the weights can change while they learn; the others are fitted whole.

    Parameters
    ----------
    estimator : estimator
        A classifier whose `fit` takes `sample_weight` and that has `predict_proba`.
    incremental : {"auto"} or bool, default="auto"
        Whether to train by `partial_fit`; "auto" does so where the classifier has it.
    batch_size : int, default=64
        Samples of one incremental update.
    n_epochs : int, default=10
        Passes over the training rows, for incremental training.
    n_jobs : int, default=None
        Labels fitted at the same time; the result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Order of the batches, and the seed of clones that have a `random_state` of None.

    Attributes
    ----------
    estimators_ : list of (estimator or float)
        The fitted clone of each label; the share of positives for a label that has one value only.
    classes_ : ndarray of shape (n_labels, 2) or (n_classes,)
        ``[0, 1]`` for each label of a multi-label target, or the classes.
    label_names_ : ndarray of shape (n_labels,)
        Column names of `y` where it is a data frame, else "0", "1", ...
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has them.

    See Also
    --------
    LabelWeightedLogistic : All labels in one matrix product, much faster than one logistic regression a label.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_metalabel.learners import LabelwiseClassifier
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = LabelwiseClassifier(LogisticRegression()).fit(X, Y, label_weight=[2, 1, 1, 0.5, 0.5])
    >>> clf.predict_proba(X).shape
    (100, 5)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "incremental": ["boolean", StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, *, incremental="auto", batch_size=64, n_epochs=10, n_jobs=None, random_state=None):
        self.estimator = estimator
        self.incremental = incremental
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_labels(self, X, Y, *, label_weight, sample_weight=None):
        if self._is_incremental():
            self.estimators_ = self._fit_incrementally(X, Y, label_weight, sample_weight)
            return
        seeds, threads = draw_seeds(self.random_state, Y.shape[1]), current_threads()
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_one)(self.estimator, X, label_column(Y, j), label_weight[j], sample_weight, seeds[j], threads)
            for j in range(Y.shape[1])
        )

    def _fit_incrementally(self, X, Y, label_weight, sample_weight):
        """Clones trained by `partial_fit` over `n_epochs`."""
        seed = draw_seed(self.random_state)
        learner = self._learner()
        learner.start(X, Y, sample_weight=sample_weight, seed=seed)
        sample = BatchSampler(X.shape[0], self.batch_size, np.random.RandomState(seed))
        for _ in range(learner.n_updates(X.shape[0])):
            learner.step(sample(), label_weight)
        return learner.estimators

    def _label_probabilities(self, X):
        return clip_probabilities(np.column_stack([_positive_probability(e, X) for e in self.estimators_]))

    def _is_incremental(self):
        """Whether the clones are trained by `partial_fit`."""
        able = hasattr(self.estimator, "partial_fit")
        if self.incremental == "auto":
            return able
        if self.incremental and not able:
            raise ValueError(
                f"incremental=True needs partial_fit, and {type(self.estimator).__name__} has none; "
                'use incremental="auto".'
            )
        return self.incremental

    def _learner(self):
        return PartialFitLearner(self) if self._is_incremental() else RefitLearner(self)

    def __sklearn_tags__(self):
        """Tags: inputs are what the wrapped classifier takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


class PartialFitLearner(Learner):
    """Clones with `partial_fit`, trained one mini-batch at a time."""

    def __init__(self, classifier):
        self.classifier = classifier
        self.batch_size = classifier.batch_size

    def n_updates(self, n_samples):
        return self.classifier.n_epochs * -(-n_samples // self.batch_size)

    def start(self, X, Y, *, sample_weight=None, seed=0):
        self.X, self.Y, self.sample_weight = X, Y, sample_weight
        seeds = draw_seeds(seed, Y.shape[1])
        positives = np.asarray(Y.sum(axis=0)).ravel()
        constant = (positives == 0) | (positives == X.shape[0])
        self.estimators = [
            _prior(positives[j], X.shape[0]) if constant[j] else _seeded_clone(self.classifier.estimator, seeds[j])
            for j in range(Y.shape[1])
        ]

    def step(self, rows, label_weight):
        X = self.X[rows]
        row_weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[rows]
        for j, estimator in enumerate(self.estimators):
            if not isinstance(estimator, float):
                y = label_column(self.Y[rows], j)
                estimator.partial_fit(X, y, classes=[0, 1], sample_weight=label_weight[j] * row_weight)

    def predict_proba(self, X):
        return clip_probabilities(np.column_stack([_positive_probability(e, X) for e in self.estimators]))


def _fit_one(estimator, X, y, weight, sample_weight, seed, threads):
    """A fitted clone for one label, or the share of positives of a label with one value."""
    X, y = aligned(X), aligned(y)
    seen = y if sample_weight is None else y[sample_weight > 0]
    positives = int(np.sum(seen))
    if positives in (0, len(seen)):
        return _prior(positives, len(seen))
    row_weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    with use_threads(threads):
        return _seeded_clone(estimator, seed).fit(X, y, sample_weight=weight * row_weight)


def _prior(positives, n):
    """Smoothed share of positives: the constant prediction of a label with one value."""
    return float((positives + 0.5) / (n + 1))


def _seeded_clone(estimator, seed):
    """A clone whose randomness, where the user did not fix it, is fixed by `seed`."""
    return fix_random_states(clone(estimator), seed)


def _positive_probability(estimator, X):
    """Probability of 1 from a fitted clone, or its constant."""
    if isinstance(estimator, float):
        return np.full(X.shape[0], estimator)
    return np.asarray(estimator.predict_proba(X), dtype=np.float64)[:, 1]
