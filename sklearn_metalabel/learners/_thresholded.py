"""What classifiers that cut the responses of another classifier have in common."""

import warnings
from contextlib import contextmanager

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from sklearn_metalabel.decoding import PROBABILITIES, SCORES, decide_rows
from sklearn_metalabel.learners._base import LabelClassifier, LabelProbabilityMixin
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest
from sklearn_metalabel.learners._resolve import as_classifier, as_multilabel, innermost, is_skorch_net
from sklearn_metalabel.learners._response import check_response_method, label_response
from sklearn_metalabel.learners._wrapper import BaseLearnerWrapper
from sklearn_metalabel.utils import (
    ConstantLabelWarning,
    clip_probabilities,
    count_rows,
    encode_target,
    has_parts,
    has_unknown,
    label_rows,
    refuse_masked,
    refuse_raw_text,
    refuse_unknown,
    to_probabilities,
    with_nan,
)

__all__ = ["ThresholdedClassifier", "constant_labels_are_quiet"]


def _gives_probabilities(self):
    """Whether the classifier inside has `predict_proba`."""
    return hasattr(self.estimator_ if hasattr(self, "estimator_") else as_classifier(self.estimator), "predict_proba")


def _takes_no_text(estimator):
    """Whether this is the default, or a classifier of scikit-learn's own that is known to take numbers alone."""
    own = type(innermost(estimator)) is type(estimator) and type(estimator).__module__.startswith("sklearn.")
    if not own or not hasattr(estimator, "fit"):
        return estimator is None
    tags = get_tags(estimator)
    return not (tags.no_validation or tags.input_tags.string)


