import torch
from numpy.testing import assert_allclose

from sklearn_metalabel.policies import _steering
from sklearn_metalabel.policies._prior import read_training_prior
from sklearn_metalabel.policies._steering import (
    N_OWN,
    N_PARAMETERS,
    N_SHARED,
    initial_parameters,
    initial_state,
    steer,
)


def seen(n_labels=4, seed=0):
    """What a network may see, and random parameters."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.randn(n_labels, N_OWN, generator=generator, dtype=torch.float64)
    shared = torch.randn(N_SHARED, generator=generator, dtype=torch.float64)
    parameters = torch.randn(N_PARAMETERS, generator=generator, dtype=torch.float64)
    return parameters, own, shared


def played(parameters, own, shared, n_steps=2):
    """State and steering after a few steps."""
    state = initial_state(parameters, own.shape[-2])
    for _ in range(n_steps):
        state, steering = steer(parameters, own, shared, state)
    return state, steering


def test_several_networks_at_once_do_what_each_does_alone():
    several = [seen(seed=seed) for seed in range(3)]
    shared = several[0][2]
    together = played(torch.stack([p for p, _, _ in several]), torch.stack([o for _, o, _ in several]), shared)[1]
    for i, (parameters, own, _) in enumerate(several):
        alone = played(parameters, own, shared)[1]
        for name in ("label", "exponent", "focus", "stop"):
            assert_allclose(getattr(together, name)[i], getattr(alone, name), atol=1e-12)


def test_the_state_follows_the_equations_of_torch_s_gru_cell():
    """A reference in which the update gate keeps the old state, as in torch.nn.GRUCell."""
    parameters, own, shared = seen()
    layers, hidden = _steering._layers(parameters), _steering.HIDDEN
    common = torch.cat([own.mean(dim=0), shared]).expand(len(own), -1)
    inputs = torch.cat([own, common], dim=1)
    cell = torch.nn.GRUCell(inputs.shape[1], hidden, dtype=torch.float64)
    gates, candidate, of_state = (layers[name] for name in ("reset_update", "candidate_seen", "candidate_state"))
    with torch.no_grad():
        cell.weight_ih.copy_(torch.cat([gates[: inputs.shape[1]], candidate[:-1]], dim=1).T)
        cell.weight_hh.copy_(torch.cat([gates[inputs.shape[1] : -1], of_state[:-1]], dim=1).T)
        cell.bias_ih.copy_(torch.cat([gates[-1], candidate[-1]]))
        cell.bias_hh.copy_(torch.cat([torch.zeros(2 * hidden, dtype=torch.float64), of_state[-1]]))
        expected = torch.zeros(len(own), hidden, dtype=torch.float64)
        for _ in range(3):
            expected = cell(inputs, expected)
    assert_allclose(played(parameters, own, shared, n_steps=3)[0], expected, atol=1e-12)


def test_labels_of_the_same_description_are_treated_alike_in_any_order():
    parameters, own, shared = seen()
    order = torch.tensor([2, 0, 3, 1])
    _, steering = played(parameters, own, shared)
    _, permuted = played(parameters, own[order], shared)
    assert_allclose(permuted.label, steering.label[order], atol=1e-12)
    assert_allclose(permuted.exponent, steering.exponent[order], atol=1e-12)
    assert_allclose(permuted.focus, steering.focus, atol=1e-12)


def test_what_it_asks_for_stays_in_its_ranges():
    for seed in range(20):
        parameters, own, shared = seen(seed=seed)
        _, steering = played(3 * parameters, own, shared)
        assert_allclose(steering.label.mean(), 1)
        assert (steering.label > 0).all()
        assert ((steering.exponent >= 0) & (steering.exponent <= 1)).all()
        assert 0 <= steering.focus <= 4


def test_evolution_starts_from_equal_weights_and_a_training_of_full_length():
    parameters = initial_parameters()
    own = torch.zeros(3, N_OWN)
    own[:, 0] = torch.tensor([-1.0, 0.0, 1.0])
    _, steering = steer(parameters, own, torch.zeros(N_SHARED), initial_state(parameters, 3))
    assert_allclose(steering.label, 1)
    assert steering.stop < 0
    own[:, 4] = -1.0  # average precision falls
    _, steering = steer(parameters, own, torch.ones(N_SHARED), initial_state(parameters, 3))
    assert steering.stop > 0


def test_the_numbers_that_come_with_the_package_fit_the_network_and_say_where_they_come_from():
    prior = read_training_prior()
    assert len(prior["parameters"]) == N_PARAMETERS
    assert {"script", "sets", "rows"} <= prior["provenance"].keys()
