import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import TextCNN


def small_cnn(**params):
    torch.manual_seed(0)
    return TextCNN(4, n_tokens=20, embedding_dim=6, n_filters=5, **params)


def naive_logits(cnn, indices):
    """One text through windows, filters and the last layer, each by a loop."""
    responses = []
    for conv in cnn.filters:
        width = conv.kernel_size[0]
        padded = [0] * (width - 1) + list(indices) + [0] * (width - 1)
        vectors = cnn.words.table.weight[padded]
        windows = [vectors[i : i + width] for i in range(len(padded) - width + 1)]
        for filter_, bias in zip(conv.weight, conv.bias, strict=True):
            responses.append(max(float((window * filter_.T).sum() + bias) for window in windows))
    features = F.relu(torch.tensor(responses))
    rows = [row * min(1, cnn.max_norm / float(row.norm())) for row in cnn.output.weight]
    return torch.stack([features @ row for row in rows]) + cnn.output.bias


def test_logits_equal_the_loop_over_windows_and_filters():
    cnn = small_cnn(max_norm=0.2).eval()
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 20, size=(3, 7)))
    with torch.no_grad():
        torch.testing.assert_close(cnn(x), torch.stack([naive_logits(cnn, row) for row in x.tolist()]))


def test_texts_shorter_than_the_filters_have_logits():
    assert small_cnn()(torch.tensor([[3]])).shape == (1, 4)


def test_norms_of_the_last_layer_are_bounded_in_training():
    cnn = small_cnn(max_norm=0.1).train()
    assert (cnn.output.weight.norm(dim=1) > 0.1).any()
    cnn(torch.ones(1, 5, dtype=torch.int64)).sum().backward()
    assert (cnn.output.weight.norm(dim=1) <= 0.1 + 1e-6).all()
    assert cnn.output.weight.grad is not None


def test_prediction_bounds_the_norms_without_touching_the_weights():
    cnn = small_cnn(max_norm=0.1).eval()
    before = cnn.output.weight.detach().clone()
    bounded, free = cnn(torch.full((1, 5), 3)), small_cnn(max_norm=None).eval()(torch.full((1, 5), 3))
    torch.testing.assert_close(cnn.output.weight, before)
    assert not torch.allclose(bounded, free)


def test_words_that_training_did_not_see_do_not_break_prediction():
    rng = np.random.default_rng(0)
    X = rng.integers(2, 30, size=(40, 6))
    Y = np.stack([(X < 9).any(axis=1), (X > 20).any(axis=1)], axis=1).astype(int)
    clf = TorchClassifier(TextCNN, module__embedding_dim=4, module__n_filters=3, n_epochs=1, random_state=0).fit(X, Y)
    P = clf.predict_proba(np.ones_like(X))
    np.testing.assert_allclose(clf.predict_proba(X + 1000), P, rtol=1e-5)  # float32, maybe summed in another order
    assert not np.allclose(clf.predict_proba(X), P, rtol=1e-3)


def test_it_learns_which_words_mean_which_label():
    rng = np.random.default_rng(0)
    X = rng.integers(2, 60, size=(400, 10))
    Y = np.stack([(X == word).any(axis=1) for word in (2, 3)], axis=1).astype(int)
    clf = TorchClassifier(TextCNN, module__embedding_dim=16, module__n_filters=20, lr=0.01, n_epochs=30, random_state=0)
    clf.fit(X[:300], Y[:300])
    assert (clf.predict(X[300:]) == Y[300:]).mean() > 0.97


@pytest.mark.parametrize("embeddings", [None, np.random.default_rng(1).normal(size=(28, 4))])
def test_the_policy_learns_around_it(embeddings):
    rng = np.random.default_rng(0)
    X = rng.integers(2, 30, size=(60, 6))
    Y = np.stack([(X < 9).any(axis=1), (X > 24).any(axis=1)], axis=1).astype(int)
    base = TorchClassifier(
        TextCNN, module__embeddings=embeddings, module__embedding_dim=4, module__n_filters=3, n_epochs=2
    )
    clf = MetaPolicyClassifier(base, random_state=0).fit(X, Y)
    assert clf.predict(X).shape == Y.shape
