import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel import rewards
from sklearn_metalabel.rewards import REWARDS, RatioReward, SoftF1Reward, as_reward

Y, P = np.array([[1, 0], [0, 1]]), np.array([[0.8, 0.3], [0.4, 0.6]])
T = np.array([[0.5, 0.5], [0.2, 0.9], [0.7, 0.1]])


def test_each_name_stands_for_a_public_reward_with_its_default_parameters():
    public = {getattr(rewards, name) for name in rewards.__all__ if name.endswith("Reward")} - {rewards.BaseReward}
    assert set(REWARDS.values()) == public
    for name, kind in REWARDS.items():
        assert type(as_reward(name)) is kind
        assert as_reward(name).get_params() == kind().get_params()


def test_a_reward_is_returned_as_it_is():
    reward = SoftF1Reward(sharpness=2.0)
    assert as_reward(reward) is reward


def test_the_parameters_of_a_reward_are_checked_at_once():
    with pytest.raises(ValueError, match="clip must be None or a pair"):
        as_reward(RatioReward(clip=3))


def test_a_function_is_called_with_each_vector_of_thresholds():
    seen = []

    def function(truth, probabilities, thresholds):
        assert truth is Y
        assert probabilities is P
        seen.append(thresholds.tolist())
        return thresholds + [1, 2]

    assert_array_equal(as_reward(function)(Y, P, T), T + [1, 2])
    assert seen == T.tolist()


def test_one_number_of_a_function_is_the_reward_of_every_label():
    rewards_of_labels = as_reward(lambda Y, P, t: int(10 * t[0]))(Y, P, T)
    assert_array_equal(rewards_of_labels, [[5, 5], [2, 2], [7, 7]])
    assert rewards_of_labels.dtype == np.float64


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
def test_a_function_that_returns_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=rf"one number for each of the 2 labels, got shape \({shape[0]},"):
        as_reward(lambda Y, P, t: np.zeros(shape))(Y, P, T)


@pytest.mark.parametrize("name", ["softf1", "", "Ratio"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    known = r"\['average_precision', 'cost', 'hamming_margin', 'ratio', 'soft_f1'\]"
    with pytest.raises(ValueError, match=f"reward must be one of {known}, .*, got '{name}'"):
        as_reward(name)


@pytest.mark.parametrize("wrong", [None, 3, ["soft_f1"], {"soft_f1": 1}])
def test_what_is_neither_name_nor_reward_nor_function_is_refused(wrong):
    with pytest.raises(TypeError, match=r"reward must be one of .* or a function \(Y, P, thresholds\) .*, got "):
        as_reward(wrong)
