"""Weights and thresholds that an episode starts from."""

import numpy as np

from sklearn_metalabel.learners import check_label_weight
from sklearn_metalabel.policies._squash import squash_weights
from sklearn_metalabel.utils import as_numbers, shown

__all__ = ["check_starts", "start_thresholds", "start_weights"]


def check_starts(weights, thresholds):
    """Raise where a start is a name other than "random"; arrays are checked against the labels later."""
    for name, given in (("initial_weights", weights), ("initial_thresholds", thresholds)):
        if isinstance(given, str) and given != "random":
            raise ValueError(f'{name} must be None, "random" or an array of shape (n_labels,), got {shown(given)}.')


def start_weights(given, anchor, rng):
    """w_0 of mean 1: the anchor for None, softmax-normal for "random", else as given."""
    n_labels = len(anchor)
    if given is None:
        return anchor
    if isinstance(given, str):
        return squash_weights(rng.standard_normal(n_labels))
    weights = check_label_weight(given, n_labels, name="initial_weights")
    return weights / weights.mean()


def start_thresholds(given, n_labels, rng):
    """p_0 in (0, 1): 0.5 for None, uniform for "random", else as given."""
    if given is None:
        return np.full(n_labels, 0.5)
    if isinstance(given, str):
        return rng.uniform(0.05, 0.95, n_labels)
    thresholds = as_numbers(given, "initial_thresholds")
    if thresholds.shape not in ((), (n_labels,)) or not ((thresholds > 0) & (thresholds < 1)).all():
        raise ValueError(
            f"initial_thresholds must be one number or one for each of the {n_labels} labels, inside (0, 1), got "
            f"shape {thresholds.shape} with values {thresholds.ravel()[:3].tolist()}; pass such an array, or None."
        )
    return np.array(np.broadcast_to(thresholds, n_labels))
