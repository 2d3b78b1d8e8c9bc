"""Rounds of episodes: the same policy plays every fold, then what the copies learned is averaged."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.parallel import Parallel

from sklearn_metalabel.meta._episode import greedy_episode, run_episode
from sklearn_metalabel.meta._learned import Learned
from sklearn_metalabel.meta._learner import average_meta_learners
from sklearn_metalabel.meta._proposals import Proposal
from sklearn_metalabel.meta._workers import count_workers, delayed_on_fold
from sklearn_metalabel.utils import current_threads, label_rows

__all__ = ["PolicyTraining", "train_policy"]


@dataclass
class PolicyTraining:
    """A trained meta-learner, the episodes that trained it, and those of the last round."""

    meta: object
    episodes: list
    last_round: list

    def seen(self):
        """What the greedy episode looks at: features and anchors by step, averaged over the last round."""
        if self.last_round[0].features is None:
            return {}
        return {
            "features": np.mean([e.features for e in self.last_round], axis=0),
            "anchors": np.mean([e.anchors for e in self.last_round], axis=0),
        }

    def learned(self, plan, folds):
        """What the greedy episode ends with, and what happened before."""
        seen = self.seen()
        greedy = greedy_episode(self.meta, plan.n_steps, plan.initial_weights, plan.initial_thresholds, **seen)
        return Learned(
            proposal=Proposal("greedy episode", greedy[0][-1]),
            thresholds=greedy[1][-1],
            out_of_fold=self.out_of_fold(folds),
            history={**self.history(), "greedy_weights": greedy[0], "greedy_thresholds": greedy[1]},
            policy_state=self.meta.policy_state(),
            seen=seen,
        )

    def out_of_fold(self, folds):
        """Truth, probabilities and fold of the held-out rows of the last round, or None where none were held out."""
        played = [(fold, e.P) for fold, e in zip(folds, self.last_round, strict=False) if e.P is not None]
        if not played:
            return None
        Y = np.concatenate([label_rows(fold.Y, fold.held_out, dtype=bool) for fold, _ in played])
        P = np.concatenate([P for _, P in played])
        return Y, P, np.repeat(np.arange(len(played)), [len(P) for _, P in played])

    def history(self):
        """Arrays by episode and step, ready for a plot."""
        return {
            "reward": np.stack([e.rewards for e in self.episodes]),
            "baseline": np.stack([e.baselines for e in self.episodes]),
            "weights": np.stack([e.weights for e in self.episodes]),
            "thresholds": np.stack([e.thresholds for e in self.episodes]),
        }


def train_policy(meta, base, folds, plan, sigmas, seeds, *, n_jobs=None, monitor=None):
    """Play one episode for each of `seeds`, all folds of a round at the same time.

    Parameters
    ----------
    meta : MetaLearner
    base : LabelClassifier
        Unfitted; every episode trains a copy.
    folds : list of Fold
        Episode m plays fold m modulo their number.
    plan : EpisodePlan
    sigmas : sequence of float
        Exploration noise of each episode.
    seeds : sequence of int
        Seed of each episode.
    n_jobs : int or None
        Episodes played at the same time. Each has the thread counts of the caller, so that no sum depends on it.
    monitor : object or None
        Its `begin()` gives a ticket before each episode; its `end(ticket, episode)` ends the training by True.

    Returns
    -------
    training : PolicyTraining
    """
    threads = current_threads()
    n_jobs = count_workers(n_jobs, threads["torch"])
    training = PolicyTraining(meta, [], [])
    for first in range(0, len(seeds), len(folds)):
        numbers = range(first, min(first + len(folds), len(seeds)))
        tickets = [monitor.begin() for _ in numbers] if monitor else []
        played = Parallel(n_jobs=n_jobs)(
            delayed_on_fold(
                run_episode,
                folds[m - first],
                meta=training.meta,
                learner=base._clone_for_training(seeds[m])._learner(),
                plan=replace(plan, sigma=sigmas[m]),
                seed=seeds[m],
                threads=threads,
            )
            for m in numbers
        )
        training.meta = average_meta_learners([e.meta for e in played])
        training.episodes += [replace(e, meta=None, P=None, features=None, anchors=None, learner=None) for e in played]
        training.last_round = played
        # All episodes of the round were played, so all are reported before any of them may end the training.
        stops = [monitor.end(ticket, e) for ticket, e in zip(tickets, played, strict=True)] if monitor else []
        if any(stops):
            break
    return training
