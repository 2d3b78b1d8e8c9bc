"""Penalised logistic regression of all labels at once, by batched truncated Newton steps.

Every label has its own convex problem, step length and stopping point; the labels of a block share each product
with X. Values and gradients are float64, so the solution does not hang on the arithmetic of the directions: those
come from conjugate gradients, in float32 for sparse X and in float64 for dense X. No sum depends on the number of
threads: blocks of sparse problems run beside each other in Python threads, dense products are cut at fixed places.
"""

import contextlib
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from sklearn_metalabel.utils import has_unknown, known_totals

_SMALL = 2**20  # most entries of X, zeros included, for the tight tolerance
_DEPTH = 256  # longest inner dimension given to BLAS, which cuts longer ones by its number of threads
_WIDTH = 24  # labels in a block, and columns given to BLAS at once
_BLOCK_BYTES = 2**26  # most bytes of one (n, labels) or (n_features, labels) array of a block
_MAX_FACTOR = 2000  # most dense features for which the Gram matrix is factorised as preconditioner
_MAX_CG = 200
_MAX_TRIALS = 40
_ETA = 0.25
_LIVE = 0.75
_SPAN_TOL, _SPAN_STEPS = 5e-2, 5  # of the search for a start
_OVERFLOW = "The logistic regression overflowed: scale the features or lower C."


@cache
def _torch_with_mkl():
    """Torch, where it has MKL, whose sparse product is more than twice as fast as SciPy's; else None."""
    import torch

    if not torch.backends.mkl.is_available():
        return None
    with warnings.catch_warnings():  # torch tells once a process that CSR is in beta; users cannot act on it
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([0]), torch.tensor([1.0]), size=(1, 1))
    return torch


