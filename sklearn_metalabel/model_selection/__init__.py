"""Splitters that keep the share of every label about the same in all parts."""

from sklearn_metalabel.model_selection._kfold import MultilabelStratifiedKFold
from sklearn_metalabel.model_selection._shuffle_split import MultilabelStratifiedShuffleSplit

__all__ = ["MultilabelStratifiedKFold", "MultilabelStratifiedShuffleSplit"]
