"""Strict accuracy, loose macro-F1 and loose micro-F1 of label sets."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sklearn_metalabel.utils import as_numbers, shown

Labels: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix


def strict_accuracy_score(y_true: Labels, y_pred: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of samples whose whole label set is predicted exactly.

    One label too many or too few makes the sample wrong. An empty set predicted for an empty set is
    right. This is the same number as :func:`~sklearn.metrics.accuracy_score` gives for indicator matrices, under
    the name it has in entity typing [1]_.

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples, n_labels)
        True labels, 0 or 1.

    y_pred : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Predicted labels, 0 or 1.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample, not negative.

    Returns
    -------
    score : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, or a matrix is not an indicator matrix of 0 and 1.

    See Also
    --------
    loose_macro_f1_score : Gives credit for a partly right set, sample by sample.
    loose_micro_f1_score : Gives credit label by label, all samples pooled.

    References
    ----------
    .. [1] Ling, X., & Weld, D. S. (2012). Fine-grained entity recognition. AAAI 2012, 94-100.
       :doi:`10.1609/aaai.v26i1.8122`

    Examples
    --------
    >>> from sklearn_metalabel.metrics import strict_accuracy_score
    >>> strict_accuracy_score([[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 0, 1]])
    0.5
    """
    n_both, n_true, n_pred, weight = _set_sizes(y_true, y_pred, sample_weight)
    return _mean((n_both == n_true) & (n_both == n_pred), weight)


def loose_macro_f1_score(
    y_true: Labels,
    y_pred: Labels,
    *,
    sample_weight: ArrayLike | None = None,
    empty: Literal["zero", "skip"] = "zero",
) -> float:
    r"""Harmonic mean of precision and recall, each averaged over the samples.

    Precision and recall are computed for each sample, averaged, and only then combined [1]_. It is
    therefore neither ``f1_score(average="samples")``, the mean of the samples' F1, which is never
    greater (with ``empty="zero"``), nor ``f1_score(average="macro")``, the mean over labels.

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples, n_labels)
        True labels, 0 or 1.

    y_pred : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Predicted labels, 0 or 1.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample, not negative.

    empty : {"zero", "skip"}, default="zero"
        How empty sets are counted. With `"zero"` a sample without predictions has precision 0, and one
        without true labels recall 0, as in most published figures [2]_. With `"skip"` precision is the
        average over the samples with predictions only, and recall over those with true labels [1]_;
        a classifier that often abstains then scores higher.

    Returns
    -------
    score : float
        Between 0 and 1; 0.0 where it would be 0/0, for example if nothing is predicted.

    Raises
    ------
    ValueError
        If the shapes differ, a matrix is not an indicator matrix of 0 and 1, or `empty` is unknown.

    See Also
    --------
    loose_micro_f1_score : Pools the samples first.
    strict_accuracy_score : Requires the whole set to be right.
    sklearn.metrics.make_scorer : Turns each of these functions into a scorer.

    Notes
    -----
    With the true set :math:`T_i` and the predicted set :math:`P_i` of sample :math:`i`,

    .. math:: P = \frac1n \sum_i \frac{|T_i \cap P_i|}{|P_i|}, \quad
              R = \frac1n \sum_i \frac{|T_i \cap P_i|}{|T_i|}, \quad F = \frac{2PR}{P + R}.

    References
    ----------
    .. [1] Ling, X., & Weld, D. S. (2012). Fine-grained entity recognition. AAAI 2012, 94-100.
       :doi:`10.1609/aaai.v26i1.8122`
    .. [2] Shimaoka, S., Stenetorp, P., Inui, K., & Riedel, S. (2017). Neural architectures for
       fine-grained entity type classification. EACL 2017, 1271-1280. :doi:`10.18653/v1/E17-1119`

    Examples
    --------
    >>> from sklearn_metalabel.metrics import loose_macro_f1_score
    >>> y_true, y_pred = [[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 0, 0]]
    >>> loose_macro_f1_score(y_true, y_pred)  # precision 1/2, recall 1/4
    0.333...
    >>> loose_macro_f1_score(y_true, y_pred, empty="skip")  # precision 1
    0.4

    As a scorer for cross-validation:

    >>> from sklearn.metrics import make_scorer
    >>> make_scorer(loose_macro_f1_score, empty="skip")
    make_scorer(loose_macro_f1_score, ...empty=skip)
    """
    if not isinstance(empty, str) or empty not in ("zero", "skip"):
        raise ValueError(f'empty must be "zero" or "skip"; got {shown(empty)}.')
    n_both, n_true, n_pred, weight = _set_sizes(y_true, y_pred, sample_weight)
    precision = _mean_ratio(n_both, n_pred, weight, empty)
    recall = _mean_ratio(n_both, n_true, weight, empty)
    return _divide(2 * precision * recall, precision + recall)


