import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.utils._hierarchy import check_hierarchy_is_used, hierarchy_edges, label_depths, longest_paths


def naive_depth(parents, j):
    return 1 if parents[j] < 0 else 1 + naive_depth(parents, parents[j])


def random_dag(rng, n_nodes, n_edges):
    """Pairs (parent, child) of a random acyclic graph whose nodes are in random order."""
    place = rng.permutation(n_nodes)
    pairs = np.sort(rng.randint(n_nodes, size=(n_edges, 2)), axis=1)
    return [(int(place[a]), int(place[b])) for a, b in pairs if a != b]


class Graph:
    """The part of networkx.DiGraph that is read."""

    def __init__(self, pairs):
        self.pairs = pairs

    def edges(self):
        return iter(self.pairs)

    def __repr__(self):
        # The name of a test must not hold an address (pytest-xdist).
        return f"Graph({self.pairs})"


@pytest.mark.parametrize("value", ["uniform", [1.0, 2.0]])
def test_a_hierarchy_that_nothing_looks_at_is_refused_by_name(value):
    check_hierarchy_is_used([-1, 0], "weights", "hierarchy")
    check_hierarchy_is_used(None, "weights", value)
    with pytest.raises(ValueError, match=r"hierarchy is for weights=\"hierarchy\" alone, got weights="):
        check_hierarchy_is_used([-1, 0], "weights", value)


def test_segments_of_paths_are_counted():
    names = ["/person", "/person/artist", "person/artist/actor/", "other", "/", ""]
    assert label_depths(names).tolist() == [1, 2, 3, 1, 1, 1]


def test_the_parent_of_a_path_is_the_nearest_path_above_it_that_is_a_label():
    names = ["/a/b/c/d", "/a", "/a/b", "/e/f", "/ab/c", "/a/b/c/x"]
    assert hierarchy_edges(names).tolist() == [[1, 2], [2, 0], [2, 5]]


def test_depths_of_random_trees_equal_a_recursion(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    parents = np.array([-1] + [rng.randint(-1, j) for j in range(1, 40)])
    order = rng.permutation(40)
    place = np.argsort(order)
    shuffled = np.array([-1 if parents[j] < 0 else place[parents[j]] for j in order])
    assert label_depths(range(40), shuffled).tolist() == [naive_depth(shuffled, j) for j in range(40)]


def test_a_chain_is_as_deep_as_it_is_long():
    assert label_depths("abcd", [1, 2, 3, -1]).tolist() == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "hierarchy",
    [
        [-1, 0, 1, 0],
        np.array([-1, 0, 1, 0], dtype=np.int8),
        [("a", "b"), ("b", "c"), ("a", "d"), ("a", "b")],
        [(0, 1), (1, 2), (0, 3)],
        np.array([[0, 1], [1, 2], [0, 3]]),
        [["a", 1], ["b", "c"], [np.int64(0), "d"]],
        {"b": "a", "c": ["b"], "d": ("a",), "a": None},
        {1: 0, 2: {1}, 3: np.array([0])},
        Graph([("a", "b"), ("b", "c"), ("a", "d")]),
        Graph([("a", "b", 0), ("b", "c", 0), ("a", "d", 1)]),
        {"a": "root", "b": "a", "c": "b", "d": "a", "root": None, "leaf": "c"},
        [("a", "x"), ("x", "y"), ("y", "b"), ("b", "c"), ("a", "d")],
    ],
    ids=str,
)
def test_all_forms_of_one_hierarchy_have_the_same_edges(hierarchy):
    assert hierarchy_edges("abcd", hierarchy).tolist() == [[0, 1], [0, 3], [1, 2]]
    assert label_depths("abcd", hierarchy).tolist() == [1, 2, 3, 2]


def test_a_networkx_graph_is_a_hierarchy():
    networkx = pytest.importorskip("networkx")
    pairs = [("a", "b"), ("b", "c"), ("a", "d"), ("root", "a")]
    for kind in (networkx.DiGraph, networkx.MultiDiGraph):
        assert hierarchy_edges("abcd", kind(pairs)).tolist() == [[0, 1], [0, 3], [1, 2]]


