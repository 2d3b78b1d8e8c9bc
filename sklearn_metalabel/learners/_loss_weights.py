"""What multiplies the loss of a base learner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

__all__ = ["LossSchedule", "LossWeights"]


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

    @property
    def last(self) -> LossWeights:
        """The weights of the last update: these."""
        return self

    def of_updates(self, n_updates: int) -> Iterator[LossWeights]:
        """Go through the updates of a full training.

        Parameters
        ----------
        n_updates : int
            Number of updates.

        Returns
        -------
        weights : iterator of LossWeights
            The same for each update.
        """
        return repeat(self, n_updates)


@dataclass(frozen=True, eq=False)
class LossSchedule:
    """Loss weights that change while a base learner trains, and how long it trains.

    Parameters
    ----------
    parts : sequence of LossWeights
        One after the other. Where there are fewer than `n_parts`, the training ends that much earlier.
    n_parts : int
        Parts, equally long, that a full training has.

    See Also
    --------
    LossWeights : Weights that stay.

    Examples
    --------
    >>> from sklearn_metalabel.learners import LossSchedule, LossWeights
    >>> equal = LossWeights.uniform(2)
    >>> schedule = LossSchedule([equal.scaled(3.0), equal], n_parts=4)
    >>> [float(weights.label[0]) for weights in schedule.of_updates(8)]
    [3.0, 3.0, 1.0, 1.0]
    """

    parts: Sequence[LossWeights]
    n_parts: int

    @property
    def last(self) -> LossWeights:
        """The weights of the last update."""
        return self.parts[-1]

    def of_updates(self, n_updates: int) -> Iterator[LossWeights]:
        """Go through the updates.

        Parameters
        ----------
        n_updates : int
            Number of updates of a full training.

        Yields
        ------
        weights : LossWeights
            Those of each update that is made, one at least.
        """
        for part, (first, end) in zip(self.parts, part_bounds(n_updates, self.n_parts), strict=False):
            yield from repeat(part, end - first)


def part_bounds(n_updates: int, n_parts: int) -> list[tuple[int, int]]:
    """First update of each part of a training, and the one after its last; the first part has one at least."""
    ends = [max(1, round((k + 1) * n_updates / n_parts)) for k in range(n_parts)]
    return list(pairwise([0, *ends]))
