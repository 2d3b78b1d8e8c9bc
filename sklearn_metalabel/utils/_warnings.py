"""Warnings of the package."""

import sys
import warnings

import numpy as np

from sklearn_metalabel.utils._unknown import known_totals, positives_only

__all__ = [
    "BrokenPromiseWarning",
    "ConstantLabelWarning",
    "PolicyDivergenceWarning",
    "RareLabelWarning",
    "UnreachableThresholdWarning",
    "warn_broken_promise",
    "warn_constant_labels",
    "warn_rare_label",
    "warn_sigmoid",
    "warn_unreachable_thresholds",
]

_NAMED_AT_MOST = 5
# Of fewer logits it may be chance that they all lie in [0, 1].
_LEAST_LOGITS = 100
# Losses that give negatives less weight raise logits, perhaps all above 0; a sigmoid still comes this near to it.
_NEAR_ZERO = 0.1
# Whose frames a warning does not point at.
_NOT_THE_USERS = {"sklearn_metalabel", "sklearn", "joblib"}


class ConstantLabelWarning(UserWarning):
    """A label has only positives or only negatives in the training rows."""


class UnreachableThresholdWarning(UserWarning):
    """The threshold of a label lies above all its out-of-fold probabilities."""


class PolicyDivergenceWarning(UserWarning):
    """An unbounded reward drove the policy to values that mean nothing."""


class RareLabelWarning(UserWarning):
    """A label has too few positives or negatives for its classifier, and its frequency stands for its probability."""


def warn_rare_label(label, n_positives, n_samples, error):
    """Warn that the classifier of a label could not be fitted to these rows."""
    warnings.warn(
        f"The classifier of label {label} could not be fitted to {n_samples} rows, {n_positives} of them positive, and "
        f"their share stands for its probability there ({type(error).__name__}: {error}). Add rows of the rarer value, "
        "or choose a classifier without inner splits.",
        RareLabelWarning,
        stacklevel=_users_level(),
    )


def warn_sigmoid(logits, raised):
    """Warn where the logits of the last batch that a network was trained on all look like probabilities.

    `raised` says whether the loss may raise logits above those of calibrated probabilities.
    """
    if logits.size < _LEAST_LOGITS or logits.min() < 0 or logits.max() > 1 or (raised and logits.min() > _NEAR_ZERO):
        return
    warnings.warn(
        "All outputs of the module lie in [0, 1], as if they were probabilities, and logits are expected: take a last "
        "sigmoid or softmax out of the module, since the loss and predict_proba apply one.",
        UserWarning,
        stacklevel=_users_level(),
    )


class BrokenPromiseWarning(UserWarning):
    """The out-of-fold rows of a label do not bear out what its threshold was to promise."""


def warn_broken_promise(kept, label_names, promise):
    """Warn once, naming labels that do not keep a promise; `kept` (L,), bool."""
    out = np.flatnonzero(~np.asarray(kept))
    if out.size == 0:
        return
    warnings.warn(
        f"{out.size} of {len(kept)} labels cannot promise a {promise} ({_named(out, label_names)}): their out-of-fold "
        "rows are too few or too hard. Promise less, lower the confidence, or add positives.",
        BrokenPromiseWarning,
        stacklevel=_users_level(),
    )


def warn_constant_labels(Y, label_names):
    """Warn once, naming the columns of `Y` that hold one value only."""
    positives = np.asarray(positives_only(Y).sum(axis=0, dtype=np.int64)).ravel()
    constant = np.flatnonzero((positives == 0) | (positives == known_totals(Y)))
    if constant.size == 0:
        return
    warnings.warn(
        f"{constant.size} of {Y.shape[1]} labels have one value in all training rows "
        f"({_named(constant, label_names)}): they get a constant prediction and take no part in the reward. "
        "Drop these columns, or add rows with the missing value.",
        ConstantLabelWarning,
        stacklevel=_users_level(),
    )


def warn_unreachable_thresholds(reachable, label_names):
    """Warn once, naming labels that are not `reachable` (L,), bool: their threshold lies above all probabilities."""
    out = np.flatnonzero(~np.asarray(reachable))
    if out.size == 0:
        return
    warnings.warn(
        f"{out.size} of {len(reachable)} labels have a threshold above all their out-of-fold probabilities "
        f"({_named(out, label_names)}): their probability alone would predict them for none of these rows. Add "
        "positives, drop these columns, or choose a prediction policy or scoring that asks for them.",
        UnreachableThresholdWarning,
        stacklevel=_users_level(),
    )


def _users_level():
    """Stack level, seen from the caller, of the first frame outside this package and what calls it."""
    frame, level = sys._getframe(2), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_THE_USERS:
        frame, level = frame.f_back, level + 1
    return level


def _named(labels, label_names):
    """The first few names, and how many more there are."""
    named = ", ".join(str(label_names[j]) for j in labels[:_NAMED_AT_MOST])
    more = labels.size - _NAMED_AT_MOST
    return f"{named} and {more} more" if more > 0 else named
