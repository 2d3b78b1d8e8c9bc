"""A learned loss weight and decision threshold for every label, for any multi-label classifier."""

from sklearn_metalabel._fixed_thresholds import FixedThresholdsClassifier
from sklearn_metalabel._meta_policy import MetaPolicyClassifier
from sklearn_metalabel._tuned_thresholds import TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LabelWeightedClassifier
from sklearn_metalabel.utils import ConstantLabelWarning, PolicyDivergenceWarning

__version__ = "0.1.0"
__all__ = [
    "ConstantLabelWarning",
    "FixedThresholdsClassifier",
    "LabelWeightedClassifier",
    "MetaPolicyClassifier",
    "PolicyDivergenceWarning",
    "TunedThresholdsClassifierCV",
    "__version__",
]
