"""The splits of a splitter as row numbers, or one sentence on what is wrong with them."""

import numpy as np

__all__ = ["checked_splits"]


def checked_splits(splits, n_samples):
    """List of (train, test) as row numbers; `splits` may hold masks, and be used up."""
    splits = [(_row_numbers(train), _row_numbers(test)) for train, test in splits]
    if not splits:
        raise ValueError(
            "cv gave no splits: it is empty, or an iterator that an earlier fit has used up; pass a list of "
            "(train, test), or a number of folds."
        )
    for k, parts in enumerate(splits):
        for name, rows in zip(("train", "test"), parts, strict=True):
            if not len(rows):
                raise ValueError(f"cv must give rows to every part, got an empty {name} part in split {k}.")
            if rows.min() < -n_samples or rows.max() >= n_samples:
                raise ValueError(
                    f"cv must give rows of the {n_samples} samples, got row {rows.max()} in the {name} part of split "
                    f"{k}; pass splits that were made for these samples."
                )
    return splits


def _row_numbers(rows):
    """Numbers of rows that may be given as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp, copy=False)
