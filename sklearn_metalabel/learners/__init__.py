"""Base learners, and what makes one of any classifier or torch module."""

from sklearn_metalabel.learners._labelwise import LabelwiseClassifier
from sklearn_metalabel.learners._linear import LabelWeightedLogistic
from sklearn_metalabel.learners._losses import asymmetric_loss, distribution_balanced_loss, focal_loss
from sklearn_metalabel.learners._torch import TorchClassifier
from sklearn_metalabel.learners._weighted import LabelWeightedClassifier

__all__ = [
    "LabelWeightedClassifier",
    "LabelWeightedLogistic",
    "LabelwiseClassifier",
    "TorchClassifier",
    "asymmetric_loss",
    "distribution_balanced_loss",
    "focal_loss",
]
