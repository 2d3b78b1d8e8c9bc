import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._reinforcement import (
    MetaLearner,
    MetaSettings,
    Rollout,
    average_meta_learners,
    observe,
)

DEFAULTS = {
    "network": "shared",
    "hidden_size": 8,
    "learning_rate": 0.05,
    "update_epochs": 1,
    "discount": 0.0,
    "credit": "label",
    "shrinkage": 0.0,
    "learn_weights": True,
    "learn_thresholds": True,
}


def make(n_labels=4, seed=0, **settings):
    torch.manual_seed(seed)
    return MetaLearner(MetaSettings(**{**DEFAULTS, **settings}), np.ones(n_labels))


def a_rollout(meta, reward, n_steps=5, n_draws=4, sigma=0.3, seed=0):
    """Steps under the policy, rewarded by `reward(action)` of shape (S, L)."""
    rng = np.random.RandomState(seed)
    L, state = meta.n_labels, meta.initial_state()
    features = np.random.RandomState(99).normal(size=(L, 4))
    rollout = Rollout(state, 0, sigma=sigma)
    for _ in range(n_steps):
        observation = observe(np.ones(L), np.full(L, 0.5), features, np.zeros(L))
        state, v, u = meta.propose(observation, state)
        action = meta.explore(v, u, sigma, n_draws, rng)
        rollout.observations.append(observation)
        rollout.actions.append(action)
        rollout.rewards.append(reward(action))
    return rollout


def mean_proposal(meta, rollout):
    v, u = meta._replay(rollout)
    return v.detach().numpy(), u.detach().numpy()


@pytest.mark.parametrize("network", ["gru", "shared"])
@pytest.mark.parametrize("n_draws", [1, 4])
def test_thresholds_move_to_where_the_reward_is(network, n_draws):
    meta = make(network=network, learning_rate=0.02)
    goal = np.array([0.8, 0.8, 0.2, 0.2]) if network == "gru" else np.full(4, 0.8)

    def reward(action):
        return -((action.thresholds - goal) ** 2)

    for seed in range(60):
        meta.learn(a_rollout(meta, reward, n_draws=n_draws, seed=seed), np.ones(4, dtype=bool))
    _, u = mean_proposal(meta, a_rollout(meta, reward))
    assert (np.sign(u[-1]) == np.sign(goal - 0.5)).all()
    assert abs(1 / (1 + np.exp(-u[-1])) - goal).max() < 0.2


def test_weights_move_to_the_label_that_is_rewarded():
    meta = make(network="gru", credit="global", learn_thresholds=False)

    def reward(action):
        return np.broadcast_to(np.log(action.weights[0]), action.thresholds.shape)

    for seed in range(60):
        meta.learn(a_rollout(meta, reward, seed=seed), np.ones(4, dtype=bool))
    v, _ = mean_proposal(meta, a_rollout(meta, reward))
    assert v[-1].argmax() == 0
    assert v[-1][0] - v[-1][1:].max() > 0.3


def test_one_epoch_is_the_reinforce_gradient():
    meta = make(learn_weights=False, learning_rate=1.0)
    rollout = a_rollout(meta, lambda action: action.thresholds)
    rewards = np.stack(rollout.rewards)
    advantage = np.stack([r - (r.sum(axis=0) - r) / 3 for r in rewards])
    advantage = (advantage - advantage.mean()) / advantage.std()
    reference = copy.deepcopy(meta)
    _, means = reference._replay(rollout)
    draws = torch.tensor(np.stack([a.u for a in rollout.actions]), dtype=torch.float32)
    log_density = -((draws - means[:, None]) ** 2) / (2 * 0.3**2)
    (-(log_density * torch.tensor(advantage, dtype=torch.float32)).mean()).backward()
    torch.nn.utils.clip_grad_norm_(reference.policy.parameters(), 1.0)
    meta.learn(rollout, np.ones(4, dtype=bool))
    for ours, theirs in zip(meta.policy.parameters(), reference.policy.parameters(), strict=True):
        if theirs.grad is not None:
            assert_allclose(ours.grad, theirs.grad, rtol=1e-4, atol=1e-7)


def test_a_label_is_rewarded_by_its_own_change_under_label_credit():
    meta = make(credit="label")
    earned = np.array([[1.0, 5.0, 0.0, 0.0], [2.0, 5.0, 0.0, 0.0]])
    advantage, _ = meta._weight_advantage(earned, first_step=0, last_reward=np.zeros(4))
    assert advantage[0].argmax() == 1
    assert advantage[1].argmax() == 0


