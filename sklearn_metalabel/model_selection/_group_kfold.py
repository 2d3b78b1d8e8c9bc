"""K folds of whole groups with about the same share of every label."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length

from sklearn_metalabel.model_selection._folds import StratifiedFolds
from sklearn_metalabel.model_selection._stratified import label_matrix

__all__ = ["MultilabelStratifiedGroupKFold"]

# Differences of scores that are rounding.
_TIE = 1e-12


class MultilabelStratifiedGroupKFold(StratifiedFolds):
    r"""Split into K folds of whole groups that have about the same share of every label.

    Rows of one group (a patient, an author, a day) never stand on both sides of a split, as in
    :class:`~sklearn.model_selection.StratifiedGroupKFold`, which takes no label matrices.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=False
        Whether to break ties among groups and among folds at random.

    random_state : int, RandomState instance or None, default=None
        Makes the shuffled split reproducible; leave it at `None` when `shuffle=False`.

    Raises
    ------
    ValueError
        If `n_splits` is not an integer above 1, if `random_state` is set without `shuffle`, and on `split`, if `groups`
        are missing or fewer than folds, or `y` holds neither classes nor an indicator matrix.

    See Also
    --------
    MultilabelStratifiedKFold : Where rows stand for themselves.
    sklearn.model_selection.GroupKFold : Whole groups, whatever their labels.

    Notes
    -----
    Groups are dealt one after the other, those that weigh most first. With :math:`c_{gj}` positives of label j in group
    g, :math:`n_{kj}` in fold k so far and :math:`N_j` in all, the group goes to the fold of least

    .. math:: \sum_j \frac{c_{gj}}{N_j^2} \left(n_{kj} - \frac{N_j}{K}\right),

    where rows count as one more label that weighs as much as all others together. That is the step of steepest descent
    on the squared distance of the folds' shares from 1 / K.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.model_selection import MultilabelStratifiedGroupKFold
    >>> Y = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]])
    >>> groups = ["a", "a", "b", "b", "c", "d"]
    >>> for train, test in MultilabelStratifiedGroupKFold(n_splits=2).split(
    ...     np.zeros((6, 1)), Y, groups
    ... ):
    ...     print(test, Y[test].sum(axis=0))
    [0 1 5] [2 1]
    [2 3 4] [1 2]
    """

    __metadata_request__split = {"groups": True}

    def split(self, X, y, groups=None):
        """Yield the row indices of each training and test part.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its number of rows is used.

        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the labels, or the classes.

        groups : array-like of shape (n_samples,)
            Group of each row.

        Yields
        ------
        train : ndarray of int
            Rows of the training part, ascending.

        test : ndarray of int
            Rows of the test part, ascending.
        """
        yield from super().split(X, y, groups)

    def _iter_test_indices(self, X=None, y=None, groups=None):
        if groups is None:
            raise ValueError("groups are missing: MultilabelStratifiedGroupKFold needs the group of each row.")
        groups = check_array(groups, input_name="groups", ensure_2d=False, dtype=None)
        Y = label_matrix(y)
        check_consistent_length(Y, groups)
        names, group_of = np.unique(groups, return_inverse=True)
        if self.n_splits > len(names):
            raise ValueError(
                f"n_splits={self.n_splits} folds need at least as many groups; got {len(names)}. Use fewer folds."
            )
        rng = check_random_state(self.random_state) if self.shuffle else None
        fold = _fold_of_groups(_group_counts(Y, group_of, len(names)), self.n_splits, rng)[group_of]
        for k in range(self.n_splits):
            yield np.flatnonzero(fold == k)


def _group_counts(Y, group_of, n_groups):
    """Positives of each label in each group, and its rows: (G, L + 1)."""
    ones = np.ones(len(group_of))
    membership = sparse.csr_array((ones, (group_of, np.arange(len(group_of)))), shape=(n_groups, len(group_of)))
    positives = membership @ sparse.csr_array(Y)
    return np.column_stack([positives.toarray(), membership.sum(axis=1)])


def _fold_of_groups(counts, n_folds, rng):
    """Fold of each group, dealt one after the other."""
    total = counts.sum(axis=0)
    weight = 1 / np.maximum(total, 1) ** 2
    weight[-1] *= max(counts.shape[1] - 1, 1)
    order = np.arange(len(counts)) if rng is None else rng.permutation(len(counts))
    order = order[np.argsort(-(counts[order] ** 2 @ weight), kind="stable")]
    lack = np.repeat(-total[None] / n_folds, n_folds, axis=0)
    fold = np.empty(len(counts), dtype=np.intp)
    for place, group in enumerate(order):
        score = lack @ (weight * counts[group])
        is_empty = lack[:, -1] == -total[-1] / n_folds
        if is_empty.sum() >= len(order) - place:  # every fold must get a group
            score[~is_empty] = np.inf
        least = np.flatnonzero(score <= score.min() + _TIE)
        fold[group] = least[0] if rng is None else rng.choice(least)
        lack[fold[group]] += counts[group]
    return fold
