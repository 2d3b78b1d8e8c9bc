import numpy as np
import pytest
import torch

from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import AttentiveBiLSTM


def small_network(**params):
    torch.manual_seed(0)
    return AttentiveBiLSTM(8, 3, n_tokens=20, embedding_dim=5, mention_length=2, hidden=4, attention=6, **params).eval()


def naive_logits(net, row):
    """One mention: states of both sides, attention and mean by hand."""
    vector = net.words.table.weight
    states = [net.left(vector[row[:3]][None])[0][0], net.right(vector[row[5:]][None])[0][0]]
    states, indices = torch.cat(states), torch.cat([row[:3], row[5:]])
    kept = [i for i in range(len(indices)) if indices[i] != 0]
    scores = torch.stack([net.score(states[i])[0] for i in kept]).exp()
    context = sum(s / scores.sum() * states[i] for s, i in zip(scores, kept, strict=True))
    mention = [vector[index] for index in row[3:5] if index != 0]
    return net.output(torch.cat([sum(mention) / len(mention), context]))


def test_logits_equal_attention_by_hand():
    net = small_network()
    x = torch.tensor([[0, 4, 5, 6, 0, 7, 8, 0], [2, 3, 4, 5, 6, 7, 8, 9]])
    with torch.no_grad():
        torch.testing.assert_close(net(x), torch.stack([naive_logits(net, row) for row in x]))


def test_a_mention_without_context_is_typed_by_its_words_alone():
    net, x = small_network(), torch.tensor([[0, 0, 0, 4, 5, 0, 0, 0]])
    words = net.words.table.weight[[4, 5]].mean(dim=0)
    torch.testing.assert_close(net(x)[0], net.output(torch.cat([words, torch.zeros(8)])))


def test_padding_of_the_mention_does_not_change_its_mean():
    net = small_network()
    torch.testing.assert_close(net._mean(torch.tensor([[4, 0]])), net._mean(torch.tensor([[4, 4]])))


def test_word_vectors_are_not_trained_by_default():
    assert not small_network().words.table.weight.requires_grad
    assert small_network(train_embeddings=True).words.table.weight.requires_grad


@pytest.mark.parametrize("n_features", [9, 2])
def test_contexts_must_be_of_one_width(n_features):
    with pytest.raises(ValueError, match=f"two contexts of the same width, got {n_features} columns"):
        AttentiveBiLSTM(n_features, 3, n_tokens=20, mention_length=2)


def test_it_learns_from_mention_and_context():
    rng = np.random.default_rng(0)
    X = rng.integers(2, 30, size=(500, 8))
    Y = np.stack([X[:, 3] < 12, X[:, 2] > 20], axis=1).astype(int)
    sizes = {"mention_length": 2, "embedding_dim": 12, "hidden": 12, "attention": 8, "train_embeddings": True}
    params = {f"module__{name}": value for name, value in sizes.items()}
    clf = TorchClassifier(AttentiveBiLSTM, **params, lr=0.01, n_epochs=25, random_state=0).fit(X[:400], Y[:400])
    majority = np.maximum(Y[400:].mean(axis=0), 1 - Y[400:].mean(axis=0)).mean()
    assert (clf.predict(X[400:]) == Y[400:]).mean() > majority + 0.15
