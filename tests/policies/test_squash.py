import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, softmax

from sklearn_metalabel.policies._squash import squash_thresholds, squash_weights


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3])
def test_weights_are_positive_with_mean_one(scale):
    weights = squash_weights(scale * np.random.default_rng(0).normal(size=(3, 7)))
    assert (weights > 0).all()
    assert_allclose(weights.mean(axis=1), 1)


def test_weights_are_the_softmax_times_the_number_of_labels():
    v = np.random.default_rng(0).normal(size=5)
    assert_allclose(squash_weights(v), 5 * softmax(v))


def test_thresholds_are_the_sigmoid_and_stay_strictly_inside_zero_and_one():
    u = np.random.default_rng(0).normal(size=5)
    assert_allclose(squash_thresholds(u), expit(u))
    thresholds = squash_thresholds([-1e9, 0.0, 1e9])
    assert 0 < thresholds[0] < thresholds[1] == 0.5 < thresholds[2] < 1
