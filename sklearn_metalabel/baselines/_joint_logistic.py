"""Logistic regressions that read each other's probabilities, trained together."""

import warnings

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import safe_sparse_dot

from sklearn_metalabel.baselines._structure import label_levels
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.utils import clip_probabilities, label_rows

__all__ = ["JointLogistic", "JointLoss", "PartialOrder"]

_MAX_STEPS = 1000
_BLOCK_ENTRIES = 2**22  # most entries of one array of products over edges


class JointLogistic(LabelWeightedLogistic):
    """`LabelWeightedLogistic` whose logits also have the probabilities of the label's parents as features.

    Parameters
    ----------
    edges : array-like of int of shape (n_edges, 2)
        Parents and children, without cycles.
    C, fit_intercept, tol
        As there; `tol` is for the independent solution, from which the joint one starts.

    Attributes
    ----------
    coef_, intercept_, n_newton_
        As there.
    edge_coef_ : ndarray of shape (n_edges,)
        Coefficient of each parent's probability in its child's logit.
    """

    _parameter_constraints = {"edges": ["array-like"], **LabelWeightedLogistic._parameter_constraints}

    def __init__(self, edges, C=1.0, *, fit_intercept=True, tol=None):
        super().__init__(C, fit_intercept=fit_intercept, tol=tol)
        self.edges = edges

    _leaves_unknown_out = False

    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None):
        super()._fit_labels(X, Y, weights=weights, sample_weight=sample_weight, solution=solution)
        self.edge_coef_ = np.zeros(len(self.edges))
        # A label without edges is solved.
        labels, local = np.unique(self.edges, return_inverse=True)
        if len(labels) == 0:
            return
        order = PartialOrder(len(labels), local.reshape(-1, 2))
        weight = np.multiply.outer(self.C * weights.label[labels], _ones_for_none(sample_weight, X.shape[0]))
        loss = JointLoss(X, label_rows(Y[:, labels], dtype=np.float64).T, weight, order, self.fit_intercept)
        theta = loss.join(self.coef_[labels], self.intercept_[labels], self.edge_coef_)
        self.coef_[labels], self.intercept_[labels], self.edge_coef_ = loss.split(_minimum(loss, theta))

    def _label_probabilities(self, X):
        Z = safe_sparse_dot(X, self.coef_.T, dense_output=True)
        Z = np.asarray(Z, dtype=np.float64) + self.intercept_
        return clip_probabilities(PartialOrder(Z.shape[1], self.edges).outputs(Z.T, self.edge_coef_)[1].T)


class PartialOrder:
    """Labels in a partial order, whose logits are evaluated level by level; labels are rows here."""

    def __init__(self, n_labels, edges):
        self.shape = (n_labels, n_labels)
        self.parents, self.children = np.asarray(edges, dtype=np.intp).reshape(-1, 2).T
        self.levels = label_levels(n_labels, np.asarray(edges).reshape(-1, 2))

    def outputs(self, F, b):
        """Logits and probabilities (L, n) from the labels' own logits F and the coefficients b of the edges."""
        Z, P = np.array(F, order="C"), np.zeros(F.shape)
        B = sp.csr_array((b, (self.children, self.parents)), shape=self.shape)
        for depth, labels in enumerate(self.levels):
            if depth:
                Z[labels] += B[labels] @ P
            P[labels] = expit(Z[labels])
        return Z, P

    def flow_back(self, G, P, b):
        """Add to the gradient G (L, n) of each label's own loss what comes back from its descendants, in place."""
        B = sp.csr_array((b, (self.parents, self.children)), shape=self.shape)
        for labels in reversed(self.levels[:-1]):
            G[labels] += P[labels] * (1 - P[labels]) * (B[labels] @ G)

    def edge_gradient(self, G, P):
        """Gradient (n_edges,) in the coefficients of the edges."""
        width = max(1, _BLOCK_ENTRIES // G.shape[1])
        blocks = (slice(first, first + width) for first in range(0, len(self.parents), width))
        return np.concatenate([np.einsum("ei,ei->e", G[self.children[e]], P[self.parents[e]]) for e in blocks])


class JointLoss:
    """The penalised log-loss of all labels and its gradient.

    X (n, d) dense or sparse, Y (L, n) in {0, 1}, weight (L, n) of each row in each label's loss.
    """

    def __init__(self, X, Y, weight, order, fit_intercept):
        self.X = X.astype(np.float64, copy=False)
        self.XT = sp.csr_array(self.X.T) if sp.issparse(X) else self.X.T
        self.Y, self.weight, self.order, self.fit_intercept = Y, weight, order, fit_intercept

    def join(self, A, c, b):
        """One vector from coefficients A (L, d), intercepts c (L,) and coefficients b of the edges."""
        return np.concatenate([A.ravel(), c, b])

    def split(self, theta):
        """Coefficients, intercepts and coefficients of the edges from one vector."""
        n_labels, d = len(self.Y), self.X.shape[1]
        A, c, b = np.split(theta, [n_labels * d, n_labels * (d + 1)])
        return A.reshape(n_labels, d), c, b

    def __call__(self, theta):
        """The loss and its gradient."""
        A, c, b = self.split(theta)
        Z, P = self.order.outputs((self.X @ A.T).T + c[:, None], b)
        loss = np.sum(self.weight * (np.logaddexp(0, Z) - self.Y * Z)) + (np.sum(A * A) + b @ b) / 2
        G = self.weight * (P - self.Y)
        self.order.flow_back(G, P, b)
        slopes = (self.XT @ G.T).T + A, self.fit_intercept * G.sum(axis=1), self.order.edge_gradient(G, P) + b
        return loss, self.join(*slopes)


def _ones_for_none(sample_weight, n):
    """The weights of the rows."""
    return np.ones(n) if sample_weight is None else sample_weight


def _minimum(loss, theta):
    """The minimum near `theta`."""
    options = {"maxiter": _MAX_STEPS, "maxfun": 2 * _MAX_STEPS, "ftol": 1e-7}
    result = minimize(loss, theta, jac=True, method="L-BFGS-B", options=options)
    if result.status == 1:
        warnings.warn(
            f"The joint training stopped after {_MAX_STEPS} steps before it had converged: scale the features or "
            "lower C.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return result.x
