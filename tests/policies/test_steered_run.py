import numpy as np
import pytest
from _policy_cases import network, small_task
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit
from sklearn.metrics import average_precision_score

from sklearn_metalabel.learners import LossWeights
from sklearn_metalabel.policies import _steered_run
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.policies._runs import trial_plan
from sklearn_metalabel.policies._steered_run import (
    N_ACTIONS,
    LabelView,
    _falls_short,
    describe_training,
    run_equal,
    run_steered,
)
from sklearn_metalabel.policies._steering import N_PARAMETERS, N_SHARED
from sklearn_metalabel.policies._trials import run_trials
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.utils import current_threads


@pytest.fixture
def task():
    return small_task(network())


def view_of(task):
    fold = task.folds[0]
    return LabelView(fold.Y[fold.train], fold, AveragePrecisionReward()), fold


def test_it_sees_frequencies_log_odds_precisions_and_how_these_changed(task):
    view, fold = view_of(task)
    positives = fold.Y[fold.train].sum(axis=0)
    assert_allclose(view.own[:, 0], (np.log((positives + 1) / len(fold.train)) + 4) / 2)
    assert_array_equal(view.own[:, 1:5], 0)
    rows = fold.Y[fold.train] > 0
    others = [rows[rows[:, j]].sum(axis=1).mean() - 1 for j in range(rows.shape[1])]
    assert_allclose(view.own[:, 5], np.log1p(others) - 1)
    assert_allclose(view.rarity, len(fold.train) / positives)
    truth = fold.Y[fold.scored] > 0
    P = np.random.default_rng(0).uniform(0.1, 0.9, truth.shape)
    first = np.array([average_precision_score(y, p) for y, p in zip(truth.T, P.T, strict=True)])
    reward = view.update(P)
    share = truth.sum(axis=0) / truth.sum()
    assert reward == pytest.approx((first.mean() + first @ share) / 2)
    assert_allclose(view.own[:, 3], first)
    assert_array_equal(view.own[:, 4], 0)  # nothing was there to compare with
    assert_allclose(4 * view.own[0, 1], logit(P[truth[:, 0], 0]).mean())
    assert_allclose(4 * view.own[0, 2], logit(P[~truth[:, 0], 0]).mean())
    view.update(np.where(truth, 0.9, 0.1))
    assert_allclose(view.own[:, 4], 10 * (1 - first))


def test_what_describes_a_training_is_zero_in_the_middle_of_the_sizes():
    assert_allclose(describe_training(0.3, np.exp(7), np.exp(4), np.exp(6)), [0.3, 0, 0, 0], atol=1e-12)


def test_sizes_beyond_those_of_the_training_of_the_network_are_not_seen():
    assert_allclose(describe_training(0.3, 1e6, 1e5, 1e4), describe_training(0.3, 2_000, 100, 800))
    assert_allclose(describe_training(0.3, 10, 2, 5), describe_training(0.3, 100, 5, 60))


def steered(task, stop, label_weight=1.0, later=0.0):
    """A run whose end is asked for by `stop`, and by `later` times the share of the training that is done."""
    parameters = np.zeros(N_PARAMETERS)
    parameters[-1] = stop
    parameters[-1 - 2 * N_SHARED] = later
    plan = trial_plan(task, task.folds, AveragePrecisionReward())
    weights = np.full(task.n_labels, label_weight)
    return run_steered(task.base, task.folds[0], parameters, weights, plan, 0, current_threads())[0]


def test_a_run_has_a_part_and_a_reward_for_each_action_until_its_end(task):
    long, short = steered(task, -1.0), steered(task, 1.0)
    assert len(long.proposal.weights.parts) == len(long.rewards) == N_ACTIONS
    assert len(short.proposal.weights.parts) == len(short.rewards) == 1
    assert long.rewards[0] == short.rewards[0]
    assert not np.array_equal(long.held_out.P, short.held_out.P)


@pytest.mark.parametrize(("threshold", "n_parts"), [(np.inf, 2), (-np.inf, N_ACTIONS)])
def test_a_training_does_not_end_while_its_reward_grows(task, monkeypatch, threshold, n_parts):
    monkeypatch.setattr(_steered_run, "_STILL_RISING", threshold)
    assert len(steered(task, -0.5, later=10.0).rewards) == n_parts


def test_the_weights_of_the_user_are_multiplied(task):
    doubled = steered(task, -1.0, label_weight=2.0).proposal.weights.parts[0]
    assert_allclose(doubled.label, 2 * steered(task, -1.0).proposal.weights.parts[0].label)


def test_the_held_out_rows_are_those_of_the_module_at_its_end(task):
    trial = steered(task, -1.0)
    assert trial.rewards[-1] == pytest.approx(trial.outcome.value)


def equal(task, target, label_weight=1.0):
    """The run under equal weights beside a run that reached `target`."""
    plan = trial_plan(task, task.folds, AveragePrecisionReward())
    weights = np.full(task.n_labels, label_weight)
    (trial,) = run_equal(task.base, task.folds[0], weights, target, plan, 0, current_threads())
    return trial


def test_a_run_under_equal_weights_is_the_one_that_fixed_weights_make(task):
    trial = equal(task, target=0.0)
    plan = trial_plan(task, task.folds, AveragePrecisionReward())
    path = [Proposal("equal", LossWeights.uniform(task.n_labels))]
    (plain,) = run_trials(task.base, task.folds[0], path, plan, 0, current_threads())
    assert_array_equal(trial.held_out.P, plain.held_out.P)
    assert len(trial.rewards) == N_ACTIONS


def test_a_run_under_equal_weights_is_given_up_from_its_half_on_where_it_cannot_catch_up(task):
    trial = equal(task, target=100.0)
    assert (trial.outcome, trial.held_out, trial.proposal.name) == (None, None, "equal")
    assert len(trial.rewards) == N_ACTIONS // 2


@pytest.mark.parametrize(
    ("rewards", "target", "falls_short"),
    [
        ([0.1, 0.1, 0.1, 0.1], 0.9, False),  # too early to tell
        ([0.1, 0.1, 0.1, 0.1, 0.1], 0.2, True),
        ([0.1, 0.1, 0.1, 0.12, 0.14], 0.239 / 0.75, False),  # five more parts, each by 0.02
        ([0.1, 0.1, 0.1, 0.12, 0.14], 0.241 / 0.75, True),
        ([0.5, 0.5, 0.5, 0.45, 0.4], 0.399 / 0.75, False),  # what falls is not taken to fall on
        ([0.5, 0.5, 0.5, 0.45, 0.4], 0.401 / 0.75, True),
    ],
)
def test_what_cannot_catch_up_at_its_last_pace_falls_short(rewards, target, falls_short):
    assert _falls_short(rewards, target) is falls_short
