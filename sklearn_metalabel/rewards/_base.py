"""What all rewards share: one checked call for one vector of thresholds or for many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from sklearn_metalabel.utils import (
    check_labels,
    check_probabilities,
    check_row_weights,
    check_thresholds,
    row_blocks,
    takes_sample_weight,
    weights_differ,
)

__all__ = ["BaseReward", "column_sums", "label_blocks", "weighted_blocks", "weighted_values"]


class BaseReward(BaseEstimator):
    """Base class of rewards: an object with parameters and no state, called on (Y, P, thresholds).

    A subclass validates its parameters in `check`, gives its range in `bounds`, and scores validated arrays in
    `_score`: Y and P of shape (n, L), thresholds of shape (S, L), result of shape (S, L). It should build no array of
    shape (S, n, L), which is too large for large data. Where its `_score` has a parameter `sample_weight`, it is given
    the weights (n,) of the samples, or None; else it is refused where weights differ.

    See Also
    --------
    label_blocks : Iterates over Y and P in blocks of rows.

    Examples
    --------
    >>> from sklearn_metalabel.rewards import BaseReward
    >>> class ShareReward(BaseReward):
    ...     bounds = (0.0, 1.0)
    ...
    ...     def check(self):
    ...         pass
    ...
    ...     def _score(self, Y, P, thresholds):
    ...         return (P > thresholds[:, None]).mean(axis=1)
    >>> ShareReward()([[1], [0]], [[0.8], [0.3]], [[0.5], [0.1]])
    array([[0.5],
           [1. ]])
    """

    def __call__(
        self,
        Y: ArrayLike | sp.sparray | sp.spmatrix,
        P: ArrayLike,
        thresholds: ArrayLike,
        sample_weight: ArrayLike | None = None,
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
        sample_weight : array-like of shape (n_samples,), default=None
            How many times each sample counts; those of weight 0 are left out.

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
        weight = check_row_weights(sample_weight, len(p))
        self.check_sample_weight(weight)
        if weight is not None and not weight.all():
            rows = np.flatnonzero(weight)
            y, p = (y.tocsr() if sp.issparse(y) else y)[rows], p[rows]
            weight = check_row_weights(weight[rows], rows.size)
        options = {} if weight is None or not takes_sample_weight(self._score) else {"sample_weight": weight}
        return self._score(y, p, np.atleast_2d(t), **options).reshape(t.shape)

    def check_sample_weight(self, sample_weight: NDArray | None) -> None:
        """Raise where weights differ and `_score` takes none.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the samples.
        """
        if weights_differ(sample_weight) and not takes_sample_weight(self._score):
            raise ValueError(
                f"reward={self!r} takes no sample_weight, and the weights of the samples differ; give its `_score` a "
                "parameter of that name, or pass no sample_weight."
            )


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
    for y, p, _ in weighted_blocks(Y, P, None):
        yield y, p


def weighted_blocks(Y, P, sample_weight):
    """Yield labels, probabilities and weights (None where there are none) of blocks of rows."""
    # Slicing the rows of a CSC matrix is slow.
    labels: Any = sp.csr_array(Y) if sp.issparse(Y) else Y
    for rows in row_blocks(*P.shape):
        y = labels[rows].toarray() if sp.issparse(labels) else labels[rows]
        yield y != 0, P[rows], None if sample_weight is None else sample_weight[rows]


def column_sums(values, weight):
    """Sums (L,) of an array (b, L), by weights (b,) of its rows, in float64."""
    return values.sum(axis=0, dtype=np.float64) if weight is None else weight @ values


def weighted_values(values, rows, weight):
    """Values of entries in the given rows of a block, times the weights of these."""
    return values if weight is None else values * weight[rows]
