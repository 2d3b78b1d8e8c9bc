"""Policies by the names that estimators take: the one place where a new policy gets its name."""

from __future__ import annotations

from sklearn.base import clone

from sklearn_metalabel.policies._best_of import BestThresholds
from sklearn_metalabel.policies._fixed_weights import FixedWeights
from sklearn_metalabel.policies._learned_thresholds import LearnedThresholds
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.policies._pretrained_policy import PretrainedPolicy, can_steer
from sklearn_metalabel.policies._recurrent import GRUPolicy, SharedGRUPolicy
from sklearn_metalabel.policies._search import PolicySearch
from sklearn_metalabel.policies._threshold_rules import (
    EpisodeThresholds,
    PlugInThresholds,
    SCutFBRThresholds,
    ShrunkenThresholds,
    ThresholdRule,
)
from sklearn_metalabel.policies._training_policy import TrainingPolicy
from sklearn_metalabel.utils import shown

__all__ = ["PREDICTION_POLICIES", "TRAINING_POLICIES", "as_prediction_policy", "as_training_policy"]

TRAINING_POLICIES = {
    "search": PolicySearch(),
    "uniform": FixedWeights("uniform"),
    "pretrained": PretrainedPolicy(),
    "shared": SharedGRUPolicy(),
    "gru": GRUPolicy(),
}
PREDICTION_POLICIES = {
    "learned": LearnedThresholds(),
    "pretrained": LearnedThresholds(n_steps=0),
    **{name: ThresholdRule(name) for name in ("half", "global", "scut")},
    "scutfbr.0": SCutFBRThresholds(variant=0),
    "scutfbr.1": SCutFBRThresholds(variant=1),
    **{name: ThresholdRule(name) for name in ("odr_micro", "odr_macro", "micromacro")},
    "shrunken": ShrunkenThresholds(),
    "plug_in": PlugInThresholds(),
    "episode": EpisodeThresholds(),
}


def as_training_policy(given, base):
    """An unfitted training policy for what a user passes, checked; None is the best one for the base learner."""
    policy = TRAINING_POLICIES["pretrained" if can_steer(base) else "search"] if given is None else given
    if isinstance(given, str):
        if given not in TRAINING_POLICIES:
            raise ValueError(
                f"training_policy must be None, one of {list(TRAINING_POLICIES)} or a policy of "
                f"sklearn_metalabel.policies, got {shown(given)}."
            )
        policy = TRAINING_POLICIES[given]
    if not isinstance(policy, TrainingPolicy):
        raise TypeError(
            f"training_policy must be None, one of {list(TRAINING_POLICIES)} or a TrainingPolicy, got {shown(given)} "
            f"of type {type(given).__name__}."
        )
    policy = clone(policy)
    policy.check()
    return policy


def as_prediction_policy(given):
    """An unfitted prediction policy for what a user passes, checked; None is the learned one, of several the best."""
    policy = PREDICTION_POLICIES["learned"] if given is None else given
    if isinstance(given, str):
        if given not in PREDICTION_POLICIES:
            raise ValueError(
                f"prediction_policy must be None, one of {list(PREDICTION_POLICIES)}, a policy of "
                f"sklearn_metalabel.policies, a function (Y, P) -> thresholds or several of these, got {shown(given)}."
            )
        policy = PREDICTION_POLICIES[given]
    elif isinstance(given, list | tuple):
        policy = BestThresholds(given)
    elif callable(given) and not isinstance(given, PredictionPolicy | type):
        policy = ThresholdRule(given)
    if not isinstance(policy, PredictionPolicy):
        raise TypeError(
            f"prediction_policy must be None, one of {list(PREDICTION_POLICIES)}, a PredictionPolicy, a function "
            f"(Y, P) -> thresholds or several of these, got {shown(given)} of type {type(given).__name__}."
        )
    policy = clone(policy)
    policy.check()
    return policy
