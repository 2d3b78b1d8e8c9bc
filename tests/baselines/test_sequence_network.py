import pytest
import torch
from _sequences import N_LABELS, naive_log_p, random_network
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn


def naive_nll(network, x, sequence):
    """Negative log-likelihood of a list of labels, closed by the end."""
    end = network.end
    nll = 0.0
    for t, symbol in enumerate([*sequence, end]):
        nll -= naive_log_p(network, x, sequence[:t])[symbol]
    return nll


def test_the_teacher_forced_loss_is_that_of_a_loop_over_samples_and_steps(global_random_seed):
    network, x = random_network(global_random_seed)
    sets = [[], [1, 2, 3, 4], [2], [4], [1, 3], [3, 4]]
    padded = torch.tensor([each + [5] * (5 - len(each)) for each in sets])
    expected = [naive_nll(network, row, each) for row, each in zip(x.double().numpy(), sets, strict=True)]
    assert_allclose(network(x, padded).detach(), expected, rtol=1e-4)


def test_padding_costs_nothing_and_changes_no_gradient():
    network, x = random_network(0)
    sequences = torch.tensor([[1, 5, 5, 5, 5], [2, 3, 5, 5, 5]])
    gradients = []
    for width in (3, 5):
        network.zero_grad()
        nll = network(x[:2], sequences[:, :width])
        nll.sum().backward()
        gradients.append([nll.detach(), *(each.grad.clone() for each in network.parameters())])
    for short, long in zip(*gradients, strict=True):
        assert_allclose(short, long, rtol=1e-4, atol=1e-6)


def test_no_label_follows_itself_or_a_later_one_and_probabilities_sum_to_one():
    network, x = random_network(1)
    before = torch.tensor([[0, 1, 2, 3, 4, 5]]).repeat(6, 1)
    context = network.encode(x)
    log_p, _ = network.decode(before, context[None], context)
    possible = [[1, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]
    assert_array_equal(torch.isfinite(log_p), [possible] * 6)
    assert_allclose(log_p.exp().sum(dim=2).detach(), 1, rtol=1e-5)


def test_probabilities_of_all_sets_sum_to_one(global_random_seed):
    network, x = random_network(global_random_seed)
    subsets = [[j + 1 for j in range(N_LABELS) if code >> j & 1] for code in range(2**N_LABELS)]
    padded = torch.tensor([each + [5] * (5 - len(each)) for each in subsets])
    total = sum(torch.exp(-network(x, each.repeat(6, 1))) for each in padded)
    assert_allclose(total.detach(), 1, rtol=1e-5)


@pytest.mark.parametrize(("encoder", "got"), [(nn.Linear(2, 3), r"\(6, 3\)"), (lambda x: [x], "list")])
def test_an_encoder_of_another_width_is_named(encoder, got):
    network, x = random_network(0)
    del network.encoder
    network.encoder = encoder
    with pytest.raises(ValueError, match=rf"shape \(batch, hidden_size\) = \(6, 5\), got {got}; give its last layer"):
        network.encode(x)
