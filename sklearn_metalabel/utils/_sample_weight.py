"""Who takes weights of samples, and whether they matter."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature

import numpy as np

__all__ = ["takes_sample_weight", "weights_differ"]


def takes_sample_weight(function: Callable, *, by_name: bool = True) -> bool:
    """Whether `sample_weight` stands in the signature of a function, or, not by name, any keyword may be passed."""
    try:
        parameters = signature(function).parameters
    except (TypeError, ValueError):  # compiled functions may have none
        return not by_name
    takes_any = any(each.kind == Parameter.VAR_KEYWORD for each in parameters.values())
    return "sample_weight" in parameters or (takes_any and not by_name)


def weights_differ(sample_weight: np.ndarray | None) -> bool:
    """Whether some weights above 0 differ."""
    if sample_weight is None:
        return False
    positive = sample_weight[sample_weight > 0]
    return positive.size > 0 and bool((positive != positive[0]).any())
