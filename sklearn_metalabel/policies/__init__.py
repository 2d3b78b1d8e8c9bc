"""Who decides: training policies choose loss weights, prediction policies turn probabilities into label sets.

Names imported as themselves are shared with other rooms; `__all__` is public.
"""

from sklearn_metalabel.policies._best_of import BestThresholds
from sklearn_metalabel.policies._combinations import check_kept as check_kept, check_policies as check_policies
from sklearn_metalabel.policies._constrained_thresholds import ConstrainedThresholds
from sklearn_metalabel.policies._fixed_weights import FixedWeights
from sklearn_metalabel.policies._judge import Judge as Judge
from sklearn_metalabel.policies._learned_thresholds import LearnedThresholds
from sklearn_metalabel.policies._monitor import CallbackMonitor as CallbackMonitor
from sklearn_metalabel.policies._nested import as_columns as as_columns, as_rows as as_rows
from sklearn_metalabel.policies._part_monitor import PartMonitor as PartMonitor
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.policies._pretrained_policy import PretrainedPolicy
from sklearn_metalabel.policies._recurrent import GRUPolicy, SharedGRUPolicy
from sklearn_metalabel.policies._registry import (
    PREDICTION_POLICIES as PREDICTION_POLICIES,
    TRAINING_POLICIES as TRAINING_POLICIES,
    as_prediction_policy as as_prediction_policy,
    as_training_policy as as_training_policy,
)
from sklearn_metalabel.policies._runs import train_folds
from sklearn_metalabel.policies._search import PolicySearch
from sklearn_metalabel.policies._threshold_rules import (
    EpisodeThresholds,
    FixedThresholds,
    PlugInThresholds,
    SCutFBRThresholds,
    ShrunkenThresholds,
    ThresholdRule,
)
from sklearn_metalabel.policies._training_policy import TrainingPolicy, TrainingResult, TrainingTask

__all__ = [
    "BestThresholds",
    "ConstrainedThresholds",
    "EpisodeThresholds",
    "FixedThresholds",
    "FixedWeights",
    "GRUPolicy",
    "LearnedThresholds",
    "PlugInThresholds",
    "PolicySearch",
    "PredictionPolicy",
    "PretrainedPolicy",
    "SCutFBRThresholds",
    "SharedGRUPolicy",
    "ShrunkenThresholds",
    "ThresholdRule",
    "TrainingPolicy",
    "TrainingResult",
    "TrainingTask",
    "train_folds",
]
