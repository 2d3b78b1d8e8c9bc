"""Which labels are read by which: edges from parents to children, without cycles."""

import numpy as np

from sklearn_metalabel.utils import longest_paths

__all__ = ["chain_edges", "explicit_edges", "label_levels", "residual_edges"]

_BLOCK_ENTRIES = 2**22  # most correlations held at once


def residual_edges(R, support, *, max_parents, min_correlation, sample_weight=None):
    """Edges to each label from the more frequent labels whose residuals correlate most with its own.

    Parameters
    ----------
    R : ndarray of shape (n, n_labels)
        Residuals; a label whose residual is constant gets no edges.
    support : ndarray of shape (n_labels,)
        Frequencies of the labels; of two equal ones the first counts as more frequent.
    max_parents : int
        Most parents of one label.
    min_correlation : float
        What the absolute correlation must exceed.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    edges : ndarray of int of shape (n_edges, 2)
        Parents and children.
    """
    order = np.argsort(-support, kind="stable")
    S = _standardised(R[:, order], sample_weight)
    n_labels = len(order)
    width = max(1, _BLOCK_ENTRIES // n_labels)
    found = []
    for first in range(0, n_labels, width):
        last = min(first + width, n_labels)
        C = np.abs(S[:, :last].T @ S[:, first:last])
        C[np.arange(last)[:, None] >= np.arange(first, last)] = 0
        parents, children = _largest(C, max_parents, min_correlation)
        found.append(np.column_stack([order[parents], order[first + children]]))
    return np.concatenate(found)


def _standardised(R, sample_weight):
    """Columns of mean 0 and length 1 whose products are correlations; zeros for a constant column."""
    share = np.full(len(R), 1 / len(R)) if sample_weight is None else sample_weight / sample_weight.sum()
    S = np.sqrt(share)[:, None] * (R - share @ R)
    scale = np.sqrt(np.square(S).sum(axis=0))
    return np.divide(S, scale, out=np.zeros_like(S), where=scale > 1e-8)


def _largest(C, most, above):
    """Rows and columns of the `most` largest entries of each column that exceed `above`."""
    if len(C) > most:
        C[np.argpartition(C, -most - 1, axis=0)[:-most], np.arange(C.shape[1])] = 0
    return np.nonzero(C > above)


def chain_edges(support):
    """All edges from more to less frequent labels; of two equal ones the first counts as more frequent."""
    order = np.argsort(-support, kind="stable")
    parents, children = np.triu_indices(len(order), 1)
    return np.column_stack([order[parents], order[children]])


def explicit_edges(structure, n_labels):
    """Edges that the user gave, checked but for cycles."""
    edges = np.asarray(structure)
    if edges.size == 0:
        return np.empty((0, 2), dtype=np.intp)
    indices = edges.dtype.kind in "iu" and edges.ndim == 2 and edges.shape[1] == 2
    if not indices or edges.min() < 0 or edges.max() >= n_labels:
        raise ValueError(
            f'structure must be "residual", "chain", "hierarchy" or pairs (parent, child) of label indices from 0 to '
            f"{n_labels - 1}, got an array of shape {edges.shape} and dtype {edges.dtype}; give names through "
            'structure="hierarchy" and hierarchy.'
        )
    return np.unique(edges, axis=0).astype(np.intp)


def label_levels(n_labels, edges):
    """Indices of the labels, level by level: parents always stand in an earlier level."""
    depths = longest_paths(range(n_labels), edges)
    order = np.argsort(depths, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(depths[order])) + 1)
