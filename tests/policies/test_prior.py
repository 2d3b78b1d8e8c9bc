import numpy as np
import pytest
from _policy_cases import NAMED_SCORINGS
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._mixture import N_OUTPUTS
from sklearn_metalabel.policies._prior import prior_parameters, read_prior


@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_every_named_scoring_has_trained_parameters(name):
    parameters = prior_parameters({name: 1.0})
    assert parameters.shape == (N_OUTPUTS, 2)
    assert np.abs(parameters).max() > 0.1


def test_several_scorings_take_the_weighted_mean():
    found = prior_parameters({"f1_micro": 0.25, "f1_macro": 0.75})
    expected = 0.25 * prior_parameters({"f1_micro": 1.0}) + 0.75 * prior_parameters({"f1_macro": 1.0})
    assert_allclose(found, expected)


def test_the_package_says_where_its_policy_comes_from():
    provenance = read_prior()["provenance"]
    assert provenance["script"] == "benchmarks/pretrain_policy.py"
    assert len(provenance["sets"]) >= 20
    assert len(provenance["base_learners"]) >= 3
