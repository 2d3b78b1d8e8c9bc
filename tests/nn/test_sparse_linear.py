import pytest
import torch
from torch import nn

from sklearn_metalabel.nn._sparse_linear import SparseLinear


def batches(seed):
    """The same batch dense, sparse, and sparse with every entry in two halves that are not yet added up."""
    x = torch.randn(6, 9, generator=torch.Generator().manual_seed(seed))
    x = x * (x.abs() > 1)
    x[[0, 3, 5]] = 0
    sparse = x.to_sparse()
    halves = torch.sparse_coo_tensor(sparse.indices().repeat(1, 2), sparse.values().repeat(2) / 2, x.shape)
    assert not halves.is_coalesced()
    return x, sparse, halves


@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
def test_outputs_and_gradients_are_those_of_torch_for_dense_and_sparse_batches(global_random_seed):
    torch.manual_seed(global_random_seed)
    layer, twin = SparseLinear(9, 4), nn.Linear(9, 4)
    with torch.no_grad():
        twin.weight.copy_(layer.weight.t())
        twin.bias.copy_(layer.bias)
    dense, *others = batches(global_random_seed)
    expected = twin(dense)
    expected.pow(2).sum().backward()
    for x in (dense, *others):
        layer.zero_grad()
        z = layer(x)
        z.pow(2).sum().backward()
        torch.testing.assert_close(z, expected)
        torch.testing.assert_close(layer.weight.grad, twin.weight.grad.t())
        torch.testing.assert_close(layer.bias.grad, twin.bias.grad)


def test_its_text_has_the_sizes():
    assert repr(SparseLinear(9, 4)) == "SparseLinear(in_features=9, out_features=4)"
