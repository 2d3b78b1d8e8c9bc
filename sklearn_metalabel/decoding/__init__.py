"""From probabilities or scores to label sets.

Names imported as themselves are shared with other rooms; `__all__` is public.
"""

from sklearn_metalabel.decoding._candidate_sets import candidate_sets as candidate_sets
from sklearn_metalabel.decoding._decide import (
    PROBABILITIES as PROBABILITIES,
    SCORES as SCORES,
    decide,
    decide_block as decide_block,
    decide_rows as decide_rows,
    margins as margins,
)
from sklearn_metalabel.decoding._dependence import Dependence, alone as alone
from sklearn_metalabel.decoding._label_pairs import strongest_pairs as strongest_pairs
from sklearn_metalabel.decoding._label_sets import (
    LabelSets,
    codes_of_rows as codes_of_rows,
    distinct as distinct,
    expand as expand,
    segment_sums as segment_sums,
)
from sklearn_metalabel.decoding._set_marginals import SetMarginals, listed_sets as listed_sets

__all__ = ["Dependence", "LabelSets", "SetMarginals", "decide"]
