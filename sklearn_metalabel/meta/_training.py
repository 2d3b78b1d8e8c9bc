"""From the parameters of the estimator to a training of its policy, recurrent or paired."""

from dataclasses import dataclass, replace
from typing import Any

from sklearn.utils import Bunch

from sklearn_metalabel.meta._divergence import warn_if_diverged
from sklearn_metalabel.meta._learner import MetaLearner, MetaSettings
from sklearn_metalabel.meta._paired import PairedTraining
from sklearn_metalabel.meta._plan import plan_episodes
from sklearn_metalabel.meta._rounds import train_policy
from sklearn_metalabel.meta._trials import TrialPlan
from sklearn_metalabel.prediction._choosers import needs_all_probabilities
from sklearn_metalabel.rewards._resolve import as_reward
from sklearn_metalabel.utils import draw_seed, draw_seeds, torch_seed

__all__ = ["RECURRENT", "Training", "prepare_training", "restored_meta_learner"]

# Policies that learn by gradient, in so many episodes where the user does not say.
RECURRENT = ("shared", "gru")
_EPISODES = 3
_REWARDS = {"paired": "average_precision", "shared": "soft_f1", "gru": "soft_f1"}


@dataclass(frozen=True)
class Training:
    """`run(monitor, final)` returns what was `Learned`, in `n_episodes` episodes; `settings` are a recurrent policy's.

    `final` is the FinalTraining, for a policy that has a use for its solution.
    """

    run: Any
    n_episodes: int
    settings: MetaSettings | None = None


def prepare_training(params, base, folds, start, anchor, rng, *, emphasise, keep_learner, last=(None, None)):
    """`Training` of the policy.

    `params` are the parameters of the estimator by name, `start` is (w_0, p_0), `anchor` (L,) what weights depart
    from; `emphasise` tells whether proposals may distort probabilities, and `last` is what an earlier fit ended with:
    its proposal and the arrays of its policy.
    """
    if params["reward"] == "auto":
        params = {**params, "reward": _REWARDS[params["policy"]]}
    if params["policy"] == "paired":
        return _prepare_paired(params, base, folds, start, rng, emphasise, keep_learner, last[0])
    return _prepare_recurrent(params, base, folds, start, anchor, rng, keep_learner, last[1])


def restored_meta_learner(settings, anchor, policy_state):
    """A trained recurrent meta-learner from its arrays."""
    with torch_seed(0):
        meta = MetaLearner(settings, anchor)
    return meta.load_policy_state(policy_state)


def _prepare_paired(params, base, folds, start, rng, emphasise, keep_learner, last):
    """The training that compares proposals."""
    weights, thresholds = start
    learn = params["learn_weights"]
    if not emphasise or not params["learn_thresholds"] or _needs_all(params["rule"], params["criterion"]):
        folds = [replace(fold, all_held_out=None) for fold in folds]
    training = PairedTraining(base, folds, params["n_episodes"], weights, learn, learn and emphasise, last)
    frequency = training.positives / folds[0].Y.shape[0] if training.too_large else None
    plan = TrialPlan(as_reward(params["reward"]), thresholds, keep_learner, frequency)
    seeds = draw_seeds(rng, len(folds))

    def run(monitor, final):
        return training.run(plan, seeds, final, n_jobs=params["n_jobs"], monitor=monitor)

    return Training(run, training.n_runs)


def _needs_all(rule, criterion):
    """Whether thresholds are chosen from more than the best entries of each row."""
    return rule == "episode" or needs_all_probabilities(rule, criterion)


def _prepare_recurrent(params, base, folds, start, anchor, rng, keep_learner, last):
    """The training that follows a policy gradient."""
    n_episodes = _EPISODES if params["n_episodes"] == "auto" else params["n_episodes"]
    plan, sigmas = plan_episodes(
        Bunch(**{**params, "n_episodes": n_episodes}), base, folds, start, keep_learner=keep_learner
    )
    settings = MetaSettings.from_params(params)
    with torch_seed(draw_seed(rng)):
        meta = MetaLearner(settings, anchor)
    if last:
        _check_shapes(last, meta.policy_state())
        meta.load_policy_state(last)
    seeds = draw_seeds(rng, n_episodes)

    def run(monitor, final):
        training = train_policy(meta, base, folds, plan, sigmas, seeds, n_jobs=params["n_jobs"], monitor=monitor)
        learned = training.learned(plan, folds)
        warn_if_diverged(plan.reward, learned.history)
        return learned

    return Training(run, n_episodes, settings)


def _check_shapes(last, policy_state):
    """Refuse the arrays of a policy that is not like this one."""
    if {name: a.shape for name, a in last.items()} != {name: a.shape for name, a in policy_state.items()}:
        raise ValueError(
            "warm_start=True goes on with the policy of the last fit, and policy, hidden_size or the number of labels "
            "is not what it was; set warm_start=False for this fit."
        )
