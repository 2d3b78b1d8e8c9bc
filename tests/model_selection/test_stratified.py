import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_metalabel.model_selection._stratified import (
    assign,
    iterative_folds,
    label_matrix,
    largest_remainder,
)

SEEDS = range(10)


def long_tail(seed, n=200, n_labels=20):
    rng = np.random.RandomState(seed)
    frequency = 0.5 / np.arange(1, n_labels + 1)
    return (rng.uniform(size=(n, n_labels)) < frequency).astype(int)


def one_row_at_a_time(Y, sizes):
    """Sechidis et al., Algorithm 1, with room for exact sizes; ties go to the first part."""
    n = len(Y)
    room, fold = list(sizes), np.full(n, -1)
    demand = np.outer(np.array(sizes) / n, Y.sum(axis=0))

    def give(row, key):
        open_parts = [k for k in range(len(room)) if room[k] > 0]
        best = max(open_parts, key=lambda k: (round(key(k), 9), room[k], -k))
        fold[row], room[best] = best, room[best] - 1
        demand[best] -= Y[row]

    while True:
        left = Y[fold < 0].sum(axis=0)
        if not left.any():
            break
        rarest = min(np.flatnonzero(left), key=lambda j: (left[j], j))
        for row in np.flatnonzero((fold < 0) & (Y[:, rarest] == 1)):
            give(row, lambda k, j=rarest: demand[k, j])
    for row in np.flatnonzero(fold < 0):
        give(row, lambda k: room[k])
    return fold


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sizes", [(40, 40, 40, 40, 40), (150, 20, 30), (1, 199)])
def test_assigning_a_label_at_once_equals_assigning_one_row_at_a_time(seed, sizes):
    Y = long_tail(seed)
    assert_array_equal(iterative_folds(Y, sizes), one_row_at_a_time(Y, sizes))


@pytest.mark.parametrize("seed", SEEDS)
def test_sparse_and_dense_targets_give_the_same_folds(seed):
    Y = long_tail(seed)
    dense = iterative_folds(Y, np.ones(4), np.random.RandomState(seed))
    assert_array_equal(iterative_folds(sparse.csc_array(Y), np.ones(4), np.random.RandomState(seed)), dense)


def test_random_ties_differ_between_seeds_and_agree_for_one():
    Y = long_tail(0)
    first, again, other = (iterative_folds(Y, np.ones(5), np.random.RandomState(s)) for s in (0, 0, 1))
    assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("n_parts", [2, 3, 7, 200])
def test_sizes_differ_by_one_at_most(n_parts):
    sizes = np.bincount(iterative_folds(long_tail(0), np.ones(n_parts)), minlength=n_parts)
    assert sizes.sum() == 200
    assert np.ptp(sizes) <= 1


def test_rows_without_any_label_are_assigned_evenly():
    sizes = np.bincount(iterative_folds(np.zeros((10, 3)), np.ones(5)))
    assert_array_equal(sizes, [2, 2, 2, 2, 2])


def test_a_matrix_without_columns_is_split_too():
    assert_array_equal(np.bincount(iterative_folds(np.zeros((6, 0)), np.ones(3))), [2, 2, 2])


def test_disjoint_labels_are_split_as_evenly_as_integers_allow():
    Y = np.repeat(np.eye(4, dtype=int), [5, 11, 23, 61], axis=0)
    fold = iterative_folds(Y, np.ones(5), np.random.RandomState(0))
    counts = np.array([Y[fold == k].sum(axis=0) for k in range(5)])
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_a_row_goes_to_the_part_of_the_largest_demand_that_has_room():
    assert_array_equal(assign(np.array([2.5, 0.5, 0.4]), np.array([2, 9, 9]), 4), [0, 0, 1, 2])


def test_largest_remainder_keeps_the_total_and_whole_shares():
    assert_array_equal(largest_remainder(np.array([0.5, 0.3, 0.2]), 10), [5, 3, 2])
    assert_array_equal(largest_remainder(np.full(3, 1 / 3), 11), [4, 4, 3])


@pytest.mark.parametrize("sizes", [(7, 3), (90, 10), (29, 1, 70)])
def test_largest_remainder_gives_back_sizes_divided_by_their_sum(sizes):
    assert_array_equal(largest_remainder(np.array(sizes) / np.sum(sizes), np.sum(sizes)), sizes)


@pytest.mark.parametrize("kind", [np.array, np.ndarray.tolist, pd.DataFrame, sparse.csr_matrix, sparse.coo_array])
def test_label_matrix_takes_every_container(kind):
    Y = long_tail(0, n=8, n_labels=3)
    assert_array_equal(label_matrix(kind(Y)).toarray(), Y)


def test_label_matrix_has_a_column_for_each_class_of_a_one_dimensional_target():
    assert_array_equal(label_matrix(["b", "a", "b", "b"]).toarray(), [[0, 1], [1, 0], [0, 1], [0, 1]])
    assert label_matrix(np.array([[0], [1], [1]])).shape == (3, 2)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "y is needed"),
        ([[0, 2], [1, 0]], "indicator matrix .* got shape"),
        (np.zeros((2, 2, 2)), "indicator matrix"),
        ([[1, 2], [3]], "its rows differ in length"),
        (sparse.csr_array([[0, 3]]), "sparse y must hold 0 and 1 only"),
        ([0.1, 0.7, 0.4], "1-D y must hold classes, and is continuous"),
    ],
)
def test_targets_that_cannot_be_stratified_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        label_matrix(y)
