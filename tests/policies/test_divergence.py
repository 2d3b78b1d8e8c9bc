import warnings

import numpy as np
import pytest

from sklearn_metalabel import PolicyDivergenceWarning
from sklearn_metalabel.policies._divergence import warn_if_diverged
from sklearn_metalabel.rewards import RatioReward, SoftF1Reward


def history(at_the_ends=0, largest=1.0):
    """The history of ten labels, of which some have a threshold at 0 or 1."""
    thresholds = np.full((2, 10), 0.5)
    thresholds[-1, :at_the_ends] = np.where(np.arange(at_the_ends) % 2, 1e-4, 1 - 1e-4)
    return {"greedy_thresholds": thresholds, "reward": np.array([[0.1, -largest]])}


@pytest.mark.parametrize(
    ("case", "match"),
    [
        (history(at_the_ends=3), "30% of the thresholds lie at 0 or 1"),
        (history(largest=123.4), "its largest absolute mean was 123, and 0% of the thresholds"),
    ],
)
def test_thresholds_at_the_ends_or_a_huge_reward_are_told(case, match):
    with pytest.warns(PolicyDivergenceWarning, match=match):
        warn_if_diverged(RatioReward(clip=None), case)
    with pytest.warns(PolicyDivergenceWarning, match="Use a bounded reward"):
        warn_if_diverged(lambda Y, P, t: t, case)


@pytest.mark.parametrize("reward", [RatioReward(), SoftF1Reward()])
def test_a_reward_with_bounds_does_not_diverge(reward):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_diverged(reward, history(at_the_ends=10))


@pytest.mark.parametrize("case", [history(), history(at_the_ends=2), history(largest=99)])
def test_little_is_no_divergence(case):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_diverged(RatioReward(clip=None), case)
