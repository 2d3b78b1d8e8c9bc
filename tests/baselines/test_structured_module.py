import numpy as np
import pytest
import torch
from _cases import MLP, mlp, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from torch import nn

from sklearn_metalabel.baselines._structured_module import StructuredModule, structured_classifier
from sklearn_metalabel.learners import TorchClassifier


def random_edges(rng, n_labels, n_edges):
    place = rng.permutation(n_labels)
    pairs = np.sort([rng.choice(n_labels, 2, replace=False) for _ in range(n_edges)], axis=1)
    return np.unique(place[pairs], axis=0), place


def test_levels_equal_a_loop_in_topological_order(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    edges, order = random_edges(rng, 9, 16)
    with torch.random.fork_rng(), torch.no_grad():
        module = StructuredModule(small_torch(), edges, n_features=4, n_labels=9).eval()
        module.edge_weight.copy_(torch.from_numpy(rng.randn(len(edges))))
        x = torch.from_numpy(rng.randn(5, 4).astype(np.float32))
        Z, given = module.inner(x).numpy().astype(float), module(x).numpy()
    b = module.edge_weight.detach().numpy()
    for j in order:
        for e, (parent, child) in enumerate(edges):
            if child == j:
                Z[:, j] += b[e] * expit(Z[:, parent])
    assert_allclose(given, Z, rtol=1e-4, atol=1e-5)


def test_gradients_flow_from_children_to_their_ancestors():
    with torch.random.fork_rng():
        module = StructuredModule(
            TorchClassifier(nn.Linear, module__in_features=2, module__out_features=3),
            [(0, 1), (1, 2)],
            n_features=2,
            n_labels=3,
        )
        module.edge_weight.data.fill_(1.0)
        module(torch.randn(6, 2))[:, 2].sum().backward()
    assert (module.inner.weight.grad != 0).all()
    assert (module.edge_weight.grad > 0).all()


def test_without_edges_training_is_that_of_the_module_alone(multilabel_data):
    X, Y = multilabel_data
    base = small_torch(random_state=3)
    P = structured_classifier(base, np.empty((0, 2), dtype=int)).fit(X, Y).predict_proba(X)
    assert_array_equal(P, base.fit(X, Y).predict_proba(X))


def test_parameters_of_training_and_module_are_kept(multilabel_data):
    base = small_torch(MLP, module__hidden=5, optimizer="sgd", optimizer__momentum=0.5, lr=0.02, random_state=0)
    model = structured_classifier(base, np.array([(0, 1)])).fit(*multilabel_data)
    assert (model.optimizer, model.optimizer__momentum, model.lr, model.random_state) == ("sgd", 0.5, 0.02, 0)
    assert model.state_["inner.0.weight"].shape == (5, 8)
    assert set(model.state_) == {f"inner.{k}.{name}" for k in (0, 2) for name in ("weight", "bias")} | {"edge_weight"}
    assert repr(clone(model)) == repr(model)


class TokenBag(nn.Module):
    """A mean of embeddings."""

    def __init__(self, n_tokens, n_labels):
        super().__init__()
        self.embedding = nn.EmbeddingBag(n_tokens, n_labels)

    def forward(self, x):
        return self.embedding(x)


def test_modules_that_look_tokens_up_are_told_how_many_there_are():
    rng = np.random.RandomState(0)
    X, Y = rng.randint(11, size=(40, 6)), rng.randint(2, size=(40, 3))
    X[0, 0] = 10
    model = structured_classifier(small_torch(TokenBag), np.array([(0, 1), (0, 2)])).fit(X, Y)
    assert model.state_["inner.embedding.weight"].shape == (11, 3)


def test_a_module_given_as_an_instance_is_never_touched(multilabel_data):
    X, Y = multilabel_data
    module = mlp(8, 4)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    model = structured_classifier(TorchClassifier(module), np.array([(0, 1)])).fit(X, Y)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not np.array_equal(model.state_["inner.0.weight"], before["0.weight"].numpy())


@pytest.mark.parametrize(
    ("module", "error", "match"),
    [
        (lambda n_features: nn.Linear(n_features, 3), ValueError, r"shape \(batch, n_labels\) = \(32, 4\)|\(27, 4\)"),
        (lambda n_features: nn.LSTM(n_features, 4), ValueError, "must return logits of shape .* got tuple"),
        (lambda: 3, TypeError, "module must be a torch.nn.Module.* which gave a int"),
    ],
    ids=["outputs", "tuple", "no module"],
)
def test_a_module_that_does_not_fit_is_named_as_without_edges(module, error, match, multilabel_data):
    with pytest.raises(error, match=match):
        structured_classifier(small_torch(module), np.array([(0, 1)])).fit(*multilabel_data)
