"""The template that every label classifier fills in."""

from abc import abstractmethod

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sklearn_metalabel.learners._label_output import LabelOutputMixin
from sklearn_metalabel.learners._loss_weights import LossWeights
from sklearn_metalabel.learners._training_run import RefitRun
from sklearn_metalabel.utils import (
    as_numbers,
    categorical_columns,
    check_tensor,
    count_rows,
    encode_target,
    fit_context,
    is_frame,
    is_matrix,
    propagated,
    refuse_masked,
    refuse_raw_text,
    refuse_unknown,
    restore_on_error,
    warn_constant_labels,
)

__all__ = ["LabelClassifier", "LabelProbabilityMixin", "check_label_weight", "train_classifier"]


def check_label_weight(label_weight, n_labels, name="label_weight"):
    """Weights of the labels as float64 of shape (n_labels,), ones for None."""
    if label_weight is None:
        return np.ones(n_labels)
    weights = as_numbers(label_weight, name)
    if weights.shape != (n_labels,):
        raise ValueError(
            f"{name} must have one weight for each of the {n_labels} labels, got shape {weights.shape}; "
            "pass an array of that length."
        )
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(
            f"{name} must be finite and positive, got values from {weights.min()} to {weights.max()}; "
            "give a label that should not count a small positive weight."
        )
    return weights


