import numpy as np
import pytest
from _policy_cases import NAMED_SCORINGS
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._mixture import N_OUTPUTS
from sklearn_metalabel.policies._prior import dependence_start, prior_parameters, read_prior


@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_every_named_scoring_has_trained_parameters(name):
    parameters = prior_parameters({name: 1.0})
    assert parameters.shape == (N_OUTPUTS, 2)
    assert np.abs(parameters).max() > 0.1


@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_every_named_scoring_has_a_start_that_draws_to_sets_with_lower_cuts(name):
    count_weight, unseen, shift, _ = dependence_start({name: 1.0})
    assert count_weight > 0
    assert unseen < 0
    assert shift < 0


@pytest.mark.parametrize("numbers", [prior_parameters, dependence_start])
def test_several_scorings_take_the_weighted_mean(numbers):
    found = numbers({"f1_micro": 0.25, "f1_macro": 0.75})
    assert_allclose(found, 0.25 * numbers({"f1_micro": 1.0}) + 0.75 * numbers({"f1_macro": 1.0}))


@pytest.mark.parametrize(
    ("of", "script", "n_sets"),
    [
        (read_prior(), "benchmarks/pretrain_policy.py", 20),
        (read_prior()["dependence"], "benchmarks/pretrain_dependence.py", 12),
    ],
)
def test_the_package_says_where_its_numbers_come_from(of, script, n_sets):
    provenance = of["provenance"]
    assert provenance["script"] == script
    assert len(provenance["sets"]) >= n_sets
    assert provenance["base_learners"]
    assert provenance["rows"] == "training splits alone"
