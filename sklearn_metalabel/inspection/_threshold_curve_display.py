"""Precision, recall and F1 of labels against the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sklearn_metalabel.inspection._classifiers import checked_labels, fitted_on_labels, known_labels, through_steps
from sklearn_metalabel.inspection._drawing import (
    BLUE,
    INK,
    RED,
    label_indices,
    panels,
    plain,
    shorten,
    spread_ranks,
)
from sklearn_metalabel.inspection._threshold_curves import curve_of_counts, curve_of_scores
from sklearn_metalabel.utils import as_numbers

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ThresholdCurveDisplay"]

_MAX_LABELS = 6
_RULES = ("spread", "most_frequent", "rarest")
_LINES = {"precision": (BLUE, 1.2), "recall": (RED, 1.2), "f1": (INK, 2.2)}


class ThresholdCurveDisplay:
    """Precision, recall and F1 of labels against the threshold, with the one that was chosen.

    One panel a label. Create it by :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    curves : list of dict of str -> ndarray
        For each label "threshold", ascending, and "precision", "recall" and "f1" of the same length.

    thresholds : array-like of shape (n_labels,)
        The threshold of each label that was chosen.

    label_names : array-like of str of shape (n_labels,)
        Names of the labels.

    positives : array-like of shape (n_labels,)
        Number of positives of each label, by weight.

    score_name : str, default="Threshold"
        What the thresholds are called in the figure.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once drawn.

    axes_ : ndarray of shape (n_drawn,) of matplotlib Axes
        A panel for each label drawn.

    ax_ : matplotlib Axes
        The first panel.

    lines_ : list of dict of str -> matplotlib Line2D
        The three curves of each panel, and "chosen", the mark of the chosen threshold, where it is on the axis.

    labels_ : ndarray of shape (n_drawn,)
        Indices of the labels drawn.

    Raises
    ------
    ValueError
        If labels asked for do not exist, or have no curve because they have no positives.

    See Also
    --------
    LabelReportDisplay : F1 at the chosen thresholds, of many labels at once.
    sklearn.metrics.PrecisionRecallDisplay : Precision against recall.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.inspection import ThresholdCurveDisplay
    >>> Y, P = np.array([[1], [1], [0], [0]]), np.array([[0.9], [0.4], [0.6], [0.1]])
    >>> display = ThresholdCurveDisplay.from_predictions(
    ...     Y, P, 0.3, label_names=["sea"], draw=False
    ... )
    >>> display.frame()
      label  threshold  precision  recall        f1  chosen
    0   sea        0.0   0.500000     1.0  0.666667     0.3
    1   sea        0.1   0.666667     1.0  0.800000     0.3
    2   sea        0.3   0.666667     1.0  0.800000     0.3
    3   sea        0.4   0.500000     0.5  0.500000     0.3
    4   sea        0.6   1.000000     0.5  0.666667     0.3
    """

    def __init__(self, curves, thresholds, *, label_names, positives, score_name="Threshold"):
        self.curves = curves
        self.label_names = np.asarray([str(name) for name in label_names], dtype=object)
        self.thresholds = np.asarray(as_numbers(thresholds, "thresholds"))
        self.positives = np.asarray(as_numbers(positives, "positives"))
        self.score_name = score_name
        for name in ("thresholds", "positives", "label_names"):
            if np.shape(getattr(self, name)) != (len(curves),):
                raise ValueError(
                    f"{name} must have one entry for each of the {len(curves)} curves, got shape "
                    f"{np.shape(getattr(self, name))}."
                )

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, labels: Any = None, ax: Any = None
    ) -> ThresholdCurveDisplay:
        """Draw what other thresholds would have done, on held-out rows of `fit` or on given rows.

        Parameters
        ----------
        estimator : MetaPolicyClassifier, TunedThresholdsClassifierCV or another classifier of this package
            Fitted on labels, or a pipeline or search that ends in one.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Samples, as the estimator takes them. None draws the held-out rows of `fit`, from base learners that were
            not trained on them, out of what the estimator kept (`threshold_counts_`); these are the rows that its
            thresholds were chosen on.

        y : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels), default=None
            The labels of X; what is NaN or masked is left out.

        labels : str or list, default=None
            Labels to draw; see :meth:`plot`.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; see :meth:`plot`.

        Returns
        -------
        display : ThresholdCurveDisplay
            With the figure drawn. A label is predicted where its probability, or decision value, is above its
            threshold; `predict` may decide otherwise where labels depend on each other, or a sample must get a label.
        """
        estimator, X = through_steps(estimator, X)
        fitted_on_labels(estimator, "ThresholdCurveDisplay.from_estimator")
        if (X is None) != (y is None):
            raise ValueError("X and y must be given together, or neither, which draws the held-out rows of fit.")
        names = estimator.label_names_
        thresholds = np.broadcast_to(estimator._decision_thresholds(), len(names))
        if X is None:
            display = cls._of_held_out(estimator, thresholds)
        else:
            scores, usual = estimator._label_scores(X)
            name = f"Threshold of the {'probability' if usual == 0.5 else 'decision value'}, given rows"
            display = cls._of_scores(known_labels(estimator, X, y), scores, thresholds, names, name)
        return display.plot(ax=ax, labels=labels)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_score: Any,
        thresholds: Any,
        *,
        label_names: Any = None,
        labels: Any = None,
        ax: Any = None,
        draw: bool = True,
    ) -> ThresholdCurveDisplay:
        """Draw the curves of scores from any source.

        Parameters
        ----------
        y_true : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
            Truth, in {0, 1}; what is NaN or masked is left out.

        y_score : array-like of shape (n_samples, n_labels)
            Probabilities or decision values.

        thresholds : float or array-like of shape (n_labels,)
            The thresholds that were chosen.

        label_names : array-like of str of shape (n_labels,), default=None
            Names; None takes the columns of a data frame, or numbers.

        labels : str or list, default=None
            Labels to draw; see :meth:`plot`.

        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw; see :meth:`plot`.

        draw : bool, default=True
            Whether to draw at once.

        Returns
        -------
        display : ThresholdCurveDisplay
            With the figure drawn, unless that was not asked for.
        """
        S = as_numbers(y_score, "y_score")
        if S.ndim != 2 or not np.isfinite(S).all():
            raise ValueError(f"y_score must be finite numbers of shape (n_samples, n_labels), got shape {S.shape}.")
        names = getattr(y_true, "columns", None) if label_names is None else label_names
        names = [str(name) for name in (np.arange(S.shape[1]) if names is None else names)]
        t = as_numbers(thresholds, "thresholds")
        t = np.full(S.shape[1], t) if t.ndim == 0 else t
        if t.shape != S.shape[1:] or len(names) != S.shape[1]:
            raise ValueError(
                f"thresholds and label_names must have one entry for each of the {S.shape[1]} columns of y_score, got "
                f"{t.shape} and {len(names)}."
            )
        display = cls._of_scores(checked_labels(y_true, np.asarray(names), len(S)), S, t, names, "Threshold")
        return display.plot(ax=ax, labels=labels) if draw else display

    @classmethod
    def _of_scores(cls, Y, S, thresholds, names, score_name):
        """Curves of truth and scores."""
        curves = [curve_of_scores(*label) for label in zip(Y.T, S.T, thresholds, strict=True)]
        return cls(curves, thresholds, label_names=names, positives=(Y > 0).sum(axis=0), score_name=score_name)

    @classmethod
    def _of_held_out(cls, estimator, thresholds):
        """Curves of what an estimator has kept of its held-out rows."""
        counts = getattr(estimator, "threshold_counts_", None)
        if counts is None:
            raise ValueError(
                f"This {type(estimator).__name__} has held out no rows in fit; pass X and y to draw those."
            )
        labels = zip(counts["tps"], counts["fps"], counts["positives"], strict=True)
        curves = [curve_of_counts(counts["thresholds"], *label) for label in labels]
        is_probability = getattr(estimator, "response_method_", "predict_proba") == "predict_proba"
        name = f"Threshold of the {'probability' if is_probability else 'decision value'}, held-out rows of fit"
        options = {"label_names": estimator.label_names_, "positives": counts["positives"], "score_name": name}
        return cls(curves, thresholds, **options)

    def plot(self, ax: Any = None, *, labels: Any = None) -> ThresholdCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            One for each label drawn, or one that is replaced by panels in its place; None makes a figure.

        labels : str or list, default=None
            Labels to draw: names or indices, or "spread" (evenly over the ranks of frequency), "most_frequent" or
            "rarest", which are 6 at most, of those that have positives; None is "spread".

        Returns
        -------
        display : ThresholdCurveDisplay
            Itself, with the attributes that end in an underscore set.
        """
        self.labels_ = self._choose("spread" if labels is None else labels)
        n, columns = self.labels_.size, 3 if self.labels_.size > 4 else 2
        size = (min(n, columns) * 3.0 + 0.6, -(-n // columns) * 2.3 + 0.7)
        self.figure_, self.axes_ = panels("ThresholdCurveDisplay", ax, n, size=size, n_columns=columns)
        self.ax_, self.lines_ = self.axes_[0], []
        for axes, j in zip(self.axes_, self.labels_, strict=True):
            self.lines_.append(self._draw(axes, j))
        handles = [self.lines_[0][name] for name in _LINES]
        self.ax_.legend(handles, ["precision", "recall", "F1"], fontsize="small", frameon=False, loc="best")
        first_of_last_row = (n - 1) // columns * columns
        self.axes_[first_of_last_row].set_xlabel(self.score_name, loc="left")
        return self

    def frame(self) -> DataFrame:
        """Give the curves of all labels as a table.

        Returns
        -------
        frame : DataFrame of shape (n_points, 6)
            "label", "threshold", "precision", "recall" and "f1" at that threshold, and "chosen", the label's own.
        """
        import pandas as pd

        columns = ["label", "threshold", "precision", "recall", "f1", "chosen"]
        parts = [
            pd.DataFrame({"label": name, **curve, "chosen": t}, columns=columns)
            for name, curve, t in zip(self.label_names, self.curves, self.thresholds, strict=True)
        ]
        return pd.concat(parts, ignore_index=True)

    def __repr__(self):
        return f"ThresholdCurveDisplay({len(self.curves)} labels, {self.score_name[0].lower()}{self.score_name[1:]})"

    def _draw(self, axes, j):
        """Curves of one label, and the mark of its threshold; return the lines."""
        curve, own = self.curves[j], self.thresholds[j]
        t = curve["threshold"]
        lines = {
            name: axes.plot(t, curve[name], color=color, linewidth=width, drawstyle="steps-post")[0]
            for name, (color, width) in _LINES.items()
        }
        title = f"{shorten(str(self.label_names[j]))} ({self.positives[j]:g} positives)"
        if t[0] <= own <= t[-1]:
            lines["chosen"] = axes.axvline(own, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        place = "" if "chosen" in lines else f" is {'below' if own < t[0] else 'above'} them"
        axes.set_title(f"{title}\nthreshold {own:.2g}{place}", fontsize="small", loc="left", color=INK)
        axes.set_ylim(-0.03, 1.03)
        plain(axes)
        return lines

    def _choose(self, labels):
        """Indices of the labels to draw."""
        drawable = np.array(
            [len(c["threshold"]) > 1 and n > 0 for c, n in zip(self.curves, self.positives, strict=True)]
        )
        if not isinstance(labels, str):
            chosen = label_indices(labels, self.label_names)
            if not drawable[chosen].all():
                wrong = self.label_names[chosen[~drawable[chosen]]].tolist()
                raise ValueError(f"Labels {wrong[:5]} have no positives, or scores that are all equal: no curve.")
            return chosen
        if labels not in _RULES:
            raise ValueError(
                f"labels must be one of {', '.join(map(repr, _RULES))}, or a list of names or indices; got {labels!r}. "
                "To draw one label, put its name into a list."
            )
        order = np.flatnonzero(drawable)
        order = order[np.argsort(-self.positives[order], kind="stable")]
        if not order.size:
            raise ValueError("No label has positives and scores that differ, so that there is no curve to draw.")
        if labels == "spread":
            return order[spread_ranks(order.size, _MAX_LABELS)]
        return order[:_MAX_LABELS] if labels == "most_frequent" else order[-_MAX_LABELS:]
