import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.baselines import _structure
from sklearn_metalabel.baselines._structure import chain_edges, explicit_edges, label_levels, residual_edges


def as_set(edges):
    return {(int(parent), int(child)) for parent, child in edges}


def naive_residual_edges(R, support, max_parents, min_correlation):
    edges = set()
    for j in range(R.shape[1]):
        before = [k for k in range(R.shape[1]) if (-support[k], k) < (-support[j], j)]
        sizes = {k: abs(np.corrcoef(R[:, k], R[:, j])[0, 1]) for k in before}
        largest = sorted((k for k in before if sizes[k] > min_correlation), key=lambda k: -sizes[k])
        edges |= {(k, j) for k in largest[:max_parents]}
    return edges


@pytest.mark.parametrize("block_entries", [1, 40, 2**22])
@pytest.mark.parametrize("max_parents", [1, 3, 50])
def test_edges_from_residuals_equal_a_double_loop(block_entries, max_parents, global_random_seed, monkeypatch):
    monkeypatch.setattr(_structure, "_BLOCK_ENTRIES", block_entries)
    rng = np.random.RandomState(global_random_seed)
    R = rng.randn(30, 12) @ rng.randn(12, 12)
    support = rng.randint(5, size=12)
    edges = residual_edges(R, support, max_parents=max_parents, min_correlation=0.2)
    assert as_set(edges) == naive_residual_edges(R, support, max_parents, 0.2)
    assert len(as_set(edges)) == len(edges)


def test_weights_of_the_rows_count_as_repetitions():
    rng = np.random.RandomState(0)
    R, support, weight = rng.randn(20, 8), np.arange(8), rng.randint(4, size=20)
    limits = {"max_parents": 2, "min_correlation": 0.1}
    weighted = residual_edges(R, support, sample_weight=weight.astype(float), **limits)
    assert as_set(weighted) == as_set(residual_edges(np.repeat(R, weight, axis=0), support, **limits))
    assert as_set(weighted) != as_set(residual_edges(R, support, **limits))


def test_a_constant_residual_has_no_edges():
    R = np.random.RandomState(0).randn(20, 3)
    R[:, 1] = 0.1
    edges = residual_edges(R, np.array([3, 2, 1]), max_parents=3, min_correlation=0.0)
    assert as_set(edges) == {(0, 2)}


def test_residuals_that_share_noise_are_joined_and_others_are_not(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    R = rng.randn(2000, 6)
    R[:, 4] += R[:, 1]
    R[:, 0] -= R[:, 5]
    edges = residual_edges(R, np.array([1, 9, 8, 7, 6, 5]), max_parents=3, min_correlation=0.1)
    assert as_set(edges) == {(1, 4), (5, 0)}


def test_a_chain_has_all_edges_from_more_to_less_frequent_labels():
    assert as_set(chain_edges(np.array([3, 9, 3, 5]))) == {(1, 3), (1, 0), (1, 2), (3, 0), (3, 2), (0, 2)}
    assert chain_edges(np.array([4])).shape == (0, 2)


def test_given_edges_are_kept_once_each():
    edges = explicit_edges([(2, 0), (1, 0), (2, 0)], 3)
    assert edges.tolist() == [[1, 0], [2, 0]]
    assert explicit_edges([], 3).shape == explicit_edges(np.empty((0, 2)), 3).shape == (0, 2)


@pytest.mark.parametrize(
    ("structure", "got"),
    [
        ([(0, 3)], r"shape \(1, 2\) and dtype int64"),
        ([(-1, 0)], r"shape \(1, 2\)"),
        ([0, 1], r"shape \(2,\)"),
        ([(0.0, 1.0)], "dtype float64"),
        ([("a", "b")], "dtype <U1"),
    ],
)
def test_anything_but_pairs_of_label_indices_is_refused(structure, got):
    match = rf"structure must be .* or pairs \(parent, child\) of label indices from 0 to 2, got .*{got}.*give names"
    with pytest.raises(ValueError, match=match):
        explicit_edges(structure, 3)


def test_every_parent_stands_in_an_earlier_level_and_every_label_in_one(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    place = rng.permutation(15)
    edges = place[np.sort([rng.choice(15, 2, replace=False) for _ in range(25)], axis=1)]
    levels = label_levels(15, edges)
    level_of = {label: depth for depth, labels in enumerate(levels) for label in labels}
    assert_array_equal(np.sort(np.concatenate(levels)), np.arange(15))
    for j in range(15):
        above = [level_of[parent] for parent, child in edges if child == j]
        assert level_of[j] == max(above, default=-1) + 1


def test_labels_without_edges_are_one_level():
    assert [level.tolist() for level in label_levels(4, np.empty((0, 2), dtype=int))] == [[0, 1, 2, 3]]
