"""Label hierarchies in every usual form: their edges, and the depth of labels in them."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np

__all__ = ["check_hierarchy_is_used", "hierarchy_edges", "label_depths", "longest_paths"]


def check_hierarchy_is_used(hierarchy, name, value):
    """Raise where a hierarchy was given, and the parameter `name` has a value that does not look at it."""
    if hierarchy is not None and not (isinstance(value, str) and value == "hierarchy"):
        raise ValueError(
            f'hierarchy is for {name}="hierarchy" alone, got {name}={value!r} beside it; leave hierarchy out, or set '
            f'{name}="hierarchy".'
        )


def label_depths(label_names, hierarchy=None):
    """Depth of each label, 1 at the top.

    Parameters
    ----------
    label_names : array-like of str of shape (n_labels,)
        Names; without `hierarchy`, paths such as "/person/artist" whose segments are counted.
    hierarchy : None, array-like, mapping or directed graph, default=None
        As for `hierarchy_edges`; a label is one deeper than the deepest of its parents.

    Returns
    -------
    depths : ndarray of shape (n_labels,)
        Depth of each label.
    """
    if hierarchy is None:
        return np.array([max(len(_segments(name)), 1) for name in label_names])
    return longest_paths(label_names, hierarchy_edges(label_names, hierarchy))


def hierarchy_edges(label_names, hierarchy=None):
    """Edges from parents to children among the labels.

    Nodes that are no labels are left out: a label's parents are the nearest labels above it.

    Parameters
    ----------
    label_names : array-like of str of shape (n_labels,)
        Names of the labels.
    hierarchy : None, array-like, mapping or directed graph, default=None
        None: the names are paths, and "/person" is the parent of "/person/artist". Array-like of int of shape
        (n_labels,): index of each label's parent, negative at the top. Sequence of pairs (parent, child). Mapping
        from a child to its parent, a list of its parents, or None. Graph whose `edges` go from parent to child, such
        as ``networkx.DiGraph``. In all but the first two a node is named, or given by its index where it is an
        integer.

    Returns
    -------
    edges : ndarray of int of shape (n_edges, 2)
        Indices of parent and child, sorted, each edge once.
    """
    names = [str(name) for name in label_names]
    if hierarchy is None:
        return _as_edges(_path_pairs(names))
    nodes, pairs = _number_nodes(names, _given_pairs(len(names), hierarchy))
    return _as_edges(_label_pairs(len(names), nodes, pairs))


def longest_paths(names, edges):
    """Nodes on the longest path that ends in each node, 1 for a node without parents; time is linear in the edges."""
    children = [[] for _ in names]
    waiting = [0] * len(names)
    for parent, child in np.asarray(edges).tolist():
        children[parent].append(child)
        waiting[child] += 1
    ready = [node for node, n_parents in enumerate(waiting) if n_parents == 0]
    depths = [1] * len(names)
    for node in ready:
        for child in children[node]:
            depths[child] = max(depths[child], depths[node] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    if len(ready) < len(names):
        raise ValueError(_cycle_message(names, children, waiting))
    return np.array(depths, dtype=int)


def _cycle_message(names, children, waiting):
    """One sentence that names a label on a cycle: who only waits below a cycle has no way back into it."""
    below = [node for node, n_parents in enumerate(waiting) if n_parents > 0]
    above = {child: node for node in below for child in children[node]}
    node = below[0]
    for _ in below:
        node = above[node]
    return (
        f"Edges from parent to child must have no cycle, got one through {str(names[node])!r}, which is its own "
        "ancestor; remove one of the edges of that cycle."
    )


def _segments(name):
    """Parts of a path."""
    return str(name).strip("/").split("/")


def _path_pairs(names):
    """Edges from the longest path above each path that is a label."""
    index = {tuple(_segments(name)): j for j, name in enumerate(names)}
    pairs = []
    for path, child in index.items():
        above = (path[:k] for k in range(len(path) - 1, 0, -1))
        pairs += [(index[each], child) for each in above if each in index][:1]
    return pairs


def _given_pairs(n_labels, hierarchy):
    """Pairs (parent, child) of nodes, as the user wrote them."""
    if hasattr(hierarchy, "edges"):
        return _graph_pairs(hierarchy)
    if isinstance(hierarchy, Mapping):
        return [(parent, child) for child, parents in hierarchy.items() for parent in _listed(parents)]
    array = np.asarray(hierarchy, dtype=object)
    if array.shape == (0,) or (array.ndim == 2 and array.shape[1] == 2):
        return array.tolist()
    if array.shape == (n_labels,) and all(isinstance(parent, Integral) for parent in array):
        return [(parent, child) for child, parent in enumerate(array) if parent >= 0]
    raise ValueError(
        f"hierarchy must be one parent index (-1 at the top) for each of the {n_labels} labels, pairs (parent, child), "
        f"a mapping from child to parent or a directed graph, got {type(hierarchy).__name__} of shape {array.shape}; "
        "pass one of these."
    )


def _graph_pairs(graph):
    """Edges of a directed graph, without the keys of parallel ones."""
    if hasattr(graph, "is_directed") and not graph.is_directed():
        raise ValueError(
            "hierarchy must be a directed graph with edges from parent to child, got an undirected one; pass a "
            "networkx.DiGraph."
        )
    edges = graph.edges() if callable(graph.edges) else graph.edges
    return [tuple(edge)[:2] for edge in edges]


def _listed(parents):
    """Parents of a child as a list, from one, several or None."""
    if parents is None:
        return []
    return parents if isinstance(parents, list | tuple | set | frozenset | np.ndarray) else [parents]


def _number_nodes(names, pairs):
    """Names of all nodes, the labels first, and the pairs as indices."""
    nodes, index = list(names), {name: j for j, name in enumerate(names)}

    def number(node):
        if isinstance(node, Integral):
            return _checked_index(node, len(names))
        if str(node) not in index:
            index[str(node)] = len(nodes)
            nodes.append(str(node))
        return index[str(node)]

    pairs = [(number(parent), number(child)) for parent, child in pairs]
    if pairs and min(map(min, pairs)) >= len(names):
        raise ValueError(
            f"hierarchy must relate labels such as {names[:3]}, got only other names such as "
            f"{nodes[len(names) : len(names) + 3]}; use the column names of y, or label indices as integers."
        )
    return nodes, pairs


def _checked_index(node, n_labels):
    """A label's index."""
    if not 0 <= node < n_labels:
        raise ValueError(
            f"Integers in hierarchy must be label indices from 0 to {n_labels - 1}, got {node}; name nodes that are no "
            "labels by a string."
        )
    return int(node)


def _label_pairs(n_labels, nodes, pairs):
    """Edges to each label from the nearest labels above it."""
    depths = longest_paths(nodes, pairs)
    nearest = [set() for _ in nodes]
    for parent, child in sorted(pairs, key=lambda pair: depths[pair[0]]):
        nearest[child] |= {parent} if parent < n_labels else nearest[parent]
    return [(parent, child) for child in range(n_labels) for parent in nearest[child]]


def _as_edges(pairs):
    """Sorted array of shape (n_edges, 2)."""
    return np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2)
