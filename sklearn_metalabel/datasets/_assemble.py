"""What the loaders of the paper's data share: subsets, label matrices, trees of labels and frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse as sp
from sklearn.utils import Bunch

from sklearn_metalabel.utils import shown

__all__ = ["as_dataset", "check_subset", "indicator", "parent_indices"]


def check_subset(subset: object) -> None:
    """Raise unless `subset` is one of the three names."""
    if not isinstance(subset, str) or subset not in ("train", "test", "all"):
        raise ValueError(f'subset must be "train", "test" or "all"; got {shown(subset)}.')


def indicator(row: ArrayLike, column: ArrayLike, shape: tuple[int, int]) -> sp.csr_array:
    """CSR array of the given shape, int8, with a 1 at each pair of row and column; a pair given twice counts once."""
    rows, columns = np.asarray(row, dtype=np.int32), np.asarray(column, dtype=np.int32)
    Y = sp.csr_array((np.ones(rows.size, dtype=bool), (rows, columns)), shape=shape)
    Y.sum_duplicates()
    return Y.astype(np.int8)


def parent_indices(names: Sequence[str], parent_of: Callable[[str], str | None]) -> NDArray[np.intp]:
    """Index of the parent of each name, found by `parent_of`; -1 where the parent is not among the names."""
    index: dict[str | None, int] = {name: j for j, name in enumerate(names)}
    return np.array([index.get(parent_of(name), -1) for name in names], dtype=np.intp)


def as_dataset(bunch: Bunch, columns: Sequence[str], *, return_X_y: bool, as_frame: bool) -> Any:
    """The Bunch or the pair (data, target), with frames of these columns if `as_frame`."""
    if as_frame:
        _to_frames(bunch, columns)
    return (bunch.data, bunch.target) if return_X_y else bunch


def _to_frames(bunch, columns):
    """Replace data and target by pandas objects and add the two side by side."""
    import pandas as pd

    data = pd.DataFrame(bunch.data, columns=columns)
    bunch.target = pd.DataFrame(bunch.target.toarray(), columns=bunch.target_names)
    bunch.frame = pd.concat([data, bunch.target], axis=1)
    bunch.data = data if len(columns) > 1 else data[columns[0]]
