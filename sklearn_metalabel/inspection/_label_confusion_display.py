"""Heat map of the labels that are predicted in the place of others."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.inspection._classifiers import checked_labels
from sklearn_metalabel.inspection._drawing import INK, panels, shorten
from sklearn_metalabel.inspection._label_confusion import confused_pairs, label_confusion
from sklearn_metalabel.utils import count_rows, encode_target

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["LabelConfusionDisplay"]

_MAX_LABELS = 15
# Cells of larger matrices have no room for a number.
_MAX_NUMBERED = 15
_NORMALIZED = {None: ("count", "rows"), "true": ("share", "share of the rows that miss the label")}


class LabelConfusionDisplay:
    """Heat map of the pairs of labels of which one is predicted while the other is missed.

    A row of the matrix is a label that was missed, a column one that was wrongly predicted in the same samples. Of all
    labels those of the most frequent pairs are drawn. Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    pairs : DataFrame
        As from :func:`label_confusion`.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    ax_ : matplotlib Axes
        The matrix.

    image_ : matplotlib AxesImage
        Its cells; NaN where a pair does not occur.

    text_ : list of matplotlib Text
        The numbers in the cells; empty for a matrix of more than 15 rows or columns.

    missed_, predicted_ : ndarray of str
        Labels of the rows and of the columns, those with the most errors first.

    Raises
    ------
    ValueError
        If no label is predicted in the place of another, so that there is nothing to draw.

    See Also
    --------
    label_confusion : The table.
    sklearn.metrics.ConfusionMatrixDisplay : For classes, of which each sample has one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.inspection import LabelConfusionDisplay
    >>> truth = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0]])
    >>> predicted = np.array([[0, 1, 0], [0, 1, 1], [0, 1, 0]])
    >>> names = ["wheat", "corn", "trade"]
    >>> display = LabelConfusionDisplay.from_predictions(
    ...     truth, predicted, label_names=names, draw=False
    ... )
    >>> display.frame()[["missed", "predicted", "count", "share"]]
      missed predicted  count  share
    0  wheat      corn      2    1.0
    """

    def __init__(self, pairs: DataFrame):
        missing = [
            name for name in ("missed", "predicted", "count", "share") if name not in getattr(pairs, "columns", ())
        ]
        if missing:
            raise ValueError(f"pairs must come from label_confusion, got {type(pairs).__name__} without {missing}.")
        self.pairs = pairs

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        normalize: str | None = None,
        max_labels: int = _MAX_LABELS,
        ax: Any = None,
    ) -> LabelConfusionDisplay:
        """Draw which labels of some samples are predicted in the place of others.

        Parameters
        ----------
        estimator : MetaPolicyClassifier, TunedThresholdsClassifierCV or another classifier of this package
            Fitted on labels, or a pipeline or search that ends in one.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples that the estimator has not seen.

        y : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
            Their labels.

        normalize : {"true"}, default=None
            What is drawn; see :meth:`plot`.

        max_labels : int, default=15
            Most rows, and most columns; see :meth:`plot`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LabelConfusionDisplay
            With the figure drawn.
        """
        return cls(label_confusion(estimator, X, y)).plot(ax=ax, normalize=normalize, max_labels=max_labels)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        label_names: Any = None,
        normalize: str | None = None,
        max_labels: int = _MAX_LABELS,
        ax: Any = None,
        draw: bool = True,
    ) -> LabelConfusionDisplay:
        """Draw the pairs of predictions from any source.

        Parameters
        ----------
        y_true : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
            Truth, in {0, 1}; what is NaN or masked is left out.

        y_pred : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
            Predictions, in {0, 1}.

        label_names : array-like of str of shape (n_labels,), default=None
            Names; None takes the columns of `y_true` where it is a data frame, or numbers.

        normalize : {"true"}, default=None
            What is drawn; see :meth:`plot`.

        max_labels : int, default=15
            Most rows, and most columns; see :meth:`plot`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        draw : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : LabelConfusionDisplay
            With the figure drawn, unless that was not asked for.
        """
        D, target = encode_target(y_pred)
        if target.kind != "multilabel" or (D < 0).any():
            raise ValueError(
                "y_pred must be an indicator matrix with one column a label and nothing missing; for classes, of which "
                "each sample has one, use sklearn.metrics.ConfusionMatrixDisplay."
            )
        D = (D.toarray() if sp.issparse(D) else D) > 0
        names = getattr(y_true, "columns", None) if label_names is None else label_names
        names = np.array([str(name) for name in (range(D.shape[1]) if names is None else names)], dtype=object)
        Y = checked_labels(y_true, names, count_rows(D))
        if len(names) != D.shape[1]:
            raise ValueError(f"y_pred must have one column for each of the {len(names)} labels, got {D.shape[1]}.")
        display = cls(confused_pairs(Y, D, names))
        return display.plot(ax=ax, normalize=normalize, max_labels=max_labels) if draw else display

    def plot(
        self, ax: Any = None, *, normalize: str | None = None, max_labels: int = _MAX_LABELS
    ) -> LabelConfusionDisplay:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        normalize : {"true"}, default=None
            None draws numbers of rows; "true" their shares of the rows in which the label is missed.

        max_labels : int, default=15
            Most rows, and most columns: those of the most frequent pairs. 30 are still legible.

        Returns
        -------
        display : LabelConfusionDisplay
            Itself, with the attributes that end in an underscore set.
        """
        if normalize not in _NORMALIZED:
            raise ValueError(f'normalize must be None or "true", got {normalize!r}.')
        if not isinstance(max_labels, Integral) or isinstance(max_labels, bool) or max_labels < 1:
            raise ValueError(f"max_labels must be an integer of at least 1, got {max_labels!r}.")
        column, meaning = _NORMALIZED[normalize]
        cells = self._matrix(column, max_labels)
        self.missed_, self.predicted_ = cells.index.to_numpy(), cells.columns.to_numpy()
        size = (3.6 + 0.34 * cells.shape[1], 2.0 + 0.34 * cells.shape[0])
        self.figure_, (self.ax_,) = panels("LabelConfusionDisplay", ax, 1, size=size)
        self.image_ = self.ax_.imshow(cells.to_numpy(), cmap="Blues", vmin=0)
        for axis, names in ((self.ax_.xaxis, self.predicted_), (self.ax_.yaxis, self.missed_)):
            axis.set_ticks(np.arange(len(names)), [shorten(str(name)) for name in names], fontsize=8)
        self.ax_.tick_params(axis="x", rotation=90)
        self.ax_.set(xlabel="Predicted label, which is not true", ylabel="True label, which is missed")
        self.text_ = self._write(cells.to_numpy(), "{:.0f}" if normalize is None else "{:.2f}")
        self.figure_.colorbar(self.image_, ax=self.ax_, shrink=0.8, label=meaning)
        return self

    def frame(self) -> DataFrame:
        """Give all pairs as a table.

        Returns
        -------
        frame : DataFrame of shape (n_pairs, 5)
            The pairs, the most frequent first.
        """
        return self.pairs.copy()

    def __repr__(self):
        if not len(self.pairs):
            return "LabelConfusionDisplay(no pairs)"
        first = self.pairs.iloc[0]
        return f"LabelConfusionDisplay({len(self.pairs)} pairs, first {first['predicted']!r} for {first['missed']!r})"

    def _matrix(self, column, max_labels):
        """Cells as a frame, labels with the most errors first; NaN where a pair does not occur."""
        if not len(self.pairs):
            raise ValueError("No label is predicted in the place of another, so that there is nothing to draw.")
        kept = self.pairs
        for end in ("missed", "predicted"):
            kept = kept[kept[end].isin(list(dict.fromkeys(kept[end]))[:max_labels])]
        cells = kept.pivot_table(index="missed", columns="predicted", values=column, aggfunc="sum")
        return cells.loc[_by_errors(kept, "missed"), _by_errors(kept, "predicted")]

    def _write(self, cells, form):
        """Numbers in the cells of a small matrix."""
        if max(cells.shape) > _MAX_NUMBERED:
            return []
        dark, texts = np.nanmax(cells) / 2, []
        for i, j in zip(*np.nonzero(np.isfinite(cells)), strict=True):
            color = "white" if cells[i, j] > dark else INK
            options = {"ha": "center", "va": "center", "fontsize": 7, "color": color}
            texts.append(self.ax_.text(j, i, form.format(cells[i, j]), **options))
        return texts


def _by_errors(pairs, end):
    """Labels at one end of pairs, those with the most errors first."""
    return pairs.groupby(end)["count"].sum().sort_values(ascending=False, kind="stable").index
