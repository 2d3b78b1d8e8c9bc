"""One clone of a scikit-learn classifier for each label."""

from numbers import Integral

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.parallel import delayed

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._one_label import ConstantLabel, fit_known_label, positive_probability
from sklearn_metalabel.learners._training_run import BatchSampler, RefitRun, TrainingRun
from sklearn_metalabel.utils import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    aligned,
    clip_probabilities,
    count_rows,
    current_threads,
    draw_seed,
    draw_seeds,
    fix_random_states,
    in_order,
    known_totals,
    label_column,
    list_with_tasks,
    take_rows,
    use_threads,
    weighted_positives,
    with_callbacks,
)

__all__ = ["LabelwiseClassifier", "PartialFitRun"]

# Parameters of scikit-learn's classifiers that their `partial_fit` refuses or passes over.
_NOT_INCREMENTAL = (("early_stopping", True), ("class_weight", "balanced"))


class LabelwiseClassifier(CallbackSupportMixin, MetaEstimatorMixin, LabelClassifier):
    """One clone of a scikit-learn classifier for each label, weighted through `sample_weight`.

    A label's weight multiplies the sample weights of its clone. Clones are fitted whole, by their own `fit`, and again
    whenever a recurrent training policy changes the weights; those with `partial_fit` can be trained a batch at a time
    instead, so that the weights change while they learn.

    Parameters
    ----------
    estimator : estimator
        A classifier whose `fit` takes `sample_weight` and that has `predict_proba`.
    incremental : bool, default=False
        Whether to train by `partial_fit`. `batch_size` and `n_epochs` then say for how long, in place of the
        classifier's own parameters such as `max_iter` and `tol`; ``early_stopping=True`` and
        ``class_weight="balanced"``, which `partial_fit` cannot follow, are refused.
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
    estimators_ : list of estimator
        The fitted clone of each label; a constant predictor for a label that has one value only.
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
    >>> clf = LabelwiseClassifier(LogisticRegression()).fit(
    ...     X, Y, label_weight=[2, 1, 1, 0.5, 0.5]
    ... )
    >>> clf.predict_proba(X).shape
    (100, 5)
    """

    _input_form = "frame"
    _leaves_unknown_out = True
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "incremental": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, *, incremental=False, batch_size=64, n_epochs=10, n_jobs=None, random_state=None):
        self.estimator = estimator
        self.incremental = incremental
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.n_jobs = n_jobs
        self.random_state = random_state

    @with_callbacks
    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        if self.incremental:
            training = (self._fit_incrementally(X, Y, weights, sample_weight) for _ in range(1))
            self.estimators_ = list_with_tasks(self, training, 1, "training")[0]
            return
        seeds, threads = draw_seeds(self.random_state, Y.shape[1]), current_threads()
        tasks = (
            delayed(_fit_one)(
                self.estimator, X, label_column(Y, j), j, weights.label[j], sample_weight, seeds[j], threads
            )
            for j in range(Y.shape[1])
        )
        self.estimators_ = list_with_tasks(self, in_order(self.n_jobs, tasks), Y.shape[1], "label")

    def _fit_incrementally(self, X, Y, weights, sample_weight):
        """Clones trained by `partial_fit` over `n_epochs`."""
        seed = draw_seed(self.random_state)
        run = self._training_run()
        run.start(X, Y, sample_weight=sample_weight, seed=seed)
        sample = BatchSampler(count_rows(X), self.batch_size, np.random.RandomState(seed))
        for _ in range(run.n_updates(count_rows(X))):
            run.step(sample(), weights)
        return run.estimators

    def _label_probabilities(self, X):
        return clip_probabilities(np.column_stack([positive_probability(e, X) for e in self.estimators_]))

    def _check_incremental(self):
        """Refuse clones that cannot be trained by `partial_fit`, or not as they were told to."""
        name = type(self.estimator).__name__
        if not hasattr(self.estimator, "partial_fit"):
            raise ValueError(f"incremental=True needs partial_fit, and {name} has none; set incremental=False.")
        params = self.estimator.get_params(deep=False)
        for param, value in _NOT_INCREMENTAL:
            if params.get(param) == value:
                raise ValueError(
                    f"incremental=True trains by partial_fit, which cannot follow {param}={value!r} of {name}; set "
                    f"incremental=False, or leave {param} out."
                )

    def _training_run(self):
        if not self.incremental:
            return RefitRun(self)
        self._check_incremental()
        return PartialFitRun(self)

    def __sklearn_tags__(self):
        """Tags: inputs are what the wrapped classifier takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


class PartialFitRun(TrainingRun):
    """Clones with `partial_fit`, trained one mini-batch at a time."""

    def __init__(self, classifier):
        self.classifier = classifier
        self.batch_size = classifier.batch_size

    def n_updates(self, n_samples):
        return self.classifier.n_epochs * -(-n_samples // self.batch_size)

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.attach(X, Y, sample_weight)
        seeds = draw_seeds(seed, Y.shape[1])
        positives = weighted_positives(Y, None)
        constant = (positives == 0) | (positives == known_totals(Y))
        self.estimators = [
            fit_known_label(self.classifier.estimator, X, label_column(Y, j))
            if constant[j]
            else _seeded_clone(self.classifier.estimator, seeds[j])
            for j in range(Y.shape[1])
        ]

    def step(self, rows, weights):
        X = take_rows(self.X, rows)
        row_weight = np.ones(len(rows)) if self.sample_weight is None else self.sample_weight[rows]
        for j, estimator in enumerate(self.estimators):
            if not isinstance(estimator, ConstantLabel):
                y = label_column(self.Y[rows], j)
                known = slice(None) if y.min() >= 0 else np.flatnonzero(y >= 0)
                if len(y[known]):
                    options = {"classes": [0, 1], "sample_weight": weights.label[j] * row_weight[known]}
                    estimator.partial_fit(take_rows(X, known), y[known], **options)

    def predict_proba(self, X):
        return clip_probabilities(np.column_stack([positive_probability(e, X) for e in self.estimators]))

    def finish(self):
        self.classifier.estimators_ = self.estimators
        return self.classifier


def _fit_one(estimator, X, y, label, weight, sample_weight, seed, threads):
    """A clone fitted to one label."""
    X, y = aligned(X), aligned(y)
    row_weight = np.ones(len(y)) if sample_weight is None else sample_weight
    with use_threads(threads):
        return fit_known_label(_seeded_clone(estimator, seed), X, y, label=label, sample_weight=weight * row_weight)


def _seeded_clone(estimator, seed):
    """A clone whose randomness, where the user did not fix it, is fixed by `seed`."""
    return fix_random_states(clone(estimator), seed)
