import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.thresholds import CompactRows, OutOfFold, threshold_counts


def rows(seed, n=400, n_labels=6):
    """Truth and probabilities that tell something of it, and weights of the rows."""
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, n_labels)) < 0.2).astype(int)
    P = 1 / (1 + np.exp(-2 * Y - rng.normal(-1.5, 1.5, size=Y.shape)))
    return Y, P, rng.integers(1, 4, size=n).astype(float)


def assert_counts(counts, Y, P, weight):
    """Counts are those of a loop over labels and cuts."""
    assert (np.diff(counts["thresholds"]) > 0).all()
    for j in range(Y.shape[1]):
        for k, t in enumerate(counts["thresholds"]):
            above = P[:, j] >= t * (1 - 1e-12)
            assert_allclose(counts["tps"][j, k], weight[above & (Y[:, j] == 1)].sum())
            assert_allclose(counts["fps"][j, k], weight[above & (Y[:, j] == 0)].sum())
    assert_allclose(counts["positives"], weight @ (Y == 1))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
def test_counts_equal_a_loop_over_labels_and_cuts(seed, form, weighted):
    Y, P, weight = rows(seed)
    weight = weight if weighted else np.ones(len(Y))
    assert_counts(threshold_counts(OutOfFold(form(Y), P, sample_weight=weight)), Y, P, weight)


@pytest.mark.parametrize("weighted", [False, True])
def test_compact_rows_give_the_counts_of_complete_ones(weighted):
    Y, P, weight = rows(0)
    weight = weight if weighted else None
    compact = CompactRows(Y.mean(axis=0), n_kept=2)
    compact.add(P, Y, sample_weight=weight)
    found = threshold_counts(OutOfFold.from_compact(compact))
    expected = threshold_counts(OutOfFold(Y, P, sample_weight=weight))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=1e-6)


def test_unknown_entries_count_nothing():
    Y, P, _ = rows(0)
    gaps = Y.astype(float)
    gaps[:150, 2] = np.nan
    counts = threshold_counts(OutOfFold(gaps, P))
    known = np.where(np.isnan(gaps), -1, gaps)
    assert_counts(counts, known, P, np.ones(len(Y)))


def test_cuts_become_those_of_decision_values():
    Y, P, _ = rows(0)
    plain, scaled = (threshold_counts(OutOfFold(Y, P), to) for to in (None, lambda t: 10 * t))
    assert_allclose(scaled["thresholds"], 10 * plain["thresholds"])
    assert_array_equal(scaled["tps"], plain["tps"])


def test_many_labels_get_fewer_cuts(monkeypatch):
    Y, P, _ = rows(0)
    monkeypatch.setattr("sklearn_metalabel.thresholds._threshold_counts._MOST_COUNTS", 6 * 20)
    counts = threshold_counts(OutOfFold(Y, P))
    assert 2 < counts["thresholds"].size <= 21
    assert_counts(counts, Y, P, np.ones(len(Y)))