def fit_logistic(
    X,
    Y,
    C,
    *,
    row_weight=None,
    positive_weight=None,
    fit_intercept=True,
    tol=None,
    max_newton=100,
    start=None,
    dtype=np.float64,
):
    """Fit a logistic regression for each label, all labels of a block together.

    Label j minimises ``|W_j|^2 / 2 + C_j * sum_i s_i * (softplus(z_ij) - y_ij * z_ij)`` with ``z = X W + b``, the
    objective of scikit-learn's ``LogisticRegression(C=C_j)``. A label that is constant among the rows of positive
    weight gets zero coefficients and, as intercept, the log-odds of its smoothed frequency.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, n_features)
        Features; a CSR more than a third full is solved as dense.
    Y : ndarray or sparse of shape (n, n_labels)
        Targets in {0, 1}.
    C : ndarray of shape (n_labels,)
        Inverse strength of the penalty of each label.
    row_weight : ndarray of shape (n,) or None
        Non-negative weights of the rows; weight 2 is the row twice, weight 0 is no row.
    positive_weight : ndarray of shape (n_labels,) or None
        Further factor of each label's loss on its positive rows.
    fit_intercept : bool
        Whether to fit the unpenalised intercept.
    tol : float or None
        A label is finished after a step whose expected decrease is at most ``tol**2 / 2`` of its objective. None is
        1e-8 where X has at most 2**20 entries (zeros included), and 5e-3 where it has more.
    max_newton : int
        Most Newton steps for one label.
    start : list of tuple of ndarray (W, b) or None
        Solutions of like problems: each label starts where its objective is lowest among their linear combinations and
        all intercepts. None is zero coefficients and the log-odds of the labels.
    dtype : dtype
        What the solution is returned in; it is found in float64.

    Returns
    -------
    W : ndarray of shape (n_features, n_labels)
    b : ndarray of shape (n_labels,)
    n_newton : ndarray of shape (n_labels,)
        Newton steps taken for each label.

    Raises
    ------
    ValueError
        When an objective or a step is not finite.
    """
    n, d = X.shape
    tol = default_tolerance(n, d) if tol is None else tol
    if sp.issparse(X) and not (seen := np.bincount(X.indices, minlength=d) > 0).all():  # the other coefficients are 0
        W = np.zeros((d, Y.shape[1]), dtype)
        W[seen], *rest = fit_logistic(
            X[:, seen],
            Y,
            C,
            row_weight=row_weight,
            positive_weight=positive_weight,
            fit_intercept=fit_intercept,
            tol=tol,
            max_newton=max_newton,
            start=None if start is None else [(W_start[seen], b_start) for W_start, b_start in start],
            dtype=dtype,
        )
        return W, *rest
    Y, C = sp.csc_array(Y), np.asarray(C, dtype=np.float64)
    s = np.ones(n) if row_weight is None else np.asarray(row_weight, dtype=np.float64)
    on_weight = np.ones(len(C)) if positive_weight is None else np.asarray(positive_weight, dtype=np.float64)
    V, varied = _starting_point(Y, C, s, on_weight, d, fit_intercept, dtype)
    partly = has_unknown(Y)
    n_newton = np.zeros(len(C), dtype=np.int64)
    with np.errstate(all="ignore"):
        design = _make_design(X, s, fit_intercept)
    width = int(np.clip(_BLOCK_BYTES // (8 * max(n, d + 1)), 1, _WIDTH))

    def solve(j):
        labels = Y[:, j].toarray()
        on = labels > 0
        sign, weight = 1.0 - 2.0 * on, s[:, None] * C[j] * np.where(on, on_weight[j], 1.0)
        if partly:
            weight[labels < 0] = 0.0
        with np.errstate(all="ignore"):  # what overflows is caught by the check of each step
            if start is None:
                V0 = V[:, j].astype(np.float64)
                Z = design.forward(V0)
            else:
                V0, Z = _best_combination(design, sign, weight, [np.vstack([W[:, j], b[j]]) for W, b in start])
            V[:, j], n_newton[j] = _solve_block(design, sign, weight, V0, Z, tol, max_newton)

    _run(solve, [varied[first : first + width] for first in range(0, len(varied), width)], design.n_threads)
    return V[:d], V[d].copy(), n_newton


def default_tolerance(n, d, *, rough=False):
    """Tolerance for X of shape (n, d); rough solutions rank samples as well, but are not kept."""
    if n * d <= _SMALL:
        return 1e-3 if rough else 1e-8
    return 5e-2 if rough else 5e-3


def _run(solve, blocks, n_threads):
    """Solve the blocks, several beside each other where there are threads for it."""
    if min(n_threads, len(blocks)) <= 1:
        return list(map(solve, blocks))
    with ThreadPoolExecutor(min(n_threads, len(blocks)), initializer=_claim_one_thread) as pool:
        return list(pool.map(solve, blocks))


def _claim_one_thread():
    """Let torch and MKL use one thread for what this thread asks; OpenMP keeps the number for each thread."""
    _torch_threads()  # torch sets the number when a thread first asks for it
    threadpool_limits(limits=1, user_api="openmp")


def _torch_threads():
    """Threads of torch, which the products of sparse problems have."""
    import torch

    return torch.get_num_threads()


def _starting_point(Y, C, s, on_weight, d, fit_intercept, dtype):
    """Stack zero coefficients over log-odds, (d + 1, L), and list the labels that are not constant."""
    on, used = (Y > 0).astype(np.float64), (s > 0).astype(np.float64)
    positive, n_positive = on.T @ s, on.T @ used
    negative = np.maximum(known_totals(Y, s) - positive, 0)
    positive = positive * on_weight
    constant = (n_positive == 0) | (n_positive == known_totals(Y, used))
    prior = np.log((positive + 0.5) / (negative + 0.5))
    V = np.zeros((d + 1, len(C)), dtype)
    V[d] = prior if fit_intercept else 0
    V[d, constant] = prior[constant]
    varied = np.flatnonzero(~constant)
    # Labels of like difficulty share a block, so that few columns wait for others.
    return V, varied[np.argsort(-(C * np.minimum(positive, negative))[varied], kind="stable")]


def _make_design(X, s, fit_intercept):
    """Choose the products for X."""
    if not sp.issparse(X):
        return _DenseDesign(np.asarray(X, dtype=np.float64), s, fit_intercept)
    if X.nnz > X.shape[0] * X.shape[1] / 3:
        return _DenseDesign(X.toarray().astype(np.float64, copy=False), s, fit_intercept)
    return _SparseDesign(sp.csr_array(X), fit_intercept)


def _dot(A, B):
    """Sum the products of two (rows, labels) arrays over the rows."""
    return np.einsum("ij,ij->j", A, B).astype(np.float64)


def _ratio(a, b):
    """Divide, with zero where the divisor is not positive."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


class _SparseDesign:
    """Products with sparse [X, 1], or with [X, 0] where no intercept is fitted; one thread sums each row in order."""

    dtype = np.dtype(np.float32)

    def __init__(self, X, fit_intercept):
        self.n_threads = _torch_threads()  # for blocks; one in a worker of joblib
        self.fit_intercept = fit_intercept
        # The intercept as a feature costs less than a sum over the rows.
        X = sp.hstack([X, sp.csr_array(np.full((X.shape[0], 1), float(fit_intercept)))], format="csr")
        X64, X32 = X.astype(np.float64, copy=False), X.astype(np.float32, copy=False)
        T64, T32 = X64.T.tocsr(), X32.T.tocsr()
        squared = T32.power(2)
        if not np.isfinite(squared.data).all():
            raise ValueError(_OVERFLOW)
        self.plain = {X64.dtype: _Product(X64), X32.dtype: _Product(X32)}
        self.transposed = {X64.dtype: _Product(T64), X32.dtype: _Product(T32)}
        self.squared = _Product(squared)

    def forward(self, V):
        """Compute [X, 1] V, shape (n, L), in the dtype of V."""
        return self.plain[V.dtype](V)

    def gradient(self, Q, V):
        """Compute [X, 1].T Q plus the gradient of the penalty at V, shape (d + 1, L)."""
        G = self.transposed[Q.dtype](Q)
        G[:-1] += V[:-1]
        return G

    def preconditioner(self, D):
        """Return the inverse diagonal of each label's Hessian."""
        return _diagonal(self.squared(D), self.fit_intercept)


class _Product:
    """Products of a CSR array with dense arrays, by torch where it has MKL."""

    def __init__(self, X):
        self.X, self.torch = X, _torch_with_mkl()
        if self.torch is not None:
            torch = self.torch
            # Torch warns about memory it may not write to, such as that of joblib's workers.
            parts = (torch.from_numpy(np.require(part, requirements="W")) for part in (X.indptr, X.indices, X.data))
            self.X = torch.sparse_csr_tensor(*parts, size=X.shape)

    def __call__(self, A):
        if self.torch is None:
            return self.X @ A
        with self.torch.no_grad():
            return (self.X @ self.torch.from_numpy(np.ascontiguousarray(A))).numpy()


class _DenseDesign:
    """The same for dense X; its products have the threads of BLAS."""

    dtype = np.dtype(np.float64)
    n_threads = 1

    def __init__(self, X, s, fit_intercept):
        self.X, self.total, self.fit_intercept = X, s.sum(), fit_intercept
        self.gram = self._gram(s) if X.shape[1] <= _MAX_FACTOR else None

    def forward(self, V):
        """Compute [X, 1] V, shape (n, L)."""
        Z = _matmul(self.X, V[:-1])
        if self.fit_intercept:
            Z += V[-1]
        return Z

    def gradient(self, Q, V):
        """Compute [X, 1].T Q plus the gradient of the penalty at V, shape (d + 1, L)."""
        G = np.empty_like(V)
        np.add(_matmul(self.X.T, Q), V[:-1], out=G[:-1])
        G[-1] = Q.sum(axis=0) if self.fit_intercept else V[-1]
        return G

    def _gram(self, s):
        """Compute the weighted Gram matrix of [X, 1], shape (d + 1, d + 1)."""
        gram = 0.0
        for i in range(0, len(s), _DEPTH):
            part = np.column_stack([self.X[i : i + _DEPTH], np.full(len(s[i : i + _DEPTH]), float(self.fit_intercept))])
            gram = gram + _matmul((part * s[i : i + _DEPTH, None]).T, part)
        return gram

    def preconditioner(self, D):
        """Return the inverse of one Hessian, its row weights equal, between those of the labels."""
        if self.gram is not None:
            M = self.gram * np.exp(np.mean(np.log(np.maximum(D.sum(axis=0) / self.total, 1e-300))))
            M[np.diag_indices_from(M)] += np.append(np.ones(len(M) - 1), not self.fit_intercept)
            scale = 1 / np.sqrt(np.diag(M))
            with contextlib.suppress(np.linalg.LinAlgError):  # M may be singular to rounding
                return _Factor(_inverse_factor(scale[:, None] * M * scale) * scale)
        return _diagonal(np.vstack([_matmul(np.square(self.X).T, D), D.sum(axis=0)]), self.fit_intercept)


def _diagonal(squares, fit_intercept):
    """Preconditioner of the diagonals of the Hessians, given those of the losses, shape (d + 1, L)."""
    squares[:-1] += 1
    if not fit_intercept:
        squares[-1] = 1
    return _Diagonal(1 / squares)


class _Diagonal:
    """Preconditioner with a diagonal for each label."""

    def __init__(self, inverse):
        self.inverse = inverse

    def __call__(self, R):
        return self.inverse * R

    def take(self, kept):
        """Keep some of the labels."""
        return _Diagonal(np.compress(kept, self.inverse, axis=1))


class _Factor:
    """Preconditioner shared by all labels, given by the inverse of its Cholesky factor."""

    def __init__(self, root):
        self.root = root
        self.take = lambda kept: self

    def __call__(self, R):
        return _matmul(self.root.T, _matmul(self.root, R))


def _matmul(A, B):
    """Multiply dense matrices so that no bit depends on the number of BLAS threads."""
    if B.shape[1] > _WIDTH:  # a wide product is cut at places that depend on the number of threads
        return np.hstack([_matmul(A, B[:, j : j + _WIDTH]) for j in range(0, B.shape[1], _WIDTH)])
    if B.shape[1] == 1:  # and so is the sum of a matrix by vector product
        return _matmul(A, np.repeat(B, 2, axis=1))[:, :1].copy()
    out = A[:, :_DEPTH] @ B[:_DEPTH]
    for k in range(_DEPTH, A.shape[1], _DEPTH):
        out += A[:, k : k + _DEPTH] @ B[k : k + _DEPTH]
    return out


def _inverse_factor(A):
    """Invert the Cholesky factor of A by halves, so that no bit depends on the number of BLAS threads."""
    half = len(A) // 2
    if len(A) <= 32:
        return np.linalg.inv(np.linalg.cholesky(A))
    first = _inverse_factor(A[:half, :half])
    below = _matmul(A[half:, :half], first.T)
    second = _inverse_factor(A[half:, half:] - _matmul(below, below.T.copy()))
    corner = -_matmul(second, _matmul(below, first))
    return np.block([[first, np.zeros((half, len(A) - half))], [corner, second]])


def _solve_block(design, sign, weight, V, Z, tol, max_newton):
    """Solve for a few labels from V (d + 1, L) with scores Z (n, L); `sign` (n, L) is -1 where the label is on.

    Returns V and the steps (L,).
    """
    result, n_newton = V.copy(), np.zeros(V.shape[1], dtype=np.int64)
    columns, eta = np.arange(V.shape[1]), np.full(V.shape[1], _ETA)
    value, wrong = _loss(Z, sign, weight)
    for _ in range(max_newton):
        slopes = weight * sign * wrong
        D = (weight * wrong * (1 - wrong)).astype(design.dtype)
        G = design.gradient(slopes, V)
        step = _direction(design, D, G, eta)
        decrease = -_dot(G, step)
        moved = _search(V, Z, design.forward(step), step, sign, weight, value, decrease)
        V, Z, value, wrong, total, stalled = moved
        if not (np.isfinite(total).all() and np.isfinite(decrease).all()):
            raise ValueError(_OVERFLOW)
        n_newton[columns] += 1
        relative = np.maximum(decrease, 0) / total
        going = (relative > tol**2) & ~stalled
        if not going.any():
            break
        eta = np.clip(relative**0.25, 1e-4, _ETA)
        if not going.all():
            result[:, columns[~going]] = V[:, ~going]
            columns, eta, value = columns[going], eta[going], value[going]
            V, Z, wrong, sign, weight = (np.compress(going, A, axis=1) for A in (V, Z, wrong, sign, weight))
    result[:, columns] = V
    return result, n_newton


def _best_combination(design, sign, weight, solutions):
    """Combine solutions, each (d + 1, L), into the start of lowest objective for each label: V (d + 1, L), Z (n, L).

    That is a logistic regression on what each solution predicts; its coefficients A (k + 1, L) belong to orthonormal
    coefficients of the features, so that their penalty is the one of the features. The last is the intercept.
    """
    basis, intercept = _orthonormal(solutions), float(design.fit_intercept)
    F = [*(design.forward(B) for B in basis), np.full((1, weight.shape[1]), intercept)]
    penalised = np.append(np.ones(len(basis)), 1 - intercept)
    A = np.array([_dot(B, solutions[0]) for B in basis] + [intercept * solutions[0][-1]])
    Z = _weighted_sum(F, A)
    value, wrong = _loss(Z, sign, weight)
    for _ in range(_SPAN_STEPS):
        slopes = weight * wrong
        D = slopes * (1 - wrong)
        slopes *= sign
        G = np.array([_dot(f, slopes) for f in F]) + penalised[:, None] * A
        H = np.zeros((weight.shape[1], len(F), len(F)))
        for k, f in enumerate(F):
            H[:, k, k:] = H[:, k:, k] = np.array([_dot(g, D) for g in [f * g for g in F[k:]]]).T
        H += np.diag(penalised + np.finfo(np.float64).tiny)
        step = -np.linalg.solve(H, G.T[:, :, None])[:, :, 0].T
        decrease = -_dot(G, step)
        A, Z, value, wrong, total, _ = _search(A, Z, _weighted_sum(F, step), step, sign, weight, value, decrease)
        if not (decrease > _SPAN_TOL**2 * total).any():
            break
    return np.vstack([_weighted_sum(basis, A[:-1])[:-1], A[-1]]), Z


def _weighted_sum(arrays, A):
    """Sum arrays (m, L), each label's by its weights A (k, L)."""
    return sum(array * a for array, a in zip(arrays, A, strict=True))


def _orthonormal(solutions):
    """Orthonormal coefficients (d + 1, L) in the span of those of solutions; 0 where one adds nothing to the others."""
    basis = []
    for V in solutions:
        V = V.astype(np.float64)
        V[-1] = 0
        size = np.sqrt(_dot(V, V))
        for B in basis:
            V -= B * _dot(B, V)
        left = np.sqrt(_dot(V, V))
        basis.append(V * _ratio((left > 1e-6 * size).astype(np.float64), left))
    return basis


def _loss(Z, sign, weight):
    """Return each label's weighted loss and, for each row, the probability of the wrong answer."""
    M = sign * Z
    loss = np.log1p(np.exp(-np.abs(M)))
    loss += np.maximum(M, 0)
    M -= loss  # the logarithm of the wrong answer's probability
    return _dot(weight, loss), np.exp(M, out=M)


def _direction(design, D, G, eta):
    """Solve H step = -G by conjugate gradients until a label's residual is `eta` of its first; shape (d + 1, L)."""
    size = np.maximum(np.abs(G).max(axis=0), np.finfo(np.float64).tiny)
    R = (-G / size).astype(D.dtype)
    precondition = design.preconditioner(D)
    columns = np.arange(R.shape[1])
    step, local = np.zeros_like(R), np.zeros_like(R)
    Z = precondition(R)
    P, rz = Z.copy(), _dot(R, Z)
    goal = eta**2 * rz
    for _ in range(_MAX_CG):
        T = design.forward(P)
        T *= D
        HP = design.gradient(T, P)
        curvature = _dot(P, HP)
        alpha = _ratio(rz, curvature).astype(D.dtype)
        HP *= alpha
        R -= HP
        local += np.multiply(P, alpha, out=HP)
        Z = precondition(R)
        previous, rz = rz, _dot(R, Z)
        live = rz > goal
        if not live.any():
            break
        P *= _ratio(rz, previous).astype(D.dtype)
        P += Z
        if live.mean() <= _LIVE:
            step[:, columns[~live]] = local[:, ~live]
            columns, rz, goal = columns[live], rz[live], goal[live]
            local, R, P, D = (np.compress(live, A, axis=1) for A in (local, R, P, D))
            precondition = precondition.take(live)
    step[:, columns] = local
    return step * size


def _search(V, Z, U, step, sign, weight, value, decrease):
    """Halve each label's step until it lowers the objective (U is [X, 1] step); the new state, and who is stuck."""
    penalty = [0.5 * _dot(V[:-1], V[:-1]), _dot(V[:-1], step[:-1]), 0.5 * _dot(step[:-1], step[:-1])]
    objective = value + penalty[0]
    t, value, total = np.ones(len(value)), value.copy(), objective.copy()
    trial, wrong = np.arange(len(t)), np.empty_like(Z)
    for _ in range(_MAX_TRIALS):
        z, u, y, c = (A if len(trial) == len(t) else A[:, trial] for A in (Z, U, sign, weight))
        loss, miss = _loss(z + t[trial] * u, y, c)
        p0, p1, p2 = (part[trial] for part in penalty)
        f = loss + p0 + t[trial] * (p1 + t[trial] * p2)
        slope = p1 + 2 * t[trial] * p2 + _dot(c * y * miss, u)
        good = _is_lower(f, objective[trial], slope, decrease[trial], t[trial])
        value[trial[good]], total[trial[good]], wrong[:, trial[good]] = loss[good], f[good], miss[:, good]
        trial = trial[~good]
        if not len(trial):
            break
        t[trial] /= 2
    t[trial] = 0
    return V + t * step, Z + t * U, value, wrong, total, t == 0


def _is_lower(f, before, slope, decrease, t):
    """Tell whether a step may be taken; by the slope at its end where the values differ by rounding only."""
    by_value = f <= before - 1e-4 * t * decrease
    by_slope = (f <= before + 1e-10 * np.abs(before)) & (slope <= 0.8 * decrease)
    return (by_value | by_slope) & (decrease > 0)
