"""Estimators whose own `fit` takes label matrices, with a weight for each label or without."""

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.utils import HasMethods, clip_probabilities, fix_random_states, label_rows

__all__ = ["NativeLabelClassifier", "UnweightedLabelClassifier"]


class NativeLabelClassifier(MetaEstimatorMixin, LabelClassifier):
    """Adapter of an estimator with `fit(X, Y, label_weight=...)` and `predict_proba`."""

    _input_form = "frame"
    _parameter_constraints = {"estimator": [HasMethods(["fit", "predict_proba"])]}

    def __init__(self, estimator):
        self.estimator = estimator

    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        target = label_rows(Y, dtype=np.int64)
        options = {} if sample_weight is None else {"sample_weight": sample_weight}
        target = target.ravel() if target.shape[1] == 1 else target
        self.estimator_ = clone(self.estimator).fit(X, target, **self._weight_options(weights), **options)
        self._n_labels = Y.shape[1]

    def _weight_options(self, weights):
        """How the estimator is told the weights of the labels."""
        return {"label_weight": weights.label}

    def _label_probabilities(self, X):
        P = self.estimator_.predict_proba(X)
        if isinstance(P, list):
            P = np.column_stack([self._of_one(p, j) for j, p in enumerate(P)])
        P = np.asarray(P, dtype=np.float64)
        P = P[:, 1:] if self._n_labels == 1 and P.ndim == 2 and P.shape[1] == 2 else P
        if P.shape != (X.shape[0], self._n_labels):
            raise ValueError(
                f"{type(self.estimator_).__name__}.predict_proba must return shape "
                f"{(X.shape[0], self._n_labels)}, got {P.shape}; give one probability for each label."
            )
        return clip_probabilities(P.copy())

    def _of_one(self, p, j):
        """Probability of 1 from the probabilities (n, 2) of one label's classes, or (n, 1) where it has one value."""
        return p[:, 1] if p.shape[1] == 2 else np.full(len(p), float(self.estimator_.classes_[j][0]))

    def _clone_for_training(self, seed):
        copy = clone(self)
        fix_random_states(copy.estimator, seed)
        return copy

    def __sklearn_tags__(self):
        """Tags: inputs are what the wrapped estimator takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


class UnweightedLabelClassifier(NativeLabelClassifier):
    """Adapter of an estimator with `fit(X, Y, sample_weight=...)` and `predict_proba`, where label weights are 1."""

    def _weight_options(self, weights):
        if (weights.label != 1).any():
            raise ValueError(
                f"{type(self.estimator).__name__} was trained on all labels together, where their weights must be 1, "
                f"got weights from {weights.label.min()} to {weights.label.max()}; wrap it as LabelwiseClassifier("
                f"{type(self.estimator).__name__}()) to weight labels."
            )
        return {}
