"""F1 of each label, beside that of a plain cut."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_metalabel.inspection._drawing import INK, pyplot, shorten
from sklearn_metalabel.inspection._label_report import label_report
from sklearn_metalabel.utils import shown

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["LabelReportDisplay"]

_MAX_LABELS = 30
_PLAIN, _GAIN, _LOSS = "#9aa1a8", "#2f6db3", "#c8553d"
_RULES = ("support", "worst", "best", "most_gained", "most_lost")


class LabelReportDisplay:
    """F1 of each label as predicted, joined with its F1 at a plain cut.

    One row a label: a grey dot for a cut at 0.5, a coloured one for the predictions of the estimator, blue where the F1
    is higher and red where it is lower. Create it by :meth:`from_estimator`.

    Parameters
    ----------
    report : DataFrame
        As from :func:`label_report`.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    ax_ : matplotlib Axes
        Where it was drawn.

    dots_ : list of two matplotlib PathCollection
        Dots of the plain cut and of the predictions; row 0 is the first label drawn.

    labels_ : ndarray of shape (n_drawn,)
        Names of the labels drawn, from the top.

    Raises
    ------
    ValueError
        If labels asked for do not exist.

    See Also
    --------
    label_report : The table.
    PolicyDisplay : Draws weights and thresholds.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.inspection import LabelReportDisplay, label_report
    >>> X, Y = make_multilabel_classification(300, n_classes=3, random_state=0)
    >>> clf = MetaPolicyClassifier(random_state=0).fit(X[:200], Y[:200])
    >>> LabelReportDisplay(label_report(clf, X[200:], Y[200:])).frame().shape
    (3, 12)
    """

    def __init__(self, report: DataFrame):
        missing = [name for name in ("f1", "f1_plain", "support", "gain") if name not in getattr(report, "columns", ())]
        if missing:
            raise ValueError(f"report must come from label_report, got {type(report).__name__} without {missing}.")
        self.report = report

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, labels: Any = None, ax: Any = None
    ) -> LabelReportDisplay:
        """Draw how the labels of some samples are predicted.

        Parameters
        ----------
        estimator : MetaPolicyClassifier, TunedThresholdsClassifierCV or another classifier of this package
            Fitted on labels, or a pipeline or search that ends in one.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples that the estimator has not seen.

        y : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
            Their labels.

        labels : str or list of str, default=None
            Labels to draw; see :meth:`plot`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : LabelReportDisplay
            With the figure drawn.
        """
        return cls(label_report(estimator, X, y)).plot(ax=ax, labels=labels)

    def plot(self, ax: Any = None, *, labels: Any = None) -> LabelReportDisplay:
        """Draw the dots.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        labels : str or list of str, default=None
            Names of labels, or `"support"` (the most frequent), `"worst"` and `"best"` (by F1), `"most_gained"` or
            `"most_lost"` (by the difference), which are 30 at most; None is `"support"`.

        Returns
        -------
        display : LabelReportDisplay
            Itself, with the attributes that end in an underscore set.
        """
        chosen = self._choose("support" if labels is None else labels)
        plt = pyplot("LabelReportDisplay")
        rows = np.arange(len(chosen))
        if ax is None:
            _, ax = plt.subplots(figsize=(6.4, 1.5 + 0.26 * len(rows)), layout="constrained")
        plain, ours = chosen["f1_plain"].to_numpy(), chosen["f1"].to_numpy()
        colours = np.where(ours >= plain, _GAIN, _LOSS)
        ax.hlines(rows, np.minimum(plain, ours), np.maximum(plain, ours), color=colours, linewidth=1.5, zorder=2)
        before = ax.scatter(plain, rows, s=26, color=_PLAIN, zorder=3, label="plain cut")
        after = ax.scatter(ours, rows, s=34, color=colours, zorder=4)
        for colour, says in ((_GAIN, "as predicted, higher or equal"), (_LOSS, "as predicted, lower")):
            if colour in colours:
                ax.scatter([], [], s=34, color=colour, label=says)
        names = [f"{shorten(str(name))} ({n:g})" for name, n in zip(chosen.index, chosen["support"], strict=True)]
        ax.set_yticks(rows, names)
        ax.set(xlabel="F1 (in brackets: positives)", xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6))
        ax.grid(axis="y", color="#eceef0", linewidth=0.8)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0, labelcolor=INK)
        _legend_below(plt, ax)
        self.ax_, self.figure_, self.dots_ = ax, ax.figure, [before, after]
        self.labels_ = chosen.index.to_numpy()
        return self

    def frame(self) -> DataFrame:
        """Give the numbers of all labels as a table.

        Returns
        -------
        frame : DataFrame of shape (n_labels, 12)
            The report.
        """
        return self.report.copy()

    def __repr__(self):
        return f"LabelReportDisplay({len(self.report)} labels, mean F1 {self.report['f1'].mean():.3f})"

    def _choose(self, labels):
        """Rows of the report to draw."""
        report = self.report
        if isinstance(labels, str):
            if labels not in _RULES:
                raise ValueError(
                    f"labels must be one of {', '.join(map(repr, _RULES))}, or a list of names; got {labels!r}. To "
                    "draw one label, put its name into a list."
                )
            column, ascending = {
                "support": ("support", False),
                "worst": ("f1", True),
                "best": ("f1", False),
                "most_gained": ("gain", False),
                "most_lost": ("gain", True),
            }[labels]
            return report.sort_values(column, ascending=ascending, kind="stable")[:_MAX_LABELS]
        if not np.iterable(labels) or isinstance(labels, Integral):
            raise TypeError(f"labels must be a rule, or a list of names; got {shown(labels)}.")
        names = [str(name) for name in labels]
        wrong = sorted(set(names) - set(report.index))
        if wrong or not names:
            raise ValueError(f"labels must name labels of the report, got {shown(wrong or names)}.")
        return report.loc[names]


def _legend_below(plt, ax):
    """A legend under the name of the horizontal axis, where it covers no row."""
    below = plt.matplotlib.transforms.ScaledTranslation(
        0, -3.6 * plt.rcParams["font.size"] / 72, ax.figure.dpi_scale_trans
    )
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=ax.transAxes + below,
        borderaxespad=0,
        ncols=3,
        columnspacing=1.2,
        handletextpad=0.3,
        fontsize="small",
        frameon=False,
    )
