"""Scores of label sets, as used for fine-grained entity typing."""

from sklearn_metalabel.metrics._loose import (
    loose_macro_f1_score,
    loose_micro_f1_score,
    strict_accuracy_score,
)

__all__ = ["loose_macro_f1_score", "loose_micro_f1_score", "strict_accuracy_score"]
