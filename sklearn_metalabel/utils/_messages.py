"""What messages say of the values that came, in one line, and arrays of numbers or a message of one line."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["as_numbers", "shown"]

_LONGEST = 80


def shown(value: object) -> str:
    """How a value is written in a message: on one line, and cut where it is long."""
    line = " ".join(repr(value).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def as_numbers(values: Any, name: str, *, dtype: Any = np.float64) -> NDArray[Any]:
    """Values as an array of real numbers of the given type, or raise under the name that a user knows them by."""
    try:
        array = values if sp.issparse(values) else np.asarray(values)
        if array.dtype.kind in "biufO" and not sp.issparse(array):
            return array.astype(dtype, copy=False)
    except (TypeError, ValueError):  # objects that are no numbers, and rows of unequal lengths
        pass
    raise ValueError(f"{name} must be a dense array of real numbers, got {shown(values)}; pass numbers alone.")
