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
    VECTORS[0, 0] += 0  # what was given stays writeable


def test_a_word_is_looked_up_by_its_name():
    embeddings = Embeddings(WORDS, VECTORS)
    np.testing.assert_array_equal(embeddings["gold"], [4, 5])
    assert "gold" in embeddings
    assert "silver" not in embeddings
    with pytest.raises(KeyError, match="silver"):
        embeddings["silver"]


def test_of_a_word_given_twice_the_first_counts():
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


@pytest.mark.parametrize("vectors", [VECTORS[:2], VECTORS[:, 0]])
def test_words_and_vectors_must_belong_together(vectors):
    with pytest.raises(ValueError, match=r"one row of vectors for each word, got 3 words"):
        Embeddings(WORDS, vectors)


def test_a_vector_that_is_not_finite_is_named_by_its_word():
    vectors = VECTORS.copy()
    vectors[1, 1] = np.nan
    with pytest.raises(ValueError, match="finite numbers, got others for 'wheat'"):
        Embeddings(WORDS, vectors)


def test_its_face_is_short():
    assert repr(Embeddings(WORDS, VECTORS)) == "Embeddings(n_words=3, dim=2)"
