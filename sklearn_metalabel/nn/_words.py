"""Word vectors looked up by index."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sklearn_metalabel.nn._sizes import check_sizes
from sklearn_metalabel.utils import as_numbers

__all__ = ["WordEmbedding", "WordVectors"]

PADDING, UNKNOWN, FIRST = 0, 1, 2
# Words without a pre-trained vector start in this range (Kim 2014), near the spread of the pre-trained ones.
_RANGE = 0.25


class _HasVectors(Protocol):
    """What the networks read of an `Embeddings` object."""

    @property
    def vectors(self) -> NDArray[np.float32]:
        """One row for each word."""


WordVectors: TypeAlias = _HasVectors | ArrayLike


class WordEmbedding(nn.Module):
    """Vectors of words by the indices of the sequencers: 0 padding, 1 unknown, then pre-trained and further words.

    Padding stays the zero vector. An index beyond the table, of a word not seen in training, is an unknown word.
    """

    def __init__(
        self,
        n_tokens: int | None = None,
        embeddings: WordVectors | None = None,
        dim: int = 300,
        trainable: bool = True,
    ):
        super().__init__()
        vectors = None if embeddings is None else _as_matrix(embeddings)
        if vectors is None and n_tokens is None:
            raise ValueError(
                "The size of the vocabulary is missing: pass n_tokens (TorchClassifier takes it from training rows of "
                "integers) or embeddings, got neither."
            )
        check_sizes(embedding_dim=dim, **({} if n_tokens is None else {"n_tokens": n_tokens}))
        n_known = FIRST + (0 if vectors is None else len(vectors))
        self.dim = dim if vectors is None else vectors.shape[1]
        table = torch.empty(max(n_tokens or 0, n_known), self.dim).uniform_(-_RANGE, _RANGE)
        table[PADDING] = 0
        if vectors is not None:
            table[FIRST:n_known] = torch.from_numpy(vectors)
        self.table = nn.Embedding(len(table), self.dim, padding_idx=PADDING, _weight=table)
        self.table.weight.requires_grad_(trainable)

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        """Vectors of shape (..., dim)."""
        seen = indices < self.table.num_embeddings
        return self.table(torch.where(seen, indices, UNKNOWN))


def _as_matrix(embeddings):
    """Vectors (V, dim) of an `Embeddings` object or of an array."""
    vectors = np.array(as_numbers(getattr(embeddings, "vectors", embeddings), "embeddings", dtype=np.float32))
    if vectors.ndim != 2:
        raise ValueError(f"embeddings must be Embeddings or an array of shape (n_words, dim), got {vectors.shape}.")
    return vectors
