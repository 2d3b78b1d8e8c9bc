import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit

from sklearn_metalabel.thresholds._calibration import calibrate, calibrate_histogram
from sklearn_metalabel.thresholds._compact import CompactRows
from sklearn_metalabel.thresholds._ordered import last_best, order_entries, ordered_blocks
from sklearn_metalabel.thresholds._out_of_fold import OutOfFold


def random_case(seed, n=80, L=7, ties=False):
    rng = np.random.default_rng(seed)
    Z = rng.normal(-np.arange(L) / 2, 1.5, (n, L))
    P = expit(Z)
    if ties:
        P = P.round(1).clip(0.05, 0.95)
    Y = rng.random((n, L)) < expit(Z)
    Y[:, 2], Y[:, 4] = False, True
    return Y, P, rng.integers(3, size=n)


def ordered(Y, P, fold_of, n_kept=None):
    rows = CompactRows(Y.mean(axis=0), n_kept)
    rows.add(P, Y)
    return order_entries(OutOfFold.from_compact(rows), fold_of)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_cuts_count_what_is_above_them(seed, ties):
    Y, P, fold_of = random_case(seed, ties=ties)
    cuts = ordered(Y, P, fold_of).cuts()
    for j in range(P.shape[1]):
        mine = cuts.label == j
        distinct = np.unique(P[:, j])
        t = cuts.thresholds[mine]
        assert ((t < distinct) & (t[1:].tolist() + [1] > distinct)).all()
        assert_array_equal(cuts.predicted[mine], [(P[:, j] > each).sum() for each in t])
        assert_array_equal(cuts.true_positives[mine], [(Y[:, j] & (P[:, j] > each)).sum() for each in t])
        assert_array_equal(cuts.has_hit[mine], [Y[P[:, j] == each, j].any() for each in distinct])


@pytest.mark.parametrize("seed", range(5))
def test_without_a_fold_is_as_if_it_had_not_been(seed):
    Y, P, fold_of = random_case(seed)
    n = int((fold_of != 1).sum())
    left = ordered(Y, P, fold_of).without(1, n, n / len(Y))
    alone = ordered(Y[fold_of != 1], P[fold_of != 1], fold_of[fold_of != 1])
    for name in ("label", "scores", "hits", "rows", "positives", "n_samples"):
        assert_array_equal(getattr(left, name), getattr(alone, name))


def test_entries_left_out_stand_for_their_rows():
    Y, P, fold_of = random_case(0, n=300, L=20)
    sparse = ordered(Y, P, fold_of, n_kept=4)
    assert_array_equal(np.bincount(sparse.label, sparse.rows), 300)
    assert sparse.rows.max() > 1
    left = sparse.without(1, int((fold_of != 1).sum()), np.mean(fold_of != 1))
    assert_allclose(np.bincount(left.label, left.rows), (fold_of != 1).sum(), rtol=0.1)
    assert_array_equal(left.positives, Y[fold_of != 1].sum(axis=0))


@pytest.mark.parametrize("n_kept", [None, 4])
@pytest.mark.parametrize("seed", range(4))
def test_the_calibration_of_its_histogram_is_that_of_the_rows(seed, n_kept):
    Y, P, fold_of = random_case(seed, n=1000, L=20)
    mine = ordered(Y, P, fold_of, n_kept)
    found = calibrate_histogram(mine.histogram(), mine.positives, 1000)
    reference = calibrate(Y, P)
    assert_array_equal(found.histogram.labels, reference.histogram.labels)
    assert_allclose(found.logits(logit(0.3)), reference.logits(logit(0.3)), atol=0.05)
    assert_allclose(found.slope, reference.slope, rtol=0.02)


def test_a_calibration_may_start_from_another():
    Y, P, fold_of = random_case(0, n=500)
    rows = ordered(Y, P, fold_of)
    part = rows.without(0, int((fold_of != 0).sum()), np.mean(fold_of != 0))
    cold = calibrate_histogram(part.histogram(), part.positives, part.n_samples)
    start = calibrate_histogram(rows.histogram(), rows.positives, rows.n_samples)
    warm = calibrate_histogram(part.histogram(), part.positives, part.n_samples, start)
    assert_allclose(warm.slope, cold.slope, rtol=1e-3)
    assert_allclose(warm.intercept, cold.intercept, atol=1e-3)
    assert np.abs(start.intercept - cold.intercept).max() > 1e-2


def test_the_pool_counts_rows_left_out():
    Y, P, fold_of = random_case(0, n=300, L=20)
    whole, sparse = (ordered(Y, P, fold_of, n_kept).pool() for n_kept in (None, 4))
    seen = Y.any(axis=0)
    for t in (0.5, 0.1, 0.01):
        assert whole.count_above(t) == (P[:, seen] > t).sum()
        assert_allclose(sparse.count_above(t), whole.count_above(t), rtol=0.03)
    assert_array_equal(sparse.positives, np.sort(P[Y]))
    assert sparse.scores.size < 0.5 * whole.scores.size


def test_of_equal_values_the_last_is_best():
    labels, at = last_best(np.array([1.0, 2, 2, 0, 5, 5, 1]), np.array([0, 0, 0, 0, 3, 3, 4]))
    assert_array_equal(labels, [0, 3, 4])
    assert_array_equal(at, [2, 5, 6])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", [np.asarray, sp.csc_array])
@pytest.mark.parametrize("seed", range(5))
def test_blocks_of_complete_columns_hold_the_entries_of_all_rows(seed, kind, ties, monkeypatch):
    Y, P, fold_of = random_case(seed, ties=ties)
    whole, labels = ordered(Y, P, fold_of), np.array([5, 0, 3, 6])
    monkeypatch.setattr("sklearn_metalabel.thresholds._ordered._BLOCK_ENTRIES", 2 * len(P) + 1)
    blocks = list(ordered_blocks(kind(Y), P, labels))
    assert [block.tolist() for block, _ in blocks] == [[5, 0], [3, 6]]
    for block, entries in blocks:
        assert entries.n_samples == len(P)
        for number, j in enumerate(block):
            mine, its = entries.label == number, whole.label == j
            assert_array_equal(entries.scores[mine], whole.scores[its])
            assert entries.hits[mine].sum() == entries.positives[number] == Y[:, j].sum()
            cuts, wanted = entries.cuts(), whole.cuts()
            for name in ("true_positives", "predicted", "has_hit", "thresholds"):
                mine, its = cuts.label == number, wanted.label == j
                assert_array_equal(getattr(cuts, name)[mine], getattr(wanted, name)[its])
