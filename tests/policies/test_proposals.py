from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.learners._emphasis import EMPHASES
from sklearn_metalabel.meta._proposals import Proposal, proposed_paths

WEIGHTS = np.array([0.5, 1.0, 1.5])
POSITIVES = np.array([0, 4, 100])


def propose(scales=(), emphases=frozenset(), last=None):
    return proposed_paths(SimpleNamespace(scales=scales, emphases=emphases), WEIGHTS, POSITIVES, 100, last)


def test_scales_are_one_path_of_all_weights_together():
    (path,) = propose(scales=(0.1, 1.0, 10.0))
    assert [p.scale for p in path] == [0.1, 1.0, 10.0]
    assert_allclose(path[2].label_weight, 10 * WEIGHTS)
    assert all(p.emphasis == {} for p in path)


def test_networks_are_offered_emphases_after_equal_weights():
    paths = propose(emphases=EMPHASES)
    assert [path[0].name for path in paths] == ["equal", "positives", "hard negatives 2", "hard negatives 4"]
    assert all(len(path) == 1 for path in paths)
    assert_allclose(paths[1][0].emphasis["positive_weight"], [10, 5, 1])
    assert [path[0].emphasis["focus"] for path in paths[2:]] == [2, 4]
    assert all(np.array_equal(path[0].label_weight, WEIGHTS) for path in paths)


def test_what_a_learner_does_not_take_is_not_proposed():
    assert [path[0].name for path in propose()] == ["equal"]
    assert [path[0].name for path in propose(emphases=frozenset({"focus"}))] == [
        "equal",
        "hard negatives 2",
        "hard negatives 4",
    ]


@pytest.mark.parametrize(
    ("name", "scale", "proposed"),
    [
        ("scale 0.1", 0.1, [0.1, 1.0]),
        ("scale 1", 1.0, [0.1, 1.0, 10.0]),
        ("scale of each label", 7.0, [1.0, 10.0, 100.0]),
        ("scale 100", 100.0, [10.0, 100.0]),
        ("positives", 1.0, [0.1, 1.0, 10.0, 100.0]),
    ],
)
def test_scales_near_the_last_one_are_proposed(name, scale, proposed):
    (path,) = propose(scales=(0.1, 1.0, 10.0, 100.0), last=Proposal(name, np.ones(2), scale))
    assert [p.scale for p in path] == proposed


@pytest.mark.parametrize(("name", "n_proposed"), [("hard negatives 4", 2), ("equal", 4), ("scale 1", 4)])
def test_the_last_emphasis_is_proposed_beside_equal_weights(name, n_proposed):
    names = [path[0].name for path in propose(emphases=EMPHASES, last=Proposal(name, np.ones(2)))]
    assert len(names) == n_proposed
    assert names[0] == "equal"
    assert n_proposed == 4 or names[1] == name
