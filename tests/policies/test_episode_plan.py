from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.policies import GRUPolicy, SharedGRUPolicy
from sklearn_metalabel.policies._episode_plan import check_exploration, plan_episodes
from sklearn_metalabel.rewards import RatioReward, SoftF1Reward


def plan(policy, base, n_train=1000):
    folds = [SimpleNamespace(train=np.arange(n_train)), SimpleNamespace(train=np.arange(n_train + 7))]
    return plan_episodes(policy, base, folds, (np.ones(3), np.full(3, 0.5)), keep_run=False)


def torch_base(n_epochs, batch_size=64):
    return TorchClassifier(lambda n_features, n_labels: None, n_epochs=n_epochs, batch_size=batch_size)


@pytest.mark.parametrize(("n_epochs", "n_train"), [(1, 64), (2, 1000), (3, 437), (20, 5000)])
def test_an_episode_is_one_full_training_run_of_at_most_ten_steps(n_epochs, n_train):
    updates = n_epochs * -(-n_train // 64)
    found, _ = plan(SharedGRUPolicy(), torch_base(n_epochs), n_train)
    assert found.n_steps <= 10
    assert updates <= found.n_steps * found.updates_per_step < updates + found.n_steps


def test_base_learners_that_are_refitted_whole_make_two_steps():
    found, _ = plan(SharedGRUPolicy(), LabelWeightedLogistic())
    assert (found.n_steps, found.updates_per_step) == (2, 1)
    assert found.n_scored is None


@pytest.mark.parametrize(("n_train", "steps"), [(1000, 16), (100_000, 300)])
def test_the_paper_acts_at_every_batch_of_one_epoch_at_most_300_times(n_train, steps):
    found, _ = plan(GRUPolicy.from_paper(), torch_base(5), n_train)
    assert (found.n_steps, found.updates_per_step, found.update_interval) == (steps, 1, 30)
    assert isinstance(found.reward, RatioReward)


def test_numbers_are_taken_as_they_are():
    policy = SharedGRUPolicy(n_steps=7, updates_per_step=2, update_interval=3)
    found, _ = plan(policy, torch_base(5))
    assert (found.n_steps, found.updates_per_step, found.update_interval) == (7, 2, 3)
    assert isinstance(found.reward, SoftF1Reward)


def test_an_episode_starts_from_the_weights_and_the_thresholds_given():
    found, _ = plan(SharedGRUPolicy(), LabelWeightedLogistic())
    assert found.initial_weights.tolist() == [1.0, 1.0, 1.0]
    assert found.initial_thresholds.tolist() == [0.5, 0.5, 0.5]


def test_noise_falls_linearly_over_the_episodes():
    _, sigmas = plan(SharedGRUPolicy(exploration=(0.4, 0.2)), LabelWeightedLogistic())
    assert sigmas == pytest.approx([0.4, 0.3, 0.2])


@pytest.mark.parametrize(("batch_size", "rows"), [(16, 100), (64, 160), (256, 640)])
def test_a_step_is_scored_on_at_most_a_quarter_of_the_rows_it_trained_on(batch_size, rows):
    found, _ = plan(SharedGRUPolicy(updates_per_step=10), torch_base(5, batch_size))
    assert found.n_scored == rows


@pytest.mark.parametrize("wrong", [(0.3,), 0.3, None, (0.3, -0.1), (0.3, 0.0), ("a", "b"), (0.3, None)])
def test_exploration_must_be_two_positive_numbers(wrong):
    with pytest.raises(ValueError, match="exploration must be two positive deviations"):
        check_exploration(wrong)
    with pytest.raises(ValueError, match="exploration must be two positive deviations"):
        SharedGRUPolicy(exploration=wrong).check()
