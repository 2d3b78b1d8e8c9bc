"""Which label is predicted in the place of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.inspection._classifiers import fitted_on_labels, known_labels, predicted_labels, through_steps

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["confused_pairs", "label_confusion"]


def label_confusion(estimator: Any, X: Any, y: Any) -> DataFrame:
    """Count for each two labels how often one is predicted while the other is missed.

    A row counts for a pair where the first label is true and not predicted, and the second is predicted and not true.

    Parameters
    ----------
    estimator : MetaPolicyClassifier, TunedThresholdsClassifierCV or another classifier of this package
        Fitted on labels, or a pipeline or search that ends in one.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples that the estimator has not seen, as it takes them.
    y : {array-like, sparse matrix, data frame} of shape (n_samples, n_labels)
        Their labels, in {0, 1}; what is NaN or masked is neither missed nor wrongly predicted. The columns of a data
        frame are read by their names.

    Returns
    -------
    pairs : DataFrame of shape (n_pairs, 5)
        A row for each pair that occurs, the most frequent first: "missed" and "predicted" (names of the labels),
        "count" (rows), "share" (of the rows in which the first label is missed), and "expected": how often the two
        errors would meet by chance.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of this package.
    ValueError
        If it was fitted on classes, or `y` has other labels.

    See Also
    --------
    LabelConfusionDisplay : Draws the most frequent pairs, for predictions from any source too.
    sklearn.metrics.multilabel_confusion_matrix : True and false positives and negatives of each label.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import MetaPolicyClassifier
    >>> from sklearn_metalabel.inspection import label_confusion
    >>> X, Y = make_multilabel_classification(300, n_classes=3, random_state=0)
    >>> clf = MetaPolicyClassifier(random_state=0).fit(X[:200], Y[:200])
    >>> label_confusion(clf, X[200:], Y[200:]).columns.tolist()
    ['missed', 'predicted', 'count', 'share', 'expected']
    """
    estimator, X = through_steps(estimator, X)
    fitted_on_labels(estimator, "label_confusion")
    Y = known_labels(estimator, X, y)
    return confused_pairs(Y, predicted_labels(estimator, X), estimator.label_names_)


def confused_pairs(Y, D, names):
    """The pairs as a frame: truth (n, L) with -1 where it is not known, and decisions (n, L), bool."""
    import pandas as pd

    missed, wrong = (sp.csr_array(marks.astype(np.int64)) for marks in ((Y > 0) & ~D, (Y == 0) & D))
    n_missed, n_wrong = (np.asarray(marks.sum(axis=0)).ravel() for marks in (missed, wrong))
    counts = sp.coo_array(missed.T @ wrong)
    a, b = counts.coords
    names = np.asarray(names)
    pairs = pd.DataFrame(
        {
            "missed": names[a],
            "predicted": names[b],
            "count": counts.data,
            "share": counts.data / n_missed[a],
            "expected": n_missed[a] * n_wrong[b] / len(Y),
        }
    )
    return pairs.sort_values(["count", "share"], ascending=False, kind="stable", ignore_index=True)
