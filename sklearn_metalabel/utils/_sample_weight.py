"""Who takes weights of samples, and whether they matter."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature

import numpy as np

__all__ = ["takes_sample_weight", "weights_differ"]


def takes_sample_weight(function: Callable) -> bool:
    """Whether `sample_weight` stands in the signature of a function."""
    try:
        return "sample_weight" in signature(function).parameters
    except (TypeError, ValueError):  # compiled functions may have none
        return False


def weights_differ(sample_weight: np.ndarray | None) -> bool:
    """Whether some weights above 0 differ."""
    if sample_weight is None:
        return False
    positive = sample_weight[sample_weight > 0]
    return positive.size > 0 and bool((positive != positive[0]).any())
