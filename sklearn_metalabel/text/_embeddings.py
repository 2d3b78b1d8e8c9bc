"""Words and their vectors."""

import numpy as np

__all__ = ["Embeddings"]


class Embeddings:
    """Pre-trained word vectors, read-only.

    The same object is given to a sequencer, which numbers the words, and to a network, which looks their vectors up.
    Copies, such as those of :func:`sklearn.base.clone`, share the one matrix.

    Parameters
    ----------
    words : array-like of str of shape (n_words,)
        Words; of a word given twice the first counts.
    vectors : array-like of shape (n_words, dim)
        Their vectors; kept as float32.

    Attributes
    ----------
    words : ndarray of str of shape (n_words,)
        Words, each once.
    vectors : ndarray of shape (n_words, dim), dtype float32
        Their vectors.

    Raises
    ------
    ValueError
        If words and vectors do not belong together, or a vector is not finite.

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

    def __init__(self, words, vectors):
        words, vectors = list(map(str, words)), np.array(vectors, dtype=np.float32)
        if vectors.ndim != 2 or len(words) != len(vectors):
            raise ValueError(
                f"Embeddings need one row of vectors for each word, got {len(words)} words and vectors of shape "
                f"{vectors.shape}; pass an array of shape ({len(words)}, dim)."
            )
        if not np.isfinite(vectors).all():
            wrong = words[int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])]
            raise ValueError(f"Embeddings must be finite numbers, got others for {wrong!r}; leave this word out.")
        first = {}
        for row, word in enumerate(words):
            first.setdefault(word, row)
        if len(first) < len(words):
            vectors = vectors[list(first.values())]
        self.words = np.array(list(first), dtype=str)
        self.vectors = vectors
        self.words.flags.writeable = self.vectors.flags.writeable = False
        self._row = {word: row for row, word in enumerate(first)}

    @property
    def dim(self):
        """Length of the vectors."""
        return self.vectors.shape[1]

    def restrict(self, words):
        """Keep some words only, in the order they have here.

        Parameters
        ----------
        words : iterable of str
            Words to keep; those that have no vector are passed over.

        Returns
        -------
        embeddings : Embeddings
            The words that are in both.

        Examples
        --------
        >>> from sklearn_metalabel.text import Embeddings
        >>> Embeddings(["oil", "wheat"], [[0.1, 0.9], [0.8, 0.2]]).restrict(["wheat", "gold"])
        Embeddings(n_words=1, dim=2)
        """
        kept = sorted({self._row[word] for word in map(str, words) if word in self._row})
        return Embeddings(self.words[kept], self.vectors[kept])

    def __len__(self):
        return len(self._row)

    def __contains__(self, word):
        return word in self._row

    def __getitem__(self, word):
        return self.vectors[self._row[word]]

    def __repr__(self):
        return f"Embeddings(n_words={len(self)}, dim={self.dim})"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        # Clones of estimators deep-copy their parameters; this one is read-only and may be large.
        return self
