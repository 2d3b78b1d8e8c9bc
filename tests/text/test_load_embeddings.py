import gzip
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_metalabel.text import Embeddings, _load_embeddings as module, load_embeddings

WORDS = ["oil", "größe", "wheat", "gold"]
VECTORS = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


def text_lines(separator=" "):
    return [separator.join([w, *map(str, v)]) for w, v in zip(WORDS, VECTORS.tolist(), strict=True)]


def write(path, form, *, line_feeds=True):
    """A file in one of the original formats, byte by byte."""
    if form == "word2vec-binary":
        end = b"\n" if line_feeds else b""
        rows = [w.encode() + b" " + v.astype("<f4").tobytes() + end for w, v in zip(WORDS, VECTORS, strict=True)]
        content = b"4 5\n" + b"".join(rows)
    else:
        header = "4 5\n" if form == "word2vec" else ""
        content = (header + "\n".join(text_lines()) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["vectors", "vectors.gz"])
@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "glove"])
@pytest.mark.parametrize("given", [True, False])
def test_each_format_is_read_and_detected(tmp_path, form, name, given):
    path = write(tmp_path / name, form)
    embeddings = load_embeddings(str(path), format=form if given else "auto")
    assert embeddings.words.tolist() == WORDS
    np.testing.assert_allclose(embeddings.vectors, VECTORS, rtol=1e-6)


def test_binary_files_without_line_feeds_are_read(tmp_path):
    path = write(tmp_path / "vectors.bin", "word2vec-binary", line_feeds=False)
    np.testing.assert_array_equal(load_embeddings(path).vectors, VECTORS)


def test_binary_words_may_lie_across_blocks(tmp_path, monkeypatch):
    path = write(tmp_path / "vectors.bin", "word2vec-binary")
    monkeypatch.setattr(module, "_BLOCK", 7)
    np.testing.assert_array_equal(load_embeddings(path, format="word2vec-binary").vectors, VECTORS)


def test_words_of_glove_may_contain_spaces(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("oil 1 2\n. . . 3 4\n")
    embeddings = load_embeddings(path)
    assert embeddings.words.tolist() == ["oil", ". . ."]
    np.testing.assert_array_equal(embeddings[". . ."], [3, 4])


@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "glove"])
def test_wanted_words_are_kept_and_the_limit_counts_words_read(tmp_path, form):
    path = write(tmp_path / "vectors", form)
    assert load_embeddings(path, words=iter(["gold", "oil", "tin"])).words.tolist() == ["oil", "gold"]
    assert load_embeddings(path, limit=2).words.tolist() == WORDS[:2]
    assert load_embeddings(path, words=["gold", "oil"], limit=2).words.tolist() == ["oil"]


@pytest.mark.parametrize(
    "source",
    [
        SimpleNamespace(index_to_key=WORDS, vectors=VECTORS),
        dict(zip(WORDS, VECTORS, strict=True)),
        (WORDS, VECTORS),
        Embeddings(WORDS, VECTORS),
    ],
    ids=["gensim", "mapping", "pair", "Embeddings"],
)
def test_objects_of_other_libraries_are_taken(source):
    embeddings = load_embeddings(source, words=["gold", "oil"])
    assert embeddings.words.tolist() == ["oil", "gold"]
    np.testing.assert_array_equal(embeddings.vectors, VECTORS[[0, 3]])


def test_a_glove_file_is_no_word2vec_file(tmp_path):
    path = write(tmp_path / "glove.txt", "glove")
    with pytest.raises(
        ValueError, match="must begin with the number of words and the length of the vectors, got b'oil"
    ):
        load_embeddings(path, format="word2vec")


def test_a_malformed_line_is_named(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("oil 1 2\nwheat 3 four\n")
    with pytest.raises(ValueError, match=r"glove.txt, word 2: wanted a word and 2 numbers, got b'wheat 3 four"):
        load_embeddings(path)


@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary"])
def test_a_file_that_ends_too_early_is_refused(tmp_path, form):
    path = write(tmp_path / "vectors", form)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"wheat")])
    with pytest.raises(ValueError, match="ends after 2 of 4 words; download it again"):
        load_embeddings(path)


def test_nothing_wanted_in_the_file_is_an_error(tmp_path):
    path = write(tmp_path / "vectors", "glove")
    with pytest.raises(ValueError, match="holds none of the wanted words; check the file, or whether"):
        load_embeddings(path, words=["OIL"])


def test_an_unknown_format_or_source_is_refused(tmp_path):
    with pytest.raises(ValueError, match="format must be one of"):
        load_embeddings(tmp_path / "x", format="fasttext")
    with pytest.raises(TypeError, match="source must be a file, vectors of gensim, .* got int"):
        load_embeddings(3)


@pytest.mark.parametrize("limit", [0, -1, 1.5])
def test_a_limit_out_of_range_is_refused(limit):
    with pytest.raises(ValueError, match=rf"limit must be None or an integer of at least 1, got {limit}"):
        load_embeddings((WORDS, VECTORS), limit=limit)


def test_one_string_is_no_list_of_wanted_words():
    with pytest.raises(TypeError, match="words must be a list of strings, got 'oil'"):
        load_embeddings((WORDS, VECTORS), words="oil")


@pytest.mark.parametrize("content", [b"", b"\n", b"oil\n"])
def test_a_file_without_numbers_is_refused(tmp_path, content):
    path = tmp_path / "glove.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="glove.txt must have a word and its numbers in every line, got b'"):
        load_embeddings(path)


@pytest.mark.parametrize("header", ["", "2 2\n"])
def test_blank_lines_hold_no_word(tmp_path, header):
    path = tmp_path / "vectors.txt"
    path.write_text(header + "oil 1 2\n\nwheat 3 4\n\n")
    assert load_embeddings(path).words.tolist() == ["oil", "wheat"]


def test_a_damaged_first_line_of_text_is_not_taken_for_a_binary_file(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("2 2\noil 1 two\nwheat 3 4\n")
    with pytest.raises(ValueError, match=r"vectors.txt, word 1: wanted a word and 2 numbers, got b'oil 1 two"):
        load_embeddings(path)


@pytest.mark.parametrize("kept", [11, -12])
def test_compressed_files_that_end_anywhere_are_refused(tmp_path, kept):
    path = write(tmp_path / "vectors.gz", "glove")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="ends within its compressed data; download it again"):
        load_embeddings(path)


def test_damaged_compressed_files_are_refused(tmp_path):
    path = write(tmp_path / "vectors.gz", "glove")
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # the checksum
    path.write_bytes(content)
    with pytest.raises(ValueError, match="has damaged compressed data; download it again"):
        load_embeddings(path)


def test_a_file_is_not_held_twice(tmp_path):
    n, dim = 2000, 500
    row = np.ones(dim, dtype="<f4").tobytes()
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"%d %d\n" % (n, dim) + b"".join(b"w%d " % k + row for k in range(n)))
    tracemalloc.start()
    try:
        load_embeddings(path, format="word2vec-binary")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The blocks of reading take two or three MB beside the 4 MB of the vectors.
    assert peak < 8.5e6
