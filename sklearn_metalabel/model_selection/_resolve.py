"""From what estimators accept as `cv` to splits of the rows."""

from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import check_cv

from sklearn_metalabel.model_selection._kfold import MultilabelStratifiedKFold
from sklearn_metalabel.model_selection._shuffle_split import MultilabelStratifiedShuffleSplit
from sklearn_metalabel.model_selection._splits import checked_splits
from sklearn_metalabel.utils import draw_seed, positives_only

__all__ = ["splits_of"]

# Held-out rows of a single split are split again into so many parts, to compare policies on.
_COMPARISON_FOLDS = 3


def splits_of(cv, Y, y, weight, split_params, rng):
    """List of (train, test), numbers of rows.

    Y (n, L) is the encoded target and y what the user gave: our splitters stratify over the first, and hold out no rows
    of `weight` (n,) 0; those of users are given the second, and `split_params`.
    """
    n = Y.shape[0] if weight is None else np.count_nonzero(weight)
    splitter = _splitter(cv, n, rng)
    if n < Y.shape[0] and isinstance(splitter, MultilabelStratifiedKFold | MultilabelStratifiedShuffleSplit):
        return _splits_by_weight(splitter, Y, weight)
    ours = cv is None or isinstance(cv, Real)
    target = positives_only(Y) if ours else y
    return checked_splits(splitter.split(np.zeros(Y.shape[0]), target, **split_params), Y.shape[0])


def _splitter(cv, n_samples, rng):
    """A splitter for what is accepted as `cv`."""
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        return MultilabelStratifiedShuffleSplit(1, test_size=cv, random_state=draw_seed(rng))
    if cv is not None and not isinstance(cv, Integral):
        return check_cv(cv)
    n_folds = 5 if cv is None else cv
    if n_samples < n_folds:
        raise ValueError(
            f"cv={cv} folds need at least {n_folds} samples, got n_samples={n_samples}; add samples or lower cv."
        )
    return MultilabelStratifiedKFold(n_folds, shuffle=True, random_state=draw_seed(rng))


def _splits_by_weight(splitter, Y, weight):
    """Splits of the rows of weight above 0; the others are held out nowhere, and in every training part."""
    kept, others = np.flatnonzero(weight), np.flatnonzero(weight == 0)
    splits = splitter.split(np.zeros(kept.size), positives_only(Y[kept]))
    return [(np.concatenate([kept[train], others]), kept[test]) for train, test in splits]
