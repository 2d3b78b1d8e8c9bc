"""Penalised logistic regression of all labels at once, by batched truncated Newton steps.

Every label has its own convex problem, step length and stopping point; the labels of a block share each product
with X. Values and gradients are float64, so the solution does not hang on the arithmetic of the directions: those
come from conjugate gradients, in float32 for sparse X and in float64 for dense X. A rough solution for sparse X is
found in float32 altogether. No sum depends on the number of threads: blocks of sparse problems run beside each other
in Python threads, dense products are cut at fixed places.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from sklearn_metalabel.learners._design import OVERFLOW, WIDTH, dots, make_design, ratio, torch_threads
from sklearn_metalabel.utils import has_unknown, known_totals

_SMALL = 2**20  # most entries of X, zeros included, for the tight tolerance
_BLOCK_BYTES = 2**26  # most bytes of one (n, labels) or (n_features, labels) array of a block
_MAX_CG = 200
_MAX_TRIALS = 40
_ETA = 0.4
_LIVE = 0.75
_SPAN_TOL, _SPAN_STEPS = 5e-2, 5  # of the search for a start
_PART = 1024  # rows whose losses are computed at once: they stay in the cache of a processor
_ROUNDING = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-10}  # relative, of an objective


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
        What the solution is returned in, and found in for sparse X; for dense X it is found in float64.

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
        design = make_design(X, s, fit_intercept, dtype)
    width = int(np.clip(_BLOCK_BYTES // (8 * max(n, d + 1)), 1, WIDTH))

    def solve(j):
        labels = Y[:, j].toarray()
        on = labels > 0
        sign = np.where(on, -1.0, 1.0).astype(design.value_dtype)
        weight = (s[:, None] * np.where(on, C[j] * on_weight[j], C[j])).astype(design.value_dtype)
        if partly:
            weight[labels < 0] = 0.0
        with np.errstate(all="ignore"):  # what overflows is caught by the check of each step
            if start is None:
                V0 = V[:, j].astype(design.value_dtype)
                Z = design.forward(V0)
            else:
                solutions = [np.vstack([W[:, j], b[j]]).astype(design.value_dtype) for W, b in start]
                V0, Z = _best_combination(design, sign, weight, solutions)
            V[:, j], n_newton[j] = _solve_block(design, sign, weight, V0, Z, tol, max_newton)

    _run(solve, [varied[first : first + width] for first in range(0, len(varied), width)], design.n_threads)
    return V[:d], V[d].copy(), n_newton


def default_tolerance(n, d, *, rough=False):
    """Tolerance for X of shape (n, d); rough solutions rank samples as well, but are not kept.

    Twice the rough tolerance would do for moderate penalties; for weak ones thresholds found under it no longer fit the
    exact solution.
    """
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
    torch_threads()  # torch sets the number when a thread first asks for it
    threadpool_limits(limits=1, user_api="openmp")


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


def _solve_block(design, sign, weight, V, Z, tol, max_newton):
    """Solve for a few labels from V (d + 1, L) with scores Z (n, L); `sign` (n, L) is -1 where the label is on.

    Returns V and the steps (L,).
    """
    result, n_newton = V.copy(), np.zeros(V.shape[1], dtype=np.int64)
    columns, eta = np.arange(V.shape[1]), np.full(V.shape[1], _ETA)
    value, wrong = _loss(Z, sign, weight)
    for _ in range(max_newton):
        slopes = weight * wrong
        D = (slopes - slopes * wrong).astype(design.dtype, copy=False)
        slopes *= sign
        G = design.gradient(slopes, V)
        step = _direction(design, D, G, eta)
        decrease = -dots(G, step)
        moved = _search(V, Z, design.forward(step), step, sign, weight, value, decrease)
        V, Z, value, wrong, total, stalled = moved
        if not (np.isfinite(total).all() and np.isfinite(decrease).all()):
            raise ValueError(OVERFLOW)
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
    F = [*(design.forward(B) for B in basis), np.full((1, weight.shape[1]), intercept, dtype=weight.dtype)]
    penalised = np.append(np.ones(len(basis)), 1 - intercept)
    A = np.array([dots(B, solutions[0]) for B in basis] + [intercept * solutions[0][-1]])
    Z = _weighted_sum(F, A)
    value, wrong = _loss(Z, sign, weight)
    for _ in range(_SPAN_STEPS):
        slopes = weight * wrong
        D = slopes - slopes * wrong
        slopes *= sign
        G = np.array([dots(f, slopes) for f in F]) + penalised[:, None] * A
        H = np.zeros((weight.shape[1], len(F), len(F)))
        for k, f in enumerate(F):
            fD = f * D
            H[:, k, k:] = H[:, k:, k] = np.array([dots(g, fD) for g in F[k:]]).T
        H += np.diag(penalised + np.finfo(np.float64).tiny)
        step = -np.linalg.solve(H, G.T[:, :, None])[:, :, 0].T
        decrease = -dots(G, step)
        A, Z, value, wrong, total, _ = _search(A, Z, _weighted_sum(F, step), step, sign, weight, value, decrease)
        if not (decrease > _SPAN_TOL**2 * total).any():
            break
    return np.vstack([_weighted_sum(basis, A[:-1])[:-1], A[-1].astype(Z.dtype)]), Z


def _weighted_sum(arrays, A):
    """Sum arrays (m, L), each label's by its weights A (k, L)."""
    return sum(array * a for array, a in zip(arrays, A.astype(arrays[0].dtype), strict=True))


