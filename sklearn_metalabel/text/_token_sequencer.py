"""Documents as rows of word indices."""

import re
import reprlib
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_metalabel.text._vocabulary import PADDING, Sequencer, check_rows, check_words
from sklearn_metalabel.utils import Interval, fit_context, restore_on_error, shown

__all__ = ["TokenSequencer"]


class TokenSequencer(Sequencer):
    r"""Turn documents into rows of word indices, for networks that look up word vectors.

    Each document becomes one row of a fixed length: truncated at the end where it is longer, padded at the
    end where it is shorter.

    Parameters
    ----------
    max_length : int or None, default=300
        Columns of the result; None is the length of the longest training document.
    min_df : int or float, default=1
        Least number, or share, of training documents in which a word must occur to be learned.
    max_tokens : int or None, default=None
        Most words that are learned, the most frequent first; words of `embeddings` are not counted.
    lowercase : bool, default=True
        Whether words are put into lower case; the vectors must have been trained alike.
    token_pattern : str, default=r"(?u)\b\w+\b"
        Regular expression of a word in a document that is one string.
    tokenizer : callable, default=None
        Function from a string to its words, instead of `token_pattern`.
    embeddings : Embeddings, default=None
        Pre-trained vectors; their words are known whether or not they occur in training.

    Attributes
    ----------
    vocabulary_ : dict of str -> int
        Index of each word.
    tokens_ : ndarray of str of shape (n_words,)
        The word with the index i + 2 at position i.
    n_tokens_ : int
        Number of indices in use, padding and unknown word included.
    max_length_ : int
        Columns of the result.

    Raises
    ------
    TypeError
        If a document is neither a string nor a list of words.
    ValueError
        If `X` is one string, has several columns, holds no documents, or leaves no word to learn.

    See Also
    --------
    MentionSequencer : For mentions of entities in sentences.
    sklearn_metalabel.nn.TextCNN : Reads the indices.
    sklearn.feature_extraction.text.TfidfVectorizer : Features for linear base learners.

    Notes
    -----
    0 is padding and 1 an unknown word; the words of `embeddings` have the indices from 2 on, in their order, and
    learned words follow by frequency, ties in alphabetical order. A network that is given the same `embeddings`
    therefore finds each vector under the index of its word.

    Examples
    --------
    >>> from sklearn_metalabel.text import TokenSequencer
    >>> sequencer = TokenSequencer(max_length=4).fit(
    ...     ["Oil prices rise", "Oil and gold"]
    ... )
    >>> sequencer.transform(["gold and silver", "oil"])
    array([[4, 3, 1, 0],
           [2, 0, 0, 0]], dtype=int32)
    """

    _parameter_constraints = {
        **Sequencer._parameter_constraints,
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "token_pattern": [str],
        "tokenizer": [callable, None],
    }

    def __init__(
        self,
        *,
        max_length=300,
        min_df=1,
        max_tokens=None,
        lowercase=True,
        token_pattern=r"(?u)\b\w+\b",
        tokenizer=None,
        embeddings=None,
    ):
        self.max_length = max_length
        self.min_df = min_df
        self.max_tokens = max_tokens
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.tokenizer = tokenizer
        self.embeddings = embeddings

    def fit(self, X, y=None):
        """Learn the words of the training documents.

        Parameters
        ----------
        X : iterable of str or of list of str, length n_documents
            Documents, as text or as words.
        y : None
            Not used.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self.fit_transform(X)
        return self

    @restore_on_error
    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Learn the words of the training documents, and turn these into word indices.

        Parameters
        ----------
        X : iterable of str or of list of str, length n_documents
            Documents, as text or as words.
        y : None
            Not used.

        Returns
        -------
        indices : ndarray of shape (n_documents, n_columns), dtype int32
            One row per document.
        """
        documents = self._split(X)
        if not documents:
            raise ValueError("TokenSequencer learns words from at least one document, got none; pass some.")
        self._learn_vocabulary(documents)
        longest = max(1, *map(len, documents))
        self.max_length_ = longest if self.max_length is None else self.max_length
        return self._rows(documents)

    def transform(self, X):
        """Turn documents into word indices.

        Parameters
        ----------
        X : iterable of str or of list of str, length n_documents
            Documents, as text or as words.

        Returns
        -------
        indices : ndarray of shape (n_documents, n_columns), dtype int32
            One row per document; a document without words is all padding.
        """
        check_is_fitted(self)
        return self._rows(self._split(X))

    def inverse_transform(self, X):
        """Turn word indices back into words.

        Parameters
        ----------
        X : array-like of int of shape (n_documents, length)
            Word indices.

        Returns
        -------
        documents : list of list of str
            Words without the padding, with "<unk>" for unknown words.
        """
        check_is_fitted(self)
        X = np.asarray(X)
        if X.ndim != 2 or X.dtype.kind not in "iu" or ((X < 0) | (X >= self.n_tokens_)).any():
            raise ValueError(
                f"X must be rows of integers from 0 to {self.n_tokens_ - 1}, got shape {X.shape}, dtype {X.dtype} and "
                f"the values {reprlib.repr(np.unique(X).tolist())}; pass what transform returned."
            )
        words = np.array(["", "<unk>", *self.tokens_], dtype=object)
        return [words[row[row != PADDING]].tolist() for row in X]

    def _n_columns(self):
        """Number of columns of the result."""
        return self.max_length_

    def _rows(self, documents):
        """Indices of lists of words, one row each."""
        rows = np.zeros((len(documents), self.max_length_), dtype=np.int32)
        for row, words in zip(rows, documents, strict=True):
            indices = self._indices(words[: self.max_length_])
            row[: len(indices)] = indices
        return rows

    def _split(self, X):
        """Words of each document; equal words are one object, which saves memory for a large corpus."""
        split, known = self.tokenizer or self._pattern().findall, {}
        return [
            [known.setdefault(word, word) for word in self._words(document, i, split)]
            for i, document in enumerate(_one_column(X))
        ]

    def _pattern(self):
        """The compiled pattern, or raise."""
        try:
            return re.compile(self.token_pattern)
        except re.error as error:
            raise ValueError(
                f"token_pattern must be a regular expression, got {shown(self.token_pattern)}: {error}."
            ) from error

    def _words(self, document, i, split):
        """Words of one document, or raise."""
        if isinstance(document, str):
            words = list(split(document.lower() if self.lowercase else document))
            check_words(words, "Words that token_pattern or tokenizer finds", i)
            return words
        if not isinstance(document, list | tuple | np.ndarray):
            raise TypeError(
                f"A document must be a string or a list of words, got {shown(document)} at position {i}; leave it out "
                "or replace it by an empty string."
            )
        check_words(document, "Words of a document", i)
        return [word.lower() for word in document] if self.lowercase else document

    def __sklearn_tags__(self):
        """Tags: documents are strings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


def _one_column(X):
    """Documents one after the other, also of a frame or an array that has one column."""
    check_rows(X, "documents")
    shape = getattr(X, "shape", ())
    if len(shape) != 2:
        return X
    if shape[1] != 1:
        raise ValueError(f"X must hold documents in one column, got {shape[1]} columns; select the one of the texts.")
    return np.asarray(X, dtype=object).ravel()
