"""What the loaders of the paper's data share: parts, label matrices, trees of labels and frames."""

import numpy as np
from scipy import sparse as sp

__all__ = ["as_dataset", "check_subset", "indicator", "parent_indices"]


def check_subset(subset):
    """Refuse everything but the names of the parts."""
    if subset not in ("train", "test", "all"):
        raise ValueError(f'subset must be "train", "test" or "all"; got {subset!r}.')


def indicator(row, column, shape):
    """CSR array of the given shape, int8, with a 1 at each pair of row and column; a pair given twice counts once."""
    row, column = np.asarray(row, dtype=np.int32), np.asarray(column, dtype=np.int32)
    Y = sp.csr_array((np.ones(row.size, dtype=bool), (row, column)), shape=shape)
    Y.sum_duplicates()
    return Y.astype(np.int8)


def parent_indices(names, parent_of):
    """Index of the parent of each name, by a function from name to name; -1 where it is not among the names."""
    index = {name: j for j, name in enumerate(names)}
    return np.array([index.get(parent_of(name), -1) for name in names], dtype=np.intp)


def as_dataset(bunch, columns, *, return_X_y, as_frame):
    """The Bunch or the pair (data, target), with frames of these columns if wanted."""
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
