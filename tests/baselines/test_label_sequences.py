import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_metalabel.baselines._label_sequences import label_order, label_sequences, label_sets

COUNTS = np.array([3, 9, 3, 5])


def order_of(order, hierarchy=None, names=("0", "1", "2", "3"), seed=0):
    return label_order(order, COUNTS, np.array(names), hierarchy, np.random.RandomState(seed)).tolist()


def test_frequent_labels_come_first_or_last_and_equals_by_index():
    assert order_of("frequent") == [1, 3, 0, 2]
    assert order_of("rare") == [0, 2, 3, 1]


def test_parents_come_before_children_and_frequent_ones_first_on_each_level():
    assert order_of("hierarchy", hierarchy=[3, 0, -1, -1]) == [3, 2, 0, 1]
    assert order_of("hierarchy", names=("/a", "/a/b", "/c", "/c/d")) == [0, 2, 1, 3]
    assert order_of("hierarchy") == order_of("frequent")


def test_a_random_order_is_a_permutation_that_follows_the_seed():
    orders = [tuple(order_of("random", seed=seed)) for seed in range(20)]
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2, 3)}
    assert len(set(orders)) > 5
    assert orders[3] == tuple(order_of("random", seed=3))


def test_an_order_of_ones_own_is_taken_as_it_is():
    assert order_of([2, 0, 3, 1]) == [2, 0, 3, 1]
    assert order_of(np.array([2, 0, 3, 1], dtype=np.uint8)) == [2, 0, 3, 1]


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4], [0.0, 1.0, 2.0, 3.0], [[0, 1, 2, 3]], "abcd"])
def test_an_order_that_is_no_permutation_is_refused(order):
    order = list(order) if isinstance(order, str) else order
    with pytest.raises(ValueError, match=r"name each label index from 0 to 3 once, got \[.*pass such a permutation"):
        order_of(order)


def naive_sequences(Y, order, max_labels):
    rows = [[place + 1 for place, j in enumerate(order) if row[j]] for row in Y]
    longest = max(map(len, rows))
    width = max(longest, 1) if max_labels is None else min(longest + 1, max_labels)
    return [(row + [len(order) + 1] * width)[:width] for row in rows]


@pytest.mark.parametrize("max_labels", [None, 1, 2, 9])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_sequences_are_those_of_a_loop_over_rows(container, max_labels, global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    Y = (rng.rand(30, 6) < 0.3).astype(np.int8)
    order = rng.permutation(6)[:5]
    sequences, lengths = label_sequences(container(Y), order, max_labels)
    assert_array_equal(sequences, naive_sequences(Y, order, max_labels))
    assert_array_equal(lengths, Y[:, order].sum(axis=1))


def test_sequences_give_the_label_sets_back(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    Y = (rng.rand(30, 6) < 0.4).astype(np.int8)
    order = rng.permutation(6)
    for max_labels in (None, 6):
        sequences, _ = label_sequences(Y, order, max_labels)
        assert_array_equal(label_sets(sequences, order, 6), Y)


def test_a_cut_sequence_keeps_the_first_labels():
    order = np.array([2, 0, 1])
    sequences, _ = label_sequences(np.array([[1, 1, 1], [0, 1, 0]]), order, 2)
    assert_array_equal(sequences, [[1, 2], [3, 4]])
    assert_array_equal(label_sets(sequences, order, 3), [[1, 0, 1], [0, 1, 0]])


def test_rows_without_labels_are_ends():
    sequences, lengths = label_sequences(np.zeros((2, 3), dtype=int), np.arange(3))
    assert_array_equal(sequences, [[4], [4]])
    assert_array_equal(lengths, [0, 0])
    assert_array_equal(label_sets(sequences, np.arange(3), 3), np.zeros((2, 3)))
