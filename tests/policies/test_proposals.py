from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._proposals import proposed_paths

WEIGHTS = np.array([0.5, 1.0, 1.5])
POSITIVES = np.array([0, 4, 100])
EMPHASES = frozenset({"positive", "focus"})


def propose(scales=(), emphases=frozenset(), last=None):
    return proposed_paths(SimpleNamespace(scales=scales, emphases=emphases), WEIGHTS, POSITIVES, 100, last)


def test_scales_are_one_path_of_all_weights_together():
    (path,) = propose(scales=(0.1, 1.0, 10.0))
    assert [p.scale for p in path] == [0.1, 1.0, 10.0]
    assert_allclose(path[2].weights.label, 10 * WEIGHTS)
    assert not any(p.weights.asks_for for p in path)


def test_networks_are_offered_emphases_after_equal_weights():
    paths = propose(emphases=EMPHASES)
    assert [path[0].name for path in paths] == ["equal", "positives", "hard negatives 2", "hard negatives 4"]
    assert all(len(path) == 1 for path in paths)
    assert_allclose(paths[1][0].weights.positive, [10, 5, 1])
    assert [path[0].weights.focus for path in paths[2:]] == [2, 4]
    assert all(np.array_equal(path[0].weights.label, WEIGHTS) for path in paths)


def test_what_a_loss_cannot_weigh_is_not_proposed():
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
    (path,) = propose(scales=(0.1, 1.0, 10.0, 100.0), last=(name, scale))
    assert [p.scale for p in path] == proposed


@pytest.mark.parametrize(("name", "n_proposed"), [("hard negatives 4", 2), ("equal", 4), ("scale 1", 4)])
def test_the_last_emphasis_is_proposed_beside_equal_weights(name, n_proposed):
    names = [path[0].name for path in propose(emphases=EMPHASES, last=(name, 1.0))]
    assert len(names) == n_proposed
    assert names[0] == "equal"
    assert n_proposed == 4 or names[1] == name
