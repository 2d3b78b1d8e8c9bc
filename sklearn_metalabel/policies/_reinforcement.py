"""The meta-learner: a policy, its optimiser and its baselines, and one update from a rollout of an episode."""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch

from sklearn_metalabel.policies._actions import as_tensor, log_probability, sample_action
from sklearn_metalabel.policies._networks import Observation, build_network
from sklearn_metalabel.policies._returns import MovingBaseline, leave_one_out, returns_to_go, standardize

__all__ = ["MetaLearner", "MetaSettings", "Rollout", "average_meta_learners", "bounded_gain"]

_RATIO_BOUND = 0.2
_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class MetaSettings:
    """What stays fixed while the meta-learner learns."""

    network: str
    hidden_size: int
    learning_rate: float
    update_epochs: int
    discount: float
    credit: str
    shrinkage: float
    learn_weights: bool
    learn_thresholds: bool


@dataclass
class Rollout:
    """Consecutive steps of one episode: the state they began in, what was seen and done, and the rewards."""

    state: torch.Tensor
    first_step: int
    observations: list = field(default_factory=list)
    actions: list = field(default_factory=list)
    rewards: list = field(default_factory=list)
    sigma: float = 0.0

    def __len__(self):
        return len(self.rewards)


class MetaLearner:
    """Proposes weights and thresholds, and learns from their rewards.

    Weights are departures from `weight_anchor` (L,), the weights that a policy proposes before it has learned anything.
    """

    def __init__(self, settings, weight_anchor):
        self.settings = settings
        self.n_labels = n_labels = len(weight_anchor)
        self.log_anchor = np.log(weight_anchor)
        self.policy = build_network(settings.network, n_labels, settings.hidden_size)
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=settings.learning_rate)
        self.weight_baseline = MovingBaseline()
        self.threshold_baseline = MovingBaseline()

    def initial_state(self):
        """State of the policy before the first step."""
        return self.policy.initial_state(self.n_labels)

    def policy_state(self):
        """Parameters of the policy as arrays."""
        return {name: value.numpy().copy() for name, value in self.policy.state_dict().items()}

    def load_policy_state(self, arrays):
        """Take the parameters of the policy from arrays; returns itself."""
        self.policy.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in arrays.items()})
        return self

    @torch.no_grad()
    def propose(self, observation, state):
        """Next state and the means of weights and thresholds in unconstrained space, as float64 arrays (L,)."""
        state, weight_means, threshold_means = self.policy(observation, state)
        weight_means = weight_means.numpy().astype(np.float64) + self.log_anchor
        if not self.settings.learn_weights:
            weight_means = torch.log(observation.weights).numpy().astype(np.float64)
        if not self.settings.learn_thresholds:
            threshold_means = torch.logit(observation.thresholds)
        return state, weight_means, threshold_means.numpy().astype(np.float64)

    def explore(self, weight_means, threshold_means, sigma, n_samples, rng):
        """An action around the means; what is not learned is not explored either."""
        action = sample_action(weight_means, threshold_means, sigma, n_samples, rng)
        settled = sample_action(weight_means, threshold_means, 0.0, n_samples, rng)
        if not self.settings.learn_weights:
            action.v, action.weights = settled.v, settled.weights
        if not self.settings.learn_thresholds:
            action.u, action.thresholds = settled.u, settled.thresholds
        return action

    def learn(self, rollout, labels, last_reward=None):
        """Follow the policy gradient (Eq. 7) on one rollout.

        `labels` (L,) marks the labels that take part; `last_reward` (L,) is the reward of the step before the
        rollout. Returns the baseline of each step, averaged over the labels.
        """
        rewards = np.stack(rollout.rewards)
        weight_advantage, baselines = self._weight_advantage(rewards.mean(axis=1), rollout.first_step, last_reward)
        terms = []
        if self.settings.learn_weights:
            terms.append((as_tensor([a.v for a in rollout.actions]), standardize(weight_advantage, labels), 0))
        if self.settings.learn_thresholds:
            advantage = self._threshold_advantage(rewards, rollout.first_step)
            terms.append((as_tensor(np.stack([a.u for a in rollout.actions])), standardize(advantage, labels), 1))
        if terms:
            self._ascend(rollout, [(draws, as_tensor(advantage), head) for draws, advantage, head in terms])
        return baselines

    def _weight_advantage(self, reward, first_step, last_reward):
        """Advantage of the weights of each step and label (T, L), and the mean baseline of each step (T,)."""
        if self.settings.credit == "label":
            before = reward[:1] if last_reward is None else last_reward[None]
            reward = np.diff(reward, axis=0, prepend=before)
        else:
            reward = np.broadcast_to(reward.mean(axis=1, keepdims=True), reward.shape)
        returns = returns_to_go(reward, self.settings.discount)
        baselines = np.stack([self.weight_baseline(first_step + t, g) for t, g in enumerate(returns)])
        return returns - baselines, baselines.mean(axis=1)

    def _threshold_advantage(self, rewards, first_step):
        """Advantage of each draw of thresholds (T, S, L): they act on their own step and label alone."""
        if rewards.shape[1] > 1:
            return np.stack([r - leave_one_out(r) for r in rewards])
        return np.stack([r - self.threshold_baseline(0, r[0]) for r in rewards])

    def _ascend(self, rollout, terms):
        """Update the policy; with several epochs the ratio to the policy that acted is kept near 1 (PPO)."""
        acted = None
        for _ in range(self.settings.update_epochs):
            means = self._replay(rollout)
            now = [log_probability(draws, _like(means[head], draws), rollout.sigma) for draws, _, head in terms]
            acted = [density.detach() for density in now] if acted is None else acted
            gains = [bounded_gain(n - a, term[1]) for n, a, term in zip(now, acted, terms, strict=True)]
            distance = _distance(means[0], as_tensor(self.log_anchor))
            loss = self.settings.shrinkage * distance - sum(gains)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), _GRADIENT_NORM)
            self.optimizer.step()

    def _replay(self, rollout):
        """Means of weights and thresholds, each (T, L), with gradients through the states of the rollout."""
        state, weights, thresholds = rollout.state, [], []
        for observation in rollout.observations:
            state, weight_means, threshold_means = self.policy(observation, state)
            weights.append(weight_means)
            thresholds.append(threshold_means)
        return torch.stack(weights) + as_tensor(self.log_anchor), torch.stack(thresholds)


