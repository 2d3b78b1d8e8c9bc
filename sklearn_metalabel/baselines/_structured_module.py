"""Torch modules whose labels read each other's probabilities."""

import numpy as np
import torch
from sklearn.base import clone
from torch import nn

from sklearn_metalabel.baselines._structure import label_levels
from sklearn_metalabel.learners import TorchClassifier

__all__ = ["StructuredModule", "structured_classifier"]


def structured_classifier(base, edges):
    """An unfitted `TorchClassifier` like `base` whose module is put into a `StructuredModule`."""
    params = base.get_params(deep=False)
    kept = {name: value for name, value in params.items() if name != "module" and not name.startswith("module__")}
    return TorchClassifier(StructuredModule, module__base=clone(base), module__edges=edges, **kept)


class StructuredModule(nn.Module):
    """A module to whose logits the probabilities of each label's parents are added, level by level.

    Parameters
    ----------
    base : TorchClassifier
        Builds the module within.
    edges : array-like of int of shape (n_edges, 2)
        Parents and children, without cycles.
    n_features, n_labels, n_tokens : int
        Sizes for the module within; `n_tokens` is None where there are no tokens.
    """

    def __init__(self, base, edges, n_features, n_labels, n_tokens=None):
        super().__init__()
        sizes = {"n_features": n_features, "n_labels": n_labels, "n_tokens": n_tokens}
        self.inner = base._build({name: size for name, size in sizes.items() if size is not None})
        self.n_labels = n_labels
        self.edge_weight = nn.Parameter(torch.zeros(len(edges)))
        self.n_levels = 0
        for labels, parents, numbers in _padded_levels(n_labels, np.asarray(edges, dtype=np.intp).reshape(-1, 2)):
            for name, array in (("labels", labels), ("parents", parents), ("numbers", numbers)):
                self.register_buffer(f"{name}_{self.n_levels}", torch.from_numpy(array), persistent=False)
            self.n_levels += 1

    def forward(self, x):
        """Logits (n, L)."""
        Z = self.inner(x)
        if not torch.is_tensor(Z) or Z.shape != (len(x), self.n_labels):
            return Z  # the training loop says what is wrong with it
        weight = torch.cat([self.edge_weight, self.edge_weight.new_zeros(1)])
        P = torch.cat([torch.sigmoid(Z), Z.new_zeros(len(Z), 1)], dim=1)
        for level in range(self.n_levels):
            labels, parents, numbers = (getattr(self, f"{name}_{level}") for name in ("labels", "parents", "numbers"))
            z = Z[:, labels] + (P[:, parents] * weight[numbers]).sum(dim=-1)
            Z, P = Z.index_copy(1, labels, z), P.index_copy(1, labels, torch.sigmoid(z))
        return Z


def _padded_levels(n_labels, edges):
    """For each level but the first: its labels (m,), and their parents and edge numbers (m, k), filled up at the end.

    Missing parents are number `n_labels`, and their edges number `n_edges`.
    """
    by_child = np.argsort(edges[:, 1], kind="stable")
    ends = np.searchsorted(edges[by_child, 1], np.arange(n_labels + 1))
    parents = np.append(edges[:, 0], n_labels)
    for labels in label_levels(n_labels, edges)[1:]:
        first, n_parents = ends[labels], np.diff(ends)[labels]
        column = np.arange(n_parents.max())
        given = column < n_parents[:, None]
        numbers = np.full(given.shape, len(edges))
        numbers[given] = by_child[(first[:, None] + column)[given]]
        yield labels, parents[numbers], numbers
