"""Depth of labels in their hierarchy."""

import numpy as np

__all__ = ["label_depths"]


def label_depths(label_names, parents=None):
    """Depth of each label, 1 at the top.

    Parameters
    ----------
    label_names : array-like of str of shape (n_labels,)
        Names; without `parents`, paths such as "/person/artist" whose segments are counted.
    parents : array-like of int of shape (n_labels,), default=None
        Index of each label's parent, -1 at the top.

    Returns
    -------
    depths : ndarray of shape (n_labels,)
        Depth of each label.
    """
    if parents is None:
        return np.array([max(len(str(name).strip("/").split("/")), 1) for name in label_names])
    parents = np.asarray(parents)
    n_labels = len(label_names)
    if parents.shape != (n_labels,) or parents.dtype.kind not in "iu" or (parents >= n_labels).any():
        raise ValueError(
            f"parents must hold one label index (or -1) for each of the {n_labels} labels, got shape "
            f"{parents.shape} and dtype {parents.dtype}; pass an integer array of that length."
        )
    depths, ancestors = np.ones(n_labels, dtype=int), parents.copy()
    for _ in range(n_labels):
        below = ancestors >= 0
        if not below.any():
            return depths
        depths[below] += 1
        ancestors[below] = parents[ancestors[below]]
    raise ValueError("parents must form a tree, got a cycle: some label is its own ancestor; remove one of its edges.")
