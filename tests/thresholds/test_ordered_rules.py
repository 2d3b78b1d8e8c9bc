import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import expit

from sklearn_metalabel.thresholds import _ordered_rules as rules
from sklearn_metalabel.thresholds import global_threshold, micromacro, shrunken
from sklearn_metalabel.thresholds._held_out import HeldOut
from sklearn_metalabel.thresholds._ordered import order_entries


def all_rules(Y, P, n_kept=None):
    """Thresholds of the three rules on what a `HeldOut` keeps."""
    held = HeldOut(Y.mean(axis=0), n_kept)
    held.add(P, Y)
    ordered = order_entries(held, np.zeros(len(P), dtype=int))
    cuts, pool = ordered.cuts(), ordered.pool()
    return [
        rules.global_of(ordered, pool),
        rules.micromacro_of(ordered, cuts),
        rules.shrunken_of(ordered, cuts, pool),
    ]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(10))
def test_rules_on_whole_rows_are_those_on_arrays_bit_for_bit(seed, dtype, ties):
    rng = np.random.default_rng(seed)
    n, L = int(rng.integers(1, 150)), int(rng.integers(4, 15))
    Z = rng.normal(-5 * rng.random(L), 2, (n, L))
    P = expit(Z).round(1).clip(0.05, 0.95).astype(dtype) if ties else expit(Z).astype(dtype)
    Y = rng.random((n, L)) < expit(Z)
    Y[:, 1], Y[:, 2], Y[0] = False, True, False
    Y[0, 2] = True
    for found, rule in zip(all_rules(Y, P), (global_threshold, micromacro, shrunken), strict=True):
        assert_array_equal(found, rule(Y, P))


def test_without_any_positive_nothing_is_predicted():
    Y, P = np.zeros((5, 3), dtype=bool), np.full((5, 3), 0.4)
    assert_array_equal(all_rules(Y, P), np.ones((3, 3)))


@pytest.mark.parametrize("seed", range(5))
def test_with_few_entries_kept_hardly_a_decision_differs(seed):
    rng = np.random.default_rng(seed)
    Z = rng.normal(-np.linspace(2, 6, 60), 1.5, (2000, 60))
    Y, P = rng.random(Z.shape) < expit(Z), expit(Z)
    for found, rule in zip(all_rules(Y, P, n_kept=16), (global_threshold, micromacro, shrunken), strict=True):
        decided, expected = found < P, rule(Y, P) < P
        assert expected.sum() > Y.sum() / 4
        assert (decided != expected).sum() < 0.02 * expected.sum()


def test_labels_in_blocks_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    Z = rng.normal(-np.linspace(1, 4, 9), 1.5, (200, 9))
    Y, P = rng.random(Z.shape) < expit(Z), expit(Z)
    whole = all_rules(Y, P)
    monkeypatch.setattr(rules, "_BLOCK_ENTRIES", 1500)
    assert_array_equal(all_rules(Y, P), whole)
