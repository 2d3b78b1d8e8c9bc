import numpy as np
import pytest
import torch
from _policy_cases import network, small_task
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.policies import PretrainedPolicy
from sklearn_metalabel.policies._fine_tuning import EXPLORATION, FineTuning, SteeredStep
from sklearn_metalabel.policies._runs import trial_plan
from sklearn_metalabel.policies._steered_run import run_steered
from sklearn_metalabel.policies._steering import (
    N_OWN,
    N_SHARED,
    Outputs,
    initial_parameters,
    initial_state,
    outputs,
)
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.utils import current_threads

N_LABELS, N_STEPS = 6, 5
X, Y = make_multilabel_classification(200, n_features=12, n_classes=5, random_state=0)


def wanted(parameters):
    """What a network puts out at the first step, where all that it sees is zero."""
    parameters = torch.as_tensor(parameters, dtype=torch.float64)
    own = torch.zeros(N_LABELS, N_OWN, dtype=torch.float64)
    made = outputs(parameters, own, torch.zeros(N_SHARED, dtype=torch.float64), initial_state(parameters, N_LABELS))[1]
    return made.of_label.numpy(), made.of_all.numpy()


def episode(tuning, rng, earned):
    """Steps of an episode whose rewards grow by what `earned` makes of what was drawn."""
    of_label, of_all = wanted(tuning.parameters)
    own, shared, total, steps = np.zeros((N_LABELS, N_OWN)), np.zeros(N_SHARED), np.zeros(N_LABELS), []
    for _ in range(N_STEPS):
        noise = EXPLORATION * rng.standard_normal((N_LABELS, 2)), EXPLORATION * rng.standard_normal(2)
        drawn = Outputs(torch.from_numpy(of_label + noise[0]), torch.from_numpy(of_all + noise[1]))
        total = total + earned(*noise)
        steps.append(SteeredStep(own, shared, drawn, total))
    return steps


@pytest.mark.parametrize("column", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_a_label_gained_from_moves_what_is_wanted_of_labels(column, sign):
    tuning, rng = FineTuning(initial_parameters().numpy()), np.random.default_rng(0)
    before = wanted(tuning.parameters)[0]
    for _ in range(20):
        steps = episode(tuning, rng, lambda of_label, of_all: sign * of_label[:, column])
        tuning.learn(steps, np.ones(N_LABELS))
    moved = sign * (wanted(tuning.parameters)[0] - before).mean(axis=0)
    assert moved[column] > 0.1
    assert moved[column] > 2 * abs(moved[1 - column])


@pytest.mark.parametrize("sign", [-1, 1])
def test_what_all_labels_gained_from_moves_the_focus(sign):
    tuning, rng = FineTuning(initial_parameters().numpy()), np.random.default_rng(0)
    before = wanted(tuning.parameters)[1]
    for _ in range(20):
        steps = episode(tuning, rng, lambda of_label, of_all: np.full(N_LABELS, sign * of_all[0]))
        tuning.learn(steps, np.ones(N_LABELS))
    assert sign * (wanted(tuning.parameters)[1] - before)[0] > 0.1


def test_labels_without_held_out_positives_and_short_episodes_teach_nothing():
    start = initial_parameters().numpy()
    for n_steps, positives in ((1, np.ones(N_LABELS)), (N_STEPS, np.zeros(N_LABELS))):
        tuning = FineTuning(start)
        steps = episode(tuning, np.random.default_rng(0), lambda of_label, of_all: of_label[:, 0])
        tuning.learn(steps[:n_steps], positives)
        assert_allclose(tuning.parameters, start, atol=1e-12)


def test_an_episode_changes_what_the_network_puts_out_but_not_when_it_ends():
    task = small_task(network())
    parameters, plan = initial_parameters().numpy(), trial_plan(task, task.folds, AveragePrecisionReward())
    arguments = (task.base, task.folds[0], parameters, np.ones(task.n_labels), plan, 0, current_threads())
    (plain,), (explored,) = (run_steered(*arguments, explores=explores) for explores in (False, True))
    assert plain.steps is None
    first, weights = explored.steps[0], plain.proposal.weights.parts[0]
    assert not np.allclose(explored.proposal.weights.parts[0].label, weights.label)
    assert_allclose(first.drawn.of_all[1], outputs_at(parameters, first).of_all[1], atol=1e-12)
    noise = first.drawn.of_label - outputs_at(parameters, first).of_label
    assert 0 < np.abs(noise.numpy()).max() < 6 * EXPLORATION
    assert_allclose(explored.steps[0].rewards, explored.steps[1].own[:, 3])


def outputs_at(parameters, step):
    """What a network puts out at the first step of an episode."""
    parameters = torch.as_tensor(parameters, dtype=torch.float64)
    state = initial_state(parameters, len(step.own))
    return outputs(parameters, torch.from_numpy(step.own), torch.from_numpy(step.shared), state)[1]


def fit(n_episodes, **params):
    policy = PretrainedPolicy(fallback=False, n_episodes=n_episodes)
    options = {"training_policy": policy, "prediction_policy": "shrunken", "random_state": 0, **params}
    return MetaPolicyClassifier(network(), **options).fit(X, Y).training_policy_


def test_episodes_move_the_parameters_that_the_folds_are_trained_under():
    plain, tuned = fit(0), fit(4)
    assert "episode_reward" not in plain.history_
    assert tuned.history_["episode_reward"].shape == (4, 10)
    assert_array_equal(plain.parameters_, plain._parameters())
    assert not np.array_equal(tuned.parameters_, plain.parameters_)
    assert not np.array_equal(tuned.history_["weights"], plain.history_["weights"])


def test_the_same_seed_learns_the_same_for_any_n_jobs():
    one, two = (fit(3, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(one.parameters_, two.parameters_)


def test_a_warm_start_goes_on_from_what_was_learned():
    clf = MetaPolicyClassifier(
        network(), training_policy=PretrainedPolicy(fallback=False, n_episodes=2), warm_start=True, random_state=0
    )
    first = clf.fit(X, Y).training_policy_.parameters_
    clf.set_params(training_policy__n_episodes=0)
    assert_array_equal(clf.fit(X, Y).training_policy_.parameters_, first)
