"""The prediction policy: one small network that turns what held-out rows say of a label into its threshold."""

from sklearn_metalabel.prediction._search import learn_thresholds, pretrained_thresholds

__all__ = ["learn_thresholds", "pretrained_thresholds"]
