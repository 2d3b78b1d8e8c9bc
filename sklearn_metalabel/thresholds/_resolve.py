"""Threshold rules by name."""

from functools import partial

import numpy as np

from sklearn_metalabel.thresholds._checks import check_pair
from sklearn_metalabel.thresholds._cuts import fill_constant_labels
from sklearn_metalabel.thresholds._joint_rules import micromacro, shrunken
from sklearn_metalabel.thresholds._plug_in import plug_in
from sklearn_metalabel.thresholds._rules import global_threshold, odr_macro, odr_micro
from sklearn_metalabel.thresholds._scut import scut, scutfbr

__all__ = ["RULES", "as_rule"]


def _half(Y, P):
    """Thresholds of 0.5, but never and always for labels of one value."""
    Y, P, positives = check_pair(Y, P)
    return fill_constant_labels(np.full(P.shape[1], 0.5), positives, P.shape[0])


RULES = {
    "half": _half,
    "global": global_threshold,
    "scut": scut,
    "scutfbr.0": partial(scutfbr, fbr="nested", variant=0, random_state=0),
    "scutfbr.1": partial(scutfbr, fbr="nested", variant=1, random_state=0),
    "odr_micro": odr_micro,
    "odr_macro": odr_macro,
    "micromacro": micromacro,
    "shrunken": shrunken,
    "plug_in": plug_in,
}


def as_rule(rule):
    """Return the rule of that name, or a callable (Y, P) -> thresholds as it is; or raise.

    What a callable returns is not known here: pass it through `check_thresholds` where it is used.
    """
    if isinstance(rule, str):
        if rule not in RULES:
            raise ValueError(f"rule must be one of {list(RULES)} or a function (Y, P) -> thresholds, got {rule!r}.")
        return RULES[rule]
    if not callable(rule):
        raise TypeError(
            f"rule must be one of {list(RULES)} or a function (Y, P) -> thresholds, got {rule!r} of type "
            f"{type(rule).__name__}."
        )
    return rule
