import numpy as np
import pytest

from sklearn_metalabel.utils._hierarchy import label_depths


def naive_depth(parents, j):
    return 1 if parents[j] < 0 else 1 + naive_depth(parents, parents[j])


def test_segments_of_paths_are_counted():
    names = ["/person", "/person/artist", "person/artist/actor/", "other", "/", ""]
    assert label_depths(names).tolist() == [1, 2, 3, 1, 1, 1]


def test_depths_of_random_trees_equal_a_recursion(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    parents = np.array([-1] + [rng.randint(-1, j) for j in range(1, 40)])
    order = rng.permutation(40)
    place = np.argsort(order)
    shuffled = np.array([-1 if parents[j] < 0 else place[parents[j]] for j in order])
    assert label_depths(range(40), shuffled).tolist() == [naive_depth(shuffled, j) for j in range(40)]


def test_a_chain_is_as_deep_as_it_is_long():
    assert label_depths("abcd", [1, 2, 3, -1]).tolist() == [4, 3, 2, 1]


@pytest.mark.parametrize("parents", [[0, -1], [1, 0], [1, 2, 0, -1]])
def test_a_cycle_is_refused(parents):
    with pytest.raises(ValueError, match="some label is its own ancestor"):
        label_depths(range(len(parents)), parents)


@pytest.mark.parametrize("parents", [[-1], [-1, 2], [-1.0, 0.0], [[-1], [0]]])
def test_parents_that_are_no_indices_are_refused(parents):
    with pytest.raises(ValueError, match="one label index"):
        label_depths("ab", parents)
