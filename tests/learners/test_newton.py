"""The batched Newton solver against scikit-learn, a naive loop, and itself."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

import sklearn_metalabel.learners._newton as newton
from sklearn_metalabel.learners import _design
from sklearn_metalabel.learners._newton import fit_logistic


def make_problem(seed=0, n=150, d=12, L=5, density=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    if density is not None:
        X *= rng.random((n, d)) < density
    scores = X @ rng.normal(size=(d, L)) + np.linspace(-3, 1, L)
    return X, (scores + rng.logistic(size=(n, L)) > 0).astype(int)


def objective(X, Y, C, W, b, s=1.0):
    Z = X @ W + b
    losses = np.logaddexp(0, np.where(Y, -Z, Z)) * np.reshape(s, (-1, 1))
    return 0.5 * np.sum(W**2, axis=0) + C * losses.sum(axis=0)


def fit_reference(X, Y, C, s=None, **params):
    params = {"solver": "newton-cholesky", "tol": 1e-10, "max_iter": 1000} | params
    models = [LogisticRegression(C=c, **params).fit(X, y, sample_weight=s) for c, y in zip(C, Y.T, strict=True)]
    return np.column_stack([m.coef_[0] for m in models]), np.array([np.ravel(m.intercept_)[0] for m in models])


def naive_newton(X, y, C, steps=30):
    A = np.column_stack([X, np.ones(len(X))])
    penalty = np.diag(np.append(np.ones(X.shape[1]), 0.0))
    v = np.zeros(A.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-A @ v))
        gradient = penalty @ v + C * A.T @ (p - y)
        v -= np.linalg.solve(penalty + C * (A.T * (p * (1 - p))) @ A, gradient)
    return v


@pytest.mark.parametrize("density", [None, 0.2])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_each_label_with_its_own_c_is_scikit_learns_solution(density, fit_intercept):
    X, Y = make_problem(density=density)
    C = np.array([0.01, 0.3, 1.0, 10.0, 100.0])
    W, b, _ = fit_logistic(X if density is None else sp.csr_array(X), Y, C, fit_intercept=fit_intercept)
    W_ref, b_ref = fit_reference(X, Y, C, fit_intercept=fit_intercept)
    assert_allclose(W, W_ref, rtol=1e-5, atol=1e-7)
    assert_allclose(b, b_ref, rtol=1e-5, atol=1e-7)


def test_one_label_is_the_solution_of_a_naive_newton_loop():
    X, Y = make_problem(L=1)
    W, b, _ = fit_logistic(X, Y, [0.5])
    assert_allclose(np.append(W, b), naive_newton(X, Y[:, 0], 0.5), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("C", [1.0, 100.0])
@pytest.mark.parametrize("kind", ["dense", "sparse", "large sparse"])
def test_no_objective_is_above_lbfgs(kind, C):
    n, d = (1000, 1500) if kind == "large sparse" else (200, 40)
    X, Y = make_problem(1, n, d, density=None if kind == "dense" else 0.02)
    assert kind != "large sparse" or X.size > newton._SMALL
    X = X if kind == "dense" else sp.csr_matrix(X)
    Cs = np.full(Y.shape[1], C)
    ours = objective(X, Y, Cs, *fit_logistic(X, Y, Cs)[:2])
    lbfgs = objective(X, Y, Cs, *fit_reference(X, Y, Cs, solver="lbfgs", tol=1e-4))
    assert (ours <= lbfgs * (1 + 1e-9)).all()


@pytest.mark.parametrize("density", [None, 0.2])
def test_row_weights_are_repeated_rows(density):
    X, Y = make_problem(density=density)
    X = X if density is None else sp.csr_array(X)
    s = np.random.default_rng(0).integers(0, 4, size=len(Y))
    rows = np.repeat(np.arange(len(Y)), s)
    C = np.array([0.1, 1.0, 1.0, 10.0, 100.0])
    W, b, _ = fit_logistic(X, Y, C, row_weight=s)
    W_rep, b_rep, _ = fit_logistic(X[rows], Y[rows], C)
    assert_allclose(X @ W + b, X @ W_rep + b_rep, rtol=1e-7, atol=1e-8)
    W_ref, b_ref = fit_reference(X, Y, C, s)
    assert_allclose(X @ W + b, X @ W_ref + b_ref, rtol=1e-5, atol=1e-6)


def test_a_warm_start_takes_fewer_steps_and_ends_at_the_same_place():
    X, Y = make_problem()
    cold = fit_logistic(X, Y, np.full(5, 10.0))
    warm = fit_logistic(X, Y, np.full(5, 11.0), start=[cold[:2]])
    again = fit_logistic(X, Y, np.full(5, 11.0))
    assert warm[2].sum() < again[2].sum()
    assert_allclose(warm[0], again[0], rtol=1e-6, atol=1e-9)
    assert (fit_logistic(X, Y, np.full(5, 10.0), start=[cold[:2]])[2] == 1).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_constant_labels_get_the_log_odds_of_their_smoothed_frequency(fit_intercept):
    X, Y = make_problem()
    s = np.ones(len(Y))
    s[:10] = 0
    Y[:, 1], Y[:, 3] = 0, 1
    Y[:10, 3] = 0
    start = (np.ones((12, 5)), np.ones(5))
    for begin in (None, [start]):
        W, b, n_newton = fit_logistic(X, Y, np.ones(5), row_weight=s, fit_intercept=fit_intercept, start=begin)
        assert_array_equal(W[:, [1, 3]], 0)
        assert_allclose(b[[1, 3]], [-np.log(281), np.log(281)])
        assert_array_equal(n_newton > 0, [True, False, True, False, True])


@pytest.mark.parametrize("as_csr", [False, True])
def test_unscaled_shifted_and_duplicate_columns_converge(as_csr):
    X, Y = make_problem(n=300)
    X = np.column_stack([X * np.logspace(0, 3, 12), X[:, :3], X[:, :3], 100 + X[:, :2]])
    C = np.array([0.1, 1.0, 10.0, 1.0, 100.0])
    W, b, _ = fit_logistic(sp.csr_matrix(X) if as_csr else X, Y, C)
    W_ref, b_ref = fit_reference(X, Y, C)
    ours, reference = objective(X, Y, C, W, b), objective(X, Y, C, W_ref, b_ref)
    assert_allclose(ours, reference, rtol=1e-9)
    assert_allclose(X @ W + b, X @ W_ref + b_ref, rtol=1e-3, atol=1e-4)


def test_many_dense_features_without_a_factor_converge(monkeypatch):
    X, Y = make_problem(d=40)
    expected = fit_logistic(X, Y, np.ones(5))
    monkeypatch.setattr(_design, "_MAX_FACTOR", 10)
    W, b, _ = fit_logistic(X, Y, np.ones(5))
    assert_allclose(W, expected[0], rtol=1e-6, atol=1e-9)
    assert_allclose(b, expected[1], rtol=1e-6)


@pytest.mark.parametrize("density", [None, 0.2])
def test_the_size_of_the_blocks_does_not_change_the_result(monkeypatch, density):
    X, Y = make_problem(density=density, L=9)
    X = X if density is None else sp.csr_array(X)
    whole = fit_logistic(X, Y, np.ones(9))
    monkeypatch.setattr(newton, "WIDTH", 2)
    parts = fit_logistic(X, Y, np.ones(9))
    assert_allclose(X @ parts[0] + parts[1], X @ whole[0] + whole[1], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("density", [None, 0.2])
def test_the_number_of_threads_does_not_change_a_bit(monkeypatch, density):
    X, Y = make_problem(density=density, n=300, d=80, L=40)
    X = X if density is None else sp.csr_array(X)
    one, three = [], []
    for threads, result in ((1, one), (3, three), (3, three)):
        monkeypatch.setattr(_design, "torch_threads", lambda threads=threads: threads)
        result.append(fit_logistic(X, Y, np.ones(40)))
    for other in three:
        assert_array_equal(one[0][0], other[0])
        assert_array_equal(one[0][1], other[1])


def test_products_by_scipy_give_the_same_where_torch_has_no_mkl(monkeypatch):
    X, Y = make_problem(density=0.2)
    expected = fit_logistic(sp.csr_array(X), Y, np.ones(5))
    monkeypatch.setattr(_design, "_torch_with_mkl", lambda: None)
    W, b, _ = fit_logistic(sp.csr_array(X), Y, np.ones(5))
    assert_allclose(X @ W + b, X @ expected[0] + expected[1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("convert", [sp.csr_array, sp.csc_matrix, sp.csc_array])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.float32])
def test_sparse_targets_of_any_dtype_equal_dense_targets(convert, dtype):
    X, Y = make_problem()
    for got, expected in zip(
        fit_logistic(X, convert(Y.astype(dtype)), np.ones(5)), fit_logistic(X, Y, np.ones(5)), strict=True
    ):
        assert_array_equal(got, expected)


@pytest.mark.parametrize("convert", [sp.csr_array, sp.csr_matrix, np.array])
def test_float32_and_read_only_features_are_taken_and_left_alone(convert):
    X, Y = make_problem(density=0.2)
    X = convert(X.astype(np.float32))
    (X if convert is np.array else X.data).flags.writeable = False
    before = X.copy()
    W, b, _ = fit_logistic(X, Y, np.ones(5))
    W64, b64, _ = fit_logistic(X.astype(np.float64), Y, np.ones(5))
    assert_allclose(W, W64, rtol=1e-6, atol=1e-9)
    assert_allclose(b, b64, rtol=1e-6)
    assert abs(X - before).max() == 0


@pytest.mark.parametrize("convert", [np.array, sp.csr_array])
def test_overflow_is_an_error(convert):
    X, Y = make_problem(density=0.2)
    X[0, 0] = 1e200
    with pytest.raises(ValueError, match="scale the features or lower C"):
        fit_logistic(convert(X), Y, np.ones(5))


def test_the_limit_of_steps_is_kept():
    X, Y = make_problem()
    assert_array_equal(fit_logistic(X, Y, np.ones(5), max_newton=2)[2], 2)


def test_a_rough_solution_of_sparse_features_is_found_in_single_precision():
    X, Y = make_problem(n=2_500, d=40, density=0.2)
    C = np.array([0.01, 0.3, 1.0, 10.0, 100.0])
    single = _design.make_design(sp.csr_array(X), np.ones(len(X)), True, np.float32)
    assert list(single.plain) == list(single.transposed) == [np.dtype(np.float32)]
    W, b, _ = fit_logistic(sp.csr_array(X), Y, C, tol=1e-3, dtype=np.float32)
    assert W.dtype == b.dtype == np.float32
    best = fit_logistic(sp.csr_array(X), Y, C)[:2]
    assert (objective(X, Y, C, W, b) <= objective(X, Y, C, *best) * (1 + 1e-5)).all()
    start = [(W, b)]  # of another precision
    assert_allclose(fit_logistic(sp.csr_array(X), Y, C, tol=1e-8, start=start)[0], best[0], rtol=1e-5, atol=1e-7)


def test_losses_are_those_of_rows_in_any_number():
    rng = np.random.default_rng(0)
    Z = np.concatenate([rng.normal(size=(2 * newton._PART, 3)), [[700.0, -700.0, 0.0]]])
    sign, weight = rng.choice([-1.0, 1.0], Z.shape), rng.random(Z.shape)
    value, wrong = newton._loss(Z, sign, weight)
    assert_allclose(value, (weight * np.logaddexp(0, sign * Z)).sum(axis=0), rtol=1e-12)
    assert_allclose(wrong, 1 / (1 + np.exp(-sign * Z)), rtol=1e-12)


def test_a_label_whose_step_is_refused_stays_where_it_was():
    rng = np.random.default_rng(0)
    Z, sign, weight = rng.normal(size=(50, 3)), rng.choice([-1.0, 1.0], (50, 3)), np.ones((50, 3))
    V, step = np.zeros((2, 3)), np.zeros((2, 3))
    value, wrong = newton._loss(Z, sign, weight)
    down = -sign * wrong  # lowers the first label's loss; the second goes up, the third is said to lead nowhere
    U, decrease = down * [1.0, -1.0, 1.0], np.array([1.0, 1.0, 0.0])
    _, Z_end, value_end, wrong_end, total, stuck = newton._search(V, Z, U, step, sign, weight, value, decrease)
    assert_array_equal(stuck, [False, True, True])
    assert value_end[0] < value[0]
    assert_array_equal(Z_end[:, 1:], Z[:, 1:])
    assert_allclose(value_end[1:], value[1:])
    assert_allclose(total[1:], value[1:])
    assert_allclose(wrong_end[:, 1:], wrong[:, 1:])
    assert_allclose(wrong_end[:, 0], newton._loss(Z_end, sign, weight)[1][:, 0])


# Starts.


def test_a_start_is_the_best_combination_of_the_solutions_for_each_label():
    X, Y = make_problem()
    C, sign = np.full(5, 10.0), 1.0 - 2.0 * Y
    design = _design.make_design(X, np.ones(len(Y)), True)
    solutions = [np.vstack(fit_logistic(X, Y, np.full(5, c))[:2]) for c in (0.1, 0.01)]
    V, Z = newton._best_combination(design, sign, np.full(Y.shape, 10.0), solutions)
    assert_allclose(Z, X @ V[:-1] + V[-1], rtol=1e-10, atol=1e-12)
    reached = objective(X, Y, C, V[:-1], V[-1])
    # The same in the naive way: what the two solutions predict are two features, with the penalty of their mixture.
    for j in range(5):
        W = np.column_stack([solution[:-1, j] for solution in solutions])

        def mixed(a, W=W, j=j):
            return objective(X, Y[:, [j]], C[j], W @ a[:2, None], a[2])[0]

        best = minimize(mixed, [1.0, 0.0, solutions[0][-1, j]], method="Nelder-Mead", options={"maxiter": 5000})
        assert reached[j] <= best.fun * (1 + 1e-3)
        assert reached[j] < 0.99 * mixed(np.array([1.0, 0.0, solutions[0][-1, j]]))


def test_two_solutions_start_nearer_than_one():
    X, Y = make_problem(n=400, d=60, density=0.3)
    X = sp.csr_array(X)
    first, second = (fit_logistic(X, Y, np.full(5, c))[:2] for c in (0.1, 1.0))
    n_newton = [
        fit_logistic(X, Y, np.full(5, 10.0), tol=5e-2, start=start)[2].sum()
        for start in ([second, first], [second], None)
    ]
    assert n_newton[0] < n_newton[1] < n_newton[2]


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("density", [None, 0.2])
def test_starts_that_say_nothing_or_the_same_do_not_change_the_solution(density, fit_intercept):
    X, Y = make_problem(density=density)
    X, C = X if density is None else sp.csr_array(X), np.full(5, 3.0)
    W, b, _ = fit_logistic(X, Y, C, fit_intercept=fit_intercept)
    zero = np.zeros((12, 5)), np.zeros(5)
    for start in ([zero], [(W, b), (2 * W, b)], [(W, b), zero, (W, b)], [zero, (W.astype(np.float32), b)]):
        W_again, b_again, _ = fit_logistic(X, Y, C, fit_intercept=fit_intercept, start=start)
        assert_allclose(W_again, W, rtol=1e-6, atol=1e-8)
        assert_allclose(b_again, b, rtol=1e-6, atol=1e-8)


def test_features_that_no_sample_has_get_zero_and_change_nothing_else():
    X, Y = make_problem(n=400, density=0.2)
    at = np.array([1, 2, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15])
    wide = np.zeros((400, 17))
    wide[:, at] = X
    C = np.full(5, 3.0)
    start = [(np.ones((12, 5)), np.ones(5))]
    W, b, n_newton = fit_logistic(sp.csr_array(X), Y, C, start=start)
    W_wide, b_wide, n_wide = fit_logistic(sp.csr_array(wide), Y, C, start=[(np.ones((17, 5)), np.ones(5))])
    assert_array_equal(W_wide[at], W)
    assert_array_equal(np.delete(W_wide, at, axis=0), 0)
    assert_array_equal(b_wide, b)
    assert_array_equal(n_wide, n_newton)
    empty = sp.csr_array((400, 3))
    W, b, _ = fit_logistic(empty, Y, C)
    assert_array_equal(W, np.zeros((3, 5)))
    assert_allclose(1 / (1 + np.exp(-b)), Y.mean(axis=0), rtol=1e-6)


def test_single_precision_is_a_rounded_solution():
    X, Y = make_problem()
    exact, single = (fit_logistic(X, Y, np.full(5, 3.0), dtype=dtype) for dtype in (np.float64, np.float32))
    assert single[0].dtype == np.float32
    assert_array_equal(single[0], exact[0].astype(np.float32))
