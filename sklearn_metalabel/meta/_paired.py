"""The paired policy: every proposal plays the same folds from the same seeds, and held-out rows choose among them."""

from types import SimpleNamespace

import numpy as np
from sklearn.utils.parallel import Parallel

from sklearn_metalabel.meta._judge import Outcome, is_beaten, scale_of_labels
from sklearn_metalabel.meta._learned import Learned
from sklearn_metalabel.meta._proposals import OF_EACH_LABEL, Proposal, proposed_paths
from sklearn_metalabel.meta._trials import run_trials
from sklearn_metalabel.meta._workers import count_workers, delayed_on_fold
from sklearn_metalabel.thresholds._held_out import HeldOut
from sklearn_metalabel.utils import current_threads, label_rows

__all__ = ["PairedTraining"]

# From this many rows on, one fold tells proposals apart.
MANY_ROWS = 5_000
# Folds whose rows are then enough for thresholds, where no proposal is tried to the end.
_FOLDS_OF_MANY_ROWS = 2
# Share of a training after which the proposals that are trainings of their own are then compared for the first time.
AUDITION = 1 / 3


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
    last : Proposal or None
        What an earlier fit took, to start from.
    """

    def __init__(self, base, folds, n_folds, weights, learn, emphasise, last=None):
        self.base, self.weights = base, weights
        Y = folds[0].Y
        learner = base._learner()
        self.positives = np.asarray(Y.sum(axis=0), dtype=np.float64).ravel()
        self.paths = [[Proposal("equal", weights)]]
        if learn and (learner.scales or emphasise):
            self.paths = proposed_paths(learner, weights, self.positives, Y.shape[0], last)
        # Of what is not kept whole, no scale of each label can be put together: the trial is then played again.
        self.too_large = any(fold.all_held_out is not None for fold in folds)
        many = Y.shape[0] >= MANY_ROWS or self.too_large
        self.is_path = len(self.paths) == 1
        self.brief = many and not self.is_path and n_folds == "auto"
        if n_folds == "auto":
            few = 1 if self.brief else _FOLDS_OF_MANY_ROWS
            n_folds = few if many and not learner.scales else len(folds)
        # Two are not worth a comparison on the way.
        self.has_audition = self.brief and len(self.paths) > 2
        self.folds = folds[:n_folds]
        self.n_tried = 1 if many and learner.scales else len(self.folds)
        n_again = 2 if self.has_audition else self.n_tried if self._plays_again() else 0
        self.n_runs = self.n_tried * len(self.paths) + len(self.folds) - self.n_tried + n_again

    def run(self, plan, seeds, final, *, n_jobs=None, monitor):
        """Return what was learned.

        `plan` is a TrialPlan, `seeds` holds one for each fold, `final` is the FinalTraining, `monitor` hears of every
        run.
        """
        calls = _Calls(self.base, plan, n_jobs, monitor)
        rounds = self._audition(calls, seeds[0]) if self.has_audition else self._try(calls, seeds)
        tried = rounds[-1:] if self.has_audition else rounds
        chosen, held_out = self._choose(tried)
        solution = next((trial.solution for trial in tried[0] if trial.solution is not None), None)
        if solution is not None:
            solution = final.train(chosen, solution)._solution()
        left = range(len(held_out), len(self.folds))
        if left and not (calls.stopped and held_out):
            options = {"solution": solution, "judged": False}
            runs = calls([(self.folds[k], [chosen], seeds[k], options) for k in left])
            held_out += [run[-1].held_out for run in runs]
        return self._learned(chosen, rounds, held_out, plan.thresholds)

    def _try(self, calls, seeds):
        """Trials of each fold, of all proposals to the end."""
        arguments = [(self.folds[k], path, seeds[k], {}) for k in range(self.n_tried) for path in self.paths]
        return _by_fold(calls(arguments), len(self.paths))

    def _audition(self, calls, seed):
        """Trials of one fold: all proposals for a while, then equal weights and the best of the others to the end.

        Equal weights learn slowest, so that a short comparison says nothing against them.
        """
        fold, options = self.folds[0], {"share": AUDITION, "keep_begun": calls.n_jobs == 1}
        early = [trials[-1] for trials in calls([(fold, path, seed, options) for path in self.paths])]
        best = 1 + int(np.argmax([trial.outcome.value for trial in early[1:]]))
        arguments = [(fold, self.paths[c], seed, {"begun": early[c].begun}) for c in (0, best)]
        for trial in early:
            trial.begun = None  # each is as large as the base learner
        return early, [trials[-1] for trials in calls(arguments)]

    def _plays_again(self):
        """Whether scales of single labels, on a path whose probabilities are not kept, make folds be played again."""
        return self.too_large and len(self.paths[0]) > 1

    def _choose(self, tried):
        """The proposal to take, and what is held out under it of each fold that was tried, as far as it is known."""
        proposals = [trial.proposal for trial in tried[0]]
        if len(proposals) == 1:
            return proposals[0], [trials[0].held_out for trials in tried]
        outcomes = [Outcome.pooled([trials[c].outcome for trials in tried]) for c in range(len(proposals))]
        if self.is_path:
            return self._choose_scales(proposals, outcomes, tried)
        best = int(np.argmax([outcome.value for outcome in outcomes]))
        best = best if is_beaten(outcomes[0], outcomes[best]) else 0
        return proposals[best], [trials[best].held_out for trials in tried]

    def _choose_scales(self, proposals, outcomes, tried):
        """A scale for each label."""
        scales = np.array([proposal.scale for proposal in proposals])
        neutral = int(np.flatnonzero(scales == 1)[0]) if (scales == 1).any() else None
        of_label = scale_of_labels(outcomes, neutral)
        chosen = proposals[of_label[0]]
        if (of_label != of_label[0]).any():
            label_weight = scales[of_label] * self.weights
            chosen = Proposal(OF_EACH_LABEL, label_weight / label_weight.mean(), label_weight.mean())
        return chosen, [] if self._plays_again() else [_put_together(trials, of_label) for trials in tried]

    def _learned(self, chosen, rounds, held_out, thresholds):
        """The record of the training; `rounds` are lists of trials that can be compared."""
        # One row for each episode: a fold under a path of proposals.
        n_steps = len(rounds[0]) if self.is_path else 1
        trials = [trial for each in rounds for trial in each]
        weights = np.array([trial.proposal.label_weight for trial in trials], dtype=np.float32)
        weights = weights.reshape(-1, n_steps, len(thresholds))
        return Learned(
            proposal=chosen,
            thresholds=thresholds,
            out_of_fold=self._out_of_fold(held_out),
            history={
                "reward": np.array([trial.outcome.value for trial in trials]).reshape(-1, n_steps),
                "baseline": np.concatenate([_baseline(each) for each in rounds]).reshape(-1, n_steps),
                "weights": weights,
                "thresholds": np.broadcast_to(np.float32(thresholds), weights.shape).copy(),
                "greedy_weights": chosen.weights[None],
                "greedy_thresholds": thresholds[None],
            },
        )

    def _out_of_fold(self, held_out):
        """A HeldOut of all folds that were played, or their truth, probabilities and fold of each row."""
        if isinstance(held_out[0], HeldOut):
            return HeldOut.concatenate(held_out, folds=range(len(held_out)))
        played = self.folds[: len(held_out)]
        Y = np.concatenate([label_rows(fold.Y, fold.held_out, dtype=bool) for fold in played])
        return Y, np.concatenate(held_out), np.repeat(np.arange(len(played)), [len(P) for P in held_out])


class _Calls:
    """Runs trials side by side, and reports each to the monitor."""

    def __init__(self, base, plan, n_jobs, monitor):
        self.base, self.plan, self.monitor = base, plan, monitor
        self.threads = current_threads()
        self.n_jobs = count_workers(n_jobs, self.threads["torch"])
        self.stopped = False

    def __call__(self, arguments):
        """Trials of each of (fold, path, seed, further arguments of `run_trials` by name)."""
        tickets = [self.monitor.begin() for _ in arguments]
        played = Parallel(n_jobs=self.n_jobs)(
            delayed_on_fold(
                run_trials,
                fold,
                base=self.base,
                path=path,
                plan=self.plan,
                seed=seed,
                threads=self.threads,
                **options,
            )
            for fold, path, seed, options in arguments
        )
        for ticket, trials in zip(tickets, played, strict=True):
            self.stopped |= bool(self.monitor.end(ticket, _as_episode(trials[-1], self.plan.thresholds)))
        return played


def _by_fold(runs, n_paths):
    """Trials of each fold, of all its paths, as far as every fold came."""
    folds = [[trial for run in runs[k : k + n_paths] for trial in run] for k in range(0, len(runs), n_paths)]
    n_common = min(map(len, folds))
    return [trials[:n_common] for trials in folds]


def _baseline(trials):
    """What the neutral one of comparable trials is worth, for each of them."""
    neutral = np.argmin([abs(np.log(trial.proposal.scale)) for trial in trials])
    return np.full(len(trials), trials[neutral].outcome.value)


def _put_together(trials, of_label):
    """Probabilities of each label under the scale that was chosen for it."""
    P = np.empty_like(trials[0].held_out)
    for c in np.unique(of_label):
        P[:, of_label == c] = trials[c].held_out[:, of_label == c]
    return P


def _as_episode(trial, thresholds):
    """A trial as the monitor knows episodes."""
    return SimpleNamespace(
        learner=trial.learner, weights=trial.proposal.label_weight[None], thresholds=thresholds[None]
    )
