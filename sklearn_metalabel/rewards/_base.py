"""What all rewards share: one checked call for one vector of thresholds or for many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_metalabel.utils import check_labels, check_probabilities, check_thresholds, row_blocks

__all__ = ["BaseReward", "label_blocks"]


class BaseReward(BaseEstimator):
    """Base class of rewards: an object with parameters and no state, called on (Y, P, thresholds).

    A subclass validates its parameters in `check`, gives its range in `bounds`, and scores validated arrays in
    `_score`: Y and P of shape (n, L), thresholds of shape (S, L), result of shape (S, L). It should build no array of
    shape (S, n, L), which is too large for large data.

    See Also
    --------
    label_blocks : Iterates over Y and P in blocks of rows.

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

    def __call__(
        self, Y: ArrayLike | sp.sparray | sp.spmatrix, P: ArrayLike, thresholds: ArrayLike
    ) -> NDArray[np.float64]:
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
        p = check_probabilities(P)
        y = check_labels(Y, p.shape)
        t = check_thresholds(thresholds, p.shape[1], samples=True)
        return self._score(y, p, np.atleast_2d(t)).reshape(t.shape)


def label_blocks(
    Y: NDArray | sp.sparray | sp.spmatrix, P: NDArray
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.floating]]]:
    """Iterate over labels and probabilities in blocks of rows that fit the processor's cache.

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
    # Slicing the rows of a CSC matrix is slow.
    labels: Any = sp.csr_array(Y) if sp.issparse(Y) else Y
    for rows in row_blocks(*P.shape):
        y = labels[rows].toarray() if sp.issparse(labels) else labels[rows]
        yield y != 0, P[rows]
