"""Baselines that model how labels depend on each other."""

from sklearn_metalabel.baselines._predictions_as_features import PredictionsAsFeaturesClassifier
from sklearn_metalabel.baselines._subset_maximization import SubsetMaximizationClassifier

__all__ = ["PredictionsAsFeaturesClassifier", "SubsetMaximizationClassifier"]
