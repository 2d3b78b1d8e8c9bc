"""Weights and thresholds that the policies chose, label by label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_metalabel.inspection._classifiers import fitted_on_labels, through_steps
from sklearn_metalabel.inspection._drawing import (
    BLUE,
    INK,
    RED,
    label_indices,
    panels,
    row_panel,
    shorten,
    spread_ranks,
)
from sklearn_metalabel.utils import as_numbers

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["PolicyDisplay"]

_MAX_LABELS = 20
_CHOICES = ("spread", "rarest", "most_frequent", "most_changed")
# Weights that differ by more than this factor are drawn on a logarithmic axis.
_WIDE = 20.0
# What is drawn of each label: its attribute, its colour, what it is called in the figure, and in one sentence.
_PANELS = (
    ("weights", BLUE, "Weight of the loss", "weight"),
    ("positive_weights", BLUE, "Weight of positives", "weight of positives"),
    ("thresholds", RED, "Threshold", "threshold"),
)


class PolicyDisplay:
    """What was chosen for each label: its loss weight and its threshold, sorted by frequency.

    The panels share their rows, one row a label: the weight of its loss in the final training, that of its positives,
    and the threshold that its probability has to exceed. What is the same for all labels is said in the title instead
    of drawn. Create it by :meth:`from_estimator`.

    Parameters
    ----------
    weights : array-like of shape (n_labels,)
        Weight of each label, positive.

    thresholds : array-like of shape (n_labels,)
        Threshold of each label.

    label_names : array-like of str of shape (n_labels,)
        Names, in the same order.

    label_frequencies : array-like of shape (n_labels,), default=None
        Share of positive training rows of each label, in [0, 1]; None keeps the order of the labels.

    positive_weights : array-like of shape (n_labels,), default=None
        Weight of the positives of each label; None is 1.

    usual_threshold : float, default=0.5
        Where a plain classifier cuts, which a dashed line marks.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        A panel for each of weights, weights of positives and thresholds that differs between labels.

    ax_ : matplotlib Axes
        The first panel.

    dots_ : dict of str -> matplotlib PathCollection
        The dots of "weights", "positive_weights" and "thresholds", where they are drawn; row 0 is the most frequent
        label drawn.

    labels_ : ndarray of shape (n_drawn,)
        Indices of the labels drawn, most frequent first.

    Raises
    ------
    ValueError
        If the arrays do not describe the same labels, labels asked for do not exist, or nothing differs between labels.

    See Also
    --------
    TrainingPolicyDisplay : What was tried before these weights were chosen.
    ThresholdCurveDisplay : What other thresholds would do.
    sklearn.inspection.PartialDependenceDisplay : Draws what a fitted model makes of each feature.

    Examples
    --------
    >>> from sklearn_metalabel.inspection import PolicyDisplay
    >>> display = PolicyDisplay(
    ...     weights=[0.5, 1.5],
    ...     thresholds=[0.5, 0.2],
    ...     label_names=["common", "rare"],
    ...     label_frequencies=[0.4, 0.02],
    ... )
    >>> display.frame()
        label  frequency  weight  threshold
    0  common       0.40     0.5        0.5
    1    rare       0.02     1.5        0.2
    """

    def __init__(
        self, weights, thresholds, *, label_names, label_frequencies=None, positive_weights=None, usual_threshold=0.5
    ):
        self.weights = as_numbers(weights, "weights")
        self.thresholds = as_numbers(thresholds, "thresholds")
        self.label_names = np.asarray(label_names)
        self.label_frequencies = _or_none(label_frequencies, "label_frequencies")
        self.positive_weights = _or_none(positive_weights, "positive_weights")
        self.usual_threshold = usual_threshold
        for name in ("thresholds", "label_names", "label_frequencies", "positive_weights"):
            shape = np.shape(getattr(self, name))
            is_given = getattr(self, name) is not None
            if is_given and (self.weights.ndim != 1 or shape != self.weights.shape):
                raise ValueError(
                    f"weights and {name} must be 1-D with one entry a label; got shapes "
                    f"{self.weights.shape} and {shape}."
                )

    @classmethod
    def from_estimator(
        cls, est: Any, *, labels: str | ArrayLike | None = None, ax: Any = None, **kwargs: Any
    ) -> PolicyDisplay:
        """Draw what a fitted classifier has learned.

        Parameters
        ----------
        est : MetaPolicyClassifier, TunedThresholdsClassifierCV or another classifier of this package
            Fitted on labels, or a pipeline or search that ends in one.

        labels : str or array-like, default=None
            Labels to draw; see :meth:`plot`.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; see :meth:`plot`.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, for the dots.

        Returns
        -------
        display : PolicyDisplay
            With the figure drawn.
        """
        est, _ = through_steps(est)
        fitted_on_labels(est, "PolicyDisplay.from_estimator")
        n_labels = len(est.label_names_)
        display = cls(
            getattr(est, "weights_", np.ones(n_labels)),
            np.broadcast_to(est._decision_thresholds(), n_labels),
            label_names=est.label_names_,
            label_frequencies=getattr(est, "label_frequencies_", None),
            positive_weights=getattr(est, "positive_weights_", None),
            usual_threshold=0.5 if getattr(est, "response_method_", "predict_proba") == "predict_proba" else 0.0,
        )
        return display.plot(ax=ax, labels=labels, **kwargs)

    def plot(self, ax: Any = None, *, labels: str | ArrayLike | None = None, **kwargs: Any) -> PolicyDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            One for each panel, or one that is replaced by the panels in its place; without any a figure is made.

        labels : str or array-like, default=None
            Labels to draw: names or indices, or `"rarest"`, `"most_frequent"`, `"most_changed"` (weight
            farthest from 1 and threshold from the usual one) or `"spread"` (evenly over the ranks of frequency), which
            are 20 at most. `None` is `"spread"`.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, for the dots.

        Returns
        -------
        display : PolicyDisplay
            Itself, with the attributes that end in an underscore set.
        """
        drawn, note = self._panels()
        if not drawn:
            raise ValueError(f"There is nothing to draw, since nothing differs between labels ({note}).")
        self.labels_ = self._choose(labels)
        size = (1.8 + 3.4 * len(drawn), 1.4 + 0.27 * self.labels_.size)
        self.figure_, self.axes_ = panels("PolicyDisplay", ax, len(drawn), size=size)
        self.ax_, self.dots_ = self.axes_[0], {}
        for axes, (name, color, title, _) in zip(self.axes_, drawn, strict=True):
            reference = self.usual_threshold if name == "thresholds" else 1.0
            values = getattr(self, name)[self.labels_]
            self.dots_[name] = _draw_panel(axes, values, reference, {"color": color, **kwargs})
            axes.set_xlabel(title)
            if name == "thresholds" and self.usual_threshold == 0.5 and values.min() >= 0 and values.max() <= 1:
                axes.set_xlim(-0.02, 1.02)
            elif name != "thresholds" and values.min() > 0 and values.max() > _WIDE * values.min():
                axes.set_xscale("log")
        self._name_rows(note)
        return self

    def frame(self) -> DataFrame:
        """Give the numbers of all labels as a table.

        Returns
        -------
        frame : DataFrame of shape (n_labels, n_columns)
            Columns `label`, `frequency`, `weight`, `positive_weight` and `threshold`, of which `frequency` and
            `positive_weight` are left out where they are not known; labels in the order of the estimator.
        """
        import pandas as pd

        columns = {
            "label": self.label_names,
            "frequency": self.label_frequencies,
            "weight": self.weights,
            "positive_weight": self.positive_weights,
            "threshold": self.thresholds,
        }
        return pd.DataFrame({name: values for name, values in columns.items() if values is not None})

    def __repr__(self):
        _, note = self._panels()
        return f"PolicyDisplay({self.weights.size} labels{'; ' if note else ''}{note})"

    def _panels(self):
        """The panels in which labels differ, and a sentence on what is the same for all."""
        drawn, same = [], []
        for panel in _PANELS:
            name, _, _, word = panel
            values = getattr(self, name)
            if values is None:
                continue
            if np.unique(values).size > 1 or (values.size == 1 and name == "thresholds"):
                drawn.append(panel)
            else:
                same.append(f"{word} {values[0]:g}")
        return drawn, f"all labels: {', '.join(same)}" if same else ""

    def _name_rows(self, note):
        """Label the rows once, and say what is the same for all labels."""
        first, last = self.axes_[0], self.axes_[-1]
        rows = np.arange(self.labels_.size)
        names = [shorten(str(name)) for name in self.label_names[self.labels_]]
        first.set_yticks(rows, names, color=INK)
        first.set_title(note, loc="left", fontsize="small", color=INK)
        if self.label_frequencies is None:
            return
        shares = [f"{100 * share:.2g}%" for share in self.label_frequencies[self.labels_]]
        side = last if last is not first else last.secondary_yaxis("right")
        side.set_yticks(rows, shares, color=INK)
        side.yaxis.tick_right()
        side.tick_params(axis="y", length=0)
        side.spines["right"].set_visible(False)
        last.set_xlabel(f"{last.get_xlabel()}\nright: share of training rows")

    def _choose(self, labels):
        """Pick the indices of the labels to draw, most frequent first."""
        frequencies = np.zeros(self.weights.size) if self.label_frequencies is None else self.label_frequencies
        by_frequency = np.argsort(-frequencies, kind="stable")
        if labels is None or isinstance(labels, str):
            return _choose_by_rule(by_frequency, labels or "spread", self._change())
        rank = np.argsort(by_frequency)
        return np.array(sorted(label_indices(labels, self.label_names), key=rank.__getitem__), dtype=np.intp)

    def _change(self):
        """How far each label (L,) is from weight 1 and the usual threshold, each in its own deviations."""
        positive = np.ones(self.weights.size) if self.positive_weights is None else self.positive_weights
        logs = (np.log(np.maximum(values, np.finfo(float).tiny)) for values in (self.weights, positive))
        moved = np.nan_to_num(self.thresholds - self.usual_threshold, posinf=0.0, neginf=0.0)
        return sum(np.abs(values) / (np.std(values) or 1.0) for values in (*logs, moved))


