"""Base learners that worker processes find: they know no test module."""

import numpy as np
from _cases import MLP
from sklearn.linear_model import LogisticRegression

__all__ = ["Module", "Native", "Wide"]


class Native(LogisticRegression):
    """A classifier whose own `fit` takes weights of labels."""

    def fit(self, X, Y, label_weight=None):
        self.of_label_ = [
            LogisticRegression().fit(X, y, w * np.ones(len(y))) for y, w in zip(Y.T, label_weight, strict=True)
        ]
        return self

    def predict_proba(self, X):
        return np.column_stack([clf.predict_proba(X)[:, 1] for clf in self.of_label_])


class Module(MLP):
    def __init__(self):
        super().__init__(8, 4)


class Wide(MLP):
    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels, 32)
