"""From probabilities or scores to label sets.

Names imported as themselves are shared with other rooms; `__all__` is public.
"""

from sklearn_metalabel.decoding._decide import (
    PROBABILITIES as PROBABILITIES,
    SCORES as SCORES,
    decide,
    decide_block as decide_block,
    decide_rows as decide_rows,
)

__all__ = ["decide"]
