"""What all rewards share: one checked call for one vector of thresholds or for many."""

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from sklearn_metalabel.thresholds._checks import (
    check_labels,
    check_probabilities,
    check_thresholds,
    row_blocks,
)

__all__ = ["BaseReward", "label_blocks"]


class BaseReward(BaseEstimator):
    """Base class of rewards: a value object with parameters, called on (Y, P, thresholds).

    A subclass says what is wrong with its parameters in `check`, its range in `bounds`, and scores checked
    arrays in `_score`: Y and P of shape (n, L), thresholds of shape (S, L), result of shape (S, L). It should
    build no array of shape (S, n, L) where data may be large.

    See Also
    --------
    label_blocks : Goes through Y and P by blocks of rows.

    Examples
    --------
    >>> from sklearn_metalabel.rewards import BaseReward
    >>> class ShareReward(BaseReward):
    ...     bounds = (0.0, 1.0)
    ...     def check(self):
    ...         pass
    ...     def _score(self, Y, P, thresholds):
    ...         return (P > thresholds[:, None]).mean(axis=1)
    >>> ShareReward()([[1], [0]], [[0.8], [0.3]], [[0.5], [0.1]])
    array([[0.5],
           [1. ]])
    """

    def __call__(self, Y, P, thresholds):
        """Score the decisions of every label.

        Parameters
        ----------
        Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
            Truth, in {0, 1}.
        P : array-like of shape (n_samples, n_labels)
            Probabilities strictly inside (0, 1).
        thresholds : array-like of shape (n_labels,) or (n_draws, n_labels)
            Thresholds in [0, 1]; each row of a matrix is scored on the same `P`.

        Returns
        -------
        reward : ndarray of the shape of `thresholds`
            One number for each label, higher is better.

        Raises
        ------
        ValueError
            If a parameter of the reward or an argument is not as described.
        """
        self.check()
        P = check_probabilities(P)
        Y = check_labels(Y, P.shape)
        t = check_thresholds(thresholds, P.shape[1], samples=True)
        return self._score(Y, P, np.atleast_2d(t)).reshape(t.shape)


def label_blocks(Y, P):
    """Go through labels and probabilities by blocks of rows that fit the processor's cache.

    Parameters
    ----------
    Y : {ndarray, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : ndarray of shape (n_samples, n_labels)
        Probabilities.

    Yields
    ------
    y : ndarray of bool of shape (n_rows, n_labels)
        Truth of the block, dense.
    p : ndarray of shape (n_rows, n_labels)
        Probabilities of the block.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.rewards import label_blocks
    >>> [y.shape for y, p in label_blocks(np.eye(3, dtype=int), np.full((3, 3), 0.5))]
    [(3, 3)]
    """
    # Rows of a CSC matrix are slow to cut out.
    Y = Y.tocsr() if sp.issparse(Y) else Y
    for rows in row_blocks(*P.shape):
        y = Y[rows].toarray() if sp.issparse(Y) else Y[rows]
        yield y != 0, P[rows]
