"""The training policy that comes trained."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np

from sklearn_metalabel.learners import LossSchedule, LossWeights, resolve_label_weight
from sklearn_metalabel.policies._fixed_weights import check_weights
from sklearn_metalabel.policies._runs import TrialRunner, folds_for, held_out_rows, trial_plan
from sklearn_metalabel.policies._search import MANY_ROWS
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult
from sklearn_metalabel.rewards import as_reward
from sklearn_metalabel.utils import draw_seeds, torch_settings

__all__ = ["PretrainedPolicy"]


class PretrainedPolicy(TrainingPolicy):
    needs_held_out = True

    def __init__(self, *, weights="uniform", prior=None):
        self.weights = weights
        self.prior = prior

    def check(self):
        """Raise where a parameter is not as described."""
        check_weights(self.weights, "weights")

    @torch_settings()
    def train(self, task):
        from sklearn_metalabel.policies._steered_run import N_ACTIONS, run_steered

        folds = folds_for(task)
        options = {"name": "weights", "sample_weight": folds[0].sample_weight}
        label_weight = resolve_label_weight(self.weights, folds[0].Y, task.label_names, **options)
        seeds = draw_seeds(task.random_state, len(folds))
        folds = folds[: 1 if folds[0].Y.shape[0] >= MANY_ROWS else len(folds)]
        runner = TrialRunner(task, trial_plan(task, folds, as_reward("average_precision")))
        parameters = np.asarray(_prior()["parameters"] if self.prior is None else self.prior)
        shared = {"parameters": parameters, "label_weight": label_weight}
        calls = [(fold, {**shared, "seed": seed}) for fold, seed in zip(folds, seeds, strict=False)]
        trials = [made[-1] for made in runner.call(run_steered, calls)]
        schedule = mean_schedule([trial.proposal.weights for trial in trials])
        self.best_proposal_ = "pretrained"
        self.length_ = len(schedule.parts) / N_ACTIONS
        self.history_ = _history(trials, N_ACTIONS)
        return TrainingResult(schedule, held_out_rows(trials))


@cache
def _prior():
    """Read `training_prior.json`: "parameters" and "provenance"."""
    path = files("sklearn_metalabel.policies").joinpath("training_prior.json")
    return json.loads(path.read_text(encoding="utf-8"))


def mean_schedule(schedules):
    """The schedule of mean length whose parts are means of those of several; one that has ended stays at its end."""
    length = max(1, round(np.mean([len(schedule.parts) for schedule in schedules])))
    parts = []
    for k in range(length):
        at = [schedule.parts[min(k, len(schedule.parts) - 1)] for schedule in schedules]
        label, positive = (
            np.exp(np.mean(np.log(part), axis=0)) for part in zip(*((w.label, w.positive) for w in at), strict=True)
        )
        parts.append(LossWeights(label, positive, float(np.mean([w.focus for w in at]))))
    return LossSchedule(parts, schedules[0].n_parts)


def _history(trials, n_parts):
    n_labels = len(trials[0].proposal.weights.last.label)
    shape = len(trials), n_parts
    history = {"reward": np.full(shape, np.nan), "focus": np.full(shape, np.nan)}
    history |= {name: np.full((*shape, n_labels), np.nan, dtype=np.float32) for name in ("weights", "positive_weights")}
    for i, trial in enumerate(trials):
        parts = trial.proposal.weights.parts
        history["reward"][i, : len(parts)] = trial.rewards
        for k, part in enumerate(parts):
            history["focus"][i, k] = part.focus
            history["weights"][i, k], history["positive_weights"][i, k] = part.label, part.positive
    return history