class LabelProbabilityMixin(LabelOutputMixin, ClassifierMixin):
    """Predictions of an estimator whose `_label_probabilities(X)` gives P of shape (n, L)."""

    # What X may be beside a matrix of numbers: "frame" (with a type for each column), or "tensor" (arrays of more than
    # two dimensions, and dictionaries of arrays).
    _input_form = "matrix"
    # Whether the training leaves out single entries of y that are not known.
    _leaves_unknown_out = False

    def predict_proba(self, X):
        """Probability of each label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        P : {ndarray, data frame} of shape (n_samples, n_labels) or (n_samples, n_classes)
            Multi-label targets: probability of each label, strictly inside (0, 1).
            Binary and multiclass targets: probability of each class, rows sum to 1.
        """
        P = self._probabilities(X)
        marginals = getattr(self, "marginals_", None)
        P = self._target.probabilities(P if marginals is None else marginals.correct(P))
        return self._in_output_form(P, X)

    def decision_function(self, X):
        """Margin of each label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        margins : {ndarray, data frame} of shape (n_samples, n_labels), (n_samples, n_classes) or (n_samples,)
            Multi-label targets: probability minus threshold, positive where a label is above its threshold; `predict`
            may decide otherwise where labels depend on each other, or a sample must get a label.
            Multiclass targets: log-odds of each class. Binary targets: log-odds of the second class.
        """
        P = self._probabilities(X)
        return self._in_output_form(self._target.decision(P, self._decision_thresholds()), X)

    def predict(self, X):
        """Predict labels or classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : {ndarray, sparse matrix, data frame} of shape (n_samples, n_labels) or (n_samples,)
            Multi-label targets: 1 for each predicted label, 0 elsewhere (CSR where `fit` saw a sparse
            target). Binary and multiclass targets: the class.
        """
        return self._in_output_form(self._predicted(X), X)

    def _predicted(self, X):
        """What `predict` returns, as an array or a sparse matrix."""
        P = self._probabilities(X)
        return self._target.decode(P, self._decide)

    def _probabilities(self, X):
        """Checked X to P."""
        check_is_fitted(self)
        return self._label_probabilities(self._check_X(X, reset=False))

    def _label_scores(self, X):
        """What thresholds cut (n, L), and where a plain classifier would cut it."""
        return self._probabilities(X), 0.5

    def _decision_thresholds(self):
        """Threshold of each label, or one for all."""
        return 0.5

    def _decide(self, P):
        """Indicator matrix of labels for P."""
        return self._decision_thresholds() < P

    def _input_checks(self):
        """Keyword arguments of `validate_data` that follow from the tags."""
        tags = get_tags(self).input_tags
        return {
            "accept_sparse": "csr" if tags.sparse else False,
            "ensure_all_finite": not tags.allow_nan,
            "dtype": "numeric",
        }

    def _check_X(self, X, *, reset):
        """X as the training takes it; sets the number and the names of features, or compares them."""
        form = self._input_form
        refuse_masked(X, "X")
        refuse_raw_text(X, type(self).__name__)
        if form == "frame" and is_frame(X):
            return validate_data(self, X, reset=reset, skip_check_array=True)
        if form == "tensor" and (not is_matrix(X) or (hasattr(self, "_tensor_form") and not reset)):
            return self._check_tensor(X, reset=reset)
        self.__dict__.pop("_tensor_form", None)
        categories = categorical_columns(X)
        if categories:
            raise ValueError(
                f"{type(self).__name__} takes numbers here, and columns {categories[:5]} hold categories; encode them "
                "first, for example with OneHotEncoder in a pipeline."
            )
        return validate_data(self, X, reset=reset, **self._input_checks())

    def _check_tensor(self, X, *, reset):
        """X of more dimensions or several inputs, with finite numbers; its form must stay the same."""
        X, form = check_tensor(X)
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
            self._tensor_form = form
        elif form != getattr(self, "_tensor_form", None):
            raise ValueError(
                f"X must have the form that it had in fit, {getattr(self, '_tensor_form', 'a matrix')}, got {form}; "
                "pass the same inputs with the same number of dimensions."
            )
        return X

    def _check_training_data(self, X, y):
        """Checked X and encoded y; sets what scikit-learn and the predictions need to know of them."""
        X = self._check_X(X, reset=True)
        Y, target = encode_target(y, n_samples=count_rows(X))
        if not self._leaves_unknown_out:
            refuse_unknown(Y, type(self).__name__)
        self._set_target(target)
        return X, Y

    def _set_target(self, target):
        """Keep what predictions need to know of the target."""
        self._target = target
        self.classes_ = target.classes
        self.label_names_ = target.label_names

    def __sklearn_tags__(self):
        """Tags: multi-label targets are understood."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class LabelClassifier(LabelProbabilityMixin, BaseEstimator):
    """A classifier that trains on Y of shape (n, L) with a weight for each label.

    Subclasses give `_fit_labels` and `_label_probabilities`, and `_training_run` where they train step by step.
    """

    # The equivalence of weights and repetitions is checked by scikit-learn wherever `sample_weight` stands in the
    # signature of `fit`; only full-batch training can meet it, so stochastic learners take it as routed metadata.
    __metadata_request__fit = {"sample_weight": None}

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, label_weight=None, **fit_params):
        """Train on weighted labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.
        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Label indicator matrix in {0, 1}, NaN or masked where it is not known; or classes.
        label_weight : array-like of shape (n_labels,), default=None
            Positive factor of each label's loss; None is one for all.
        **fit_params : dict
            `sample_weight`, array-like of shape (n_samples,): factor of each sample's loss.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        unknown = sorted(set(fit_params) - {"sample_weight"})
        if unknown:
            raise TypeError(f"{type(self).__name__}.fit got unexpected arguments {unknown}; it takes sample_weight.")
        return self._fit_checked(X, y, label_weight, fit_params.get("sample_weight"))

    def _fit_checked(self, X, y, label_weight, sample_weight):
        """Check everything, then train."""
        X, Y = self._check_training_data(X, y)
        label_weight = check_label_weight(label_weight, Y.shape[1])
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, Y, dtype=np.float64, ensure_non_negative=True)
        if self._target.kind == "multilabel":
            warn_constant_labels(Y, self.label_names_)
        self._fit_labels(X, Y, weights=LossWeights(label_weight), sample_weight=sample_weight)
        return self

    @abstractmethod
    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        """Train on encoded labels Y (n, L) under `LossWeights`; nothing is checked again.

        `solution` is the checkpoint of a training run to start from; classifiers whose runs have none get None.
        """

    @abstractmethod
    def _label_probabilities(self, X):
        """P of shape (n, L), float64 strictly inside (0, 1)."""

    def _for_rows(self, X):
        """Return this classifier, or a copy that knows what it must know of all rows before it is trained on some."""
        return self

    def training_run(self, seed=0):
        """Make a training run, which a training policy takes step by step.

        Parameters
        ----------
        seed : int, default=0
            Randomness of a classifier that has none of its own.

        Returns
        -------
        run : TrainingRun
            Of an unfitted copy of this classifier.
        """
        return self._clone_for_training(seed)._training_run()

    def _training_run(self):
        """A training run of this very classifier, which must be unfitted."""
        return RefitRun(self)

    def _clone_for_training(self, seed):
        """An unfitted copy whose randomness is fixed by `seed` unless the user fixed it."""
        copy = clone(self)
        if "random_state" in copy.get_params(deep=False) and copy.random_state is None:
            copy.set_params(random_state=seed)
        return copy


def train_classifier(base, X, Y, weights, *, sample_weight=None, seed=0, solution=None, context=None):
    """A copy of the label classifier `base`, trained on all rows under `LossWeights`, as the task `context`."""
    classifier = base._clone_for_training(seed)
    with propagated(context, classifier):
        classifier._fit_labels(X, Y, weights=weights, sample_weight=sample_weight, solution=solution)
    return classifier
