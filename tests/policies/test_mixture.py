import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.policies._candidates import CANDIDATES, Candidates
from sklearn_metalabel.policies._mixture import N_OUTPUTS, policy_cuts, policy_gradient


def some_candidates(L=5, seed=0):
    rng = np.random.default_rng(seed)
    varied = np.arange(L) != 2
    return Candidates(rng.normal(size=(len(CANDIDATES), L)), rng.normal(size=(L, 2)), varied)


def test_zero_parameters_take_the_mean_of_the_candidates():
    candidates = some_candidates()
    expected = np.where(candidates.varied, candidates.cuts.mean(axis=0), candidates.cuts[0])
    assert_allclose(policy_cuts(np.zeros((N_OUTPUTS, 2)), candidates), expected)


def test_a_large_score_takes_one_candidate_and_the_last_output_moves_it():
    candidates = some_candidates()
    candidates.descriptors[:] = [1.0, 0.0]
    parameters = np.zeros((N_OUTPUTS, 2))
    parameters[3, 0], parameters[-1, 0] = 100.0, 0.25
    seen = candidates.varied
    assert_allclose(policy_cuts(parameters, candidates)[seen], candidates.cuts[3, seen] + 0.25)


def test_the_gradient_equals_finite_differences():
    rng = np.random.default_rng(1)
    candidates, parameters, weight = some_candidates(), rng.normal(size=(N_OUTPUTS, 2)), rng.normal(size=5)
    found = policy_gradient(parameters, candidates, weight)
    for at in np.ndindex(parameters.shape):
        step = np.zeros_like(parameters)
        step[at] = 1e-6
        up, down = (weight @ policy_cuts(parameters + s * step, candidates) for s in (1, -1))
        assert_allclose(found[at], (up - down) / 2e-6, atol=1e-8)


def test_labels_of_one_value_do_not_move_the_policy():
    candidates = some_candidates()
    only = np.where(candidates.varied, 0.0, 1.0)
    assert_array_equal(policy_gradient(np.zeros((N_OUTPUTS, 2)), candidates, only), 0)
