"""The convolutional network for sentences."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_metalabel.nn._sizes import as_sizes, check_dropout, check_sizes
from sklearn_metalabel.nn._words import WordEmbedding, WordVectors
from sklearn_metalabel.utils import shown

__all__ = ["TextCNN"]


class TextCNN(nn.Module):
    """Convolutions over the words of a text, the largest response of each filter, and one logit for each label.

    The network of Kim [1]_ in its variant CNN-non-static: pre-trained word vectors are trained on, filters of three
    widths run over the words, dropout and a bound on the norms of the last layer keep it from overfitting.

    Parameters
    ----------
    n_labels : int
        Number of labels; one logit each.
    n_tokens : int, default=None
        Size of the vocabulary, padding and unknown word included;
        :class:`~sklearn_metalabel.learners.TorchClassifier` takes it from the training rows. Larger indices are
        unknown words. None where `embeddings` are the whole vocabulary.
    embeddings : Embeddings or array-like of shape (n_words, dim), default=None
        Pre-trained vectors of the words with the indices 2, 3, ...; with None all vectors start at random.
    embedding_dim : int, default=300
        Length of the word vectors where `embeddings` is None.
    widths : sequence of int, default=(3, 4, 5)
        Widths of the filters, in words.
    n_filters : int, default=100
        Number of filters of each width.
    dropout : float, default=0.5
        Share of the filters' responses that are dropped in training.
    max_norm : float or None, default=3.0
        Bound on the L2 norm of each label's weights in the last layer, enforced after every update; None sets no bound.
    train_embeddings : bool, default=True
        Whether word vectors are trained (CNN-non-static) or not (CNN-static).

    See Also
    --------
    sklearn_metalabel.text.TokenSequencer : Turns documents into the word indices that this network reads.
    AttentiveBiLSTM : For mentions in sentences.

    Notes
    -----
    Inputs are integers of shape (n, length): 0 is padding, 1 an unknown word. As in [1]_, filters also run over the
    padding. An optimiser with a state for each weight, such as Adam, visits the whole table of word vectors at every
    update: restrict large `embeddings` to the words of the training documents.

    References
    ----------
    .. [1] Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014.
       :doi:`10.3115/v1/D14-1181`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> from sklearn_metalabel.nn import TextCNN
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(2, 50, size=(60, 12))  # twelve words each
    >>> Y = np.stack([(X == word).any(axis=1) for word in (2, 3, 4)], axis=1).astype(
    ...     int
    ... )
    >>> clf = TorchClassifier(
    ...     TextCNN,
    ...     module__embedding_dim=8,
    ...     module__n_filters=10,
    ...     n_epochs=2,
    ...     random_state=0,
    ... )
    >>> clf.fit(X, Y).predict_proba(X).shape
    (60, 3)
    """

    def __init__(
        self,
        n_labels: int,
        n_tokens: int | None = None,
        embeddings: WordVectors | None = None,
        embedding_dim: int = 300,
        widths: Sequence[int] = (3, 4, 5),
        n_filters: int = 100,
        dropout: float = 0.5,
        max_norm: float | None = 3.0,
        train_embeddings: bool = True,
    ):
        super().__init__()
        widths = as_sizes("widths", widths)
        check_sizes(n_labels=n_labels, n_filters=n_filters)
        check_dropout(dropout)
        if max_norm is not None and not (isinstance(max_norm, Real) and max_norm > 0):
            raise ValueError(f"max_norm must be None or a number above 0, got {shown(max_norm)}; None sets no bound.")
        self.words = WordEmbedding(n_tokens, embeddings, embedding_dim, train_embeddings)
        self.filters = nn.ModuleList(nn.Conv1d(self.words.dim, n_filters, w, padding=w - 1) for w in widths)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(n_filters * len(widths), n_labels)
        self.max_norm = max_norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of some texts.

        Parameters
        ----------
        x : torch.Tensor of shape (n, length), dtype int64
            Word indices.

        Returns
        -------
        logits : torch.Tensor of shape (n, n_labels)
            One for each label.
        """
        words = self.words(x).transpose(1, 2)
        # The maximum is taken before the ReLU: they commute, and there is then one number per filter to rectify.
        responses = [F.relu(convolve(words).max(dim=2).values) for convolve in self.filters]
        return F.linear(self.dropout(torch.cat(responses, dim=1)), self._bounded_weight(), self.output.bias)

    def _bounded_weight(self):
        """Weights of the last layer within the bound; in training the parameter itself is rescaled."""
        weight = self.output.weight
        if self.max_norm is None:
            return weight
        with torch.no_grad():
            bounded = torch.renorm(weight, p=2, dim=0, maxnorm=self.max_norm)
            return weight.copy_(bounded) if self.training else bounded
