"""The splits of a splitter as row numbers, or one sentence on what is wrong with them."""

import numpy as np

from sklearn_metalabel.model_selection._kfold import MultilabelStratifiedKFold

__all__ = ["checked_splits", "deal_rows", "refuse_several"]

# Held-out rows of a single split are split again into so many parts, to compare what is chosen on them.
_COMPARISON_FOLDS = 3


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


def refuse_several(n_splits):
    """Raise where there is more than the one split whose classifier is to be kept."""
    if n_splits > 1:
        raise ValueError(
            f"refit=False keeps the classifier of the only split, got {n_splits} splits; set refit=True, or "
            "hold out one part with a float cv such as cv=0.2."
        )


def deal_rows(Y, seed=0):
    """Folds (n,) for held-out rows of a single split, with labels Y (n, L)."""
    n_folds = min(_COMPARISON_FOLDS, Y.shape[0])
    fold_of = np.zeros(Y.shape[0], dtype=np.intp)
    if n_folds > 1:
        folds = MultilabelStratifiedKFold(n_folds, shuffle=True, random_state=seed)
        for k, (_, part) in enumerate(folds.split(np.zeros(Y.shape[0]), Y)):
            fold_of[part] = k
    return fold_of


def _row_numbers(rows):
    """Numbers of rows that may be given as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp, copy=False)
