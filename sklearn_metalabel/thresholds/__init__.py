"""Threshold rules: from held-out truth and probabilities to thresholds and decisions."""

from sklearn_metalabel.thresholds._decide import decide
from sklearn_metalabel.thresholds._joint_rules import micromacro, shrunken
from sklearn_metalabel.thresholds._plug_in import plug_in
from sklearn_metalabel.thresholds._rank import pcut, rcut
from sklearn_metalabel.thresholds._rules import global_threshold, odr_macro, odr_micro
from sklearn_metalabel.thresholds._scut import scut, scutfbr

__all__ = [
    "decide",
    "global_threshold",
    "micromacro",
    "odr_macro",
    "odr_micro",
    "pcut",
    "plug_in",
    "rcut",
    "scut",
    "scutfbr",
    "shrunken",
]
