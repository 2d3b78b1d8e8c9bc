"""Label weights by name, from an array, or from a function of the labels."""

import numpy as np

from sklearn_metalabel.learners._base import check_label_weight
from sklearn_metalabel.utils import label_depths

__all__ = ["NAMED_WEIGHTS", "resolve_label_weight"]

NAMED_WEIGHTS = {"uniform", "frequency", "hierarchy"}
# Rare labels get more, but far less than what would make all labels count the same.
_FREQUENCY_EXPONENT = -0.25


def resolve_label_weight(given, Y, label_names, hierarchy=None, *, name="label_weight"):
    """Weights of shape (n_labels,) and mean 1 for what a user passes as `given`."""
    if isinstance(given, str):
        weights = _named_weights(given, Y, label_names, hierarchy)
    else:
        weights = given(Y) if callable(given) else given
    weights = check_label_weight(weights, Y.shape[1], name=name)
    return weights / weights.mean()


def _named_weights(given, Y, label_names, hierarchy):
    """Weights of a name, of any mean."""
    if given == "hierarchy":
        return label_depths(label_names, hierarchy)
    if given == "frequency":
        return np.maximum(np.asarray(Y.sum(axis=0), dtype=np.float64).ravel(), 1) ** _FREQUENCY_EXPONENT
    return np.ones(Y.shape[1])
