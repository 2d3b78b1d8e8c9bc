"""The classifiers that displays are made from, the rows they are shown, and the labels of these."""

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from sklearn_metalabel.utils import count_rows, encode_target

__all__ = ["checked_labels", "fitted_on_labels", "known_labels", "predicted_labels", "through_steps"]


def through_steps(estimator, X=None):
    """The classifier that ends pipelines and searches, and X (or None) as it sees it."""
    while isinstance(estimator, Pipeline) or hasattr(estimator, "best_estimator_"):
        if isinstance(estimator, Pipeline):
            X = X if X is None or len(estimator) == 1 else estimator[:-1].transform(X)
            estimator = estimator[-1]
        else:
            estimator = estimator.best_estimator_
    return estimator, X


def fitted_on_labels(estimator, caller):
    """Raise unless a classifier is one of this package, and fitted on labels."""
    if not hasattr(estimator, "_label_scores"):
        raise TypeError(
            f"{caller} needs a classifier of this package, or a pipeline or search that ends in one, got "
            f"{type(estimator).__name__}; wrap it in TunedThresholdsClassifierCV."
        )
    if not hasattr(estimator, "label_names_"):
        raise NotFittedError(
            f"{caller} needs a fitted classifier; this {type(estimator).__name__} has no label_names_. Call fit first."
        )
    if estimator._target.kind != "multilabel":
        raise ValueError(
            f"{caller} is about labels, and the estimator was fitted on classes; report on these with "
            "sklearn.metrics.classification_report or ConfusionMatrixDisplay."
        )


def known_labels(estimator, X, y):
    """Truth (n, L) of some rows in {0, 1}, -1 where it is not known, in the order of the estimator's labels."""
    return checked_labels(y, np.asarray(estimator.label_names_), count_rows(X))


def checked_labels(y, names, n_samples):
    """Truth (n, L), dense, read by the names of its columns where it has such."""
    given = [str(name) for name in getattr(y, "columns", [])]
    if given and given != list(names) and set(given) == set(names) and len(given) == len(names):
        y = y[list(names)]
    elif given and set(given) != set(names) and not all(name.isdigit() for name in names):
        wrong = sorted(set(given) ^ set(names))
        raise ValueError(f"y must have the labels that the estimator was fitted on, and {wrong[:5]} are in one alone.")
    Y, target = encode_target(y, n_samples=n_samples)
    if target.kind != "multilabel" or Y.shape[1] != len(names):
        raise ValueError(f"y must have one column for each of the {len(names)} labels, got shape {np.shape(y)}.")
    return Y.toarray() if sp.issparse(Y) else Y


def predicted_labels(estimator, X):
    """Decisions (n, L), bool, of `predict`."""
    decided = estimator._predicted(X)
    return (decided.toarray() if sp.issparse(decided) else decided) != 0
