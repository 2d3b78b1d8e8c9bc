import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from sklearn_metalabel.text import Embeddings, TokenSequencer

WORDS, VECTORS = ["oil", "wheat", "gold"], np.arange(6.0).reshape(3, 2)


def test_words_and_vectors_are_kept_and_cannot_be_written_to():
    embeddings = Embeddings(WORDS, VECTORS)
    assert embeddings.words.tolist() == WORDS
    assert embeddings.vectors.dtype == np.float32
    assert (len(embeddings), embeddings.dim) == (3, 2)
    with pytest.raises(ValueError, match="read-only"):
        embeddings.vectors[0] = 0
    assert VECTORS.flags.writeable


def test_a_word_is_looked_up_by_its_name():
    embeddings = Embeddings(WORDS, VECTORS)
    np.testing.assert_array_equal(embeddings["gold"], [4, 5])
    assert "gold" in embeddings
    assert "silver" not in embeddings
    with pytest.raises(KeyError, match="silver"):
        embeddings["silver"]


def test_the_first_vector_of_a_word_given_twice_is_kept():
    embeddings = Embeddings(["oil", "wheat", "oil"], VECTORS)
    assert embeddings.words.tolist() == ["oil", "wheat"]
    np.testing.assert_array_equal(embeddings["oil"], VECTORS[0])


def test_restricting_keeps_the_order_of_the_source():
    few = Embeddings(WORDS, VECTORS).restrict(["gold", "silver", "oil", "gold"])
    assert few.words.tolist() == ["oil", "gold"]
    np.testing.assert_array_equal(few.vectors, VECTORS[[0, 2]])


def test_clones_share_the_one_matrix():
    embeddings = Embeddings(WORDS, VECTORS)
    assert copy.deepcopy(embeddings) is embeddings
    assert copy.copy(embeddings) is embeddings
    assert clone(TokenSequencer(embeddings=embeddings)).embeddings is embeddings


def test_it_pickles_and_hashes_by_its_content():
    embeddings = Embeddings(WORDS, VECTORS)
    restored = pickle.loads(pickle.dumps(embeddings))
    np.testing.assert_array_equal(restored.vectors, embeddings.vectors)
    assert joblib.hash(restored) == joblib.hash(embeddings)
    assert joblib.hash(embeddings) != joblib.hash(Embeddings(WORDS, VECTORS + 1))


@pytest.mark.parametrize(
    ("vectors", "match"),
    [
        (VECTORS[:2], r"one row of vectors for each word, got 3 words and vectors of shape \(2, 2\)"),
        (VECTORS[:, 0], r"an array of shape \(n_words, dim\), got one of shape \(3,\)"),
        ([[1.0], [2.0], [3.0, 4.0]], "vectors must be numbers, as many for each word"),
        ([["x"], ["y"], ["z"]], "vectors must be numbers, as many for each word"),
    ],
)
def test_each_word_must_have_a_vector(vectors, match):
    with pytest.raises(ValueError, match=match):
        Embeddings(WORDS, vectors)


@pytest.mark.parametrize("words", ["oil", 3, ["oil", None]])
def test_words_that_are_not_strings_are_refused(words):
    embeddings = Embeddings(WORDS, VECTORS)
    for use in (embeddings.restrict, lambda words: Embeddings(words, VECTORS)):
        with pytest.raises(TypeError, match="words must be a list of strings, got .*; pass one string for each word"):
            use(words)


def test_neither_array_can_be_replaced_and_copies_stay_read_only():
    embeddings = Embeddings(WORDS, VECTORS)
    for name in ("words", "vectors"):
        with pytest.raises(AttributeError, match=name):
            setattr(embeddings, name, None)
    restored = pickle.loads(pickle.dumps(embeddings))
    assert not restored.words.flags.writeable
    assert not restored.vectors.flags.writeable


def test_a_float32_matrix_is_shared_and_stays_writeable_for_its_owner():
    vectors = VECTORS.astype(np.float32)
    assert np.shares_memory(Embeddings(WORDS, vectors).vectors, vectors)
    assert vectors.flags.writeable


def test_one_long_word_costs_no_memory_for_the_others():
    words = ["x" * 10_000, "a\0"]
    embeddings = Embeddings(words, np.zeros((2, 1)))
    assert embeddings.words.tolist() == words
    assert embeddings.words.nbytes < 100


def test_a_vector_that_is_not_finite_is_named_by_its_word():
    vectors = VECTORS.copy()
    for wrong in ([np.nan, 0], [np.inf, 0], [np.inf, -np.inf]):
        vectors[1] = wrong
        with pytest.raises(ValueError, match="finite numbers, got others for 'wheat'"):
            Embeddings(WORDS, vectors)


def test_the_largest_numbers_are_finite():
    assert len(Embeddings(WORDS, np.full((3, 2), np.finfo(np.float32).max))) == 3


def test_its_repr_is_short():
    assert repr(Embeddings(WORDS, VECTORS)) == "Embeddings(n_words=3, dim=2)"
