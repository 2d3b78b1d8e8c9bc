import dataclasses
import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.learners import LossSchedule, LossWeights, part_bounds


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


def shown(schedule, n_updates):
    """The weight of the first label at each update."""
    return [float(weights.label[0]) for weights in schedule.of_updates(n_updates)]


def test_a_schedule_has_its_parts_one_after_the_other():
    parts = [LossWeights(np.array([weight])) for weight in (1.0, 2.0, 3.0)]
    assert shown(LossSchedule(parts, 3), 6) == [1, 1, 2, 2, 3, 3]
    assert shown(LossSchedule(parts[:2], 3), 6) == [1, 1, 2, 2]
    assert LossSchedule(parts[:2], 3).last is parts[1]
    assert shown(parts[1], 3) == [2, 2, 2]


@pytest.mark.parametrize("n_updates", [1, 3, 10, 47])
def test_the_parts_of_a_training_make_all_of_its_updates(n_updates):
    bounds = part_bounds(n_updates, 10)
    assert bounds[0][0] == 0
    assert bounds[0][1] >= 1
    assert all(end == first for (_, end), (first, _) in pairwise(bounds))
    assert bounds[-1][1] == n_updates
