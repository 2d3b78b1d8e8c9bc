"""Trials: one fold's base learner trained under each of a few proposals, with the same seed and the same batches."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import _safe_indexing

from sklearn_metalabel.meta._judge import Outcome, is_beaten
from sklearn_metalabel.thresholds._held_out import HeldOut
from sklearn_metalabel.utils._probabilities import clip_probabilities
from sklearn_metalabel.utils._random import torch_seed
from sklearn_metalabel.utils._targets import label_rows
from sklearn_metalabel.utils._threads import use_threads

__all__ = ["Trial", "TrialPlan", "run_trials"]

# Rows that are predicted at once where not all probabilities are kept.
_BLOCK_ENTRIES, _LEAST_BLOCK = 2**25, 200


@dataclass(frozen=True)
class TrialPlan:
    """How trials are run: `reward` pays them, at `thresholds` (L,).

    Where not all probabilities can be kept, `frequency` (L,) tells how to keep what thresholds need of all held-out
    rows; None keeps the probabilities of `Fold.held_out`.
    """

    reward: object
    thresholds: np.ndarray
    keep_learner: bool = False
    frequency: np.ndarray | None = None


@dataclass
class Trial:
    """What came of one proposal on one fold.

    `held_out` is P (rows, L), or a HeldOut of all held-out rows, or None after a part of a training.
    """

    proposal: object
    outcome: Outcome
    held_out: object = None
    solution: object = None
    learner: object = None


def run_trials(base, fold, path, share, plan, seed, threads, solution=None):
    """One training run on a fold: a `Trial` of each proposal of a path.

    Parameters
    ----------
    base : LabelClassifier
        Unfitted; a copy is trained.
    fold : Fold
        With held-out rows.
    path : list of Proposal
        Tried one after the other.
    share : float
        Share of the updates of a full training to make.
    plan : TrialPlan
    seed : int
        All randomness.
    threads : dict
        Thread counts to work with.
    solution : object
        What a learner that can start from a solution starts from.
    """
    learner = base._clone_for_training(seed)._learner()
    with use_threads(threads), torch_seed(seed, getattr(learner, "device", None)):
        held_out = _HeldOut(fold, plan)
        step = _start(learner, fold, share, seed, solution)
        trials, best = [], 0
        for proposal in path:
            step(proposal)
            P, outcome = held_out.judge(learner)
            trials.append(Trial(proposal, outcome, P, learner.solution, learner if plan.keep_learner else None))
            if outcome.value > trials[best].outcome.value:
                best = len(trials) - 1
            elif proposal.scale >= 1 or is_beaten(outcome, trials[best].outcome):
                break  # the user's own scale is tried, larger ones only while they are better and better
        for trial in trials[:best] + trials[best + 1 :]:
            trial.solution = None  # each may be as large as the base learner
        if share < 1 or plan.frequency is not None:
            for trial in trials:
                trial.held_out = None
        if share == 1 and plan.frequency is not None:
            trials[-1].held_out = held_out.compact(learner)
        return trials


def _start(learner, fold, share, seed, solution):
    """Start a learner on a fold's training rows; what trains it under a proposal."""
    rows = fold.train
    weights = None if fold.sample_weight is None else fold.sample_weight[rows]
    started = {} if solution is None else {"solution": solution}
    learner.start(_safe_indexing(fold.X, rows), fold.Y[rows], sample_weight=weights, seed=seed, **started)
    sample = learner.batches(len(rows), np.random.RandomState(seed))
    n_updates = max(1, round(share * learner.n_updates(len(rows))))

    def step(proposal):
        for _ in range(n_updates):
            learner.step(sample(), proposal.label_weight, **proposal.emphasis)

    return step


class _HeldOut:
    """The held-out rows of a fold, and what they say of a learner."""

    def __init__(self, fold, plan):
        self.X = _safe_indexing(fold.X, fold.held_out)
        self.Y = label_rows(fold.Y, fold.held_out, dtype=bool)
        self.fold, self.plan = fold, plan

    def judge(self, learner):
        """Probabilities of the rows, in float32, where the largest would otherwise be 1, and what they are worth."""
        P = _predict(learner, self.X)
        return P, Outcome.of(self.Y, P, self.plan.reward, self.plan.thresholds)

    def compact(self, learner):
        """What thresholds need of all held-out rows."""
        held = HeldOut(self.plan.frequency)
        step = max(_LEAST_BLOCK, _BLOCK_ENTRIES // held.n_labels)
        for rows in np.split(self.fold.all_held_out, range(step, len(self.fold.all_held_out), step)):
            held.add(_predict(learner, _safe_indexing(self.fold.X, rows)), self.fold.Y[rows])
        return held


def _predict(learner, X):
    """Probabilities in float32, where the largest would otherwise be 1."""
    return clip_probabilities(learner.predict_proba(X).astype(np.float32))