def average_meta_learners(learned):
    """One meta-learner from those that learned in parallel episodes from the same start: the mean of all they hold."""
    if len(learned) == 1:
        return learned[0]
    merged = copy.deepcopy(learned[0])
    merged.policy.load_state_dict(_mean_tree([m.policy.state_dict() for m in learned]))
    merged.optimizer.load_state_dict(_mean_tree([m.optimizer.state_dict() for m in learned]))
    for name in ("weight_baseline", "threshold_baseline"):
        getattr(merged, name).values = _mean_tree([getattr(m, name).values for m in learned])
    return merged


def _mean_tree(trees):
    """Mean of equal trees of dicts and lists; what is neither an array nor a tensor is taken from the first."""
    first = trees[0]
    if isinstance(first, dict):
        return type(first)((key, _mean_tree([tree[key] for tree in trees])) for key in first)
    if torch.is_tensor(first):
        return torch.stack([tree.float() for tree in trees]).mean(dim=0).to(first.dtype)
    return np.mean(trees, axis=0) if isinstance(first, np.ndarray) else first


def _like(means, draws):
    """Means (T, L) in the shape of draws, (T, L) or (T, S, L)."""
    return means if means.ndim == draws.ndim else means[:, None]


def bounded_gain(log_ratio, advantage):
    """Mean advantage under the ratio to the policy that acted, without credit for leaving its neighbourhood."""
    ratio = torch.exp(log_ratio.clamp(-20, 20))
    bounded = ratio.clamp(1 - _RATIO_BOUND, 1 + _RATIO_BOUND)
    return torch.minimum(ratio * advantage, bounded * advantage).mean()


def _distance(weight_means, log_anchor):
    """Kullback-Leibler divergence of the proposed weights from the anchor, mean over steps."""
    log_weights = torch.log_softmax(weight_means, dim=1)
    return (log_weights.exp() * (log_weights - torch.log_softmax(log_anchor, dim=0))).sum(dim=1).mean()


def observe(weights, thresholds, features=None, anchor=None):
    """An observation from arrays: weights of mean 1, thresholds in (0, 1), features (L, F), anchor (L,)."""
    return Observation(
        as_tensor(weights / len(weights)),
        as_tensor(np.clip(thresholds, 1e-6, 1 - 1e-6)),
        None if features is None else as_tensor(features),
        None if anchor is None else as_tensor(anchor),
    )