def test_all_labels_have_the_mean_reward_under_global_credit():
    meta = make(credit="global", discount=1.0)
    earned = np.random.default_rng(0).normal(size=(3, 4))
    advantage, baselines = meta._weight_advantage(earned, first_step=0, last_reward=None)
    assert_allclose(advantage, 0, atol=1e-12)
    assert_allclose(baselines, earned.mean(axis=1)[::-1].cumsum()[::-1])
    again, _ = meta._weight_advantage(earned + 1, first_step=0, last_reward=None)
    assert_allclose(again, np.broadcast_to([[3.0], [2.0], [1.0]], (3, 4)))


@pytest.mark.parametrize("frozen", ["learn_weights", "learn_thresholds"])
def test_what_is_not_learned_stays_where_it_was(frozen):
    meta = make(**{frozen: False})
    rollout = a_rollout(meta, lambda action: action.thresholds * action.weights)
    for action in rollout.actions:
        if frozen == "learn_weights":
            assert_allclose(action.weights, 1)
        else:
            assert_allclose(action.thresholds, 0.5)


def test_the_penalty_pulls_weights_to_equal_ones():
    meta = make(network="gru", shrinkage=1.0, learn_thresholds=False)
    with torch.no_grad():
        meta.policy.weight_head.bias[:] = torch.tensor([2.0, 0.0, 0.0, 0.0])
    for seed in range(60):
        meta.learn(a_rollout(meta, lambda action: np.zeros((4, 4)), seed=seed), np.ones(4, dtype=bool))
    v, _ = mean_proposal(meta, a_rollout(meta, lambda action: np.zeros((4, 4))))
    assert np.ptp(v[-1]) < 0.5


def test_labels_outside_the_mask_do_not_teach():
    mask = np.array([True, True, True, False])
    states = []
    for bonus in (0.0, 1e6):
        meta = make()
        rollout = a_rollout(meta, lambda action, b=bonus: action.thresholds + b * np.array([0, 0, 0, 1.0]))
        meta.learn(rollout, mask)
        states.append(meta.policy_state())
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])


def test_averaging_takes_the_mean_of_policies_moments_and_baselines():
    start = make()
    learned = []
    for seed in (1, 2):
        meta = copy.deepcopy(start)
        meta.learn(a_rollout(meta, lambda action: action.thresholds, seed=seed), np.ones(4, dtype=bool))
        learned.append(meta)
    merged = average_meta_learners(learned)
    for name, value in merged.policy_state().items():
        assert_allclose(value, (learned[0].policy_state()[name] + learned[1].policy_state()[name]) / 2, rtol=1e-6)
    moments = [m.optimizer.state_dict()["state"][0]["exp_avg"] for m in (merged, *learned)]
    assert_allclose(moments[0], (moments[1] + moments[2]) / 2, rtol=1e-5, atol=1e-9)
    baselines = [m.weight_baseline.values[1] for m in (merged, *learned)]
    assert_allclose(baselines[0], (baselines[1] + baselines[2]) / 2)


def test_a_policy_is_restored_from_its_arrays():
    meta = make()
    meta.learn(a_rollout(meta, lambda action: action.thresholds), np.ones(4, dtype=bool))
    restored = make(seed=1).load_policy_state(meta.policy_state())
    assert all(np.array_equal(a, restored.policy_state()[name]) for name, a in meta.policy_state().items())


@pytest.mark.parametrize("network", ["gru", "shared"])
def test_an_untrained_policy_proposes_the_anchor(network):
    anchor = np.array([0.5, 1.0, 1.5, 1.0])
    torch.manual_seed(0)
    meta = MetaLearner(MetaSettings(**{**DEFAULTS, "network": network}), anchor)
    _, v, _ = meta.propose(observe(np.ones(4), np.full(4, 0.5), np.ones((4, 4)), np.zeros(4)), meta.initial_state())
    assert_allclose(np.exp(v) / np.exp(v).mean(), anchor, rtol=1e-6)


@pytest.mark.parametrize("anchor", [np.ones(4), np.array([0.2, 0.6, 1.2, 2.0])])
def test_shrinkage_pulls_the_weights_to_their_anchor(anchor):
    torch.manual_seed(0)
    meta = MetaLearner(MetaSettings(**{**DEFAULTS, "network": "gru", "shrinkage": 100.0}), anchor)
    torch.nn.init.normal_(meta.policy.weight_head.bias, std=0.5)
    for seed in range(60):
        meta.learn(a_rollout(meta, lambda action: np.zeros((4, 4)), seed=seed), np.ones(4, dtype=bool))
    v, _ = mean_proposal(meta, a_rollout(meta, lambda action: np.zeros((4, 4))))
    weights = np.exp(v) / np.exp(v).mean(axis=1, keepdims=True)
    assert_allclose(weights, np.broadcast_to(anchor, weights.shape), atol=0.02)
