import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_metalabel.thresholds import pcut, rcut


def random_case(seed, n=30, L=6):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, (n, L)), rng.integers(1, 5, (n, L)) / 5


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize("seed", range(10))
def test_rcut_equals_the_loop_with_ties_to_the_lower_index(seed, k, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.utils._label_arrays._ROW_BLOCK_ENTRIES", 20)
    _, P = random_case(seed)
    naive = np.zeros(P.shape, dtype=int)
    for i, row in enumerate(P):
        naive[i, sorted(range(len(row)), key=lambda j: (-row[j], j))[:k]] = 1
    decided = rcut(P, k)
    assert_array_equal(decided, naive)
    assert decided.dtype == np.int64


@pytest.mark.parametrize("proportion", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("seed", range(10))
def test_pcut_equals_the_loop_with_ties_to_the_lower_row(seed, proportion, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.utils._label_arrays._ROW_BLOCK_ENTRIES", 60)
    Y, _ = random_case(seed, n=20)
    _, P = random_case(seed + 100)
    naive = np.zeros(P.shape, dtype=int)
    for j in range(P.shape[1]):
        count = int(np.round(proportion * Y[:, j].sum() / 20 * 30))
        naive[sorted(range(30), key=lambda i: (-P[i, j], i))[:count], j] = 1
    assert_array_equal(pcut(Y, P, proportion), naive)
    assert_array_equal(pcut(sp.csr_matrix(Y), P, proportion), naive)


@pytest.mark.parametrize("k", [0, 7, 1.5, None])
def test_rcut_needs_a_possible_number_of_labels(k):
    with pytest.raises(ValueError, match="k must be an integer from 1 to the number of labels, 6"):
        rcut(random_case(0)[1], k)


@pytest.mark.parametrize("proportion", [0, -1, float("inf"), None])
def test_pcut_needs_a_positive_proportion(proportion):
    with pytest.raises(ValueError, match="proportion must be a positive finite number"):
        pcut(*random_case(0), proportion)


def test_pcut_needs_the_same_labels():
    with pytest.raises(ValueError, match="must have the shape of P"):
        pcut([[1, 0]], [[0.5, 0.5, 0.5]])
