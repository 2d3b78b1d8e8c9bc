"""The paired policy: every proposal plays the same folds from the same seeds, and held-out rows choose among them."""

from types import SimpleNamespace

import numpy as np
from sklearn.utils.parallel import Parallel

from sklearn_metalabel.meta._judge import Outcome, is_beaten, scale_of_labels
from sklearn_metalabel.meta._learned import Learned
from sklearn_metalabel.meta._proposals import Proposal, proposed_paths
from sklearn_metalabel.meta._trials import run_trials
from sklearn_metalabel.meta._workers import count_workers, delayed_on_fold
from sklearn_metalabel.utils._targets import label_rows
from sklearn_metalabel.utils._threads import current_threads

__all__ = ["PairedTraining"]

# From this many rows on, one fold tells proposals apart, and the rows of two folds suffice for thresholds.
MANY_ROWS = 5_000
_FOLDS_OF_MANY_ROWS = 2


class PairedTraining:
    """Plays folds under each proposal, chooses one, and plays under it what else is needed out of fold.

    Parameters
    ----------
    base : LabelClassifier
        Unfitted; every run trains a copy.
    folds : list of Fold
    n_folds : int or "auto"
        Folds to play.
    weights : ndarray of shape (n_labels,)
        Loss weights that proposals start from.
    learn, emphasise : bool
        Whether to propose anything but `weights`, and whether emphases are among it.
    """

    def __init__(self, base, folds, n_folds, weights, learn, emphasise):
        self.base, self.weights = base, weights
        Y = folds[0].Y
        learner = base._learner()
        self.positives = np.asarray(Y.sum(axis=0), dtype=np.float64).ravel()
        self.paths = [[Proposal("equal", weights)]]
        if learn and (learner.scales or emphasise):
            self.paths = proposed_paths(learner, weights, self.positives, Y.shape[0])
        self.many = Y.shape[0] >= MANY_ROWS
        if n_folds == "auto":
            n_folds = _FOLDS_OF_MANY_ROWS if self.many and not learner.scales else len(folds)
        self.folds = folds[:n_folds]
        self.n_tried = 1 if self.many else len(self.folds)
        self.n_runs = self.n_tried * len(self.paths) + len(self.folds) - self.n_tried

    def run(self, plan, seeds, *, n_jobs=None, monitor):
        """Return what was learned.

        `plan` is a TrialPlan, `seeds` holds one for each fold, `monitor` hears of every run.
        """
        calls = _Calls(self.base, plan, n_jobs, monitor)
        paths = [self.paths] if plan.race else [[path] for path in self.paths]
        tried, solutions = [], []
        runs = calls([(self.folds[k], part, seeds[k], None) for k in range(self.n_tried) for part in paths])
        for k in range(self.n_tried):
            tried.append([t for run in runs[k * len(paths) : (k + 1) * len(paths)] for t in run])
            solutions.append(next((t.solution for t in tried[-1] if t.solution is not None), None))
        n_common = min(map(len, tried))
        tried = [trials[:n_common] for trials in tried]
        chosen, probabilities = self._choose(tried)
        rest = range(self.n_tried, len(self.folds))
        if not calls.stopped and rest:
            runs = calls([(self.folds[k], [[chosen]], seeds[k], solutions[0]) for k in rest])
            probabilities += [run[-1].P for run in runs]
        return self._learned(chosen, tried, probabilities, plan.thresholds, solutions[0])

    def _choose(self, tried):
        """The proposal to take, and the held-out probabilities under it of each fold that was tried."""
        proposals = [trial.proposal for trial in tried[0]]
        if len(proposals) == 1:
            return proposals[0], [trials[0].P for trials in tried]
        outcomes = [Outcome.pooled([trials[c].outcome for trials in tried]) for c in range(len(proposals))]
        if len(self.paths) == 1:
            return self._choose_scales(proposals, outcomes, tried)
        best = 0
        finished = [c for c in range(len(proposals)) if all(trials[c].P is not None for trials in tried)]
        if len(finished) == 1:
            best = finished[0]  # the winner of a race
        else:
            for c in finished[1:]:
                best = c if is_beaten(outcomes[best], outcomes[c]) else best
        return proposals[best], [trials[best].P for trials in tried]

    def _choose_scales(self, proposals, outcomes, tried):
        """A scale for each label."""
        scales = np.array([proposal.scale for proposal in proposals])
        neutral = int(np.flatnonzero(scales == 1)[0]) if (scales == 1).any() else None
        of_label = scale_of_labels(outcomes, neutral)
        probabilities = []
        for trials in tried:
            P = np.empty_like(trials[0].P)
            for c in np.unique(of_label):
                P[:, of_label == c] = trials[c].P[:, of_label == c]
            probabilities.append(P)
        if len(np.unique(of_label)) == 1:
            return proposals[of_label[0]], probabilities
        label_weight = scales[of_label] * self.weights
        return Proposal("scale of each label", label_weight / label_weight.mean(), label_weight.mean()), probabilities

    def _learned(self, chosen, tried, probabilities, thresholds, solution):
        """The record of the training."""
        # One row for each episode: a fold under a path of proposals.
        n_steps = len(tried[0]) // len(self.paths)
        shape = len(tried) * len(self.paths), n_steps
        values = np.array([[trial.outcome.value for trial in trials] for trials in tried])
        neutral = int(np.argmin([abs(np.log(trial.proposal.scale)) for trial in tried[0]]))
        weights = np.array([[trial.proposal.label_weight for trial in trials] for trials in tried], dtype=np.float32)
        weights = weights.reshape(*shape, -1)
        played = self.folds[: len(probabilities)]
        Y = np.concatenate([label_rows(fold.Y, fold.held_out, dtype=bool) for fold in played])
        fold_of = np.repeat(np.arange(len(played)), [len(P) for P in probabilities])
        return Learned(
            proposal=chosen,
            thresholds=thresholds,
            out_of_fold=(Y, np.concatenate(probabilities), fold_of),
            history={
                "reward": values.reshape(shape),
                "baseline": np.repeat(values[:, [neutral]], values.shape[1], axis=1).reshape(shape),
                "weights": weights,
                "thresholds": np.broadcast_to(np.float32(thresholds), weights.shape).copy(),
                "greedy_weights": chosen.weights[None],
                "greedy_thresholds": thresholds[None],
            },
            solution=solution,
        )


