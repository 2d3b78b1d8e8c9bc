"""Rounds of episodes: the same policy plays every fold, then what the copies learned is averaged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_metalabel.policies._episode import Episode, run_episode
from sklearn_metalabel.policies._monitor import MOST_STEPS, RunReport
from sklearn_metalabel.policies._reinforcement import MetaLearner, average_meta_learners
from sklearn_metalabel.policies._runs import pooled_rows
from sklearn_metalabel.policies._workers import count_workers, delayed_on_fold
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import as_certain_negatives, current_threads, in_order, label_rows, runs_here

__all__ = ["EpisodeRounds", "play_rounds"]


@dataclass(eq=False)
class EpisodeRounds:
    """A trained meta-learner, the episodes that trained it, and those of the last round."""

    meta: MetaLearner
    episodes: list[Episode] = field(default_factory=list)
    last_round: list[Episode] = field(default_factory=list)

    def seen(self):
        """What the greedy episode looks at: features and anchors by step, averaged over the last round."""
        if self.last_round[0].features is None:
            return {}
        return {
            "features": np.mean([e.features for e in self.last_round], axis=0),
            "anchors": np.mean([e.anchors for e in self.last_round], axis=0),
        }

    def out_of_fold(self, folds):
        """The held-out rows of the last round, or None where none were held out."""
        played = [(fold, e.P) for fold, e in zip(folds, self.last_round, strict=False) if e.P is not None]
        if not played:
            return None
        parts = [(*as_certain_negatives(label_rows(f.Y, f.held_out, np.int8), P), f) for f, P in played]
        return pooled_rows([OutOfFold(Y, P, sample_weight=f.weights_of(f.held_out)) for Y, P, f in parts])

    def history(self):
        """Arrays by episode and step, ready for a plot."""
        return {
            "reward": np.stack([e.rewards for e in self.episodes]),
            "baseline": np.stack([e.baselines for e in self.episodes]),
            "weights": np.stack([e.weights for e in self.episodes]),
            "thresholds": np.stack([e.thresholds for e in self.episodes]),
        }


def play_rounds(meta, task, plan, sigmas, seeds):
    """Play one episode for each of `seeds`, all folds of a round at the same time.

    Parameters
    ----------
    meta : MetaLearner
    task : TrainingTask
        Its episode m plays fold m modulo their number.
    plan : EpisodePlan
    sigmas : sequence of float
        Exploration noise of each episode.
    seeds : sequence of int
        Seed of each episode.

    Returns
    -------
    rounds : EpisodeRounds
    """
    # Each episode has the thread counts of the caller, so that no sum depends on `n_jobs`.
    threads, folds, monitor = current_threads(), task.folds, task.monitor
    n_jobs = count_workers(task.n_jobs, threads)
    rounds, n_told = EpisodeRounds(meta), min(MOST_STEPS, plan.n_steps) if runs_here(n_jobs) else 0
    for first in range(0, len(seeds), len(folds)):
        numbers = range(first, min(first + len(folds), len(seeds)))
        tickets, played, stops = [monitor.begin(n_told) for _ in numbers], [], []
        outcomes = in_order(
            n_jobs,
            [
                delayed_on_fold(
                    run_episode,
                    folds[m - first],
                    memory=task.memory,
                    meta=rounds.meta,
                    base=task.base,
                    plan=replace(plan, sigma=sigmas[m]),
                    seed=seeds[m],
                    threads=threads,
                    reporter=monitor.reporter(ticket) if n_told else None,
                )
                for ticket, m in zip(tickets, numbers, strict=True)
            ],
        )
        # All episodes of the round are played and reported before any of them may end the training.
        for ticket, episode in zip(tickets, outcomes, strict=True):
            played.append(episode)
            stops.append(monitor.end(ticket, _report(episode)))
        rounds.meta = average_meta_learners([e.meta for e in played])
        rounds.episodes += [
            replace(e, meta=None, P=None, features=None, anchors=None, run=None, classifier=None) for e in played
        ]
        rounds.last_round = played
        if any(stops):
            break
    return rounds


def _report(episode):
    """What is told of an episode."""
    return RunReport("episode", float(episode.rewards.mean()), episode.run, episode.weights[-1], episode.thresholds[-1])
