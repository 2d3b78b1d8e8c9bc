"""Label weights by name, from an array, or from a function of the labels."""

import numpy as np

from sklearn_metalabel.learners._base import check_label_weight
from sklearn_metalabel.utils import in_label_order, label_depths, weighted_positives, with_nan

__all__ = ["NAMED_WEIGHTS", "resolve_label_weight"]

NAMED_WEIGHTS = {"uniform", "frequency", "hierarchy"}
# Rare labels get more, but far less than what would make all labels count the same.
_FREQUENCY_EXPONENT = -0.25


def resolve_label_weight(given, Y, label_names, hierarchy=None, *, name="label_weight", sample_weight=None):
    """Weights of shape (n_labels,) and mean 1 for what a user passes as `given`; "frequency" counts rows by weight."""
    if isinstance(given, str):
        weights = _named_weights(given, Y, label_names, hierarchy, sample_weight)
    else:
        weights = given(with_nan(Y)) if callable(given) else in_label_order(given, label_names, name)
    weights = check_label_weight(weights, Y.shape[1], name=name)
    return weights / weights.mean()


def _named_weights(given, Y, label_names, hierarchy, sample_weight):
    """Weights of a name, of any mean."""
    if given == "hierarchy":
        return label_depths(label_names, hierarchy)
    if given == "frequency":
        return np.maximum(weighted_positives(Y, sample_weight), 1.0) ** _FREQUENCY_EXPONENT
    return np.ones(Y.shape[1])
