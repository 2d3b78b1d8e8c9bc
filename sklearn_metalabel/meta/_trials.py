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
# A race is decided after this share of the updates: by then the order is that of the end.
_RACE_SHARE = 1 / 3


@dataclass(frozen=True)
class TrialPlan:
    """How trials are run: `reward` pays them, at `thresholds` (L,); a race trains only its winner to the end.

    Where not all probabilities can be kept, `frequency` (L,) tells how to keep what thresholds need of all held-out
    rows; None keeps the probabilities of `Fold.held_out`.
    """

    reward: object
    thresholds: np.ndarray
    race: bool = False
    keep_learner: bool = False
    frequency: np.ndarray | None = None


@dataclass
class Trial:
    """What came of one proposal on one fold.

    `held_out` is P (rows, L), or a HeldOut of all held-out rows; None where the trial was ended early.
    """

    proposal: object
    outcome: Outcome
    held_out: object = None
    solution: object = None
    learner: object = None


def run_trials(base, fold, paths, plan, seed, threads, solution=None):
    """Trials (list of `Trial`) of all proposals in `paths` on a fold.

    Parameters
    ----------
    base : LabelClassifier
        Unfitted; every path trains a copy.
    fold : Fold
        With held-out rows.
    paths : list of list of Proposal
        Each path is one training run.
    plan : TrialPlan
    seed : int
        All randomness; each path starts from it.
    threads : dict
        Thread counts to work with.
    solution : object
        What a learner that can start from a solution starts from.
    """
    with use_threads(threads):
        held_out = _HeldOut(fold, plan)
        runs = [_Run(base._clone_for_training(seed)._learner(), fold, held_out, path, seed, solution) for path in paths]
        if not plan.race or len(runs) == 1:
            return [trial for run in runs for trial in run.finish()]
        return _race(runs)


def _race(runs):
    """Train all runs a part of the way, then the one alone that is ahead."""
    for run in runs:
        run.advance(run.path[0], _RACE_SHARE)
    trials = [run.judge(run.path[0]) for run in runs]
    ahead = 0
    for k in range(1, len(runs)):
        if is_beaten(trials[ahead].outcome, trials[k].outcome):
            ahead = k
    for trial in trials:
        trial.held_out = None
    trials[ahead] = runs[ahead].finish()[-1]
    return trials


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


class _Run:
    """One training run, under one proposal after the other."""

    def __init__(self, learner, fold, held_out, path, seed, solution):
        self.learner, self.held_out, self.path, self.seed = learner, held_out, path, seed
        rows = fold.train
        weights = None if fold.sample_weight is None else fold.sample_weight[rows]
        self.n_rows, self.n_done = len(rows), 0
        with torch_seed(seed, getattr(learner, "device", None)):
            X = _safe_indexing(fold.X, rows)
            started = {} if solution is None else {"solution": solution}
            learner.start(X, fold.Y[rows], sample_weight=weights, seed=seed, **started)
        self.sample = learner.batches(len(rows), np.random.RandomState(seed))

    def advance(self, proposal, share=1.0):
        """Train under a proposal until this share of the updates is done."""
        until = max(self.n_done + 1, round(share * self.learner.n_updates(self.n_rows)))
        # Runs that take turns draw their dropout from one generator, so each stretch is seeded anew.
        with torch_seed(self.seed + self.n_done + 1, getattr(self.learner, "device", None)):
            for _ in range(until - self.n_done):
                self.learner.step(self.sample(), proposal.label_weight, **proposal.emphasis)
        self.n_done = until

    def judge(self, proposal):
        """The trial of a proposal as the learner stands."""
        P, outcome = self.held_out.judge(self.learner)
        learner = self.learner if self.held_out.plan.keep_learner else None
        return Trial(proposal, outcome, P, self.learner.solution, learner)

    def finish(self):
        """Trials of all proposals of the path, up to the first that is worse than the best one beyond chance."""
        trials, best = [], 0
        for proposal in self.path:
            self.advance(proposal)
            trials.append(self.judge(proposal))
            if trials[-1].outcome.value > trials[best].outcome.value:
                best = len(trials) - 1
            elif is_beaten(trials[-1].outcome, trials[best].outcome):
                break
        for trial in trials[:best] + trials[best + 1 :]:
            trial.solution = None  # each may be as large as the base learner
        if self.held_out.plan.frequency is not None:
            for trial in trials:
                trial.held_out = None
            trials[-1].held_out = self.held_out.compact(self.learner)
        return trials
