import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._networks import GRUNetwork, SharedGRUNetwork, build_network
from sklearn_metalabel.policies._reinforcement import observe


def observation(n_labels, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 1.5, n_labels)
    return observe(
        weights / weights.mean(),
        rng.uniform(0.1, 0.9, n_labels),
        rng.normal(size=(n_labels, SharedGRUNetwork.n_features)),
        rng.normal(size=n_labels),
    )


def shaken(policy):
    """The policy with heads that no longer propose the neutral action."""
    torch.manual_seed(0)
    for head in (policy.weight_head, policy.threshold_head):
        torch.nn.init.normal_(head.weight)
    return policy


def test_gru_follows_equations_three_to_five():
    L, H = 3, 4
    policy, seen = shaken(GRUNetwork(L, H)), observation(L)
    state, v, u = policy(seen, policy.initial_state(L))
    cell = policy.cell
    x = torch.cat([seen.thresholds, seen.weights])
    gates_x, gates_s = cell.weight_ih @ x + cell.bias_ih, cell.bias_hh
    reset, update = (torch.sigmoid((gates_x + gates_s)[i * H : (i + 1) * H]) for i in (0, 1))
    candidate = torch.tanh(gates_x[2 * H :] + reset * gates_s[2 * H :])
    by_hand = (1 - update) * candidate
    assert_allclose(state[0].detach(), by_hand.detach(), rtol=1e-5)
    assert_allclose(v.detach(), (policy.weight_head.weight @ by_hand).detach(), rtol=1e-4)
    assert_allclose(u.detach(), (policy.threshold_head.weight @ by_hand).detach(), rtol=1e-4)


@pytest.mark.parametrize("kind", ["gru", "shared"])
def test_a_fresh_policy_proposes_the_neutral_action(kind):
    seen = observation(5)
    policy = build_network(kind, 5, 8)
    _, v, u = policy(seen, policy.initial_state(5))
    assert_allclose(v.detach(), 0)
    assert_allclose(u.detach(), 0 if kind == "gru" else seen.anchor)


def test_the_gru_sees_nothing_but_its_own_last_proposals():
    policy = shaken(GRUNetwork(4, 8))
    one, other = observation(4), observation(4)
    other.features, other.anchor = one.features + 1, one.anchor - 1
    for first, second in zip(policy(one, policy.initial_state(4)), policy(other, policy.initial_state(4)), strict=True):
        assert torch.equal(first, second)


def test_the_shared_policy_sees_the_features_of_a_label():
    policy = shaken(SharedGRUNetwork(8))
    one, other = observation(4), observation(4)
    other.features = one.features.clone()
    other.features[2] += 1
    v_one, v_other = (policy(o, policy.initial_state(4))[1] for o in (one, other))
    assert abs(v_one[2] - v_other[2]) > 1e-3


def test_the_shared_policy_treats_labels_alike_in_any_order():
    policy, seen = shaken(SharedGRUNetwork(8)), observation(6)
    order = torch.randperm(6)
    turned = observe(
        6 * seen.weights[order].numpy(), seen.thresholds[order].numpy(), seen.features[order], seen.anchor[order]
    )
    straight, permuted = (policy(o, policy.initial_state(6)) for o in (seen, turned))
    for a, b in zip(straight, permuted, strict=True):
        assert_allclose(a[order].detach(), b.detach(), rtol=1e-4, atol=1e-5)


def test_the_size_of_the_shared_policy_does_not_depend_on_the_labels():
    sizes = [sum(p.numel() for p in build_network("shared", L, 16).parameters()) for L in (2, 10_000)]
    assert sizes[0] == sizes[1]