class ThresholdedClassifier(BaseLearnerWrapper, BaseEstimator):
    """Predictions from the responses of `estimator_`, cut at `thresholds_`.

    X is never converted here: pipelines inside may start from texts or data frames.
    """

    _leaves_unknown_out = True  # where the classifier inside does, which is looked at before it is trained

    @available_if(_gives_probabilities)
    def predict_proba(self, X):
        """Probability of each label or class, where the classifier inside gives probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, as the classifier inside takes them.

        Returns
        -------
        P : {ndarray, data frame} of shape (n_samples, n_labels) or (n_samples, n_classes)
            Multi-label targets: probability of each label, strictly inside (0, 1).
            Binary and multiclass targets: what the classifier inside gives.
        """
        check_is_fitted(self)
        if self._target.kind != "multilabel":
            return self._in_output_form(self.estimator_.predict_proba(X), X)
        P = label_response(self.estimator_, X, "predict_proba", len(self.thresholds_))
        marginals = getattr(self, "marginals_", None)
        return self._in_output_form(P if marginals is None else marginals.correct(P), X)

    def decision_function(self, X):
        """Margin of each label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, as the classifier inside takes them.

        Returns
        -------
        margins : {ndarray, data frame} of shape (n_samples, n_labels), (n_samples, n_classes) or (n_samples,)
            Multi-label targets: response minus threshold, positive exactly where a label is above its threshold;
            `predict` may decide otherwise where labels depend on each other (`dependence_`), or a sample must get a
            label. Where a margin would be infinite, it is a value in [-1, 0] (never) or (0, 1] (always) that rises with
            the response.
            Binary targets, shape (n_samples,): log-odds, or decision values, beyond those of the threshold. Multiclass
            targets: decision values or log-odds of the classifier inside.
        """
        check_is_fitted(self)
        return self._in_output_form(self._decision_values(X), X)

    def _decision_values(self, X):
        """What `decision_function` returns, as an array."""
        if self._target.kind == "binary" and self.response_method_ == "predict_proba":
            return self._target.decision(self._label_responses(X), self.thresholds_)
        if self._target.has_thresholds:
            margins = self._margins(self._label_responses(X))
            return margins[:, 0] if self._target.kind == "binary" else margins
        if hasattr(self.estimator_, "decision_function"):
            return self.estimator_.decision_function(X)
        P = clip_probabilities(np.array(self.estimator_.predict_proba(X), dtype=np.float64))
        return self._target.decision(P, None)

    def predict(self, X):
        """Predict labels or classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, as the classifier inside takes them.

        Returns
        -------
        y : {ndarray, sparse matrix, data frame} of shape (n_samples, n_labels) or (n_samples,)
            Multi-label targets: 1 for each predicted label, 0 elsewhere (CSR where `fit` saw a sparse
            target): those above their thresholds, or the label set that `dependence_` draws them to. Binary targets:
            the second class where its response is above its threshold. Multiclass targets: the class that the
            classifier inside predicts.
        """
        return self._in_output_form(self._predicted(X), X)

    def _predicted(self, X):
        """What `predict` returns, as an array or a sparse matrix."""
        check_is_fitted(self)
        if not self._target.has_thresholds:
            return self.estimator_.predict(X)
        return self._target.decode(self._label_responses(X), self._decide)

    def _units(self):
        """What thresholds and responses are measured in."""
        return PROBABILITIES if self.response_method_ == "predict_proba" else SCORES

    def _label_responses(self, X):
        """Responses (n, L) of the classifier inside."""
        return label_response(self.estimator_, X, self.response_method_, len(self.thresholds_))

    def _label_scores(self, X):
        """What thresholds cut (n, L), and where a plain classifier would cut it."""
        return self._label_responses(X), 0.5 if self.response_method_ == "predict_proba" else 0.0

    def _decision_thresholds(self):
        """Threshold of each label."""
        return self.thresholds_

    def _decide(self, R):
        """Decisions (n, L) for responses."""
        dependence = getattr(self, "dependence_", None)
        return decide_rows(R, self.thresholds_, self.allow_unlabeled_, self._units(), dependence)

    def _margins(self, R):
        """Responses minus thresholds, finite."""
        never, always = self.thresholds_ == np.inf, self.thresholds_ == -np.inf
        margins = R - np.where(never | always, 0.0, self.thresholds_)
        margins[:, never] = -to_probabilities(-R[:, never].astype(np.float64))
        margins[:, always] = to_probabilities(R[:, always].astype(np.float64))
        return margins

    def _check_training_data(self, X, y):
        """X that can be indexed, and encoded y; sets what the predictions need to know of y."""
        refuse_masked(X, "X")
        if _takes_no_text(self.estimator):
            refuse_raw_text(X, type(self).__name__)
        n = count_rows(X)
        if n == 0:
            raise ValueError("Found array with 0 sample(s) in X, while at least 1 is required; pass some rows.")
        (X,) = (X,) if has_parts(X) else indexable(X)
        Y, target = encode_target(y, n_samples=n)
        self._set_target(target)
        return X, Y

    def _check_fit_params(self, fit_params, X):
        """Metadata of the classifier inside; wrong numbers of sample weights are named here, not in a fold."""
        if fit_params.get("sample_weight") is not None:
            _check_sample_weight(fit_params["sample_weight"], np.empty((count_rows(X), 1)))
        return fit_params

    def _unfitted(self, X):
        """The classifier to be trained, for the rows and the kind of the target."""
        classifier = as_classifier(self.estimator)
        if isinstance(classifier, LabelClassifier):
            return classifier._for_rows(X)
        if self._target.kind != "multilabel":
            return classifier
        return as_multilabel(classifier, len(self.label_names_), self.multi_label)

    def _inner_target(self, Y, classifier):
        """The target for the classifier inside: classes, or a label matrix in the form that it takes."""
        if self._target.kind == "binary":
            return self._target.classes[Y[:, 0].astype(np.intp)]
        if self._target.kind == "multiclass":
            return self._target.classes[Y.argmax(axis=1)]
        if has_unknown(Y):
            _check_leaves_out(classifier, Y)
            return with_nan(Y)
        if is_skorch_net(innermost(classifier)):
            return label_rows(Y)  # its losses take floats
        takes_sparse = isinstance(classifier, LabelClassifier | OneVsRestClassifier)
        return Y.toarray() if sp.issparse(Y) and not takes_sparse else Y

    def _resolved_method(self, classifier):
        """Name of the method that gives the response."""
        return check_response_method(classifier, self.response_method)

    def _keep_estimator(self, estimator, method):
        """Set the fitted classifier and what follows from it."""
        self.estimator_, self.response_method_ = estimator, method
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))

    def __sklearn_tags__(self):
        """Tags: inputs are what the classifier inside takes."""
        # Beyond the parent, which knows only base learners that can be weighted.
        tags = super(BaseLearnerWrapper, self).__sklearn_tags__()
        inner = get_tags(as_classifier(self.estimator)).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


def _check_leaves_out(classifier, Y):
    """Refuse entries that are not known where the classifier inside cannot leave them out."""
    inner = innermost(classifier)
    is_ours = isinstance(inner, LabelProbabilityMixin) and inner._leaves_unknown_out
    if not (is_ours or isinstance(classifier, WeightedOneVsRest)):
        remedy = "set multi_label=False, which fits a clone for each label to the rows where it is known, or fill them"
        refuse_unknown(Y, type(inner).__name__, remedy)


@contextmanager
def constant_labels_are_quiet():
    """No warnings of classifiers inside about labels of one value: the caller names them once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantLabelWarning)
        warnings.filterwarnings("ignore", message="Label .* is present in all training examples")
        yield