def _or_none(values, name):
    """Numbers, or None where there are none."""
    return None if values is None else as_numbers(values, name)


def _choose_by_rule(by_frequency, rule, change):
    """Pick the indices of at most 20 labels, most frequent first."""
    if rule not in _CHOICES:
        raise ValueError(
            f"labels must be one of {', '.join(map(repr, _CHOICES))}, or a list of names or indices; got "
            f"{rule!r}. To draw one label, put its name into a list."
        )
    n_labels = by_frequency.size
    n_drawn = min(n_labels, _MAX_LABELS)
    if rule == "rarest":
        ranks = np.arange(n_labels - n_drawn, n_labels)
    elif rule == "most_frequent":
        ranks = np.arange(n_drawn)
    elif rule == "most_changed":
        ranks = np.sort(np.argsort(-change[by_frequency], kind="stable")[:n_drawn])
    else:
        ranks = spread_ranks(n_labels, n_drawn)
    return by_frequency[ranks]


def _draw_panel(axes, values, reference, dot_kwargs):
    """Dots of the labels, and a reference line; return the dots."""
    axes.axvline(reference, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    dots = axes.scatter(values, np.arange(values.size), **{"s": 34, "zorder": 3, "linewidths": 0, **dot_kwargs})
    row_panel(axes, values.size)
    return dots
