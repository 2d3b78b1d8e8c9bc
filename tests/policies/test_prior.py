import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.prediction._policy import N_OUTPUTS
from sklearn_metalabel.prediction._prior import prior_parameters, read_prior
from sklearn_metalabel.thresholds._criteria import CRITERIA


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_every_criterion_has_trained_parameters(name):
    parameters = prior_parameters({name: 1.0})
    assert parameters.shape == (N_OUTPUTS, 2)
    assert np.abs(parameters).max() > 0.1


def test_several_criteria_take_the_weighted_mean():
    found = prior_parameters({"micro_f1": 0.25, "macro_f1": 0.75})
    expected = 0.25 * prior_parameters({"micro_f1": 1.0}) + 0.75 * prior_parameters({"macro_f1": 1.0})
    assert_allclose(found, expected)


def test_the_package_says_where_its_policy_comes_from():
    provenance = read_prior()["provenance"]
    assert provenance["script"] == "benchmarks/pretrain_policy.py"
    assert len(provenance["sets"]) >= 20
    assert len(provenance["base_learners"]) >= 3
