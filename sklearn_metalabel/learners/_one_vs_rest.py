"""One vs. rest for classifiers of one target, with sample weights and labels of one value."""

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples

from sklearn_metalabel.utils import label_column

__all__ = ["ConstantLabel", "WeightedOneVsRest"]


class WeightedOneVsRest(OneVsRestClassifier):
    """scikit-learn's class, whose `fit` hands metadata to the clones and takes labels of one value without a warning.

    scikit-learn's own passes metadata on under routing alone.
    """

    def fit(self, X, y, **fit_params):
        """Fit a clone for each label that has both values."""
        self.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(y)
        self.classes_ = self.label_binarizer_.classes_
        Y = sp.csc_array(y) if sp.issparse(y) else y
        self.estimators_ = [self._fit_one(X, label_column(Y, j), fit_params) for j in range(Y.shape[1])]
        for name in ("n_features_in_", "feature_names_in_"):
            found = [getattr(each, name) for each in self.estimators_ if hasattr(each, name)]
            if found:
                setattr(self, name, found[0])
        return self

    def _fit_one(self, X, y, fit_params):
        """A fitted clone, or the constant of a label that has one value where the weights are not 0."""
        weights = fit_params.get("sample_weight")
        seen = y if weights is None else y[np.asarray(weights) > 0]
        if len(np.unique(seen)) < 2:
            return ConstantLabel(hasattr(self.estimator, "decision_function")).fit(X, seen)
        return clone(self.estimator).fit(X, y, **fit_params)


class ConstantLabel(ClassifierMixin, BaseEstimator):
    """Predictor for a label that has one value: the smoothed share of positives, or a score of 1 or -1."""

    def __init__(self, has_scores):
        self.has_scores = has_scores

    def fit(self, X, y):
        """Keep the share of positives."""
        self.classes_ = np.array([0, 1])
        self.share_ = float((np.sum(y) + 0.5) / (len(y) + 1))
        return self

    def predict_proba(self, X):
        """Probabilities (n, 2), the same for all rows."""
        return np.tile([1 - self.share_, self.share_], (_num_samples(X), 1))

    @available_if(lambda self: self.has_scores)
    def decision_function(self, X):
        """Scores (n,), the same for all rows."""
        return np.full(_num_samples(X), 1.0 if self.share_ > 0.5 else -1.0)
