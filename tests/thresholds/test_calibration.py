import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit, logit

from sklearn_metalabel.thresholds import _calibration
from sklearn_metalabel.thresholds._calibration import calibrate, logit_histogram


def random_case(seed, n=400, L=4, dtype=np.float64):
    """Labels from frequent to rare whose logits are too steep, each shifted in its own way."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(-1.2 * np.arange(L), 1.5, (n, L))
    Y = (rng.random((n, L)) < expit(Z)).astype(int)
    Y[0] = 1
    Y[1] = 0
    return Y, expit(1.5 * Z + rng.normal(0, 0.7, L)).astype(dtype)


def naive_objective(parameters, Y, Z, x):
    """Negative log posterior of all rows, label by label, row by row."""
    L = len(x)
    (b0, b1, c0, c1), u, v = parameters[:4], parameters[4 : 4 + L], parameters[4 + L :]
    value = (parameters[:4] ** 2).sum() / (2 * 10**2) + (u**2).sum() / 2 + (v**2).sum() / (2 * 0.3**2)
    for j in range(L):
        eta = b0 + b1 * x[j] + u[j] + np.exp(c0 + c1 * x[j] + v[j]) * Z[:, j]
        for y, e in ((1, eta[Y[:, j] == 1]), (0, eta[Y[:, j] == 0])):
            value += np.log1p(np.exp(-e if y else e)).sum()
    return value


def naive_calibration(Y, P):
    """Intercepts and slopes of the best parameters found on the rows themselves."""
    Z = logit(P)
    share = np.log((Y.sum(axis=0) + 0.5) / len(Y))
    x, sd = (share - share.mean()) / share.std(), Z.std()
    L = len(x)
    p = minimize(
        naive_objective, np.zeros(4 + 2 * L), args=(Y, Z / sd, x), method="BFGS", options={"gtol": 1e-2, "maxiter": 500}
    ).x
    return p[0] + p[1] * x + p[4 : 4 + L], np.exp(p[2] + p[3] * x + p[4 + L :]) / sd


@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_on_bins_is_nearly_that_on_the_rows(seed):
    Y, P = random_case(seed)
    intercept, slope = naive_calibration(Y, P)
    found = calibrate(Y, P)
    assert_allclose(found.intercept, intercept, atol=0.02)
    assert_allclose(found.slope, slope, rtol=0.01)
    assert np.abs(intercept).max() > 0.3
    assert (slope < 0.9).all()


def test_with_few_bins_the_means_still_keep_the_optimum_near(monkeypatch):
    Y, P = random_case(0, n=3000)
    exact = calibrate(Y, P)
    monkeypatch.setattr(_calibration, "_N_BINS", 32)
    coarse = calibrate(Y, P)
    assert coarse.histogram.rows.size <= 32 * 4 < exact.histogram.rows.size
    assert_allclose(coarse.slope, exact.slope, rtol=0.03)
    assert_allclose(coarse.intercept, exact.intercept, atol=0.05)
    assert not np.array_equal(coarse.slope, exact.slope)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_the_objective_and_the_objective_that_of_the_rows(seed, monkeypatch):
    # Five rows a label, so that every row has a bin of its own and nothing is lost.
    monkeypatch.setattr(_calibration, "_N_BINS", 4096)
    rng = np.random.default_rng(seed)
    Y, P = random_case(seed, n=5, L=3)
    h = logit_histogram(Y, P, np.arange(3))
    assert h.rows.max() == 1
    x, parameters = rng.normal(size=3), rng.normal(size=10)
    value, gradient = _calibration._negative_log_posterior(parameters, h, x, h.logits)
    assert value == pytest.approx(naive_objective(parameters, Y, logit(P), x), rel=1e-12)
    assert_allclose(gradient, approx_fprime(parameters, naive_objective, 1e-7, Y, logit(P), x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_every_bin_holds_the_rows_of_an_interval_of_logits(seed, dtype, kind, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.utils._label_arrays._ROW_BLOCK_ENTRIES", 150)
    monkeypatch.setattr(_calibration, "_LABELS_PER_BLOCK", 2)
    monkeypatch.setattr(_calibration, "_N_BINS", 16)
    monkeypatch.setattr(_calibration, "_SAMPLE_ENTRIES", 700)
    Y, P = random_case(seed, L=6, dtype=dtype)
    labels = np.array([0, 1, 2, 4, 5])
    h = logit_histogram(kind(Y), P, labels)
    assert_array_equal(h.labels, labels)
    assert h.rows.min() >= 1
    for k, j in enumerate(labels):
        mine = h.owners == k
        assert 4 <= mine.sum() <= 16
        order = np.argsort(P[:, j], kind="stable")
        groups = np.split(order, np.cumsum(h.rows[mine]).astype(int))
        assert groups.pop().size == 0
        assert_allclose(h.logits[mine], [logit(P[g, j].astype(float)).mean() for g in groups], rtol=1e-5, atol=1e-5)
        assert_array_equal(h.positives[mine], [Y[g, j].sum() for g in groups])
        assert_array_equal(h.starts[k], np.flatnonzero(mine)[0])


def test_rare_positives_are_spread_over_many_bins():
    rng = np.random.default_rng(0)
    Z = rng.normal(-9, 1, (100_000, 1))
    Y = np.zeros(Z.shape, dtype=int)
    Y[:300] = 1
    Z[:300] = rng.normal(0, 2, (300, 1))
    h = logit_histogram(Y, expit(Z), np.array([0]))
    assert (h.positives > 0).sum() > 100
    assert h.positives.max() < 12


def test_labels_of_one_value_get_the_line_and_change_no_other():
    Y, P = random_case(1)
    rng = np.random.default_rng(0)
    wider = np.hstack([P, rng.uniform(0.1, 0.9, (len(P), 2))])
    filled = np.hstack([Y, np.zeros((len(Y), 1), dtype=int), np.ones((len(Y), 1), dtype=int)])
    alone, joint = calibrate(Y, P), calibrate(filled, wider)
    assert_array_equal(joint.intercept[:4], alone.intercept)
    assert_array_equal(joint.slope[:4], alone.slope)
    # Two points fix the line, and the shrunken labels lie on both sides of it.
    share = np.log((filled.sum(axis=0) + 0.5) / len(Y))
    bend = np.polyfit(share[4:], joint.intercept[4:], 1)
    u = joint.intercept[:4] - np.polyval(bend, share[:4])
    # The gradient of the flat shared parameters vanishes, up to their prior.
    assert abs(u.sum()) < 0.05
    assert np.abs(u).max() > 0.05
    assert (joint.slope > 0).all()
    assert_array_equal(joint.histogram.labels, np.arange(4))


def test_a_rare_label_is_shrunk_to_the_others():
    rng = np.random.default_rng(0)
    n = 5000
    Z = rng.normal(-1.0, 1.5, (n, 6))
    Y = (rng.random(Z.shape) < expit(Z)).astype(int)
    # Label 5 has three positives, and they say the opposite of its logits.
    Y[:, 5] = 0
    Y[np.argsort(Z[:, 5])[:3], 5] = 1
    found = calibrate(Y, expit(Z))
    assert_allclose(found.slope[:5], 1, atol=0.1)
    assert_allclose(found.intercept[:5], 0, atol=0.2)
    assert 0 < found.slope[5] < found.slope[:5].min()


def test_thresholds_cut_where_the_calibrated_probabilities_are_cut():
    Y, P = random_case(2)
    found = calibrate(Y, P)
    t = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    q = expit(found.logits(logit(P)))
    on_p = found.thresholds(t)
    assert on_p.shape == (2, 4)
    for k in range(2):
        assert_array_equal(on_p[k] < P, t[k] < q)
        assert 0 < (on_p[k] < P).sum() < P.size
    Y[:, 1], Y[:, 2] = 0, 1
    assert_array_equal(calibrate(Y, P).thresholds(t)[:, 1:3], [[1, 0], [1, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_labels", [1, 3])
def test_separable_labels_of_extreme_confidence_stay_finite(n_labels, dtype):
    Y = (np.arange(200)[:, None] % np.arange(2, 2 + n_labels) == 0).astype(int)
    P = np.where(Y == 1, 1 - 1e-7, 1e-7).astype(dtype)
    found = calibrate(Y, P)
    assert np.isfinite(found.intercept).all()
    assert (np.isfinite(found.slope) & (found.slope > 0)).all()
    q = expit(found.logits(logit(P.astype(float))))
    assert_array_equal(q > 0.5, Y == 1)


def test_tiny_float64_probabilities_and_constant_ones_are_calibrated():
    Y = (np.arange(300)[:, None] % [3, 5] == 0).astype(int)
    # Nothing but the frequency can be learned.
    q = expit(calibrate(Y, np.full(Y.shape, 0.01)).logits(logit(0.01)))
    assert_allclose(q, Y.mean(axis=0), rtol=0.05)
    P = np.full(Y.shape, 1e-300)
    P[::2] = 0.5
    assert np.isfinite(calibrate(Y, P).logits(logit(P))).all()


def test_without_any_varied_label_the_calibration_is_the_identity():
    found = calibrate(np.array([[1, 0], [1, 0]]), np.array([[0.2, 0.3], [0.4, 0.5]]))
    assert_array_equal(found.intercept, 0)
    assert_array_equal(found.slope, 1)
    assert found.histogram.rows.size == found.histogram.labels.size == found.histogram.starts.size == 0


def test_no_array_of_the_size_of_the_probabilities_is_built():
    rng = np.random.default_rng(0)
    P = rng.uniform(1e-6, 0.1, (30_000, 300)).astype(np.float32)
    Y = sp.csc_array(rng.random(P.shape, dtype=np.float32) < 0.01)
    tracemalloc.start()
    calibrate(Y, P)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < P.nbytes
