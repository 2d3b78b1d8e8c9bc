"""Which rows a training run trains on, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.model_selection import check_cv
from sklearn.utils.validation import _num_samples

from sklearn_metalabel.model_selection import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
    checked_splits,
)
from sklearn_metalabel.utils import positives_only, take_rows

__all__ = ["Fold", "make_folds"]

Matrix: TypeAlias = "np.ndarray | sp.csr_matrix | sp.csr_array"

# Rows that are enough to score a label; more would only make every step slower.
_SCORED_ROWS = (200, 2_000)
_SCORED_ENTRIES = 4_000_000
# Out-of-fold probabilities kept at most, over all folds.
_HELD_OUT_ROWS = 500
_HELD_OUT_ENTRIES = 60_000_000


@dataclass(frozen=True, eq=False)
class Fold:
    """The data, and which rows of them a training run trains on.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        All rows.
    Y : {ndarray, sparse matrix} of shape (n_samples, n_labels), int8
        Their labels: 1, 0, or -1 where it is not known whether a row has the label.
    sample_weight : ndarray of shape (n_samples,) or None
        Factor of each row's loss.
    train : ndarray of int
        Training rows.
    held_out : ndarray of int, default=None
        Rows whose out-of-fold probabilities are kept, ascending; None where no rows are held out.
    scored : ndarray of int, default=None
        A part of `held_out`, in random order, for rewards that are computed many times a run.
    all_held_out : ndarray of int, default=None
        All held-out rows, where `held_out` is a random part of them because the probabilities of all would need too
        much room; else None.
    held_out_weight : ndarray of shape (n_samples,), default=None
        How many times each row counts where rows are scored or rewarded and thresholds are chosen; None is once.

    See Also
    --------
    TrainingRun : Is started on the training rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.learners import Fold
    >>> X, Y = np.eye(4), np.array([[1, 0], [0, 1], [1, 1], [0, 0]], dtype=np.int8)
    >>> fold = Fold(X, Y, None, train=np.array([0, 1, 2]), held_out=np.array([3]))
    >>> fold.training_data()[1].shape
    (3, 2)
    """

    X: Matrix
    Y: Matrix
    sample_weight: NDArray | None
    train: NDArray[np.intp]
    held_out: NDArray[np.intp] | None = None
    scored: NDArray[np.intp] | None = None
    all_held_out: NDArray[np.intp] | None = None
    held_out_weight: NDArray | None = None

    def training_data(self):
        """X, Y and sample weights of the training rows.

        Returns
        -------
        X, Y, sample_weight : tuple
            As `TrainingRun.start` takes them.
        """
        weights = None if self.sample_weight is None else self.sample_weight[self.train]
        return take_rows(self.X, self.train), self.Y[self.train], weights

    def weights_of(self, rows):
        """Weights of rows where they are scored.

        Parameters
        ----------
        rows : ndarray of int
            Numbers of the rows.

        Returns
        -------
        weights : ndarray of shape (n_rows,) or None
            None where each row counts once.
        """
        return None if self.held_out_weight is None else self.held_out_weight[rows]

    def keeping_rows(self) -> Fold:
        """Return the fold with complete probabilities of `held_out` alone.

        Returns
        -------
        fold : Fold
            Without `all_held_out`.
        """
        return replace(self, all_held_out=None)


def make_folds(cv, X, Y, y, *, sample_weight=None, held_out_weight=None, kept=None, groups=None, rng):
    """List of `Fold`; one without held-out rows where `cv` is None.

    `kept` has the numbers of the rows of `y` that are in X and Y, None for all: rows of weight 0 decide nothing.
    """
    n, n_labels = Y.shape
    if cv is None:
        return [Fold(X, Y, sample_weight, np.arange(n), held_out_weight=held_out_weight)]
    splits = _splits(cv, Y, y, kept, groups, rng)
    n_kept = max(_HELD_OUT_ROWS, _HELD_OUT_ENTRIES // (n_labels * len(splits)))
    n_scored = int(np.clip(_SCORED_ENTRIES // n_labels, *_SCORED_ROWS))
    folds = []
    for train, test in splits:
        train, test = _that_count(train, sample_weight), _that_count(test, held_out_weight)
        held_out = _at_most(test, n_kept, rng)
        scored = rng.permutation(held_out)[:n_scored]
        all_held_out = test if len(held_out) < len(test) else None
        folds.append(Fold(X, Y, sample_weight, train, held_out, scored, all_held_out, held_out_weight))
    return folds


def _splits(cv, Y, y, kept, groups, rng):
    """List of (train, test), numbers of rows of Y; a user's splitter sees all rows of y, ours those of Y alone."""
    n = Y.shape[0]
    splitter = _splitter(cv, n, rng)
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        return [(np.sort(train), np.sort(test)) for train, test in splitter.split(np.zeros(n), positives_only(Y))]
    if kept is None:
        return checked_splits(splitter.split(np.zeros(n), _stratifiable(cv, Y, y), groups), n)
    if isinstance(splitter, MultilabelStratifiedKFold | MultilabelStratifiedShuffleSplit):
        return checked_splits(splitter.split(np.zeros(n), positives_only(Y)), n)
    number = np.full(_num_samples(y), -1)
    number[kept] = np.arange(n)
    splits = checked_splits(splitter.split(np.zeros(number.size), y, groups), number.size)
    return [tuple(rows[rows >= 0] for rows in (number[train], number[test])) for train, test in splits]


def _that_count(rows, weights):
    """The rows of weight above 0, or raise where there are none."""
    rows = rows if weights is None else rows[weights[rows] > 0]
    if not len(rows):
        raise ValueError(
            "cv must leave rows of positive sample_weight in both parts of every split; pass other splits."
        )
    return rows


def _splitter(cv, n_samples, rng):
    """A splitter for what is accepted as `cv`; an integer, or a share, stratifies over all labels."""
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        return MultilabelStratifiedShuffleSplit(1, test_size=cv, random_state=rng)
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
    return positives_only(Y) if isinstance(cv, Integral) else y


def _at_most(rows, n, rng):
    """`rows`, or a random part of them in the same order."""
    return rows if len(rows) <= n else np.sort(rng.choice(rows, n, replace=False))
