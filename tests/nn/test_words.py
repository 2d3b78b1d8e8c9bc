from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sklearn_metalabel.nn._words import WordEmbedding

VECTORS = np.arange(6, dtype=np.float64).reshape(3, 2) + 1


@pytest.mark.parametrize("embeddings", [VECTORS, SimpleNamespace(vectors=VECTORS), VECTORS.tolist()])
def test_pretrained_words_have_the_indices_from_two(embeddings):
    words = WordEmbedding(embeddings=embeddings)
    assert words.dim == 2
    np.testing.assert_array_equal(words(torch.tensor([[2, 3, 4]])).detach()[0], VECTORS)


def test_padding_stays_the_zero_vector_in_training():
    words = WordEmbedding(n_tokens=5, dim=3)
    optimizer = torch.optim.SGD(words.parameters(), lr=1.0)
    words(torch.tensor([0, 1, 2])).sum().backward()
    optimizer.step()
    assert not words(torch.tensor([0])).any()
    assert (words(torch.tensor([1, 2])) < -0.7).all()  # from at most 0.25 by a step of 1


def test_indices_beyond_the_table_are_unknown_words():
    words = WordEmbedding(n_tokens=4, dim=3)
    torch.testing.assert_close(words(torch.tensor([4, 99])), words(torch.tensor([1, 1])))
    assert not torch.equal(words(torch.tensor([3])), words(torch.tensor([1])))


def test_learned_words_follow_the_pretrained_ones():
    words = WordEmbedding(n_tokens=7, embeddings=VECTORS)
    assert words.table.num_embeddings == 7
    assert words(torch.tensor([5, 6])).abs().max() <= 0.25


def test_a_table_holds_all_pretrained_words_whatever_the_training_rows_hold():
    assert WordEmbedding(n_tokens=3, embeddings=VECTORS).table.num_embeddings == 5


def test_vectors_are_trained_unless_they_are_not_trainable():
    assert not WordEmbedding(embeddings=VECTORS, trainable=False).table.weight.requires_grad
    assert WordEmbedding(embeddings=VECTORS).table.weight.requires_grad


def test_given_vectors_are_never_written_to():
    given = VECTORS.astype(np.float32)
    given.flags.writeable = False
    words = WordEmbedding(embeddings=given)
    with torch.no_grad():
        words.table.weight.zero_()
    np.testing.assert_array_equal(given, VECTORS)


def test_a_missing_vocabulary_is_named():
    with pytest.raises(ValueError, match="size of the vocabulary is missing: pass n_tokens"):
        WordEmbedding()


def test_vectors_must_form_a_matrix():
    with pytest.raises(ValueError, match=r"shape \(n_words, dim\), got \(3,\)"):
        WordEmbedding(embeddings=np.ones(3))
