"""Word vectors from the files of word2vec and GloVe, and from objects of other libraries."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sklearn_metalabel.text._embeddings import Embeddings, as_matrix, as_word_list
from sklearn_metalabel.utils import shown

__all__ = ["load_embeddings"]

_FORMATS = ("auto", "word2vec", "word2vec-binary", "glove")
_BLOCK = 1 << 20


def load_embeddings(
    source: str | os.PathLike[str] | Mapping[str, Any] | tuple[Any, Any] | Embeddings | Any,
    *,
    words: Iterable[str] | None = None,
    limit: int | None = None,
    format: Literal["auto", "word2vec", "word2vec-binary", "glove"] = "auto",
) -> Embeddings:
    r"""Load pre-trained word vectors.

    Parameters
    ----------
    source : str or path-like, gensim KeyedVectors, mapping, pair or Embeddings
        A file of word2vec (text or binary) or GloVe, also compressed by gzip; vectors of gensim, which have
        `index_to_key` and `vectors`; a mapping from words to vectors; or a pair (words, vectors).
    words : iterable of str, default=None
        Words to keep; only their vectors are held in memory. None keeps all.
    limit : int, default=None
        Most words to read; files begin with the most frequent ones. None reads all.
    format : {"auto", "word2vec", "word2vec-binary", "glove"}, default="auto"
        Format of a file. "auto" detects it: word2vec begins with the number of words and the length of the vectors.

    Returns
    -------
    embeddings : Embeddings
        Words and vectors, in the order of the source.

    Raises
    ------
    TypeError
        If `source` is none of these, or `words` are not strings.
    ValueError
        If a file is malformed or ends too early, no word is left, or `limit` or `format` is out of range.
    OSError
        If a file cannot be read.

    See Also
    --------
    Embeddings : What is returned; its method `restrict` keeps some words.
    TokenSequencer : Turns words into indices by which networks find their vectors.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_metalabel.text import load_embeddings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "glove.txt"
    ...     _ = path.write_text("oil 0.1 0.9\nwheat 0.8 0.2\n")
    ...     embeddings = load_embeddings(path, words=["wheat"])
    >>> embeddings, embeddings["wheat"]
    (Embeddings(n_words=1, dim=2), array([0.8, 0.2], dtype=float32))
    """
    if format not in _FORMATS:
        raise ValueError(f"format must be one of {list(_FORMATS)}, got {shown(format)}.")
    if limit is not None and not (isinstance(limit, Integral) and limit >= 1):
        raise ValueError(f"limit must be None or an integer of at least 1, got {shown(limit)}; it counts words.")
    wanted = None if words is None else set(as_word_list(words))
    if isinstance(source, str | os.PathLike):
        embeddings, name = _from_file(Path(source), wanted, limit, format), source
    else:
        embeddings, name = Embeddings(*_words_and_vectors(source, limit)), type(source).__name__
        embeddings = embeddings if wanted is None else embeddings.restrict(wanted)
    if not len(embeddings):
        what = "no words" if wanted is None else "none of the wanted words"
        raise ValueError(f"{name} holds {what}; check the file, or whether its words are in lower case.")
    return embeddings


def _words_and_vectors(source, limit):
    """The first words and vectors of an object that holds them, or raise."""
    if isinstance(source, Embeddings):
        return source.words[:limit], source.vectors[:limit]
    if hasattr(source, "index_to_key") and hasattr(source, "vectors"):
        return source.index_to_key[:limit], source.vectors[:limit]
    if isinstance(source, Mapping):
        return list(source)[:limit], list(source.values())[:limit]
    if isinstance(source, tuple | list) and len(source) == 2:
        words, vectors = source
        return as_word_list(words)[:limit], as_matrix(vectors)[:limit]
    raise TypeError(
        "source must be a file, vectors of gensim, a mapping from words to vectors, or a pair (words, vectors), got "
        f"{type(source).__name__}."
    )


def _from_file(path, wanted, limit, format):
    """Embeddings of a file."""
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_packed else path.open("rb") as file:
        try:
            return _collect(islice(_read(file, path, format), limit), wanted)
        except EOFError as error:
            raise ValueError(f"{path} ends within its compressed data; download it again.") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} has damaged compressed data; download it again.") from error


def _collect(pairs, wanted):
    """Embeddings of those (word, vector) that are wanted."""
    # The buffer grows in place: a list of arrays would hold everything twice before it is one matrix.
    words, numbers = {}, bytearray()
    for word, vector in pairs:
        if (wanted is None or word in wanted) and word not in words:
            words[word] = None
            numbers += vector.astype(np.float32, copy=False).tobytes()
    return Embeddings(words, np.frombuffer(numbers, dtype=np.float32).reshape(len(words), -1 if words else 0))


def _read(file, path, format):
    """Words and vectors of an open file, one after the other."""
    first = file.readline(_BLOCK)
    header = first.split()
    has_header = len(header) == 2 and all(part.isdigit() for part in header)
    if format == "glove" or (format == "auto" and not has_header):
        if len(header) < 2:
            raise ValueError(f"{path} must have a word and its numbers in every line, got {first[:40]!r} first.")
        file.seek(0)
        return _read_text(file, path, len(header) - 1)
    if not has_header:
        raise ValueError(
            f"{path} must begin with the number of words and the length of the vectors, got {first[:40]!r}; "
            'a file of GloVe is read with format="glove".'
        )
    n_words, dim = map(int, header)
    if format == "word2vec-binary" or (format == "auto" and not _next_is_text(file, dim)):
        return _read_binary(file, path, n_words, dim)
    return _read_text(file, path, dim, n_words)


def _next_is_text(file, dim):
    """Whether the next record has `dim` numbers in digits, or else at least nothing but readable characters."""
    place = file.tell()
    record = file.read(_BLOCK)
    file.seek(place)
    try:
        return len(np.array(record.partition(b"\n")[0].split()[-dim:], dtype=np.float32)) == dim
    except ValueError:
        return re.search(rb"[^\t\n\r -~]", record.partition(b" ")[2][: 4 * dim]) is None


def _read_text(file, path, dim, n_words=None):
    """Yield the words and vectors of lines; words may contain spaces."""
    number = 0
    for number, line in enumerate(filter(bytes.strip, file), start=1):
        word, *values = line.rstrip().rsplit(b" ", dim)
        try:
            vector = np.array(values, dtype=np.float32)
        except ValueError:
            vector = np.empty(0)
        if len(vector) != dim or not dim:
            raise ValueError(
                f"{path}, word {number}: wanted a word and {dim} numbers, got {line[:40]!r}; the file is damaged or of "
                "another format."
            )
        yield word.decode("utf-8", errors="replace"), vector
    if n_words is not None and number < n_words:
        raise ValueError(f"{path} ends after {number} of {n_words} words; download it again.")


def _read_binary(file, path, n_words, dim):
    """Yield the words and vectors of a binary file: a word, a space, little-endian numbers, and maybe a line feed."""
    buffer, place, size = b"", 0, 4 * dim
    for number in range(n_words):
        while (space := buffer.find(b" ", place)) < 0 or len(buffer) <= space + size:
            block = file.read(_BLOCK)
            if not block:
                raise ValueError(f"{path} ends after {number} of {n_words} words; download it again.")
            buffer, place = buffer[place:] + block, 0
        word = buffer[place:space].lstrip(b"\n").decode("utf-8", errors="replace")
        yield word, np.frombuffer(buffer, dtype="<f4", count=dim, offset=space + 1)
        place = space + 1 + size