@pytest.mark.parametrize("hierarchy", [[], {}, [-1] * 4, {"a": None}, Graph([])], ids=str)
def test_a_hierarchy_without_edges_is_flat(hierarchy):
    assert hierarchy_edges("abcd", hierarchy).shape == (0, 2)
    assert label_depths("abcd", hierarchy).tolist() == [1] * 4


def test_several_parents_count_by_the_longest_path():
    assert label_depths("abcd", {"d": ["a", "c"], "c": "b", "b": "a"}).tolist() == [1, 2, 3, 4]


def test_depths_of_random_graphs_equal_a_recursion(global_random_seed):
    pairs = random_dag(np.random.RandomState(global_random_seed), 20, 40)

    def depth(node):
        return 1 + max((depth(parent) for parent, child in pairs if child == node), default=0)

    expected = [depth(node) for node in range(20)]
    assert longest_paths(range(20), pairs).tolist() == expected
    assert label_depths(range(20), pairs).tolist() == expected


def test_nodes_that_are_no_labels_are_left_out_as_a_search_upwards_would(global_random_seed):
    pairs = random_dag(np.random.RandomState(global_random_seed), 20, 30)
    names = [str(j) if j < 12 else f"node {j}" for j in range(20)]

    def labels_above(node):
        found = set()
        for parent, child in pairs:
            if child == node:
                found |= {parent} if parent < 12 else labels_above(parent)
        return found

    expected = sorted([parent, child] for child in range(12) for parent in labels_above(child))
    assert hierarchy_edges(names[:12], [(names[p], names[c]) for p, c in pairs]).tolist() == expected


def test_a_long_chain_takes_no_longer_than_its_edges():
    n = 20_000
    start = time.process_time()
    depths = label_depths(range(n), np.arange(-1, n - 1))
    assert time.process_time() - start < 5
    assert_array_equal(depths, np.arange(1, n + 1))


@pytest.mark.parametrize(
    ("hierarchy", "named"),
    [
        ([0, -1, -1, -1], "'a'"),
        ([1, 0, 1, 2], "'[ab]'"),
        ([(0, 1), (1, 2), (2, 1), (2, 3)], "'[bc]'"),
        ({"a": "x", "x": "y", "y": "x"}, "'[xy]'"),
    ],
)
def test_a_cycle_is_refused_with_one_of_its_members(hierarchy, named):
    with pytest.raises(ValueError, match=f"must have no cycle, got one through {named}, which is its own ancestor"):
        label_depths("abcd", hierarchy)


@pytest.mark.parametrize(
    ("hierarchy", "got"),
    [
        ([-1, 0], r"list of shape \(2,\)"),
        ([-1.0, 0.0, 0.0, 0.0], r"list of shape \(4,\)"),
        (np.zeros((4, 3), dtype=int), r"ndarray of shape \(4, 3\)"),
        ([("a", "b"), ("c",)], r"list of shape \(2,\)"),
        ("abcd", r"str of shape \(\)"),
        (3, r"int of shape \(\)"),
    ],
)
def test_anything_else_is_refused(hierarchy, got):
    with pytest.raises(ValueError, match=f"hierarchy must be one parent index .* for each of the 4 labels.*got {got}"):
        label_depths("abcd", hierarchy)


@pytest.mark.parametrize("hierarchy", [[-1, 0, 0, 4], [(0, 4)], [(-1, 0)], {4: 0}])
def test_an_integer_that_is_no_label_is_refused(hierarchy):
    with pytest.raises(ValueError, match=r"must be label indices from 0 to 3, got (4|-1); name nodes"):
        label_depths("abcd", hierarchy)


def test_a_hierarchy_of_other_names_is_refused():
    with pytest.raises(ValueError, match=r"such as \['a', 'b', 'c'\], got only other names such as \['A', 'B'\]"):
        label_depths("abcd", [("A", "B")])


def test_an_undirected_graph_is_refused():
    graph = Graph([("a", "b")])
    graph.is_directed = lambda: False
    with pytest.raises(ValueError, match="must be a directed graph.*got an undirected one"):
        hierarchy_edges("abcd", graph)
