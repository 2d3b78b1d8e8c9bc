"""The attentive network for entity typing."""

from __future__ import annotations

import torch
from torch import nn

from sklearn_metalabel.nn._sizes import check_dropout, check_sizes
from sklearn_metalabel.nn._words import PADDING, WordEmbedding, WordVectors

__all__ = ["AttentiveBiLSTM"]


class AttentiveBiLSTM(nn.Module):
    """Entity typing from the words of a mention and, by attention, from the words on both sides of it.

    The network of Shimaoka et al. [1]_ without its hand-made features, as Wu et al. [2]_ use it: the mention is the
    mean of its word vectors, the left and the right context are read by a bidirectional LSTM each, and one attention,
    shared by both sides, weighs the states of all context words (Eq. 8).

    Parameters
    ----------
    n_features : int
        Number of columns of X: left context, mention, right context; both contexts have the same width.
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
    mention_length : int, default=8
        Number of columns of the mention, as in `MentionSequencer`.
    hidden : int, default=100
        Number of units of each LSTM in each direction.
    attention : int, default=100
        Number of hidden units of the attention.
    dropout : float, default=0.5
        Share of the components of the mention's mean vector that are dropped in training.
    train_embeddings : bool, default=False
        Whether word vectors are trained; [1]_ does not train them.

    See Also
    --------
    sklearn_metalabel.text.MentionSequencer : Turns mentions in sentences into the word indices that this network reads.
    TextCNN : For documents.

    Notes
    -----
    With the states h_i of all context words, the context is the sum of a_i h_i, where a is the softmax of
    u' tanh(W h_i) over the words of the contexts; padding has no weight.

    References
    ----------
    .. [1] S. Shimaoka, P. Stenetorp, K. Inui, S. Riedel, "Neural Architectures for Fine-grained Entity Type
       Classification", EACL 2017. :doi:`10.18653/v1/E17-1119`
    .. [2] J. Wu, W. Xiong, W. Y. Wang, "Learning to Learn and Predict: A Meta-Learning Approach for Multi-Label
       Classification", EMNLP-IJCNLP 2019. :doi:`10.18653/v1/D19-1444`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> from sklearn_metalabel.nn import AttentiveBiLSTM
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(
    ...     2, 50, size=(60, 14)
    ... )  # five words, a mention of up to four, five words
    >>> Y = np.stack([X[:, 5] > 20, X[:, 4] > 30], axis=1).astype(int)
    >>> sizes = dict(
    ...     module__mention_length=4,
    ...     module__embedding_dim=8,
    ...     module__hidden=8,
    ...     module__attention=8,
    ... )
    >>> clf = TorchClassifier(AttentiveBiLSTM, **sizes, n_epochs=2, random_state=0)
    >>> clf.fit(X, Y).predict_proba(X).shape
    (60, 2)
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        n_tokens: int | None = None,
        embeddings: WordVectors | None = None,
        embedding_dim: int = 300,
        mention_length: int = 8,
        hidden: int = 100,
        attention: int = 100,
        dropout: float = 0.5,
        train_embeddings: bool = False,
    ):
        super().__init__()
        check_sizes(n_features=n_features, n_labels=n_labels, mention_length=mention_length)
        check_sizes(hidden=hidden, attention=attention)
        check_dropout(dropout)
        window, odd = divmod(n_features - mention_length, 2)
        if window < 1 or odd:
            raise ValueError(
                f"X must have mention_length={mention_length} columns and two contexts of the same width, got "
                f"{n_features} columns; give module__mention_length and MentionSequencer the same mention_length."
            )
        self.columns = [window, mention_length, window]
        self.words = WordEmbedding(n_tokens, embeddings, embedding_dim, train_embeddings)
        self.left, self.right = (
            nn.LSTM(self.words.dim, hidden, batch_first=True, bidirectional=True) for _ in range(2)
        )
        self.score = nn.Sequential(
            nn.Linear(2 * hidden, attention, bias=False), nn.Tanh(), nn.Linear(attention, 1, bias=False)
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.words.dim + 2 * hidden, n_labels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of some mentions.

        Parameters
        ----------
        x : torch.Tensor of shape (n, n_features), dtype int64
            Word indices: left context, mention, right context.

        Returns
        -------
        logits : torch.Tensor of shape (n, n_labels)
            One for each label.
        """
        left, mention, right = x.split(self.columns, dim=1)
        states = torch.cat([self.left(self.words(left))[0], self.right(self.words(right))[0]], dim=1)
        context = self._attend(states, torch.cat([left, right], dim=1) != PADDING)
        return self.output(torch.cat([self.dropout(self._mean(mention)), context], dim=1))

    def _mean(self, mention):
        """Mean vector of the words of each mention."""
        length = (mention != PADDING).sum(dim=1, keepdim=True).clamp(min=1)
        return self.words(mention).sum(dim=1) / length

    def _attend(self, states, is_word):
        """Weighted sum of the states of the words, padding excluded."""
        scores = self.score(states).squeeze(2).masked_fill(~is_word, torch.finfo(states.dtype).min)
        # A mention without any context has no word to attend to; its context is zero.
        return ((scores.softmax(dim=1) * is_word).unsqueeze(1) @ states).squeeze(1)
