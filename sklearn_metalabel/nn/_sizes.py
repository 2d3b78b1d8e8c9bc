"""Sizes of networks, refused by name before torch meets them."""

from numbers import Integral, Real

import numpy as np

from sklearn_metalabel.utils import shown

__all__ = ["as_sizes", "check_dropout", "check_sizes"]


def check_sizes(**sizes: object) -> None:
    """Raise where a size is no positive integer."""
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} must be a positive integer, got {shown(size)}; give the layer at least one unit.")


def as_sizes(name: str, sizes: object) -> tuple[int, ...]:
    """Several sizes, each a positive integer, or raise."""
    if isinstance(sizes, str | bytes) or not np.iterable(sizes):
        raise ValueError(f"{name} must be a sequence of positive integers, got {shown(sizes)}.")
    given = tuple(sizes)
    for size in given:
        check_sizes(**{name: size})
    return given


def check_dropout(dropout: object) -> None:
    """Raise where a share of units to drop is none."""
    if not isinstance(dropout, Real) or not 0 <= float(dropout) <= 1:
        raise ValueError(f"dropout must be a number in [0, 1], got {shown(dropout)}; 0 drops nothing.")
