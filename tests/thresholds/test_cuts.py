import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.thresholds._cuts import (
    best_pooled_cut,
    cut_thresholds,
    pool_labels,
    pool_thresholds,
    sweep_blocks,
    sweep_labels,
)


def random_case(seed, n=40, L=4, ties=True, dtype=np.float64):
    rng = np.random.default_rng(seed)
    P = rng.integers(1, 9, (n, L)) / 10 if ties else rng.uniform(0.01, 0.99, (n, L))
    return rng.random((n, L)) < P, P.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_every_cut_of_a_sweep_predicts_exactly_what_its_threshold_predicts(seed, ties, dtype):
    Y, P = random_case(seed, ties=ties, dtype=dtype)
    sweep = sweep_labels(Y.T, P.T)
    T = cut_thresholds(sweep.scores)
    for j in range(P.shape[1]):
        assert sweep.is_cut[j].sum() == len(np.unique(P[:, j])) + 1
        for i in np.flatnonzero(sweep.is_cut[j]):
            predicted = P[:, j] > T[j, i]
            assert predicted.sum() == i
            assert (predicted & Y[:, j]).sum() == sweep.true_positives[j, i]
            one = cut_thresholds(sweep.scores[j : j + 1], np.array([i]))
            assert_array_equal(one, T[j, i])


def test_true_positives_of_a_sweep_are_sums_of_weights_that_are_no_integers():
    (Y, P), weight = random_case(0, ties=False), np.random.default_rng(1).uniform(0.1, 0.9, 40)
    sweep, T = sweep_labels(Y.T, P.T, weight), cut_thresholds(sweep_labels(Y.T, P.T).scores)
    for j in range(4):
        above = [weight[(P[:, j] > t) & Y[:, j]].sum() for t in T[j]]
        assert_allclose(sweep.true_positives[j], above)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("start", [1e-30, 0.3, 0.999999])
def test_a_cut_between_neighbouring_floats_still_separates_them(start, dtype):
    low = dtype(start)
    high = np.nextafter(low, dtype(1))
    t = cut_thresholds(np.array([[high, low]]))[0]
    assert (high > t).tolist() == [False, True, True]
    assert (low > t).tolist() == [False, False, True]


def test_the_cut_is_midway_on_the_logit_scale():
    assert cut_thresholds(np.array([[0.9, 0.1]]), np.array([1]))[0] == pytest.approx(0.5)
    assert cut_thresholds(np.array([[0.8, 0.2, 0.1]]), np.array([2]))[0] == pytest.approx(1 / 7)


def test_blocks_of_labels_give_the_same_sweeps(monkeypatch):
    Y, P = random_case(0)
    whole = sweep_labels(Y.T, P.T)
    monkeypatch.setattr("sklearn_metalabel.thresholds._cuts._BLOCK_ENTRIES", 80)
    blocks = list(sweep_blocks(Y, P, np.arange(4)))
    assert [labels.tolist() for labels, _ in blocks] == [[0, 1], [2, 3]]
    assert_array_equal(np.concatenate([s.scores for _, s in blocks]), whole.scores)
    for (labels, sweep), part in zip(blocks, (slice(0, 2), slice(2, 4)), strict=True):
        assert len(labels) == 2
        allowed = whole.is_cut[part]
        assert_array_equal(sweep.true_positives[allowed], whole.true_positives[part][allowed])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_the_best_pooled_cut_equals_the_loop_over_all_distinct_scores(seed, ties):
    Y, P = random_case(seed, ties=ties)
    pool = pool_labels(Y, P, np.arange(4))
    best, t = best_pooled_cut(pool)
    naive = [2 * (Y & (s <= P)).sum() / ((s <= P).sum() + Y.sum()) for s in np.unique(P)]
    assert best == max(naive)
    highest = np.unique(P)[np.flatnonzero(np.array(naive) == best).max()]
    assert_array_equal(t < P, highest <= P)


@pytest.mark.parametrize("seed", range(10))
def test_pooled_thresholds_lie_just_under_each_positive_score(seed):
    Y, P = random_case(seed)
    pool = pool_labels(Y, P, np.arange(4))
    T = pool_thresholds(pool)
    positive_scores = np.unique(P[Y])
    assert len(T) == len(positive_scores)
    for s, t in zip(positive_scores, T, strict=True):
        assert_array_equal(t < P, s <= P)
    assert_array_equal(pool.count_above(T), [(t < P).sum() for t in T])
