"""One classifier for one label: how it is fitted, and what it says, also where the label has one value only."""

import re

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, _num_samples

from sklearn_metalabel.utils import take_rows, to_probabilities, warn_rare_label

__all__ = ["ConstantLabel", "fit_known_label", "fit_label", "positive_probability"]


# Rows of the rarer value that a classifier may be short of; an error with more of them has another reason.
_FEW_ROWS = 10
# What scikit-learn's splitters and those who call them say then.
_OF_FEW_ROWS = re.compile("n_splits|members|populated class|for at least one class|least two classes|least 2 classes")


class ConstantLabel(ClassifierMixin, BaseEstimator):
    """Predictor for a label that has one value: the smoothed share of positives, or a score of 1 or -1."""

    def __init__(self, has_scores=False):
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


def fit_known_label(estimator, X, y, *, label=0, **fit_params):
    """`estimator` fitted to the rows in which a label (n,) of 0 and 1 is known, which it is not where it is NaN or -1.

    Otherwise as `fit_label`.
    """
    known = np.flatnonzero(y >= 0)
    if known.size < len(y):
        fit_params = _check_method_params(np.empty(len(y)), fit_params, indices=known)
        X, y = take_rows(X, known), y[known].astype(np.int8)
    return fit_label(estimator, X, y, label=label, **fit_params)


def fit_label(estimator, X, y, *, positive=1, label=0, **fit_params):
    """`estimator` fitted to one label, or `ConstantLabel` where the rows of positive weight have one value only.

    y (n,) holds two values, of which `positive` says that a sample has the label; `label` is what a warning calls it.
    A rare label of which the estimator has too few rows, for a split of its own say, falls back to its share as well.
    """
    weights = fit_params.get("sample_weight")
    seen = y if weights is None else y[np.asarray(weights) > 0]
    if len(np.unique(seen)) < 2:
        return ConstantLabel(hasattr(estimator, "decision_function")).fit(X, seen == positive)
    try:
        return estimator.fit(X, y, **fit_params)
    except ValueError as error:
        n_positives = int(np.sum(seen == positive))
        if min(n_positives, len(seen) - n_positives) >= _FEW_ROWS or not _OF_FEW_ROWS.search(str(error)):
            raise
        warn_rare_label(label, n_positives, len(seen), error)
        return ConstantLabel(hasattr(estimator, "decision_function")).fit(X, seen == positive)


def positive_probability(estimator, X):
    """Probability of 1 (n,), float64; without probabilities the logistic function of the decision value."""
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X), dtype=np.float64)[:, 1]
    return to_probabilities(np.asarray(estimator.decision_function(X), dtype=np.float64))
