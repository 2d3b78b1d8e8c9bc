"""What multiplies the loss of a base learner."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["LossWeights"]


@dataclass(frozen=True, eq=False)
class LossWeights:
    """What multiplies the loss of each entry in a training.

    The log-loss of label j is multiplied by ``label[j]``, on positives also by ``positive[j]``, and on a negative of
    probability p also by ``max(p - 0.05, 0) ** focus`` where `focus` is above 0.

    Parameters
    ----------
    label : ndarray of shape (n_labels,)
        Weight of each label, positive. Base learners that have a penalty take its scale into account.
    positive : ndarray of shape (n_labels,), default=None
        Further weight of the positives of each label; None is one for all.
    focus : float, default=0.0
        How much weight easy negatives lose; 0 is none.

    See Also
    --------
    TrainingRun : Trains under these weights.

    Examples
    --------
    >>> from sklearn_metalabel.learners import LossWeights
    >>> weights = LossWeights.uniform(3)
    >>> weights.scaled(10.0).label
    array([10., 10., 10.])
    """

    label: NDArray[np.float64]
    positive: NDArray[np.float64] | None = None
    focus: float = 0.0

    @classmethod
    def uniform(cls, n_labels: int) -> LossWeights:
        """Weights of one.

        Parameters
        ----------
        n_labels : int
            Number of labels.

        Returns
        -------
        weights : LossWeights
            One for each label.
        """
        return cls(np.ones(n_labels))

    def scaled(self, factor: float) -> LossWeights:
        """Multiply the weights of all labels.

        Parameters
        ----------
        factor : float
            The factor.

        Returns
        -------
        weights : LossWeights
            The others stay.
        """
        return replace(self, label=factor * self.label)

    @property
    def asks_for(self) -> frozenset[str]:
        """What the base learner must be able to weigh beside labels: "positive", "focus"."""
        wanted = {"positive": self.positive is not None, "focus": self.focus > 0}
        return frozenset(name for name, needed in wanted.items() if needed)
