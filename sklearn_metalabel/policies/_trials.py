"""Trials: one fold's base learner trained under each of a few proposals, with the same seed and the same batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_metalabel.learners import LabelClassifier, TrainingRun
from sklearn_metalabel.policies._monitor import Steps
from sklearn_metalabel.policies._outcomes import Outcome, is_beaten
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.thresholds import CompactRows, OutOfFold
from sklearn_metalabel.utils import (
    as_certain_negatives,
    clip_probabilities,
    generator_states,
    has_unknown,
    is_unlabeled,
    label_rows,
    take_rows,
    torch_seed,
    use_threads,
)

__all__ = ["HeldOutRows", "Trial", "TrialPlan", "run_trials"]

# Entries that are predicted at once, in float64; what is kept of them is smaller.
_BLOCK_ENTRIES, _LEAST_BLOCK = 2**21, 200
# Where they are not, entries that the user's scoring judges a proposal on.
_JUDGED_ENTRIES = 2_000_000


@dataclass(frozen=True, eq=False)
class TrialPlan:
    """How trials are run: `reward` scores the held-out rows; a single proposal may keep its classifier.

    Where not all probabilities can be kept, `frequency` (L,) tells how to keep what thresholds need of all held-out
    rows; None keeps the probabilities of `Fold.held_out`.
    """

    reward: object
    keep_run: bool = False
    frequency: NDArray | None = None
    keep_classifier: bool = False


@dataclass(eq=False)
class Trial:
    """What came of one proposal on one fold.

    `held_out` has the rows of `Fold.held_out`, or a part of them where `compact` holds all held-out rows; both are
    None after a part of a training. `solution` is what other runs may start from. `classifier` has predicted these
    rows, where it is kept. `paused` is the run after a part of
    it, where it may be resumed.
    """

    proposal: Proposal
    outcome: Outcome | None
    held_out: OutOfFold | None = None
    compact: OutOfFold | None = None
    solution: object = None
    run: TrainingRun | None = None
    classifier: LabelClassifier | None = None
    paused: _Run | None = None

    def __getstate__(self):
        """All but the paused run, which only this process resumes: it is as large as the base learner and the data."""
        return {**self.__dict__, "paused": None}


def run_trials(
    base,
    fold,
    path,
    plan,
    seed,
    threads,
    *,
    share=1.0,
    solution=None,
    resumed=None,
    may_resume=False,
    scored=True,
    reporter=None,
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
        What a run that can start from a solution starts from.
    resumed : object
        The checkpoint of this very run, paused before: the same comes out, in less time.
    may_resume : bool
        Whether a part of a run may be resumed.
    scored : bool
        Whether held-out rows are scored by the reward.
    reporter : callable
        Called after every tenth of a training.
    """
    run = resumed or _Run(base, fold, seed, solution)
    keeps = plan.keep_classifier and len(path) == 1 and share == 1
    run.run.may_be_rough = not keeps
    held_out = HeldOutRows(fold, plan)
    trials, best = [], 0
    with use_threads(threads), torch_seed(seed, run.device, run.states):
        for proposal in path:
            run.train(proposal.weights, share, reporter)
            classifier = run.run.finish() if keeps else None
            predict = run.run.predict_proba if classifier is None else classifier._label_probabilities
            P = held_out.predict(predict) if scored or plan.frequency is None else None
            outcome = held_out.score(P) if scored else None
            trial = Trial(proposal, outcome, None if P is None else held_out.rows(P), solution=run.run.checkpoint())
            trial.run, trial.classifier = run.run if plan.keep_run else None, classifier
            trials.append(trial)
            if len(path) == 1 or outcome.value > trials[best].outcome.value:
                best = len(trials) - 1
            elif proposal.scale >= 1 and is_beaten(outcome, trials[best].outcome):
                break  # all scales up to the user's own are tried, larger ones while none is worse beyond chance
        for trial in trials:
            if trial is not trials[best] and trial.proposal.scale != 1:
                trial.solution = None  # each may be as large as the base learner; these two may start others
        if share < 1:
            for trial in trials:
                trial.held_out = None
        elif plan.frequency is not None:
            trials[-1].compact = held_out.compact(predict)
    if plan.keep_run:
        run.run.release()  # callbacks look at the base learner alone
    if share < 1 and may_resume:
        trials[-1].paused = run
    return trials


