"""Ways to choose loss weights before a base learner is trained under them, for `training_policy.py`.

Each is a function (base, X, Y, seed, depths) that returns a fitted classifier with thresholds and what all of it cost,
in trainings of the base learner on all rows. All thresholds are learned the same way. Nothing here sees test rows.
"""

import copy
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from torch import nn

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import (
    BatchSampler,
    LabelWeightedLogistic,
    LossWeights,
    as_label_classifier,
    resolve_label_weight,
    train_classifier,
)
from sklearn_metalabel.learners._torch_run import InputConverter
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.policies import PretrainedPolicy
from sklearn_metalabel.policies._outcomes import Outcome
from sklearn_metalabel.policies._proposals import EQUAL
from sklearn_metalabel.policies._search import MANY_ROWS, SCREENING_SHARE, SCREENING_SHARE_OF_MANY
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.utils import torch_seed

__all__ = [
    "LINEAR",
    "NETWORK",
    "N_FOLDS",
    "PRETRAINED",
    "UNIFORM",
    "UNTUNED",
    "CountedLogistic",
    "held_out_outcome",
    "stratified_folds",
]

UNIFORM = "uniform"
N_FOLDS = 3
TRAINED_SHARE = (N_FOLDS - 1) / N_FOLDS
BOUNDS = (0.2, 5.0)
META_LR = 0.01  # ten times as much was worse on training rows
N_MEMBERS, N_GENERATIONS, PERTURBATION = 3, 3, 0.2


def stratified_folds(Y, seed):
    """The folds (train, held out) that base learners are tuned on; the first one is what searches hold out."""
    return list(MultilabelStratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(Y, Y))


def held_out_outcome(Y, P):
    """Average precisions of held-out rows, whose `value` is the reward that `PolicySearch` ranks by."""
    return Outcome.of(Y.astype(bool), P, AveragePrecisionReward())


class CountedLogistic(LabelWeightedLogistic):
    """The linear learner; `n_rows` counts the rows that all copies in this process were trained on."""

    n_rows = 0

    def _fit_labels(self, X, Y, **options):
        CountedLogistic.n_rows += len(Y)
        super()._fit_labels(X, Y, **options)


class EmphasisClassifier(LabelWeightedClassifier):
    """A network under label weights whose positives weigh `positive_weight(Y)` more; probabilities are corrected."""

    def __init__(self, estimator=None, *, label_weight="uniform", positive_weight=None, random_state=None):
        super().__init__(estimator, label_weight=label_weight, random_state=random_state)
        self.positive_weight = positive_weight

    def fit(self, X, y):
        """Train the network."""
        X, Y = self._check_training_data(X, y)
        self.weights_ = resolve_label_weight(self.label_weight, Y, self.label_names_)
        weights = LossWeights(self.weights_, self.positive_weight(Y))
        self.estimator_ = train_classifier(as_label_classifier(self.estimator), X, Y, weights)
        return self


def frequency_power(Y, exponent):
    """Label weights n^exponent, n the number of positives."""
    return np.maximum(Y.sum(axis=0), 1.0) ** exponent


def rarity_power(Y, exponent):
    """Weights r^exponent of the positives, r the number of rows for each positive."""
    return (len(Y) / np.maximum(Y.sum(axis=0), 1.0)) ** exponent


def same_for_all(Y, factor):
    """One weight of the positives of every label."""
    return np.full(Y.shape[1], factor)


def with_thresholds(clf, X, Y, seed, spent=0.0):
    """A classifier with thresholds from out-of-fold rows, and the trainings it cost with those `spent` before."""
    tuned = TunedThresholdsClassifierCV(clf, prediction_policy="learned", cv=N_FOLDS, random_state=seed).fit(X, Y)
    return tuned, spent + N_FOLDS * TRAINED_SHARE + 1


def weighted(base, X, Y, seed, depths, *, label_weight):
    """Weights that are known beforehand."""
    return with_thresholds(LabelWeightedClassifier(base, label_weight=label_weight), X, Y, seed)


