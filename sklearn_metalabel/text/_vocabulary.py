"""The vocabulary of the sequencers: an index for each word."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_metalabel.text._embeddings import Embeddings
from sklearn_metalabel.utils import Interval, RealNotInt, shown

__all__ = ["FIRST", "PADDING", "UNKNOWN", "Sequencer", "check_rows", "check_words"]

# The scheme that the networks read by: words of the embeddings come first, then words learned from the documents.
PADDING, UNKNOWN, FIRST = 0, 1, 2


class Sequencer(TransformerMixin, BaseEstimator):
    """A transformer from lists of words to word indices; subclasses find the words and arrange the indices."""

    _parameter_constraints = {
        "min_df": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="right")],
        "max_tokens": [Interval(Integral, 0, None, closed="left"), None],
        "lowercase": ["boolean"],
        "embeddings": [Embeddings, None],
    }

    def _learn_vocabulary(self, documents):
        """Set the indices of the words from lists of words."""
        frequency, document_frequency = Counter(), Counter()
        for words in documents:
            frequency.update(words)
            document_frequency.update(set(words))
        known = [] if self.embeddings is None else self.embeddings.words.tolist()
        least = self.min_df if isinstance(self.min_df, Integral) else self.min_df * len(documents)
        learned = [w for w in frequency.keys() - set(known) if document_frequency[w] >= least]
        learned.sort(key=lambda word: (-frequency[word], word))
        tokens = [*known, *map(str, learned[: self.max_tokens])]
        if not tokens:
            raise ValueError(
                f"{type(self).__name__} must find at least one word, found none in {len(documents)} rows with "
                f"min_df={self.min_df!r} and max_tokens={self.max_tokens!r}; relax these or pass embeddings."
            )
        self.tokens_ = np.array(tokens, dtype=object)
        self.vocabulary_ = {word: index for index, word in enumerate(self.tokens_.tolist(), start=FIRST)}
        self.n_tokens_ = FIRST + len(self.tokens_)

    def _indices(self, words):
        """Indices of some words."""
        return [self.vocabulary_.get(word, UNKNOWN) for word in words]

    def get_feature_names_out(self, input_features=None):
        """Names of the columns.

        Parameters
        ----------
        input_features : None
            Not used.

        Returns
        -------
        names : ndarray of str of shape (n_columns,)
            "token0", "token1", ...
        """
        check_is_fitted(self)
        return np.array([f"token{k}" for k in range(self._n_columns())], dtype=object)

    def __sklearn_tags__(self):
        """Tags: the input is documents, not features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


def check_rows(X: object, kind: str) -> None:
    """Raise unless X is an iterable of several, such as documents, and not a single one."""
    if not isinstance(X, Iterable) or isinstance(X, str | bytes | Mapping):
        raise ValueError(
            f"X must hold {kind}, got the single {type(X).__name__} {reprlib.repr(X)}; put it into a list."
        )


def check_words(words: Iterable, what: str, i: int) -> None:
    """Raise unless all words are strings."""
    if not all(isinstance(word, str) for word in words):
        wrong = next(word for word in words if not isinstance(word, str))
        raise TypeError(f"{what} must be strings, got {shown(wrong)} at position {i}; turn each into one.")
