import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._starts import check_starts, start_thresholds, start_weights


def rng():
    return np.random.RandomState(0)


def test_nothing_given_is_the_neutral_start():
    assert_allclose(start_weights(None, np.array([0.5, 1.5]), rng()), [0.5, 1.5])
    assert_allclose(start_thresholds(None, 3, rng()), 0.5)


def test_drawn_starts_depend_on_the_generator():
    weights = start_weights("random", np.ones(50), rng())
    assert_allclose(weights.mean(), 1)
    assert np.ptp(weights) > 0.5
    assert np.array_equal(weights, start_weights("random", np.ones(50), rng()))
    thresholds = start_thresholds("random", 50, rng())
    assert ((thresholds > 0) & (thresholds < 1)).all()
    assert np.ptp(thresholds) > 0.5


def test_given_starts_are_taken_and_weights_scaled_to_mean_one():
    assert_allclose(start_weights([1, 3], np.ones(2), rng()), [0.5, 1.5])
    assert_allclose(start_thresholds(0.2, 2, rng()), [0.2, 0.2])
    assert_allclose(start_thresholds([0.2, 0.7], 2, rng()), [0.2, 0.7])


@pytest.mark.parametrize("wrong", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_wrong_weights_are_refused(wrong):
    with pytest.raises(ValueError, match="initial_weights must"):
        start_weights(wrong, np.ones(2), rng())


@pytest.mark.parametrize("wrong", [[0.5], 1.0, [0.5, 0.0], [0.5, np.nan]])
def test_wrong_thresholds_are_refused(wrong):
    with pytest.raises(ValueError, match="initial_thresholds must"):
        start_thresholds(wrong, 2, rng())


@pytest.mark.parametrize("name", ["initial_weights", "initial_thresholds"])
def test_a_start_by_another_name_is_refused_before_anything_is_known_of_the_labels(name):
    given = {"weights": None, "thresholds": None, name.removeprefix("initial_"): "uniform"}
    with pytest.raises(ValueError, match=f"{name} must be None, \"random\" or an array of shape .* got 'uniform'"):
        check_starts(**given)
    check_starts("random", [0.5, 0.5])
