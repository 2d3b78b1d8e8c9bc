"""Words and their vectors."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Embeddings", "as_matrix", "as_word_list"]


class Embeddings:
    """Pre-trained word vectors, read-only.

    The same object is given to a sequencer, which gives each word its index, and to a network, which looks
    the vectors up by these.
    Copies, such as those of :func:`sklearn.base.clone`, share the one matrix.

    Parameters
    ----------
    words : array-like of str of shape (n_words,)
        Words; of a word given twice the first vector is kept.
    vectors : array-like of shape (n_words, dim)
        Their vectors; an array of float32 is shared, not copied, and anything else converted.

    Attributes
    ----------
    words : ndarray of str of shape (n_words,)
        Words, each once; Python strings, so that one long word does not cost memory for all.
    vectors : ndarray of shape (n_words, dim), dtype float32
        Their vectors.

    Raises
    ------
    TypeError
        If `words` are not strings.
    ValueError
        If the numbers of words and vectors differ, or a vector is not finite.

    See Also
    --------
    load_embeddings : Reads files of word2vec and GloVe.

    Examples
    --------
    >>> from sklearn_metalabel.text import Embeddings
    >>> embeddings = Embeddings(["oil", "wheat"], [[0.1, 0.9], [0.8, 0.2]])
    >>> embeddings["wheat"], "gold" in embeddings, len(embeddings)
    (array([0.8, 0.2], dtype=float32), False, 2)
    """

    def __init__(self, words: Iterable[str], vectors: ArrayLike):
        given, matrix = as_word_list(words), as_matrix(vectors)
        if len(given) != len(matrix):
            raise ValueError(
                f"Embeddings need one row of vectors for each word, got {len(given)} words and vectors of shape "
                f"{matrix.shape}; pass an array of shape ({len(given)}, dim)."
            )
        _check_finite(given, matrix)
        first: dict[str, int] = {}
        for row, word in enumerate(given):
            first.setdefault(word, row)
        if len(first) < len(given):
            matrix = matrix[list(first.values())]
        self._words, self._vectors = np.array(list(first), dtype=object), matrix.view()
        self._words.flags.writeable = self._vectors.flags.writeable = False
        self._row = {word: row for row, word in enumerate(first)}

    @property
    def words(self) -> NDArray[np.object_]:
        """Words, each once."""
        return self._words

    @property
    def vectors(self) -> NDArray[np.float32]:
        """One row for each word."""
        return self._vectors

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._vectors.shape[1]

    def restrict(self, words: Iterable[str]) -> Embeddings:
        """Keep some words only, in the order they have here.

        Parameters
        ----------
        words : iterable of str
            Words to keep; those that have no vector are ignored.

        Returns
        -------
        embeddings : Embeddings
            The words that are in both.

        Examples
        --------
        >>> from sklearn_metalabel.text import Embeddings
        >>> Embeddings(["oil", "wheat"], [[0.1, 0.9], [0.8, 0.2]]).restrict(
        ...     ["wheat", "gold"]
        ... )
        Embeddings(n_words=1, dim=2)
        """
        kept = sorted({self._row[word] for word in as_word_list(words) if word in self._row})
        return Embeddings(self.words[kept], self.vectors[kept])

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, word: object) -> bool:
        return word in self._row

    def __getitem__(self, word: str) -> NDArray[np.float32]:
        return self.vectors[self._row[word]]

    def __repr__(self) -> str:
        return f"Embeddings(n_words={len(self)}, dim={self.dim})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled array is no longer read-only.
        return Embeddings, (self._words, self._vectors)

    def __copy__(self) -> Embeddings:
        return self

    def __deepcopy__(self, memo: object) -> Embeddings:
        # Clones of estimators deep-copy their parameters; this one is read-only and may be large.
        return self


def as_word_list(words: Iterable[str]) -> list[str]:
    """List of words, or raise."""
    words = words if isinstance(words, str) or not np.iterable(words) else list(words)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"words must be a list of strings, got {reprlib.repr(words)}; pass one string for each word.")
    return [str(word) for word in words]


def as_matrix(vectors):
    """Array (n_words, dim) of float32, or raise."""
    try:
        matrix = np.asarray(vectors)
        if matrix.dtype.kind == "c":
            raise TypeError("complex numbers are no vectors")
        matrix = matrix.astype(np.float32, copy=False)
    except (TypeError, ValueError) as error:
        raise ValueError("vectors must be numbers, as many for each word, got others; check each vector.") from error
    if matrix.ndim != 2:
        raise ValueError(f"vectors must be an array of shape (n_words, dim), got one of shape {matrix.shape}.")
    return matrix


def _check_finite(words, vectors):
    """Raise if some number is infinite or missing."""
    with np.errstate(invalid="ignore"):
        # A sum shows it without an array of the size of the vectors; in float64 finite float32 numbers do not overflow.
        if np.isfinite(vectors.sum(dtype=np.float64)):
            return
    wrong = words[int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])]
    raise ValueError(f"Embeddings must be finite numbers, got others for {wrong!r}; leave this word out.")
