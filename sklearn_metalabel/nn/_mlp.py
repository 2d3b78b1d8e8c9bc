"""A multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral

from torch import nn

from sklearn_metalabel.nn._sizes import as_sizes, check_dropout, check_sizes
from sklearn_metalabel.nn._sparse_linear import SparseLinear

__all__ = ["MLP"]


class MLP(nn.Sequential):
    """Multi-layer perceptron with rectified linear units.

    Its first layer takes sparse batches as they are.

    Parameters
    ----------
    n_features : int
        Number of columns of X.
    n_labels : int
        Number of labels; one logit each.
    hidden : int or sequence of int, default=256
        Width of the hidden layer, or of each of them; an empty sequence gives a linear model.
    dropout : float, default=0.0
        Share of hidden units that are dropped in training.

    See Also
    --------
    sklearn_metalabel.learners.TorchClassifier : Trains it, and sets `n_features` and `n_labels`.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel.learners import TorchClassifier
    >>> from sklearn_metalabel.nn import MLP
    >>> X, Y = make_multilabel_classification(random_state=0)
    >>> clf = TorchClassifier(
    ...     MLP, module__hidden=(32, 16), n_epochs=5, random_state=0
    ... ).fit(X, Y)
    >>> clf.predict_proba(X).shape
    (100, 5)
    """

    accepts_sparse = True

    def __init__(self, n_features: int, n_labels: int, hidden: int | Sequence[int] = 256, dropout: float = 0.0):
        check_sizes(n_features=n_features, n_labels=n_labels)
        check_dropout(dropout)
        widths = [n_features, *as_sizes("hidden", (hidden,) if isinstance(hidden, Integral) else hidden), n_labels]
        linear = [(nn.Linear if i else SparseLinear)(*sizes) for i, sizes in enumerate(pairwise(widths))]
        parts = [(layer, nn.ReLU(), nn.Dropout(dropout)) for layer in linear[:-1]]
        super().__init__(*(layer for part in parts for layer in part), linear[-1])
