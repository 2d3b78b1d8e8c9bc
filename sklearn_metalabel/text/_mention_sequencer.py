"""Mentions in sentences as rows of word indices."""

from collections.abc import Mapping
from numbers import Integral
from operator import index, itemgetter

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_metalabel.text._vocabulary import Sequencer, check_rows, check_words
from sklearn_metalabel.utils import Interval, fit_context, restore_on_error, shown

__all__ = ["MentionSequencer"]

_POSITIVE = Interval(Integral, 1, None, closed="left")


class MentionSequencer(Sequencer):
    """Turn mentions of entities in sentences into rows of word indices: left context, mention, right context.

    Parameters
    ----------
    window : int, default=10
        Number of words of the context on each side; a context ends where the sentence does.
    mention_length : int, default=8
        Number of words of the mention that are kept, from its beginning.
    min_df : int or float, default=1
        Least number, or share, of training mentions in whose row a word must occur to be learned.
    max_tokens : int or None, default=None
        Most words that are learned, the most frequent first; words of `embeddings` are not counted.
    lowercase : bool, default=True
        Whether words are put into lower case; the vectors must have been trained alike.
    embeddings : Embeddings, default=None
        Pre-trained vectors; their words are known whether or not they occur in training.

    Attributes
    ----------
    vocabulary_ : dict of str -> int
        Index of each word; 0 is padding and 1 an unknown word, as in :class:`TokenSequencer`.
    tokens_ : ndarray of str of shape (n_words,)
        The word with the index i + 2 at position i.
    n_tokens_ : int
        Number of indices in use, padding and unknown word included.

    Raises
    ------
    TypeError
        If a mention is neither a triple nor a mapping, or its words are not strings.
    ValueError
        If a mention is empty or outside its sentence, there are none, or no word is left to learn.

    See Also
    --------
    TokenSequencer : For whole documents.
    sklearn_metalabel.nn.AttentiveBiLSTM : Reads the indices.
    sklearn_metalabel.datasets.load_entity_typing : Gives mentions in the form of mappings.

    Notes
    -----
    The left context ends in the last of its columns, next to the mention; mention and right context begin in the first
    of theirs. The other columns are padding.

    Examples
    --------
    >>> from sklearn_metalabel.text import MentionSequencer
    >>> sentence = ["The", "artist", "Frida", "Kahlo", "painted"]
    >>> MentionSequencer(window=3, mention_length=2).fit_transform([(sentence, 2, 4)])
    array([[0, 6, 2, 3, 4, 5, 0, 0]], dtype=int32)
    """

    _parameter_constraints = {**Sequencer._parameter_constraints, "window": [_POSITIVE], "mention_length": [_POSITIVE]}

    def __init__(self, *, window=10, mention_length=8, min_df=1, max_tokens=None, lowercase=True, embeddings=None):
        self.window = window
        self.mention_length = mention_length
        self.min_df = min_df
        self.max_tokens = max_tokens
        self.lowercase = lowercase
        self.embeddings = embeddings

    def fit(self, X, y=None):
        """Learn the words of the training mentions and their contexts.

        Parameters
        ----------
        X : iterable of (tokens, start, end) or of mappings with these keys, or DataFrame with these columns
            Mentions: the words of the sentence, and the position of the mention, `end` exclusive.
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
        """Learn the words of the training mentions, and turn these into word indices.

        Parameters
        ----------
        X : iterable of (tokens, start, end) or of mappings with these keys, or DataFrame with these columns
            Mentions: the words of the sentence, and the position of the mention, `end` exclusive.
        y : None
            Not used.

        Returns
        -------
        indices : ndarray of shape (n_mentions, window + mention_length + window), dtype int32
            One row per mention.
        """
        parts = self._split(X)
        if not parts:
            raise ValueError("MentionSequencer learns words from at least one mention, got none; pass some.")
        self._learn_vocabulary([left + mention + right for left, mention, right in parts])
        return self._rows(parts)

    def transform(self, X):
        """Turn mentions into word indices.

        Parameters
        ----------
        X : iterable of (tokens, start, end) or of mappings with these keys, or DataFrame with these columns
            Mentions: the words of the sentence, and the position of the mention, `end` exclusive.

        Returns
        -------
        indices : ndarray of shape (n_mentions, window + mention_length + window), dtype int32
            One row per mention.
        """
        check_is_fitted(self)
        return self._rows(self._split(X))

    def _n_columns(self):
        """Number of columns of the result."""
        return 2 * self.window + self.mention_length

    def _rows(self, parts):
        """Indices of (left, mention, right), one row each."""
        rows = np.zeros((len(parts), self._n_columns()), dtype=np.int32)
        middle = self.window + self.mention_length
        for row, (left, mention, right) in zip(rows, parts, strict=True):
            row[self.window - len(left) : self.window] = self._indices(left)
            row[self.window : self.window + len(mention)] = self._indices(mention)
            row[middle : middle + len(right)] = self._indices(right)
        return rows

    def _split(self, X):
        """Words of (left context, mention, right context) of each mention."""
        return [self._parts(mention, i) for i, mention in enumerate(_one_by_one(X))]

    def _parts(self, mention, i):
        """The three lists of words of one mention, or raise."""
        tokens, start, end = _fields(mention, i)
        if not 0 <= start < end <= len(tokens):
            raise ValueError(
                f"A mention must lie inside its sentence and have a word, got start={start} and end={end} in "
                f"{len(tokens)} words at position {i}; correct it or leave it out."
            )
        slices = tokens[max(0, start - self.window) : start], tokens[start:end], tokens[end : end + self.window]
        for words in slices:
            check_words(words, "Words of a mention and its sentence", i)
        left, inside, right = ([word.lower() for word in part] if self.lowercase else list(part) for part in slices)
        return left, inside[: self.mention_length], right

    def __sklearn_tags__(self):
        """Tags: mentions may be mappings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.dict = True
        return tags


def _one_by_one(X):
    """Mentions one after the other, also of a frame."""
    check_rows(X, "mentions")
    if not hasattr(X, "columns"):
        return X
    if missing := [name for name in ("tokens", "start", "end") if name not in X.columns]:
        raise ValueError(f"X must have the columns tokens, start and end, got a frame without {missing}; rename them.")
    return zip(X["tokens"], X["start"], X["end"], strict=True)


def _fields(mention, i):
    """Words, start and end of a mention, or raise."""
    try:
        tokens, start, end = itemgetter("tokens", "start", "end")(mention) if isinstance(mention, Mapping) else mention
        start, end = index(start), index(end)
    except (KeyError, TypeError, ValueError) as error:
        raise TypeError(
            f"A mention must be (tokens, start, end), or a mapping with these keys, got {shown(mention)} at "
            f"position {i}."
        ) from error
    if isinstance(tokens, str) or not hasattr(tokens, "__len__"):
        raise TypeError(
            f"tokens of a mention must be a list of words, got {shown(tokens)} at position {i}; split the sentence."
        )
    return tokens, start, end