def hierarchy(base, X, Y, seed, depths):
    """The depth of each label."""
    return weighted(base, X, Y, seed, depths, label_weight=depths)


def other_loss(base, X, Y, seed, depths, *, loss):
    """Another loss, with its own defaults."""
    return with_thresholds(LabelWeightedClassifier(clone(base).set_params(loss=loss)), X, Y, seed)


def paper(base, X, Y, seed, depths):
    """What the policy of the paper's Algorithm 1 ends with; its updates are counted, not the training after them."""
    learned = MetaPolicyClassifier.from_paper(base, training_policy__n_episodes=3, random_state=seed).fit(X, Y)
    spent = learned.training_policy_.history_["reward"].size / base.training_run().n_updates(len(Y))
    return with_thresholds(LabelWeightedClassifier(base, label_weight=learned.weights_), X, Y, seed, spent)


def ours(base, X, Y, seed, depths):
    """The default of the package, which learns its thresholds in the same way."""
    before = CountedLogistic.n_rows
    clf = MetaPolicyClassifier(base, training_policy="search", cv=N_FOLDS, random_state=seed).fit(X, Y)
    if isinstance(base, CountedLogistic):
        return clf, (CountedLogistic.n_rows - before) / len(Y)
    n_screened = clf.training_policy_.history_["reward"].size - 2
    share, n_folds = (SCREENING_SHARE_OF_MANY, 1) if len(Y) >= MANY_ROWS else (SCREENING_SHARE, N_FOLDS)
    on_folds = share * n_screened + 2 * (1 - share) + n_folds - 1
    return clf, on_folds * TRAINED_SHARE + 1


def pretrained(base, X, Y, seed, depths, *, prior, **options):
    """The policy that comes trained, here on other sets; its trainings may end early."""
    policy = PretrainedPolicy(prior=prior, **options)
    clf = MetaPolicyClassifier(base, training_policy=policy, cv=N_FOLDS, random_state=seed).fit(X, Y)
    policy = clf.training_policy_
    played = [policy.history_[name] for name in ("reward", "baseline", "episode_reward") if name in policy.history_]
    on_folds = np.isfinite(np.concatenate(played)).mean(axis=1).sum()
    on_folds += N_FOLDS - 1 if policy.best_proposal_ == EQUAL else 0
    return clf, on_folds * TRAINED_SHARE + policy.length_


