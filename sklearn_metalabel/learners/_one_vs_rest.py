"""One vs. rest for classifiers of one target, with sample weights and labels of one value."""

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import LabelBinarizer

from sklearn_metalabel.learners._one_label import fit_known_label
from sklearn_metalabel.utils import CallbackSupportMixin, label_column, list_with_tasks, with_callbacks

__all__ = ["WeightedOneVsRest"]


class WeightedOneVsRest(CallbackSupportMixin, OneVsRestClassifier):
    """scikit-learn's class, whose `fit` hands metadata to the clones and takes labels of one value without a warning.

    scikit-learn's own passes metadata on under routing alone. Rows in which a label is NaN have no part in its clone.
    """

    @with_callbacks
    def fit(self, X, y, **fit_params):
        """Fit a clone for each label that has both values."""
        known = (y == 1).astype(np.int8)  # the binarizer takes no NaN
        self.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(known if y.shape[1] > 1 else [0, 1])
        self.classes_ = self.label_binarizer_.classes_
        Y = sp.csc_array(y) if sp.issparse(y) else y
        fitted = (
            fit_known_label(clone(self.estimator), X, label_column(Y, j), label=j, **fit_params)
            for j in range(Y.shape[1])
        )
        self.estimators_ = list_with_tasks(self, fitted, Y.shape[1], "label")
        for name in ("n_features_in_", "feature_names_in_"):
            found = [getattr(each, name) for each in self.estimators_ if hasattr(each, name)]
            if found:
                setattr(self, name, found[0])
        return self
