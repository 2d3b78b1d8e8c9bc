"""One training episode, as a pure function that can be sent to a worker."""

import copy
from dataclasses import dataclass

import numpy as np

from sklearn_metalabel.learners import LossWeights
from sklearn_metalabel.policies._label_descriptors import mean_log_odds, scaled_log_frequency
from sklearn_metalabel.policies._monitor import Steps
from sklearn_metalabel.policies._reinforcement import Rollout, observe
from sklearn_metalabel.policies._squash import squash_thresholds, squash_weights
from sklearn_metalabel.utils import (
    as_certain_negatives,
    clip_probabilities,
    known_totals,
    label_rows,
    take_rows,
    to_logits,
    torch_seed,
    use_threads,
    weighted_positives,
)

__all__ = ["Episode", "EpisodePlan", "greedy_episode", "run_episode"]


@dataclass(frozen=True)
class EpisodePlan:
    """How an episode is played."""

    reward: object
    n_steps: int
    updates_per_step: int
    update_interval: int
    n_threshold_samples: int
    sigma: float
    initial_weights: np.ndarray
    initial_thresholds: np.ndarray
    n_scored: int | None = None
    keep_run: bool = False
    keep_classifier: bool = False


@dataclass
class Episode:
    """What an episode leaves behind; arrays are (T, L) unless said otherwise."""

    meta: object
    weights: np.ndarray
    thresholds: np.ndarray
    rewards: np.ndarray
    baselines: np.ndarray
    features: np.ndarray | None
    anchors: np.ndarray | None
    P: np.ndarray | None = None
    run: object = None
    classifier: object = None
    mean_weights: np.ndarray | None = None  # (L,), what multiplied the loss over all steps


def run_episode(meta, base, fold, plan, seed, threads, reporter=None):
    """Train a fresh base learner under the policy and teach a copy of `meta` what its rewards say.

    Parameters
    ----------
    meta : MetaLearner
        Left as it is.
    base : LabelClassifier
        Unfitted; a training run of it is started.
    fold : Fold
    plan : EpisodePlan
    seed : int
        All randomness of the episode.
    threads : dict
        Thread counts to work with.
    reporter : callable
        Called after every tenth of the steps.

    Returns
    -------
    episode : Episode
    """
    run = base.training_run(seed)
    with use_threads(threads), torch_seed(seed, run.device):
        return _Player(copy.deepcopy(meta), run, fold, plan, seed).play(Steps(plan.n_steps, reporter))


class _Player:
    """The state of one running episode."""

    def __init__(self, meta, run, fold, plan, seed):
        self.meta, self.run, self.plan = meta, run, plan
        self.rng = np.random.RandomState(seed)
        self.X, self.Y, sample_weight = fold.training_data()
        run.start(self.X, self.Y, sample_weight=sample_weight, seed=seed)
        self.sample = run.batches(len(fold.train), self.rng)
        self.batch_weight = fold.weights_of(fold.train)
        self.outcomes = _Outcomes(self.Y, fold, plan.n_scored, sees=meta.policy.n_features > 0)
        self.held_out = None if fold.held_out is None else take_rows(fold.X, fold.held_out)

    def play(self, step):
        """All steps, learning after every rollout of them."""
        trace, state, self.acted = [], self.meta.initial_state(), []
        weights, thresholds = self.plan.initial_weights, self.plan.initial_thresholds
        last_reward, baselines = None, []
        for first in range(0, self.plan.n_steps, self.plan.update_interval):
            rollout = Rollout(state, first, sigma=self.plan.sigma)
            for _ in range(min(self.plan.update_interval, self.plan.n_steps - first)):
                observation = observe(weights, thresholds, self.outcomes.features, self.outcomes.anchor)
                state, v, u = self.meta.propose(observation, state)
                weights, thresholds = squash_weights(v), squash_thresholds(u)
                trace.append((weights, thresholds, self.outcomes.features, self.outcomes.anchor))
                self._act(rollout, observation, v, u)
                step()
            baselines.append(self.meta.learn(rollout, self.outcomes.labels, last_reward))
            last_reward = rollout.rewards[-1].mean(axis=0)
            trace[first:] = [(*seen, r) for seen, r in zip(trace[first:], rollout.rewards, strict=True)]
        return self._episode(trace, np.concatenate(baselines))

    def _act(self, rollout, observation, v, u):
        """Draw an action around the proposal, train under it, and note what its rewards say."""
        plan = self.plan
        action = self.meta.explore(v, u, plan.sigma, plan.n_threshold_samples, self.rng)
        self.acted.append(action.weights)
        for _ in range(plan.updates_per_step):
            rows = self.sample()
            self.run.step(rows, LossWeights(action.weights))
        Y, P, weight = self._scored_rows(rows)
        options = {} if weight is None else {"sample_weight": weight}
        reward = np.asarray(plan.reward(Y, P, action.thresholds, **options), dtype=np.float64)
        if not np.isfinite(reward).all():
            raise ValueError("reward must be finite, got NaN or infinity; return 0 for a label that it cannot judge.")
        self.outcomes.update(Y, P, reward.mean(axis=0), weight)
        rollout.observations.append(observation)
        rollout.actions.append(action)
        rollout.rewards.append(reward)

    def _scored_rows(self, rows):
        """Labels, probabilities and weights of the rows that give the reward: held out, or the batch just trained on.

        A batch in which no row has a weight counts as one without weights.
        """
        if self.outcomes.Y is not None:
            P = self.run.predict_proba(self.outcomes.X)
            return *_without_unknown(self.outcomes.Y, slice(None), P), self.outcomes.weight
        P = self.run.predict_rows(self.X, rows)
        inside = slice(None) if rows is None else rows
        weight = None if self.batch_weight is None else self.batch_weight[inside]
        return *_without_unknown(self.Y, inside, P), None if weight is None or not weight.any() else weight

    def _episode(self, trace, baselines):
        """The record of the episode."""
        weights, thresholds, features, anchors, rewards = zip(*trace, strict=True)
        sees = features[0] is not None
        classifier = self.run.finish() if self.plan.keep_classifier else None
        P = None if self.held_out is None else self._out_of_fold(classifier)
        if self.plan.keep_run:
            self.run.release()  # callbacks look at the base learner alone
        return Episode(
            meta=self.meta,
            weights=np.array(weights, dtype=np.float32),
            thresholds=np.array(thresholds, dtype=np.float32),
            rewards=np.array([r.mean() for r in rewards]),
            baselines=baselines,
            features=np.array(features) if sees else None,
            anchors=np.array(anchors) if sees else None,
            P=P,
            run=self.run if self.plan.keep_run else None,
            classifier=classifier,
            mean_weights=np.mean(self.acted, axis=0),
        )

    def _out_of_fold(self, classifier):
        """Probabilities of the held-out rows; in float32, where the largest would otherwise be 1."""
        predict = self.run.predict_proba if classifier is None else classifier._label_probabilities
        return clip_probabilities(predict(self.held_out).astype(np.float32))


