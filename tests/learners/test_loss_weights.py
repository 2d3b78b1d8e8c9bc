import dataclasses
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.learners import LossWeights


def test_uniform_weights_are_ones_and_ask_for_nothing():
    weights = LossWeights.uniform(3)
    assert_array_equal(weights.label, np.ones(3))
    assert (weights.positive, weights.focus, weights.asks_for) == (None, 0.0, frozenset())


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [
        ({}, set()),
        ({"positive": np.ones(2)}, {"positive"}),
        ({"focus": 2.0}, {"focus"}),
        ({"positive": np.array([1.0, 4.0]), "focus": 0.5}, {"positive", "focus"}),
        ({"positive": None, "focus": 0.0}, set()),
    ],
)
def test_what_is_asked_of_the_base_learner_is_what_is_weighed_beside_labels(extra, wanted):
    assert LossWeights(np.array([1.0, 2.0]), **extra).asks_for == wanted


def test_a_factor_scales_the_labels_alone_and_leaves_the_original():
    weights = LossWeights(np.array([1.0, 2.0]), positive=np.array([3.0, 4.0]), focus=2.0)
    scaled = weights.scaled(10.0)
    assert_array_equal(scaled.label, [10.0, 20.0])
    assert scaled.positive is weights.positive
    assert scaled.focus == 2.0
    assert_array_equal(weights.label, [1.0, 2.0])


def test_weights_cannot_be_replaced_and_survive_a_pickle():
    weights = LossWeights(np.array([1.0, 2.0]), focus=1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        weights.focus = 2.0
    loaded = pickle.loads(pickle.dumps(weights))
    assert_array_equal(loaded.label, weights.label)
    assert loaded.asks_for == {"focus"}
