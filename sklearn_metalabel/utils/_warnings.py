"""Warnings of the package."""

import warnings

import numpy as np

__all__ = ["ConstantLabelWarning", "PolicyDivergenceWarning", "warn_constant_labels"]

_NAMED_AT_MOST = 5


class ConstantLabelWarning(UserWarning):
    """A label has only positives or only negatives in the training rows."""


class PolicyDivergenceWarning(UserWarning):
    """An unbounded reward drove the policy to values that mean nothing."""


def warn_constant_labels(Y, label_names, *, stacklevel=5):
    """Warn once, naming the columns of `Y` that hold one value only."""
    positives = np.asarray(Y.sum(axis=0)).ravel()
    constant = np.flatnonzero((positives == 0) | (positives == Y.shape[0]))
    if constant.size == 0:
        return
    named = [str(label_names[j]) for j in constant[:_NAMED_AT_MOST]]
    more = f" and {constant.size - len(named)} more" if constant.size > len(named) else ""
    warnings.warn(
        f"{constant.size} of {Y.shape[1]} labels have one value in all training rows "
        f"({', '.join(named)}{more}): they get a constant prediction and take no part in the reward. "
        "Drop these columns, or add rows with the missing value.",
        ConstantLabelWarning,
        stacklevel=stacklevel,
    )
