"""Scores of label sets, as used for fine-grained entity typing, and what the user wants to be good at.

Names imported as themselves are shared with other rooms; `__all__` is public.
"""

from sklearn_metalabel.metrics._loose import (
    loose_macro_f1_score,
    loose_micro_f1_score,
    strict_accuracy_score,
)
from sklearn_metalabel.metrics._scoring import (
    DEFAULT_SCORING as DEFAULT_SCORING,
    Scoring as Scoring,
    function_name as function_name,
    unique_name as unique_name,
)

__all__ = ["loose_macro_f1_score", "loose_micro_f1_score", "strict_accuracy_score"]
