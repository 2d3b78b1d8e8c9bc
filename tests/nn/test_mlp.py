from itertools import pairwise

import pytest
import torch
from torch import nn

from sklearn_metalabel.nn import MLP
from sklearn_metalabel.nn._sparse_linear import SparseLinear


@pytest.mark.parametrize(("hidden", "widths"), [(8, [8]), ((8, 4), [8, 4]), ((), [])])
def test_hidden_layers_have_the_given_widths(hidden, widths):
    layers = [layer for layer in MLP(5, 3, hidden=hidden) if isinstance(layer, nn.Linear | SparseLinear)]
    assert [layer.out_features for layer in layers] == [*widths, 3]
    assert layers[0].in_features == 5


def test_logits_have_one_column_a_label():
    assert MLP(5, 3)(torch.zeros(2, 5)).shape == (2, 3)


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    module, x = MLP(5, 3, dropout=0.5), torch.ones(1, 5)
    assert not torch.equal(module.train()(x), module.train()(x))
    torch.testing.assert_close(module.eval()(x), module.eval()(x))


@pytest.mark.parametrize("hidden", [(), 8, (8, 4)])
def test_initial_weights_and_logits_are_those_of_linear_layers(hidden):
    torch.manual_seed(0)
    module, x = MLP(5, 3, hidden=hidden), torch.randn(7, 5)
    torch.manual_seed(0)
    widths = [5, *((hidden,) if isinstance(hidden, int) else hidden), 3]
    expected, layers = x, [nn.Linear(*sizes) for sizes in pairwise(widths)]
    for layer in layers[:-1]:
        expected = layer(expected).relu()
    torch.testing.assert_close(module(x), layers[-1](expected))
    torch.testing.assert_close(module(x.to_sparse()), layers[-1](expected))
