"""The response of any classifier for labels: one probability or decision value for each row and label."""

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest
from sklearn_metalabel.learners._resolve import RESPONSE_METHODS
from sklearn_metalabel.utils import clip_probabilities

__all__ = ["check_response_method", "label_response"]


def check_response_method(classifier, response_method):
    """Name of the method that gives the response, or raise where the classifier has none."""
    wanted = RESPONSE_METHODS if response_method == "auto" else (response_method,)
    for method in wanted:
        if hasattr(classifier, method):
            return method
    inner = classifier.estimator if isinstance(classifier, WeightedOneVsRest) else classifier
    raise ValueError(
        f"response_method={response_method!r} needs a classifier with {' or '.join(wanted)}, and "
        f"{type(inner).__name__} has none; pass another classifier or another response_method."
    )


def label_response(classifier, X, method, n_labels):
    """Responses (n, n_labels) of a fitted classifier, floating; probabilities lie strictly inside (0, 1)."""
    R = getattr(classifier, method)(X)
    if isinstance(R, list | tuple):
        R = np.column_stack([_of_one(classifier, np.asarray(r), j) for j, r in enumerate(R)])
    R = R.toarray() if sp.issparse(R) else np.asarray(R)
    if R.ndim == 3 and R.shape[1] == 2:  # skorch gives the probabilities of both values of a label
        R = R[:, 1]
    R = R if R.dtype in (np.float32, np.float64) else R.astype(np.float64)
    if n_labels == 1:  # a classifier of two classes
        R = R[:, 1:] if R.ndim == 2 and R.shape[1] == 2 else R.reshape(-1, 1)
    if R.ndim != 2 or R.shape[1] != n_labels:
        raise ValueError(
            f"{type(classifier).__name__}.{method} must give one value for each row and label, in shape "
            f"(n, {n_labels}), got shape {R.shape}; pass a classifier for label matrices, such as OneVsRestClassifier "
            "around one of a single target."
        )
    if not np.isfinite([R.min(initial=0), R.max(initial=0)]).all():
        raise ValueError(
            f"{type(classifier).__name__}.{method} gave NaN or infinity, and thresholds need finite values; scale the "
            "features or regularise the classifier."
        )
    if method == "predict_proba" and (R.min(initial=0.5) <= 0 or R.max(initial=0.5) >= 1):
        return clip_probabilities(R.copy())
    return R


def _of_one(classifier, r, j):
    """Response for the value 1 of label j, from a column for each value that was seen, or from one score a row."""
    if r.ndim == 1:
        return r
    if r.shape[1] == 2:
        return r[:, 1]
    return r[:, 0] if classifier.classes_[j][0] == 1 else np.zeros(len(r))