def _orthonormal(solutions):
    """Orthonormal coefficients (d + 1, L) in the span of those of solutions; 0 where one adds nothing to the others."""
    basis = []
    for V in solutions:
        V = V.copy()
        V[-1] = 0
        size = np.sqrt(dots(V, V))
        for B in basis:
            V -= B * dots(B, V).astype(V.dtype)
        left = np.sqrt(dots(V, V))
        basis.append(V * ratio((left > 1e-5 * size).astype(np.float64), left).astype(V.dtype))
    return basis


def _loss(Z, sign, weight):
    """Return each label's weighted loss and, for each row, the probability of the wrong answer."""
    wrong, value = np.empty_like(Z), np.zeros(Z.shape[1])
    for first in range(0, len(Z), _PART):
        part = slice(first, first + _PART)
        M = np.multiply(sign[part], Z[part], out=wrong[part])
        loss = np.abs(M)
        np.negative(loss, out=loss)
        np.exp(loss, out=loss)
        np.log1p(loss, out=loss)
        loss += np.maximum(M, 0)
        value += dots(weight[part], loss)
        M -= loss  # the logarithm of the wrong answer's probability
        np.exp(M, out=M)
    return value, wrong


def _direction(design, D, G, eta):
    """Solve H step = -G by conjugate gradients until a label's residual is `eta` of its first; shape (d + 1, L)."""
    size = np.maximum(np.abs(G).max(axis=0), np.finfo(G.dtype).tiny)
    R = (-G / size).astype(D.dtype)
    precondition = design.preconditioner(D)
    columns = np.arange(R.shape[1])
    step, local = np.zeros_like(R), np.zeros_like(R)
    Z = precondition(R)
    P, rz = Z.copy(), dots(R, Z)
    goal = eta**2 * rz
    for _ in range(_MAX_CG):
        T = design.forward(P)
        T *= D
        HP = design.gradient(T, P)
        curvature = dots(P, HP)
        alpha = ratio(rz, curvature).astype(D.dtype)
        HP *= alpha
        R -= HP
        local += np.multiply(P, alpha, out=HP)
        Z = precondition(R)
        previous, rz = rz, dots(R, Z)
        live = rz > goal
        if not live.any():
            break
        P *= ratio(rz, previous).astype(D.dtype)
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
    penalty = 0.5 * np.stack([dots(V[:-1], V[:-1]), 2 * dots(V[:-1], step[:-1]), dots(step[:-1], step[:-1])])
    objective = value + penalty[0]
    t, at, labels = np.ones(len(value)), slice(None), np.arange(len(value))
    for k in range(_MAX_TRIALS):
        u, t_at, (p0, p1, p2) = U[:, at], t[at], penalty[:, at]
        moved = t_at.astype(u.dtype) * u
        moved += Z[:, at]
        loss, miss = _loss(moved, sign[:, at], weight[:, at])
        f = loss + p0 + t_at * (p1 + t_at * p2)
        good = f <= objective[at] - 1e-4 * t_at * decrease[at]
        if not good.all():  # by the slope at its end, where the values differ by rounding only
            slope = p1 + 2 * t_at * p2 + dots(weight[:, at] * sign[:, at] * miss, u)
            is_near = f <= objective[at] + _ROUNDING[Z.dtype] * np.abs(objective[at])
            good |= is_near & (slope <= 0.8 * decrease[at])
        good &= decrease[at] > 0
        if k == 0:
            end = moved, miss, loss, f
        else:
            for mine, tried in zip(end, (moved, miss, loss, f), strict=True):
                mine[..., at[good]] = tried[..., good]
        at = labels[at][~good]
        t[at] /= 2
        if not len(at):
            break
    else:
        t[at] = 0
    (Z_end, wrong, value_end, total), stuck = end, t == 0
    if stuck.any():
        Z_end[:, stuck], total[stuck] = Z[:, stuck], objective[stuck]
        value_end[stuck], wrong[:, stuck] = _loss(Z[:, stuck], sign[:, stuck], weight[:, stuck])
    return V + t.astype(V.dtype) * step, Z_end, value_end, wrong, total, stuck