def _without_unknown(Y, rows, P):
    """Labels of rows as floats, and their probabilities; what is not known is a certain negative."""
    labels = label_rows(Y, rows)
    if labels.min(initial=0) >= 0:
        return labels, P
    known, P = as_certain_negatives(labels.astype(np.int8), P)
    return known.astype(labels.dtype), P


class _Outcomes:
    """What the policy may see: descriptors of the labels, and how their held-out rows fared."""

    def __init__(self, Y_train, fold, n_scored, sees):
        n_labels, weight = Y_train.shape[1], fold.weights_of(fold.train)
        n, positives = known_totals(Y_train, weight), weighted_positives(Y_train, weight).astype(np.float64)
        self.labels = (positives > 0) & (positives < n)
        scored = None if fold.scored is None else fold.scored[:n_scored]
        self.X = None if scored is None else take_rows(fold.X, scored)
        self.Y = None if scored is None else label_rows(fold.Y, scored)
        self.weight = None if scored is None else fold.weights_of(scored)
        self.features = self.anchor = None
        if sees:
            frequency = scaled_log_frequency(positives, n)
            self.features = np.column_stack([frequency, np.zeros((n_labels, 3))])
            self.anchor = np.zeros(n_labels)

    def update(self, Y, P, reward, weight=None):
        """Take in the probabilities and the reward of a step."""
        if self.features is None:
            return
        Z, positives = to_logits(P), (Y if weight is None else Y * weight[:, None]).sum(axis=0)
        self.features = np.column_stack([self.features[:, 0], *mean_log_odds(Y, P, Z, weight), reward])
        self.anchor = break_even_cuts(Z, positives.astype(np.intp) if weight is None else positives, weight)


def break_even_cuts(Z, positives, weight=None):
    """Cut of each label that lets as many samples pass as are positive, where precision equals recall.

    Z (n, L) log-odds, positives (L,) counts, by weights (n,) where there are some; returns (L,) log-odds, midway
    between the neighbouring samples.
    """
    n, label = len(Z), np.arange(len(positives))
    if weight is None:
        descending = -np.sort(-Z.T, axis=1)
        first, second = positives - 1, positives
    else:
        order = np.argsort(-Z.T, axis=1)
        descending, passed = np.take_along_axis(Z.T, order, axis=1), np.cumsum(weight[order], axis=1)
        slack = 1e-9 * weight.sum()  # sums of weights round
        first, second = ((passed < positives[:, None] + side).sum(axis=1) for side in (-slack, slack))
    above = descending[label, np.clip(first, 0, n - 1)]
    below = descending[label, np.clip(second, 0, n - 1)]
    is_full = positives == n if weight is None else second >= n
    return np.where(is_full, below - 1.0, np.where(positives == 0, below, (above + below) / 2))


def greedy_episode(meta, n_steps, weights, thresholds, features=None, anchors=None):
    """The test-time episode: every step takes the mean action; returns weights and thresholds, each (T, L).

    `features` (T, L, F) and `anchors` (T, L) stand for what a policy that looks at held-out rows would see.
    """
    state, trace = meta.initial_state(), []
    for t in range(n_steps):
        seen = (None, None) if features is None else (features[t], anchors[t])
        state, v, u = meta.propose(observe(weights, thresholds, *seen), state)
        weights, thresholds = squash_weights(v), squash_thresholds(u)
        trace.append((weights, thresholds))
    weights, thresholds = zip(*trace, strict=True)
    return np.array(weights), np.array(thresholds)
