"""Which labels pull each other up, and which exclude each other."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError

from sklearn_metalabel.decoding import LabelSets, strongest_pairs
from sklearn_metalabel.inspection._classifiers import through_steps
from sklearn_metalabel.inspection._drawing import pyplot, shorten

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["DependenceDisplay"]

_MAX_LABELS = 40
# Log odds ratios beyond this are drawn alike.
_STRONGEST = 6.0


class DependenceDisplay:
    """Heat map of the pairs of labels that depend on each other.

    Of the labels in the strongest pairs a matrix is drawn: red pairs come together more often than by chance, blue ones
    less often, and the darker, the further the odds are from that. Create it by :meth:`from_estimator` or
    :meth:`from_labels`.

    Parameters
    ----------
    label_sets : LabelSets
        The observed label sets.

    label_names : array-like of str of shape (n_labels,), default=None
        Names; None numbers the labels.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    ax_ : matplotlib Axes
        The matrix.

    image_ : matplotlib AxesImage
        Its cells, the logarithms of odds ratios.

    labels_ : ndarray of shape (n_drawn,)
        Names of the labels drawn.

    Raises
    ------
    ValueError
        If no two labels vary, so that there is nothing to draw.

    See Also
    --------
    PolicyDisplay : Draws weights and thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.inspection import DependenceDisplay
    >>> Y = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
    >>> display = DependenceDisplay.from_labels(
    ...     Y, label_names=["sea", "beach", "fire"], draw=False
    ... )
    >>> display.frame()[["label", "other", "together", "expected"]]
      label  other  together  expected
    0   sea  beach       2.0       1.0
    1   sea   fire       0.0       0.5
    2 beach   fire       0.0       0.5
    """

    def __init__(self, label_sets: LabelSets, *, label_names=None):
        self.label_sets = label_sets
        names = np.arange(label_sets.n_labels) if label_names is None else label_names
        self.label_names = np.asarray([str(name) for name in names])
        if self.label_names.shape != (label_sets.n_labels,):
            raise ValueError(
                f"label_names must have one name for each of the {label_sets.n_labels} labels, got "
                f"{self.label_names.size}."
            )

    @classmethod
    def from_estimator(cls, est: Any, *, max_labels: int = _MAX_LABELS, ax: Any = None) -> DependenceDisplay:
        """Draw what a fitted classifier has seen of its labels.

        Parameters
        ----------
        est : MetaPolicyClassifier or TunedThresholdsClassifierCV
            Fitted, with `dependence_` or `marginals_`, or a pipeline or search that ends in one.

        max_labels : int, default=40
            Most labels to draw.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : DependenceDisplay
            With the figure drawn.
        """
        est, _ = through_steps(est)
        if not hasattr(est, "label_names_"):
            raise NotFittedError(
                f"DependenceDisplay.from_estimator needs a fitted classifier; this {type(est).__name__} has no "
                "label_names_. Call fit first."
            )
        found = [getattr(est, name, None) for name in ("dependence_", "marginals_")]
        sets = next((each.sets for each in found if each is not None), None)
        if sets is None:
            raise ValueError(
                f"This {type(est).__name__} decides each label by itself, and has kept no label sets; draw those of y "
                "with DependenceDisplay.from_labels, or ask for them with LearnedThresholds(dependence=True)."
            )
        return cls(sets, label_names=est.label_names_).plot(ax=ax, max_labels=max_labels)

    @classmethod
    def from_labels(
        cls, Y: Any, *, label_names=None, max_labels: int = _MAX_LABELS, ax: Any = None, draw: bool = True
    ) -> DependenceDisplay:
        """Draw the labels of a data set.

        Parameters
        ----------
        Y : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
            Label indicator matrix in {0, 1}.

        label_names : array-like of str of shape (n_labels,), default=None
            Names; None takes the columns of a data frame, or numbers.

        max_labels : int, default=40
            Most labels to draw.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        draw : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : DependenceDisplay
            With the figure drawn, unless that was not asked for.
        """
        names = getattr(Y, "columns", None) if label_names is None else label_names
        display = cls(LabelSets.from_rows(Y if hasattr(Y, "tocsr") else np.asarray(Y)), label_names=names)
        return display.plot(ax=ax, max_labels=max_labels) if draw else display

    def plot(self, ax: Any = None, *, max_labels: int = _MAX_LABELS) -> DependenceDisplay:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        max_labels : int, default=40
            Most labels to draw: those of the strongest pairs.

        Returns
        -------
        display : DependenceDisplay
            Itself, with the attributes that end in an underscore set.
        """
        if not isinstance(max_labels, Integral) or max_labels < 2:
            raise ValueError(f"max_labels must be an integer of at least 2, got {max_labels!r}.")
        plt = pyplot("DependenceDisplay")
        self.labels_, strengths = self._matrix(max_labels)
        n = self.labels_.size
        if ax is None:
            side = 2.5 + 0.22 * n
            _, ax = plt.subplots(figsize=(side + 1, side), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.image_ = ax.imshow(
            np.clip(strengths, -_STRONGEST, _STRONGEST), cmap="RdBu_r", vmin=-_STRONGEST, vmax=_STRONGEST
        )
        names = [shorten(name) for name in self.labels_]
        ax.set_xticks(np.arange(n), names, rotation=90, fontsize=7)
        ax.set_yticks(np.arange(n), names, fontsize=7)
        self.figure_.colorbar(self.image_, ax=ax, shrink=0.8, label="Log odds ratio (above 0: together)")
        return self

    def frame(self) -> DataFrame:
        """Give the pairs as a table, the surest first.

        Returns
        -------
        frame : DataFrame of shape (n_pairs, 6)
            Columns "label", "other", "together", "expected", "strength" and "evidence", as in
            :meth:`~sklearn_metalabel.decoding.Dependence.pairs`.
        """
        import pandas as pd

        return pd.DataFrame(strongest_pairs(self.label_sets, self.label_names))

    def __repr__(self):
        return f"DependenceDisplay({self.label_sets.n_labels} labels, {len(self.label_sets)} label sets)"

    def _matrix(self, max_labels):
        """Names of the labels of the strongest pairs, and the strengths between them."""
        numbers = np.arange(self.label_sets.n_labels).astype(str)
        pairs = strongest_pairs(self.label_sets, numbers)
        ends = np.stack([pairs["label"], pairs["other"]], axis=1).astype(np.intp)
        if not len(ends):
            raise ValueError("No two labels have both values, so that there is nothing to draw; add rows.")
        chosen = np.array(list(dict.fromkeys(ends.ravel().tolist()))[:max_labels])
        place = np.full(self.label_sets.n_labels, -1)
        place[chosen] = np.arange(chosen.size)
        inside = (place[ends] >= 0).all(axis=1)
        i, j = place[ends[inside]].T
        strengths = np.full((chosen.size, chosen.size), np.nan)
        strengths[i, j] = strengths[j, i] = pairs["strength"][inside]
        order = _side_by_side(strengths)
        return self.label_names[chosen[order]], strengths[np.ix_(order, order)]


def _side_by_side(strengths):
    """An order of the labels in which those that come together stand beside each other."""
    if len(strengths) < 3:
        return np.arange(len(strengths))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.exp(-np.clip(np.nan_to_num(strengths), -_STRONGEST, _STRONGEST) / 2)
    np.fill_diagonal(distance, 0.0)
    return leaves_list(linkage(squareform(distance, checks=False), "average"))
