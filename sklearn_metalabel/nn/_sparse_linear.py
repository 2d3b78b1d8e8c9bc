"""A linear layer for dense and sparse batches."""

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["SparseLinear"]


class SparseLinear(nn.Module):
    """`torch.nn.Linear` that takes a batch of shape (n, d) as a sparse COO tensor too.

    The cost of a sparse batch grows with its stored entries, forwards and backwards; only the optimiser visits all
    weights. They are stored as (in_features, out_features), so that those of a feature are contiguous.
    """

    def __init__(self, in_features: int, out_features: int):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        dense = nn.Linear(in_features, out_features)
        self.weight = nn.Parameter(dense.weight.detach().t().contiguous())
        self.bias = dense.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of shape (n, out_features)."""
        if not x.is_sparse:
            return F.linear(x, self.weight.t(), self.bias)
        x = x.coalesce()
        rows, columns = x.indices()
        starts = torch.searchsorted(rows.contiguous(), torch.arange(len(x), device=x.device))
        return F.embedding_bag(columns, self.weight, starts, mode="sum", per_sample_weights=x.values()) + self.bias

    def extra_repr(self) -> str:
        """Sizes that `repr` shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}"
