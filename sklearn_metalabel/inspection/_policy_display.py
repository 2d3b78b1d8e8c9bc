"""Weights and thresholds that the policies chose, label by label."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import NotFittedError

from sklearn_metalabel.inspection._drawing import INK, pyplot, shorten
from sklearn_metalabel.utils import as_numbers, shown

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["PolicyDisplay"]

_NEEDED = ("weights_", "thresholds_", "label_names_", "label_frequencies_", "training_policy_")
_MAX_LABELS = 20
_CHOICES = ("spread", "rarest", "most_frequent", "most_changed")
_TRAIL, _WEIGHT, _THRESHOLD = "#c3c8ce", "#2f6db3", "#c8553d"
# Weights that differ by more than this factor are drawn on a logarithmic axis.
_WIDE = 20.0


class PolicyDisplay:
    """Loss weight and threshold of each label, sorted by frequency.

    Two panels share their rows, one row a label: the weight of its loss in the final training and the threshold that
    its probability has to exceed. A pale line spans what the training policy tried. Create it by
    :meth:`from_estimator`.

    Parameters
    ----------
    weights : array-like of shape (n_labels,)
        Weight of each label, positive.

    thresholds : array-like of shape (n_labels,)
        Threshold of each label, in [0, 1].

    label_names : array-like of str of shape (n_labels,)
        Names, in the same order.

    label_frequencies : array-like of shape (n_labels,)
        Share of positive training rows of each label, in [0, 1].

    tried_weights : array-like of shape (n_tried, n_labels), default=None
        Weights that were tried, in the order of time.

    tried_thresholds : array-like of shape (n_tried, n_labels), default=None
        Thresholds that were tried.

    tried_in : str, default="proposals tried"
        What the spans are called in the figure.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    axes_ : ndarray of shape (2,) of matplotlib Axes
        Panels of the weights and of the thresholds.

    ax_ : matplotlib Axes
        The first panel.

    dots_ : list of two matplotlib PathCollection
        The dots in the panels; row 0 is the most frequent label drawn.

    trails_ : list of two matplotlib LineCollection or None
        The spans of what was tried.

    labels_ : ndarray of shape (n_drawn,)
        Indices of the labels drawn, most frequent first.

    Raises
    ------
    ValueError
        If the arrays do not describe the same labels, or labels asked for do not exist.

    See Also
    --------
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
        self,
        weights,
        thresholds,
        *,
        label_names,
        label_frequencies,
        tried_weights=None,
        tried_thresholds=None,
        tried_in="proposals tried",
    ):
        self.weights = as_numbers(weights, "weights")
        self.thresholds = as_numbers(thresholds, "thresholds")
        self.label_names = np.asarray(label_names)
        self.label_frequencies = as_numbers(label_frequencies, "label_frequencies")
        self.tried_weights = _tried(tried_weights, self.weights.size, "tried_weights")
        self.tried_thresholds = _tried(tried_thresholds, self.weights.size, "tried_thresholds")
        self.tried_in = tried_in
        for name in ("thresholds", "label_names", "label_frequencies"):
            shape = getattr(self, name).shape
            if self.weights.ndim != 1 or shape != self.weights.shape:
                raise ValueError(
                    f"weights and {name} must be 1-D with one entry a label; got shapes "
                    f"{self.weights.shape} and {shape}."
                )

    @classmethod
    def from_estimator(
        cls, est: Any, *, labels: str | ArrayLike | None = None, ax: Any = None, **kwargs: Any
    ) -> PolicyDisplay:
        """Draw what a fitted classifier has learned.

        The spans come from the history of its training policy: the weights of all proposals of
        :class:`~sklearn_metalabel.policies.PolicySearch`, or weights and thresholds at the steps of the greedy episode
        of :class:`~sklearn_metalabel.policies.SharedGRUPolicy` and :class:`~sklearn_metalabel.policies.GRUPolicy`.

        Parameters
        ----------
        est : MetaPolicyClassifier
            Fitted, with a training policy that has a history.

        labels : str or array-like, default=None
            Labels to draw; see :meth:`plot`.

        ax : matplotlib Axes or array-like of two Axes, default=None
            Where to draw; see :meth:`plot`.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, for the dots.

        Returns
        -------
        display : PolicyDisplay
            With the figure drawn.
        """
        missing = [name for name in _NEEDED if not hasattr(est, name)]
        if missing:
            raise NotFittedError(
                f"PolicyDisplay.from_estimator needs a fitted MetaPolicyClassifier; this {type(est).__name__} has no "
                f"{', '.join(missing)}. Call fit first."
            )
        display = cls(
            est.weights_,
            est.thresholds_,
            label_names=est.label_names_,
            label_frequencies=est.label_frequencies_,
            **_what_was_tried(est.training_policy_),
        )
        return display.plot(ax=ax, labels=labels, **kwargs)

    def plot(self, ax: Any = None, *, labels: str | ArrayLike | None = None, **kwargs: Any) -> PolicyDisplay:
        """Draw the two panels.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of two Axes, default=None
            Two Axes are drawn on; one is replaced by two panels in its place; without any a figure is made.

        labels : str or array-like, default=None
            Labels to draw: names or indices, or `"rarest"`, `"most_frequent"`, `"most_changed"` (weight
            farthest from 1 and threshold from 0.5) or `"spread"` (evenly over the ranks of frequency), which
            are 20 at most. `None` is `"spread"`.

        **kwargs : dict
            Passed to `matplotlib.axes.Axes.scatter`, for the dots.

        Returns
        -------
        display : PolicyDisplay
            Itself, with the attributes that end in an underscore set.
        """
        self.labels_ = self._choose(labels)
        self.figure_, self.axes_ = _two_axes(ax, self.labels_.size)
        self.ax_ = self.axes_[0]
        panels = (
            (self.weights, self.tried_weights, _WEIGHT, 1.0, "Weight of the loss"),
            (self.thresholds, self.tried_thresholds, _THRESHOLD, 0.5, "Threshold of the probability"),
        )
        self.dots_, self.trails_ = [], []
        for axes, (values, tried, color, reference, title) in zip(self.axes_, panels, strict=True):
            dots, trail = _draw_panel(axes, values, tried, self.labels_, reference, {"color": color, **kwargs})
            axes.set_xlabel(title)
            self.dots_.append(dots)
            self.trails_.append(trail)
        self._finish()
        return self

    def frame(self) -> DataFrame:
        """Give the numbers of all labels as a table.

        Returns
        -------
        frame : DataFrame of shape (n_labels, 4)
            Columns `label`, `frequency`, `weight` and `threshold`; labels in the order of the estimator.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "label": self.label_names,
                "frequency": self.label_frequencies,
                "weight": self.weights,
                "threshold": self.thresholds,
            }
        )

    def _choose(self, labels):
        """Pick the indices of the labels to draw, most frequent first."""
        by_frequency = np.argsort(-self.label_frequencies, kind="stable")
        if labels is None or isinstance(labels, str):
            return _choose_by_rule(by_frequency, labels or "spread", self._change())
        position = {name: j for j, name in enumerate(self.label_names.tolist())}
        # An array would turn a list of names and indices into names alone.
        labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
        if not np.iterable(labels):
            raise TypeError(f"labels must be a rule, or a list of names or indices; got {shown(labels)}.")
        indices = [self._index(label, position) for label in labels]
        if not indices:
            raise ValueError("labels must name at least one label; got an empty list.")
        rank = np.argsort(by_frequency)
        return np.array(sorted(set(indices), key=rank.__getitem__), dtype=np.intp)

    def _index(self, label, position):
        """Index of a label given by name or index."""
        n_labels = self.weights.size
        if label in position:
            return position[label]
        if isinstance(label, Integral) and not isinstance(label, bool) and -n_labels <= label < n_labels:
            return label % n_labels
        raise ValueError(
            f"labels must be names in label_names or indices below {n_labels}; got {shown(label)}, which is neither."
        )

    def _change(self):
        """How far each label (L,) is from weight 1 and threshold 0.5, each in its own deviations."""
        logs = np.log(np.maximum(self.weights, np.finfo(float).tiny)), self.thresholds - 0.5
        return sum(np.abs(values) / (np.std(values) or 1.0) for values in logs)

    def _is_wide(self):
        """Whether weights, of which some are drawn, differ so much that a linear axis would hide the small ones."""
        tried = self.weights[None] if self.tried_weights is None else self.tried_weights
        drawn = np.concatenate([tried[:, self.labels_], self.weights[None, self.labels_]])
        return bool(drawn.min() > 0 and drawn.max() > _WIDE * drawn.min())

    def _finish(self):
        """Label the rows, and explain the marks once."""
        first, second = self.axes_
        names = [shorten(str(name)) for name in self.label_names[self.labels_]]
        shares = [f"{100 * share:.2g}%" for share in self.label_frequencies[self.labels_]]
        first.set_yticks(np.arange(len(names)), names)
        second.set_yticks(np.arange(len(names)), shares, color=INK)
        second.yaxis.tick_right()
        second.set_title("share of training rows", loc="right", fontsize="small", color=INK)
        if self.trails_ != [None, None]:
            first.set_title(f"dot: final, line: {self.tried_in}", loc="left", fontsize="small", color=INK)
        if self._is_wide():
            first.set_xscale("log")
        for axes in self.axes_:
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
        second.set_xlim(-0.02, 1.02)


def _what_was_tried(policy):
    """Weights and thresholds that a fitted training policy tried, as arguments of the display."""
    history = policy.history_
    if not history:
        raise ValueError(
            f"{type(policy).__name__} has no history to draw: PolicySearch, SharedGRUPolicy and GRUPolicy have one; "
            "call PolicyDisplay(weights, thresholds, label_names=..., label_frequencies=...) for other weights."
        )
    if "greedy_weights" in history:
        return {
            "tried_weights": history["greedy_weights"],
            "tried_thresholds": history["greedy_thresholds"],
            "tried_in": "greedy episode",
        }
    weights = history.get("weights")
    return {} if weights is None else {"tried_weights": weights.reshape(-1, weights.shape[-1])}


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
        ranks = np.round(np.linspace(0, n_labels - 1, n_drawn)).astype(np.intp)
    return by_frequency[ranks]


def _tried(values, n_labels, name):
    """Array (T, L) or None."""
    if values is None:
        return None
    values = as_numbers(values, name)
    if values.ndim != 2 or values.shape[1] != n_labels or values.shape[0] == 0:
        raise ValueError(f"{name} must have shape (n_tried, {n_labels}); got {values.shape}.")
    return values


def _two_axes(ax, n_rows):
    """Figure and its two panels: given, put into the place of one Axes, or new."""
    plt = pyplot("PolicyDisplay")
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    if ax is None:
        size = (8.6, 1.3 + 0.27 * n_rows)
        figure, axes = plt.subplots(1, 2, figsize=size, layout="constrained")
        return figure, axes
    if np.size(ax) == 2:
        axes = np.ravel(ax)
        return axes[0].figure, axes
    if np.size(ax) != 1:
        raise ValueError(f"ax must be one Axes or two; got {np.size(ax)}.")
    place = np.ravel(ax)[0]
    if place.get_subplotspec() is None:
        raise ValueError("ax must come from plt.subplots or add_subplot to be split in two; or pass two Axes.")
    place.set_axis_off()
    grid = GridSpecFromSubplotSpec(1, 2, subplot_spec=place.get_subplotspec())
    return place.figure, np.array([place.figure.add_subplot(cell) for cell in grid])


def _draw_panel(axes, values, tried, labels, reference, dot_kwargs):
    """Dots of the labels, a reference line, and the span of what was tried; return dots and span."""
    rows = np.arange(labels.size)
    axes.axvline(reference, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    trail = None
    if tried is not None:
        low, high = tried[:, labels].min(axis=0), tried[:, labels].max(axis=0)
        trail = axes.hlines(rows, low, high, color=_TRAIL, linewidth=4, zorder=2)
        trail.set_capstyle("round")
    dots = axes.scatter(values[labels], rows, **{"s": 34, "zorder": 3, "linewidths": 0, **dot_kwargs})
    axes.grid(axis="y", color="#eceef0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return dots, trail
