"""Trials: one fold's base learner trained under each of a few proposals, with the same seed and the same batches."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import _safe_indexing

from sklearn_metalabel.meta._judge import Outcome, is_beaten
from sklearn_metalabel.thresholds._held_out import HeldOut
from sklearn_metalabel.utils import clip_probabilities, generator_states, label_rows, torch_seed, use_threads

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

    `held_out` is P (rows, L), or a HeldOut of all held-out rows, or None after a part of a training. `begun` is the
    training run after a part of it, where it was to be kept.
    """

    proposal: object
    outcome: Outcome | None
    held_out: object = None
    solution: object = None
    learner: object = None
    begun: object = None


def run_trials(
    base, fold, path, plan, seed, threads, *, share=1.0, solution=None, begun=None, keep_begun=False, judged=True
):
    """One training run on a fold: a `Trial` of each proposal of a path.

    Parameters
    ----------
    base : LabelClassifier
        Unfitted; a copy is trained.
    fold : Fold
        With held-out rows.
    path : list of Proposal
        Tried one after the other.
    plan : TrialPlan
    seed : int
        All randomness.
    threads : dict
        Thread counts to work with.
    share : float
        Share of the updates of a full training to make.
    solution : object
        What a learner that can start from a solution starts from.
    begun : object
        A part of this very run, made before: the same comes out, in less time.
    keep_begun : bool
        Whether a part of a run is to be gone on with.
    judged : bool
        Whether to tell what the held-out rows say.
    """
    run = begun or _Run(base, fold, seed, solution)
    learner, held_out = run.learner, _HeldOut(fold, plan)
    trials, best = [], 0
    with use_threads(threads), torch_seed(seed, run.device, run.states):
        for proposal in path:
            run.train(proposal, share)
            P = held_out.predict(learner) if judged or plan.frequency is None else None
            outcome = held_out.judge(P) if judged else None
            trials.append(Trial(proposal, outcome, P, learner.solution, learner if plan.keep_learner else None))
            if len(path) == 1 or outcome.value > trials[best].outcome.value:
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
    if share < 1 and keep_begun:
        trials[-1].begun = run
    return trials


class _Run:
    """A training run on a fold's training rows; it may be left and gone on with."""

    def __init__(self, base, fold, seed, solution):
        self.learner = base._clone_for_training(seed)._learner()
        self.device = getattr(self.learner, "device", None)
        self.fold, self.seed, self.solution = fold, seed, solution
        self.draw, self.states, self.n_made = None, None, 0

    def train(self, proposal, share):
        """Make so great a share of all updates under a proposal, with those that were made before."""
        rows, learner = self.fold.train, self.learner
        if self.draw is None:
            self._start()
        elif self.n_made:
            learner.hold(*self._training_rows())
        n_updates = max(1, round(share * learner.n_updates(len(rows))))
        for _ in range(n_updates - self.n_made):
            learner.step(self.draw(), proposal.label_weight, **proposal.emphasis)
        self.n_made = n_updates if share < 1 else 0
        self.states = generator_states(self.device)
        if share < 1:
            learner.hold(None, None)  # other runs hold as many rows meanwhile

    def _start(self):
        X, Y, weights = self._training_rows()
        started = {} if self.solution is None else {"solution": self.solution}
        self.learner.start(X, Y, sample_weight=weights, seed=self.seed, **started)
        self.draw = self.learner.batches(len(self.fold.train), np.random.RandomState(self.seed))

    def _training_rows(self):
        fold, rows = self.fold, self.fold.train
        weights = None if fold.sample_weight is None else fold.sample_weight[rows]
        return _safe_indexing(fold.X, rows), fold.Y[rows], weights


class _HeldOut:
    """The held-out rows of a fold, and what they say of a learner."""

    def __init__(self, fold, plan):
        self.X = _safe_indexing(fold.X, fold.held_out)
        self.fold, self.plan = fold, plan

    def predict(self, learner):
        """Probabilities of the rows."""
        return _predict(learner, self.X)

    def judge(self, P):
        """What probabilities of the rows are worth."""
        Y = label_rows(self.fold.Y, self.fold.held_out, dtype=bool)
        return Outcome.of(Y, P, self.plan.reward, self.plan.thresholds)

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
