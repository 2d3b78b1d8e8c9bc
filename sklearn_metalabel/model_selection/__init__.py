"""Splitters that keep the share of every label about the same in all parts.

Names imported as themselves are shared with other rooms; `__all__` is public.
"""

from sklearn_metalabel.model_selection._group_kfold import MultilabelStratifiedGroupKFold
from sklearn_metalabel.model_selection._kfold import MultilabelStratifiedKFold
from sklearn_metalabel.model_selection._resolve import splits_of as splits_of
from sklearn_metalabel.model_selection._shuffle_split import MultilabelStratifiedShuffleSplit
from sklearn_metalabel.model_selection._splits import (
    checked_splits as checked_splits,
    deal_rows as deal_rows,
    refuse_several as refuse_several,
)

__all__ = ["MultilabelStratifiedGroupKFold", "MultilabelStratifiedKFold", "MultilabelStratifiedShuffleSplit"]
