"""Parameters "auto" and "epoch" turned into numbers, in one place."""

from numbers import Real

import numpy as np

from sklearn_metalabel.policies._episode import EpisodePlan
from sklearn_metalabel.rewards import as_reward
from sklearn_metalabel.utils import shown

__all__ = ["check_exploration", "plan_episodes"]

_BATCH_STEPS = 10
_REFIT_STEPS = 2
_EPOCH_STEPS = 300
# A step is scored on at most this share of the rows it trained on: a forward pass on them costs a third of an update.
_SCORED_SHARE = 0.25
_SCORED_ROWS_AT_LEAST = 100


def plan_episodes(policy, base, folds, start, *, keep_run, keep_classifier=False):
    """The plan of every episode, and the exploration noise of each; `start` is (w_0, p_0)."""
    run = base.training_run(0)
    n_steps, updates = _clock(policy.n_steps, policy.updates_per_step, run, folds)
    first, last = check_exploration(policy.exploration)
    plan = EpisodePlan(
        reward=as_reward(policy.reward),
        n_steps=n_steps,
        updates_per_step=updates,
        update_interval=n_steps if policy.update_interval is None else policy.update_interval,
        n_threshold_samples=policy.n_threshold_samples,
        sigma=first,
        initial_weights=start[0],
        initial_thresholds=start[1],
        n_scored=_scored_rows(run.batch_size, updates),
        keep_run=keep_run,
        keep_classifier=keep_classifier,
    )
    return plan, np.linspace(first, last, policy.n_episodes).tolist()


def _clock(n_steps, updates_per_step, run, folds):
    """Steps of an episode and updates of a step."""
    n = min(len(fold.train) for fold in folds)
    updates = run.n_updates(n)
    if n_steps == "epoch":
        batches = _REFIT_STEPS if run.batch_size is None else -(-n // run.batch_size)
        n_steps = min(batches, _EPOCH_STEPS)
    elif n_steps == "auto" and run.batch_size is None and updates == 1:
        n_steps = _REFIT_STEPS
    elif n_steps == "auto":
        n_steps = -(-updates // -(-updates // _BATCH_STEPS))
    if updates_per_step == "auto":
        updates_per_step = -(-updates // n_steps)
    return n_steps, updates_per_step


def _scored_rows(batch_size, updates_per_step):
    """Rows that a step is scored on, so that scoring stays cheap beside training; None for all."""
    if batch_size is None:
        return None
    return max(_SCORED_ROWS_AT_LEAST, int(_SCORED_SHARE * batch_size * updates_per_step))


def check_exploration(exploration):
    """First and last deviation of the exploration noise, checked."""
    values = np.asarray(exploration, dtype=object)
    if values.shape != (2,) or not all(isinstance(v, Real) and v > 0 for v in values):
        raise ValueError(
            f"exploration must be two positive deviations, of the first and the last episode, got "
            f"{shown(exploration)}; the default is (0.3, 0.05)."
        )
    return float(values[0]), float(values[1])
