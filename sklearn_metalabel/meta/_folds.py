"""Which rows an episode trains on, and which pay."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv

from sklearn_metalabel.meta._episode import Fold
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold

__all__ = ["make_folds"]

# Rows enough to tell how a label fares; more would only make every step slower.
_REWARDED_ROWS = (200, 2_000)
_REWARDED_ENTRIES = 4_000_000
# Out-of-fold probabilities kept at most, over all folds.
_HELD_OUT_ROWS = 500
_HELD_OUT_ENTRIES = 60_000_000


def make_folds(cv, X, Y, y, *, sample_weight=None, groups=None, rng):
    """List of `Fold`; one without held-out rows where `cv` is None."""
    n, n_labels = Y.shape
    if cv is None:
        return [Fold(X, Y, sample_weight, np.arange(n))]
    splits = list(_splitter(cv, n, rng).split(np.zeros(n), _stratifiable(cv, Y, y), groups))
    kept = max(_HELD_OUT_ROWS, _HELD_OUT_ENTRIES // (n_labels * len(splits)))
    paid = int(np.clip(_REWARDED_ENTRIES // n_labels, *_REWARDED_ROWS))
    folds = []
    for train, held_out in splits:
        everyone = np.asarray(held_out)
        held_out = _at_most(everyone, kept, rng)
        rewarded = rng.permutation(held_out)[:paid]
        all_held_out = everyone if len(held_out) < len(everyone) else None
        folds.append(Fold(X, Y, sample_weight, np.asarray(train), rewarded, held_out, all_held_out))
    return folds


def _splitter(cv, n_samples, rng):
    """A splitter for what scikit-learn accepts as `cv`; an integer stratifies over all labels."""
    if not isinstance(cv, Integral):
        return check_cv(cv)
    if n_samples < cv:
        raise ValueError(
            f"cv={cv} folds need at least {cv} samples, got n_samples={n_samples}; add samples or lower cv "
            "(cv=None holds no rows out)."
        )
    return MultilabelStratifiedKFold(cv, shuffle=True, random_state=rng)


def _stratifiable(cv, Y, y):
    """The target for the splitter: the encoded labels for ours, the user's own for the user's."""
    return Y if isinstance(cv, Integral) else y


def _at_most(rows, n, rng):
    """`rows`, or a random part of them in the same order."""
    return rows if len(rows) <= n else np.sort(rng.choice(rows, n, replace=False))