def loose_micro_f1_score(y_true: Labels, y_pred: Labels, *, sample_weight: ArrayLike | None = None) -> float:
    """Harmonic mean of precision and recall over all pairs of sample and label.

    Counts are summed over samples before anything is divided, so that samples with many labels
    weigh more. This is the same number as ``f1_score(average="micro", zero_division=0)``, under the name it
    has in entity typing [1]_.

    Parameters
    ----------
    y_true : {array-like, sparse matrix} of shape (n_samples, n_labels)
        True labels, 0 or 1.

    y_pred : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Predicted labels, 0 or 1.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample, not negative.

    Returns
    -------
    score : float
        Between 0 and 1; 0.0 if there are neither true nor predicted labels.

    Raises
    ------
    ValueError
        If the shapes differ, or a matrix is not an indicator matrix of 0 and 1.

    See Also
    --------
    loose_macro_f1_score : Gives every sample the same weight.
    strict_accuracy_score : Requires the whole set to be right.

    References
    ----------
    .. [1] Ling, X., & Weld, D. S. (2012). Fine-grained entity recognition. AAAI 2012, 94-100.
       :doi:`10.1609/aaai.v26i1.8122`

    Examples
    --------
    >>> from sklearn_metalabel.metrics import loose_micro_f1_score
    >>> loose_micro_f1_score(
    ...     [[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 0, 0]]
    ... )  # 1 of 1, and 1 of 3
    0.5
    """
    n_both, n_true, n_pred, weight = _set_sizes(y_true, y_pred, sample_weight)
    return _divide(2 * (weight @ n_both), weight @ (n_true + n_pred))


def _set_sizes(y_true, y_pred, sample_weight):
    """Sizes (n,) of intersection, true set and predicted set, and the weights (n,)."""
    T, P = _indicator(y_true, "y_true"), _indicator(y_pred, "y_pred")
    if T.shape != P.shape:
        raise ValueError(
            f"y_true and y_pred must have the same shape; got {T.shape} and {P.shape}. "
            "Binarize both with the same MultiLabelBinarizer."
        )
    if sparse.issparse(T) != sparse.issparse(P):
        T, P = sparse.csr_array(T), sparse.csr_array(P)
    both = T.multiply(P) if sparse.issparse(T) else T & P
    counts = [np.asarray(Y.sum(axis=1, dtype=np.int64)).ravel() for Y in (both, T, P)]
    return *counts, _weight(sample_weight, T.shape[0])


def _indicator(y, name):
    """Boolean matrix (n, L), sparse if `y` is sparse."""
    if sparse.issparse(y):
        Y = sparse.csr_array(y, copy=True)
        Y.sum_duplicates()
        entries = Y.data
    else:
        try:
            Y = entries = np.asarray(y)
        except ValueError as error:
            raise ValueError(f"{name} must be an indicator matrix, and its rows differ in length.") from error
    if Y.ndim != 2:
        raise ValueError(
            f"{name} must be an indicator matrix of shape (n_samples, n_labels); got {Y.ndim} dimension(s). "
            "For one class per sample use accuracy_score or f1_score of scikit-learn."
        )
    if Y.shape[0] == 0:
        raise ValueError(f"{name} has no samples; at least one is needed for a score.")
    if not ((entries == 0) | (entries == 1)).all():
        raise ValueError(
            f"{name} must hold 0 and 1 only, and holds other values; pass predictions, not probabilities, "
            "and binarize lists of labels with MultiLabelBinarizer."
        )
    return Y.astype(bool)


def _weight(sample_weight, n):
    """Check the weights (n,); all 1 if there are none."""
    if sample_weight is None:
        return np.ones(n)
    weight = as_numbers(sample_weight, "sample_weight")
    if weight.shape != (n,) or not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError(
            f"sample_weight must hold one finite number >= 0 for each of the {n} samples; got shape "
            f"{weight.shape} with a smallest entry of {weight.min() if weight.size else None}."
        )
    return weight


def _mean_ratio(part, whole, weight, empty):
    """Weighted mean of part/whole over all samples, or over those where whole > 0."""
    counted = whole > 0 if empty == "skip" else np.ones(whole.size, dtype=bool)
    return _mean((part / np.maximum(whole, 1))[counted], weight[counted])


def _mean(values, weight):
    """Weighted mean, 0.0 without weight."""
    return _divide(weight @ values, weight.sum())


def _divide(numerator, denominator):
    """Quotient as a Python float, 0.0 for 0/0."""
    return float(numerator / denominator) if denominator > 0 else 0.0
