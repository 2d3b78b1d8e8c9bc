"""A learned loss weight and decision threshold for every label, for any multi-label classifier."""

from typing import TYPE_CHECKING

from sklearn_metalabel.utils import lazy_names

if TYPE_CHECKING:
    from sklearn_metalabel._fixed_thresholds import FixedThresholdsClassifier
    from sklearn_metalabel._label_weighted import LabelWeightedClassifier
    from sklearn_metalabel._meta_policy import MetaPolicyClassifier
    from sklearn_metalabel._tuned_thresholds import TunedThresholdsClassifierCV
    from sklearn_metalabel.utils import (
        BrokenPromiseWarning,
        ConstantLabelWarning,
        PolicyDivergenceWarning,
        RareLabelWarning,
        UnreachableThresholdWarning,
    )

__version__ = "0.1.0"
__all__ = [
    "BrokenPromiseWarning",
    "ConstantLabelWarning",
    "FixedThresholdsClassifier",
    "LabelWeightedClassifier",
    "MetaPolicyClassifier",
    "PolicyDivergenceWarning",
    "RareLabelWarning",
    "TunedThresholdsClassifierCV",
    "UnreachableThresholdWarning",
    "__version__",
]

# Importing the package costs what scikit-learn costs; estimators, and torch, are loaded when they are used.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BrokenPromiseWarning": "sklearn_metalabel.utils",
        "ConstantLabelWarning": "sklearn_metalabel.utils",
        "FixedThresholdsClassifier": "sklearn_metalabel._fixed_thresholds",
        "LabelWeightedClassifier": "sklearn_metalabel._label_weighted",
        "MetaPolicyClassifier": "sklearn_metalabel._meta_policy",
        "PolicyDivergenceWarning": "sklearn_metalabel.utils",
        "RareLabelWarning": "sklearn_metalabel.utils",
        "TunedThresholdsClassifierCV": "sklearn_metalabel._tuned_thresholds",
        "UnreachableThresholdWarning": "sklearn_metalabel.utils",
    },
)
