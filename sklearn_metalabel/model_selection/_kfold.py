"""K folds with about the same share of every label."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_metalabel.model_selection._folds import StratifiedFolds
from sklearn_metalabel.model_selection._stratified import iterative_folds, label_matrix, warn_about_groups


class MultilabelStratifiedKFold(StratifiedFolds):
    """Split into K folds that all have about the same share of every label.

    Plain K-fold leaves rare labels out of some folds, so that they can be neither learned nor scored there.
    Iterative stratification assigns the rows of the rarest label first. It replaces
    :class:`~sklearn.model_selection.StratifiedKFold`, which has no multi-label form, wherever
    scikit-learn takes `cv`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=False
        Whether to shuffle the rows first and break ties at random. Without it the split is a function
        of `y` alone.

    random_state : int, RandomState instance or None, default=None
        Makes the shuffled split reproducible; leave it at `None` when `shuffle=False`.

    Raises
    ------
    ValueError
        If `n_splits` is not an integer above 1, if `random_state` is set without `shuffle`, and on `split`,
        if there are fewer rows than folds or `y` holds neither classes nor an indicator matrix.

    See Also
    --------
    MultilabelStratifiedShuffleSplit : Repeated random splits by the same algorithm.
    sklearn.model_selection.StratifiedKFold : The splitter for one label per row.

    Notes
    -----
    Fold sizes differ by at most one, as in :class:`~sklearn.model_selection.KFold`; rows without labels fill
    the folds up. A label with fewer positives than `n_splits` is missing in some folds, without a warning: with
    a long tail of labels that is the normal case. A 1-D `y` of classes is treated as one label per class.

    The order of the labels (fewest remaining rows first) is updated after each label, and the rows of a
    label are assigned in one vectorised step, with the same result as assigning them one at a time.

    References
    ----------
    .. [1] Sechidis, K., Tsoumakas, G., & Vlahavas, I. (2011). On the stratification of multi-label data.
       ECML PKDD 2011, 145-158. :doi:`10.1007/978-3-642-23808-6_10`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
    >>> Y = np.array([[1, 1], [1, 0], [1, 1], [1, 0], [0, 0], [0, 0]])
    >>> for train, test in MultilabelStratifiedKFold(n_splits=2).split(
    ...     np.zeros((6, 1)), Y
    ... ):
    ...     print(test, Y[test].sum(axis=0))
    [0 1 4] [2 1]
    [2 3 5] [2 1]
    """

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
            Rows of the training part, ascending.

        test : ndarray of int
            Rows of the test part, ascending.
        """
        warn_about_groups(self, groups)
        yield from super().split(X, y)

    def _iter_test_indices(self, X=None, y=None, groups=None):
        Y = label_matrix(y)
        if self.n_splits > Y.shape[0]:
            raise ValueError(
                f"n_splits={self.n_splits} folds need at least as many rows; got n_samples={Y.shape[0]}. "
                "Use fewer folds."
            )
        rng = check_random_state(self.random_state) if self.shuffle else None
        fold = iterative_folds(Y, np.ones(self.n_splits), rng)
        for k in range(self.n_splits):
            yield np.flatnonzero(fold == k)
