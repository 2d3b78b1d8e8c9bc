"""Repeated random splits with about the same share of every label."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseShuffleSplit, ShuffleSplit
from sklearn.utils import check_random_state

from sklearn_metalabel.model_selection._stratified import iterative_folds, label_matrix, warn_about_groups
from sklearn_metalabel.utils import shown


class MultilabelStratifiedShuffleSplit(BaseShuffleSplit):
    """Split at random, repeatedly, with about the same share of every label in both parts.

    A random test part of 10% has no positives of many rare labels. Here each part gets its share of every
    label, rarest first, by iterative stratification. It replaces
    :class:`~sklearn.model_selection.StratifiedShuffleSplit`, which has no multi-label form.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits.

    test_size : float or int, default=None
        Share in (0, 1) or number of test rows. `None` means the complement of `train_size`, or 0.1.

    train_size : float or int, default=None
        Share in (0, 1) or number of training rows. `None` means the complement of `test_size`.

    random_state : int, RandomState instance or None, default=None
        Makes the splits reproducible.

    Raises
    ------
    ValueError
        If `n_splits` is not an integer above 0, and on `split`, if the sizes do not fit the number of rows,
        or `y` holds neither classes nor an indicator matrix.

    See Also
    --------
    MultilabelStratifiedKFold : Disjoint test parts by the same algorithm.
    sklearn.model_selection.StratifiedShuffleSplit : The splitter for one label per row.

    Notes
    -----
    Sizes follow the rules of :class:`~sklearn.model_selection.ShuffleSplit` and are met exactly. If the
    two sizes leave rows out, these have about the same label shares too. The indices come in random order.

    References
    ----------
    .. [1] Sechidis, K., Tsoumakas, G., & Vlahavas, I. (2011). On the stratification of multi-label data.
       ECML PKDD 2011, 145-158. :doi:`10.1007/978-3-642-23808-6_10`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.model_selection import MultilabelStratifiedShuffleSplit
    >>> Y = np.zeros((100, 2), dtype=int)
    >>> Y[:4, 0] = Y[:60, 1] = 1
    >>> cv = MultilabelStratifiedShuffleSplit(
    ...     n_splits=2, test_size=0.25, random_state=0
    ... )
    >>> for train, test in cv.split(np.zeros((100, 1)), Y):
    ...     print(Y[train].sum(axis=0), Y[test].sum(axis=0))
    [ 3 45] [ 1 15]
    [ 3 45] [ 1 15]
    """

    def __init__(self, n_splits=10, *, test_size=None, train_size=None, random_state=None):
        if not isinstance(n_splits, Integral) or n_splits < 1:
            raise ValueError(f"n_splits must be an integer of at least 1; got {shown(n_splits)}.")
        super().__init__(int(n_splits), test_size=test_size, train_size=train_size, random_state=random_state)

    def split(self, X, y=None, groups=None):
        """Yield the row indices of each training and test part.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its number of rows is used.

        y : {array-like, sparse matrix} of shape (n_samples, n_labels) or (n_samples,)
            Indicator matrix of the labels, or the classes.

        groups : object, default=None
            Ignored, with a warning.

        Yields
        ------
        train : ndarray of int
            Rows of the training part, in random order.

        test : ndarray of int
            Rows of the test part, in random order.
        """
        warn_about_groups(self, groups)
        yield from super().split(X, y)

    def _iter_indices(self, X, y=None, groups=None):
        Y = label_matrix(y)
        n = Y.shape[0]
        n_train, n_test = self._resolve_sizes(n)
        sizes = np.array([n_train, n_test, n - n_train - n_test])
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            part = iterative_folds(Y, sizes[sizes > 0], rng)
            order = rng.permutation(n)
            yield order[part[order] == 0], order[part[order] == 1]

    def _resolve_sizes(self, n):
        """Sizes (n_train, n_test) by scikit-learn's own rules, with its own messages."""
        plain = ShuffleSplit(1, test_size=self.test_size, train_size=self.train_size, random_state=0)
        train, test = next(plain.split(np.empty(n)))
        return train.size, test.size
