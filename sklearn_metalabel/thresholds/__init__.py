"""Threshold rules: from out-of-fold truth and probabilities to thresholds.

Names imported as themselves are shared with other rooms; `__all__` is public.
"""

from sklearn_metalabel.thresholds._calibration import (
    Calibration as Calibration,
    calibrate_histogram as calibrate_histogram,
)
from sklearn_metalabel.thresholds._compact import BIN_PROBABILITIES as BIN_PROBABILITIES, CompactRows as CompactRows
from sklearn_metalabel.thresholds._constrained import (
    check_constraint as check_constraint,
    constrained,
    constrained_labels as constrained_labels,
)
from sklearn_metalabel.thresholds._cuts import (
    ALWAYS as ALWAYS,
    NEVER as NEVER,
    fill_constant_labels as fill_constant_labels,
)
from sklearn_metalabel.thresholds._joint_rules import (
    global_of as global_of,
    micromacro,
    micromacro_of as micromacro_of,
    shrunken,
    shrunken_of as shrunken_of,
)
from sklearn_metalabel.thresholds._link import LogisticLink as LogisticLink, fit_link as fit_link
from sklearn_metalabel.thresholds._ordered import order_entries as order_entries
from sklearn_metalabel.thresholds._out_of_fold import OutOfFold
from sklearn_metalabel.thresholds._plug_in import plug_in, plug_in_thresholds as plug_in_thresholds
from sklearn_metalabel.thresholds._rank import pcut, rcut
from sklearn_metalabel.thresholds._rules import global_threshold, odr_macro, odr_micro
from sklearn_metalabel.thresholds._scut import scut, scutfbr
from sklearn_metalabel.thresholds._threshold_counts import threshold_counts as threshold_counts

__all__ = [
    "OutOfFold",
    "constrained",
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