def hypergradient(base, X, Y, seed, depths):
    """Label weights and one factor of all positives that follow the held-out loss through the last step.

    After Ren et al. (2018) and Shu et al. (2019), on weights of labels in place of samples: the step looked through
    is one of plain gradient descent of the last layer, so that no second derivatives are needed.
    """
    train, held_out = stratified_folds(Y, seed)[0]
    run, sample = _started(base, X[train], Y[train], seed)
    sample_held_out = BatchSampler(len(held_out), base.batch_size, np.random.RandomState(seed))
    log_w, log_v = torch.zeros(Y.shape[1], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    optimizer = torch.optim.Adam([log_w, log_v], lr=META_LR)
    for _ in range(run.n_updates(len(train))):
        batch, judged = sample(), held_out[sample_held_out()]
        w, v = _mean_one(log_w), log_v.exp()
        positives, negatives = _last_layer_gradients(run.module, X[train[batch]], Y[train[batch]])
        run.step(batch, LossWeights(w.numpy(), same_for_all(Y, v.item())))
        wanted = sum(_last_layer_gradients(run.module, X[judged], Y[judged]))
        log_w.grad = -w * (wanted * (v * positives + negatives)).sum(dim=1)
        log_v.grad = -(w * v * (wanted * positives).sum(dim=1)).sum(dim=0, keepdim=True)
        optimizer.step()
        log_w.sub_(log_w.exp().mean().log())
        for logarithm in (log_w, log_v):
            logarithm.clamp_(*np.log(BOUNDS))
    factor = partial(same_for_all, factor=float(log_v.exp()))
    clf = EmphasisClassifier(base, label_weight=_mean_one(log_w).numpy(), positive_weight=factor)
    return with_thresholds(clf, X, Y, seed, len(train) / len(Y))


def population(base, X, Y, seed, depths):
    """Powers (a, b) of label weights n^-a and positives' weights r^b that a small population agrees on.

    After Jaderberg et al. (2017): after each generation all members resume from the parameters of the best one,
    the others under powers near its own.
    """
    train, held_out = stratified_folds(Y, seed)[0]
    rng = np.random.RandomState(seed)
    members = [_started(base, X[train], Y[train], seed) for _ in range(N_MEMBERS)]
    powers, best = np.vstack([np.zeros(2), rng.uniform(size=(N_MEMBERS - 1, 2))]), 0
    n_updates = members[0][0].n_updates(len(train)) // N_GENERATIONS
    for generation in range(N_GENERATIONS):
        if generation > 0:
            members = [members[best], *(copy.deepcopy(members[best]) for _ in range(N_MEMBERS - 1))]
            near = powers[best] + PERTURBATION * rng.standard_normal((N_MEMBERS - 1, 2))
            powers = np.vstack([powers[best], near.clip(0, 1)])
        rewards = []
        for (run, sample), (a, b) in zip(members, powers, strict=True):
            label = frequency_power(Y[train], -a)
            weights = LossWeights(label / label.mean(), rarity_power(Y[train], b))
            for _ in range(n_updates):
                run.step(sample(), weights)
            rewards.append(held_out_outcome(Y[held_out], run.predict_proba(X[held_out])).value)
        best = int(np.argmax(rewards))
    a, b = powers[best]
    options = {
        "label_weight": partial(frequency_power, exponent=-a),
        "positive_weight": partial(rarity_power, exponent=b),
    }
    return with_thresholds(EmphasisClassifier(base, **options), X, Y, seed, N_MEMBERS * len(train) / len(Y))


def _started(base, X, Y, seed):
    """A training run of a network on some rows, and what draws its batches."""
    run = base.training_run()
    with torch_seed(seed, run.device):
        run.start(X, Y)
    return run, run.batches(len(Y), np.random.RandomState(seed))


def _mean_one(log_w):
    """Weights of mean 1."""
    w = log_w.exp()
    return w / w.mean()


def _last_layer_gradients(module, X, Y):
    """Gradients (L, hidden + 1) of each label's log-loss by its part of the last layer: positives', and negatives'."""
    with torch.no_grad():
        *body, last = module
        hidden = nn.Sequential(*body)(InputConverter(module, torch.device("cpu"), False)(X))
        errors = torch.sigmoid(last(hidden)) - torch.from_numpy(Y).float()
        hidden = torch.cat([hidden, torch.ones(len(hidden), 1)], dim=1).double()
        is_positive = torch.from_numpy(Y.astype(bool))
        parts = torch.where(is_positive, errors, 0.0), torch.where(is_positive, 0.0, errors)
        return [part.double().T @ hidden / len(hidden) for part in parts]


RULES = {
    UNIFORM: partial(weighted, label_weight="uniform"),
    "n^-0.5": partial(weighted, label_weight=partial(frequency_power, exponent=-0.5)),
    "hierarchy": hierarchy,
}
LINEAR = {**RULES, "learned (ours)": ours}
N_EPISODES = 3
PRETRAINED = {
    "pretrained (ours)": pretrained,
    "pretrained, without fallback (ours)": partial(pretrained, fallback=False),
    "pretrained, fine-tuned (ours)": partial(pretrained, fallback=False, n_episodes=N_EPISODES),
}
NETWORK = {
    **RULES,
    "learned (paper)": paper,
    "learned (hypergradient)": hypergradient,
    "learned (population)": population,
    "asymmetric loss": partial(other_loss, loss="asymmetric"),
    "focal loss": partial(other_loss, loss="focal"),
    "distribution-balanced loss": partial(other_loss, loss="distribution_balanced"),
    "learned (ours)": ours,
    **PRETRAINED,
}
UNTUNED = {name: NETWORK[name] for name in (UNIFORM, "asymmetric loss", "learned (ours)", "pretrained (ours)")}
