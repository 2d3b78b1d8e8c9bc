"""A training run that the pre-trained network steers, from what it sees of the held-out rows while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_metalabel.learners import LossSchedule, LossWeights, part_bounds
from sklearn_metalabel.policies._fine_tuning import EXPLORATION, SteeredStep
from sklearn_metalabel.policies._label_descriptors import (
    mean_log_odds,
    scaled_co_occurrence,
    scaled_log_frequency,
)
from sklearn_metalabel.policies._outcomes import label_importance, scored
from sklearn_metalabel.policies._proposals import EQUAL, Proposal
from sklearn_metalabel.policies._steering import N_OWN, Outputs, initial_state, outputs
from sklearn_metalabel.policies._trials import HeldOutRows, Trial
from sklearn_metalabel.utils import (
    as_certain_negatives,
    known_totals,
    label_rows,
    take_rows,
    to_logits,
    torch_seed,
    use_threads,
    weighted_positives,
)

__all__ = ["N_ACTIONS", "STEERED", "SteeredTrial", "run_equal", "run_steered"]

STEERED = "pretrained"

# Actions of a full training.
N_ACTIONS = 10
# A focus below this one is none.
_LEAST_FOCUS = 0.02
# A training does not end while a part of it raises the reward by more than this.
_STILL_RISING = 0.005
# Parts of a training under equal weights before it may be given up: at first these learn slowly, and then faster.
_LEAST_PARTS = N_ACTIONS // 2
# It is given up below this share of the other reward; what is nearer is left to the user's scoring, which may differ.
_HOPELESS = 0.75
# Rows, labels and updates of the trainings that the network has learned from; beyond these it sees the nearest.
_LEAST_SIZES, _MOST_SIZES = (100, 5, 60), (2_000, 100, 800)


@dataclass(eq=False)
class SteeredTrial(Trial):
    """A trial with the reward after each of its parts, (T,); of a steered one the proposal is the schedule it followed.

    Of an episode, `steps` are what a policy learns from, and `positives` (L,) those of the held-out rows.
    """

    rewards: NDArray | None = None
    steps: list[SteeredStep] | None = None
    positives: NDArray | None = None


def run_steered(base, fold, parameters, label_weight, plan, seed, threads, *, explores=False, reporter=None):
    """Train on a fold under the network; a list of one `SteeredTrial`.

    Parameters
    ----------
    base : LabelClassifier
        Unfitted; a copy is trained.
    fold : Fold
        With held-out rows.
    parameters : ndarray of shape (P,)
        Parameters of the network.
    label_weight : ndarray of shape (n_labels,)
        What its label weights are multiplied by.
    plan : TrialPlan
    seed : int
        All randomness.
    threads : dict
        Thread counts to work with.
    explores : bool
        Whether this is an episode, in which the network's outputs are changed at random and nothing is predicted.
    reporter : callable
        Is called after every part of the training.
    """
    run = base.training_run(seed)
    with use_threads(threads), torch_seed(seed, run.device):
        steered = _SteeredRun(run, fold, plan, seed, reporter)
        return [steered.play(torch.tensor(parameters, dtype=torch.float64), label_weight, explores)]


def run_equal(base, fold, label_weight, target, plan, seed, threads, *, reporter=None):
    """Train on a fold under equal weights as long as these may still reach a reward; a list of one `SteeredTrial`.

    Parameters
    ----------
    base, fold, label_weight, plan, seed, threads, reporter : as in `run_steered`
    target : float
        Reward of the run that is compared, on the same rows. Once half of the training is done, it is given up where
        its own would stay below three quarters of that if it went on to grow as it did in the last two parts. Nothing
        is predicted then.
    """
    run = base.training_run(seed)
    with use_threads(threads), torch_seed(seed, run.device):
        return [_SteeredRun(run, fold, plan, seed, reporter).play_equal(label_weight, target)]


class _SteeredRun:
    """The state of one run."""

    def __init__(self, run, fold, plan, seed, reporter=None):
        self.run, self.fold, self.plan, self.reporter = run, fold, plan, reporter
        X, Y, sample_weight = fold.training_data()
        run.start(X, Y, sample_weight=sample_weight, seed=seed)
        self.sample = run.batches(len(fold.train), np.random.RandomState(seed))
        self.noise = np.random.RandomState(seed)
        self.view = LabelView(Y, fold, plan.reward)
        self.n_updates = run.n_updates(len(fold.train))

    def play(self, parameters, label_weight, explores=False):
        """All parts of the training until the network ends it."""
        sizes = len(self.fold.train), len(label_weight), self.n_updates
        state, parts, rewards, steps = initial_state(parameters, len(label_weight)), [], [], []
        with torch.no_grad():
            for k, (first, end) in enumerate(part_bounds(self.n_updates, N_ACTIONS)):
                own, shared = self.view.own, describe_training(k / N_ACTIONS, *sizes)
                state, made = outputs(parameters, torch.from_numpy(own), torch.from_numpy(shared), state)
                made = self._changed(made) if explores else made
                wanted = made.steering()
                parts.append(self._weights(wanted, label_weight))
                self._train(parts[-1], end - first)
                rewards.append(self.view.update(self.run.predict_proba(self.view.X)))
                steps.append(SteeredStep(own, shared, made, self.view.own[:, 3]))
                if self.reporter is not None:
                    self.reporter()
                if self.run.finished or (wanted.stop > 0 and not _is_rising(rewards)):
                    break
        proposal = Proposal("episode" if explores else STEERED, LossSchedule(parts, N_ACTIONS))
        return self._episode(proposal, rewards, steps) if explores else self._trial(proposal, np.array(rewards))

    def play_equal(self, label_weight, target):
        """All parts of the training under the same weights, or as many as they need to fall behind."""
        proposal, rewards = Proposal(EQUAL, LossWeights(label_weight)), []
        with torch.no_grad():
            for first, end in part_bounds(self.n_updates, N_ACTIONS):
                self._train(proposal.weights, end - first)
                rewards.append(self.view.update(self.run.predict_proba(self.view.X)))
                if self.reporter is not None:
                    self.reporter()
                if self.run.finished:
                    break
                if _falls_short(rewards, target):
                    return SteeredTrial(proposal, None, rewards=np.array(rewards), run=self._released())
        return self._trial(proposal, np.array(rewards))

    def _changed(self, made):
        """Outputs of the network with noise; that on the end of the training is left out."""
        of_label, of_all = (
            torch.from_numpy(EXPLORATION * self.noise.standard_normal(part.shape))
            for part in (made.of_label, made.of_all)
        )
        of_all[1] = 0
        return Outputs(made.of_label + of_label, made.of_all + of_all)

    def _weights(self, wanted, label_weight):
        """The weights that the network asks for."""
        focus = float(wanted.focus)
        positive = self.view.rarity ** wanted.exponent.numpy()
        return LossWeights(label_weight * wanted.label.numpy(), positive, focus if focus >= _LEAST_FOCUS else 0.0)

    def _train(self, weights, n_updates):
        """Make some updates; with gradients, which the network itself does without."""
        with torch.enable_grad():
            for _ in range(n_updates):
                self.run.step(self.sample(), weights)

    def _episode(self, proposal, rewards, steps):
        """What there is to learn from."""
        positives = weighted_positives(self.view.Y, self.view.weight)
        return SteeredTrial(proposal, None, None, rewards=np.array(rewards), steps=steps, positives=positives)

    def _trial(self, proposal, rewards):
        """The outcome, with the held-out rows."""
        held_out, classifier = HeldOutRows(self.fold, self.plan), self.run.finish()
        P = held_out.predict(self.run.predict_proba)
        trial = SteeredTrial(proposal, held_out.score(P), held_out.rows(P), rewards=rewards)
        trial.classifier = classifier if self.plan.keep_classifier else None
        if self.plan.frequency is not None:
            trial.compact = held_out.compact(self.run.predict_proba)
        trial.run = self._released()
        return trial

    def _released(self):
        """The run, without its data, for callbacks, which look at the base learner alone; or None."""
        if not self.plan.keep_run:
            return None
        self.run.release()
        return self.run


class LabelView:
    """What the network sees of each label: `own` (L, `N_OWN`), float64.

    The log-frequency in training, mean log-odds of held-out positives and negatives, average precision of held-out
    rows, how it changed, and how many other labels come with it in training.
    """

    def __init__(self, Y_train, fold, reward):
        weight = fold.weights_of(fold.train)
        positives, n = weighted_positives(Y_train, weight).astype(np.float64), known_totals(Y_train, weight)
        self.rarity = np.maximum(n, 1) / np.maximum(positives, 1)
        self.reward = reward
        self.X = take_rows(fold.X, fold.scored)
        self.labels = label_rows(fold.Y, fold.scored, dtype=np.int8)
        self.Y, self.weight = self.labels > 0, fold.weights_of(fold.scored)
        self.own = np.zeros((Y_train.shape[1], N_OWN))
        self.own[:, 0] = scaled_log_frequency(positives, n)
        self.own[:, 5] = scaled_co_occurrence(Y_train, positives, weight)

    def update(self, P):
        """Take in probabilities of the rows; returns the mean reward."""
        P = as_certain_negatives(self.labels, P)[1]
        precision = scored(self.reward, self.Y, P, self.weight)
        before = np.where(self.own[:, 3] == 0, precision, self.own[:, 3])
        self.own = np.column_stack(
            [
                self.own[:, 0],
                *mean_log_odds(self.Y, P, to_logits(P), self.weight),
                precision,
                10 * (precision - before),
                self.own[:, 5],
            ]
        )
        return float(precision @ label_importance(weighted_positives(self.Y, self.weight)))


def describe_training(progress, n_rows, n_labels, n_updates):
    """What the network sees of the training: how far it is, and its sizes, scaled to about (-1, 1)."""
    sizes = np.log(np.clip([n_rows, n_labels, n_updates], _LEAST_SIZES, _MOST_SIZES))
    return np.concatenate([[progress], (sizes - [7.0, 4.0, 6.0]) / 2])


def _falls_short(rewards, target):
    """Whether rewards stay far below a target if they go on to grow as they did in the last two parts of a training."""
    if len(rewards) < _LEAST_PARTS:
        return False
    growth = max(0.0, (rewards[-1] - rewards[-3]) / 2)
    return rewards[-1] + (N_ACTIONS - len(rewards)) * growth < _HOPELESS * target


def _is_rising(rewards):
    """Whether the last part of a training has raised the reward."""
    return len(rewards) > 1 and rewards[-1] - rewards[-2] > _STILL_RISING
