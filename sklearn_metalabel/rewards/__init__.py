"""Rewards: from truth, probabilities and thresholds to one number for each label, higher is better."""

from sklearn_metalabel.rewards._average_precision import AveragePrecisionReward
from sklearn_metalabel.rewards._base import BaseReward, label_blocks
from sklearn_metalabel.rewards._cost import CostReward
from sklearn_metalabel.rewards._hamming_margin import HammingMarginReward
from sklearn_metalabel.rewards._ratio import RatioReward
from sklearn_metalabel.rewards._resolve import REWARDS as REWARDS, as_reward as as_reward  # Shared with other rooms.
from sklearn_metalabel.rewards._soft_f1 import SoftF1Reward

__all__ = [
    "AveragePrecisionReward",
    "BaseReward",
    "CostReward",
    "HammingMarginReward",
    "RatioReward",
    "SoftF1Reward",
    "label_blocks",
]
