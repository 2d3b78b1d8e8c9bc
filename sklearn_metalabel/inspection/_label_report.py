"""How each label fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score

from sklearn_metalabel.inspection._classifiers import fitted_on_labels, known_labels, predicted_labels, through_steps
from sklearn_metalabel.utils import shown

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["label_report"]


def label_report(estimator: Any, X: Any, y: Any, *, sort_by: str = "support", ascending: bool = False) -> DataFrame:
    """Report for each label how often it is there, how well it is predicted, and what was learned for it.

    Parameters
    ----------
    estimator : MetaPolicyClassifier, TunedThresholdsClassifierCV or another classifier of this package
        Fitted on labels, or a pipeline or search that ends in one.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples that the estimator has not seen, as it takes them.
    y : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
        Their labels, in {0, 1}; what is NaN or masked is not known, and left out for its label. The columns of a data
        frame are read by their names.
    sort_by : str, default="support"
        Column to sort the labels by, or "name"; equal ones stay in the order of the labels.
    ascending : bool, default=False
        Whether the smallest come first.

    Returns
    -------
    report : DataFrame of shape (n_labels, 12)
        By label name. "support": positives in `y`; "frequency": share of positives in training, where the estimator
        knows it; "weight": what multiplied the label's loss; "threshold": what its probability, or decision value, must
        exceed; "precision", "recall" and "f1" of `predict`; "average_precision" of the probabilities; and
        "precision_plain", "recall_plain" and "f1_plain", of a cut of the same probabilities at 0.5 (of decision values
        at 0), beside "gain", by how much the F1 is higher. What is 0 / 0 is 0; what is not known is NaN.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of this package.
    ValueError
        If it was fitted on classes, or `y` has other labels, or there is no such column.

    See Also
    --------
    LabelReportDisplay : Draws the F1 of each label.
    ThresholdCurveDisplay : Draws the scores of other thresholds.
    PolicyDisplay : Draws weights and thresholds.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.inspection import label_report
    >>> X, Y = make_multilabel_classification(300, n_classes=3, random_state=0)
    >>> clf = MetaPolicyClassifier(random_state=0).fit(X[:200], Y[:200])
    >>> label_report(clf, X[200:], Y[200:])[["support", "weight"]].shape
    (3, 2)
    """
    import pandas as pd

    estimator, X = through_steps(estimator, X)
    fitted_on_labels(estimator, "label_report")
    names, Y = np.asarray(estimator.label_names_), known_labels(estimator, X, y)
    scores, plain = estimator._label_scores(X)
    decided = predicted_labels(estimator, X)
    known, truth = Y >= 0, Y > 0
    support = truth.sum(axis=0)
    ours, cut = (_quality(truth, D & known) for D in (decided, scores > plain))
    columns = {
        "support": support,
        "frequency": getattr(estimator, "label_frequencies_", np.full(names.size, np.nan)),
        "weight": getattr(estimator, "weights_", np.ones(names.size)),
        "threshold": np.broadcast_to(estimator._decision_thresholds(), names.shape),
        **ours,
        "average_precision": _average_precisions(truth, known, scores),
        **{f"{name}_plain": values for name, values in cut.items()},
        "gain": ours["f1"] - cut["f1"],
    }
    report = pd.DataFrame(columns, index=pd.Index(names, name="label"))
    if sort_by == "name":
        return report.sort_index(ascending=ascending, kind="stable")
    if sort_by not in report:
        raise ValueError(f'sort_by must be "name" or one of {list(report)}, got {shown(sort_by)}.')
    return report.sort_values(sort_by, ascending=ascending, kind="stable")


def _quality(truth, decided):
    """Precision, recall and F1 of each label (L,)."""
    hits, predicted, positives = (marks.sum(axis=0) for marks in (truth & decided, decided, truth))
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(positives, 1),
        "f1": 2 * hits / np.maximum(predicted + positives, 1),
    }


def _average_precisions(truth, known, scores):
    """Average precision of each label (L,) on the rows where it is known; NaN where it has no positive."""
    found = np.full(truth.shape[1], np.nan)
    for j in np.flatnonzero(truth.any(axis=0)):
        found[j] = average_precision_score(truth[known[:, j], j], scores[known[:, j], j])
    return found
