"""One clone of a classifier for each label, that reads other labels as features."""

from numbers import Integral

import numpy as np
import scipy.sparse as sp
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed

from sklearn_metalabel.baselines._structure import label_levels
from sklearn_metalabel.learners import LabelClassifier, fit_label, positive_probability
from sklearn_metalabel.utils import (
    HasMethods,
    aligned,
    clip_probabilities,
    current_threads,
    draw_seeds,
    fix_random_states,
    label_column,
    use_threads,
)

__all__ = ["ChainedLabels"]


class ChainedLabels(MetaEstimatorMixin, LabelClassifier):
    """One clone of a classifier for each label, trained on the features and the values of the label's parents.

    Parameters
    ----------
    estimator : estimator
        A classifier with `predict_proba` or `decision_function`.
    edges : array-like of int of shape (n_edges, 2)
        Parents and children, without cycles.
    folds : list of (train, test), default=None
        Splits that give each row an out-of-fold value of the parents; None takes the true labels.
    n_jobs : int, default=None
        Labels of a level fitted at the same time; the result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of clones that have a `random_state` of None.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted clone of each label; a constant predictor for a label that has one value only.
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"])],
        "edges": ["array-like"],
        "folds": [list, None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, edges, *, folds=None, n_jobs=None, random_state=None):
        self.estimator = estimator
        self.edges = edges
        self.folds = folds
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        n_labels = Y.shape[1]
        self.estimators_, self._parents = [None] * n_labels, _parents_of(self.edges, n_labels)
        seeds, threads = draw_seeds(self.random_state, n_labels), current_threads()
        values = Y if self.folds is None else np.zeros(Y.shape)
        is_parent = np.isin(np.arange(n_labels), np.concatenate(self._parents))
        for labels in self._groups(n_labels):
            fitted = Parallel(n_jobs=self.n_jobs)(
                delayed(_fit_one)(
                    fix_random_states(clone(self.estimator), seeds[j]),
                    (X, _columns(values, self._parents[j]), label_column(Y, j)),
                    _row_weight(weights.label[j], sample_weight, X.shape[0]),
                    self.folds if is_parent[j] else None,
                    threads,
                )
                for j in labels
            )
            for j, (estimator, held_out) in zip(labels, fitted, strict=True):
                self.estimators_[j] = estimator
                if held_out is not None:
                    values[:, j] = held_out

    def _groups(self, n_labels):
        """Labels that can be fitted at the same time: all, or one level after another where they need predictions."""
        return [range(n_labels)] if self.folds is None else label_levels(n_labels, self.edges)

    def _label_probabilities(self, X):
        P = np.zeros((X.shape[0], len(self.estimators_)))
        for labels in label_levels(P.shape[1], self.edges):
            for j in labels:
                P[:, j] = positive_probability(self.estimators_[j], _with_columns(X, P[:, self._parents[j]]))
        return clip_probabilities(P)

    def __sklearn_tags__(self):
        """Tags: inputs are what the classifier takes."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


def _parents_of(edges, n_labels):
    """Parents of each label, as a list of arrays."""
    edges = np.asarray(edges, dtype=np.intp).reshape(-1, 2)
    by_child = edges[np.argsort(edges[:, 1], kind="stable")]
    return np.split(by_child[:, 0], np.searchsorted(by_child[:, 1], np.arange(1, n_labels)))


def _columns(values, labels):
    """Dense columns of true or predicted labels."""
    chosen = values[:, labels]
    return np.asarray(chosen.toarray() if sp.issparse(chosen) else chosen, dtype=np.float64)


def _with_columns(X, V):
    """Features and, beside them, the values of other labels."""
    if V.shape[1] == 0:
        return X
    return sp.hstack([X, sp.csr_array(V)], format="csr") if sp.issparse(X) else np.hstack([X, V])


def _row_weight(label_weight, sample_weight, n):
    """Weights of the rows for one label, None where they are all 1."""
    if sample_weight is None:
        return None if label_weight == 1 else np.full(n, label_weight)
    return label_weight * sample_weight


def _fit_one(estimator, data, weight, folds, threads):
    """A fitted clone for one label, and its out-of-fold predictions where there are folds."""
    X, V, y = (aligned(part) for part in data)
    X, held_out = _with_columns(X, V), None
    with use_threads(threads):
        if folds is not None:
            held_out = np.empty(X.shape[0])
            for train, test in folds:
                part = fit_label(clone(estimator), X[train], y[train], **_options(weight, train))
                held_out[test] = positive_probability(part, X[test])
        return fit_label(estimator, X, y, **_options(weight)), held_out


def _options(weight, rows=slice(None)):
    """Keyword arguments of `fit` for the weights of some rows."""
    return {} if weight is None else {"sample_weight": weight[rows]}