class _Run:
    """A training run on a fold's training rows; it may be paused and resumed."""

    def __init__(self, base, fold, seed, solution):
        self.run = base.training_run(seed)
        self.device = self.run.device
        self.fold, self.seed, self.solution = fold, seed, solution
        self.draw, self.states, self.n_made = None, None, 0

    def train(self, weights, share, reporter=None):
        """Make so great a share of all updates under `LossWeights`, counting those that were made before a pause."""
        run = self.run
        if self.draw is None:
            X, Y, sample_weight = self.fold.training_data()
            run.start(X, Y, sample_weight=sample_weight, seed=self.seed, solution=self.solution)
            self.draw = run.batches(len(self.fold.train), np.random.RandomState(self.seed))
        elif self.n_made:
            run.attach(*self.fold.training_data())
        n_updates = max(1, round(share * run.n_updates(len(self.fold.train))))
        step = Steps(n_updates - self.n_made, reporter)
        for _ in range(n_updates - self.n_made):
            run.step(self.draw(), weights)
            step()
        self.n_made = n_updates if share < 1 else 0
        self.states = generator_states(self.device)
        if share < 1:
            run.release()  # other runs hold as many rows meanwhile


class HeldOutRows:
    """The held-out rows of a fold, and what they say of a run."""

    def __init__(self, fold, plan):
        self.X = take_rows(fold.X, fold.held_out)
        self.labels = label_rows(fold.Y, fold.held_out, dtype=np.int8)
        self.Y, self.weight = self.labels > 0, fold.weights_of(fold.held_out)
        self.fold, self.plan = fold, plan

    def predict(self, predict):
        """Probabilities of the rows; what is not known of them is a certain negative."""
        n, step = self.labels.shape[0], max(_LEAST_BLOCK, _BLOCK_ENTRIES // self.labels.shape[1])
        parts = [self.X] if n <= step else (take_rows(self.X, slice(k, k + step)) for k in range(0, n, step))
        return as_certain_negatives(self.labels, np.concatenate([_in_single(predict(X)) for X in parts]))[1]

    def score(self, P):
        """How probabilities of the rows are scored by the reward."""
        return Outcome.of(self.Y, P, self.plan.reward, self.weight)

    def rows(self, P):
        """The rows with these probabilities; where all of them are kept in compact form, a part of them."""
        n = len(P) if self.plan.frequency is None else max(_LEAST_BLOCK, _JUDGED_ENTRIES // P.shape[1])
        weight = None if self.weight is None else self.weight[:n]
        return OutOfFold(self.Y[:n], P[:n].copy() if n < len(P) else P, sample_weight=weight)

    def compact(self, predict):
        """What thresholds need of all held-out rows."""
        rows = CompactRows(self.plan.frequency)
        step = max(_LEAST_BLOCK, _BLOCK_ENTRIES // rows.n_labels)
        all_rows = self.fold.all_held_out
        all_rows = all_rows[~is_unlabeled(self.fold.Y[all_rows])]
        for part in np.split(all_rows, range(step, len(all_rows), step)):
            labels, P = self.fold.Y[part], _in_single(predict(take_rows(self.fold.X, part)))
            if has_unknown(labels):
                labels, P = as_certain_negatives(label_rows(labels, dtype=np.int8), P)
            rows.add(P, labels, sample_weight=self.fold.weights_of(part))
        return OutOfFold.from_compact(rows)


def _in_single(P):
    """Probabilities in float32, where the largest would otherwise be 1."""
    return clip_probabilities(P.astype(np.float32))