class _Calls:
    """Runs trials side by side, and reports each to the monitor."""

    def __init__(self, base, plan, n_jobs, monitor):
        self.base, self.plan, self.monitor = base, plan, monitor
        self.threads = current_threads()
        self.n_jobs = count_workers(n_jobs, self.threads["torch"])
        self.stopped = False

    def __call__(self, arguments):
        """Trials of each of (fold, paths, seed, solution)."""
        tickets = [[self.monitor.begin() for _ in paths] for _, paths, _, _ in arguments]
        played = Parallel(n_jobs=self.n_jobs)(
            delayed_on_fold(
                run_trials,
                fold,
                base=self.base,
                paths=paths,
                plan=self.plan,
                seed=seed,
                threads=self.threads,
                solution=solution,
            )
            for fold, paths, seed, solution in arguments
        )
        for run_tickets, (_, paths, _, _), trials in zip(tickets, arguments, played, strict=True):
            for ticket, trial in zip(run_tickets, _last_of_paths(paths, trials), strict=True):
                self.stopped |= bool(self.monitor.end(ticket, _as_episode(trial, self.plan.thresholds)))
        return played


def _last_of_paths(paths, trials):
    """The trial that each path ended with."""
    return trials[-1:] if len(paths) == 1 else trials


def _as_episode(trial, thresholds):
    """A trial as the monitor knows episodes."""
    return SimpleNamespace(
        learner=trial.learner, weights=trial.proposal.label_weight[None], thresholds=thresholds[None]
    )
