"""What decisions are judged by when thresholds are chosen."""

from functools import wraps
from inspect import signature

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names

__all__ = ["CRITERIA", "check_criterion", "criterion_parts", "criterion_score"]


def _f1(true_positives, predicted, positives):
    """F1 from counts, 0 where nothing is positive and nothing predicted."""
    return 2 * true_positives / np.maximum(predicted + positives, 1)


def _counts(Y, D, axis):
    """True positives, predictions and positives along an axis."""
    return (Y & D).sum(axis=axis), D.sum(axis=axis), Y.sum(axis=axis)


def strict_accuracy(Y, D):
    """Share of the samples whose labels are all right."""
    return float((Y == D).all(axis=1).mean())


def micro_f1(Y, D):
    """F1 of all decisions pooled."""
    return float(_f1(*_counts(Y, D, axis=None)))


def macro_f1(Y, D):
    """Mean F1 of the labels."""
    return float(_f1(*_counts(Y, D, axis=0)).mean())


def samples_f1(Y, D):
    """Mean F1 of the samples."""
    return float(_f1(*_counts(Y, D, axis=1)).mean())


CRITERIA = {
    "strict_accuracy": strict_accuracy,
    "micro_f1": micro_f1,
    "macro_f1": macro_f1,
    "samples_f1": samples_f1,
}


# scikit-learn's names for these.
_SAME = {"accuracy": "strict_accuracy", "f1_micro": "micro_f1", "f1_macro": "macro_f1", "f1_samples": "samples_f1"}


def criterion_parts(criterion):
    """Parts of a criterion, each a name in `CRITERIA` or a function (y_true, y_pred) -> float, or raise.

    `criterion` is such a name, the name of a scorer of scikit-learn that reads decisions, such a scorer, a function, or
    a sequence of these.
    """
    several = isinstance(criterion, tuple | list) and len(criterion) > 0
    return [_criterion_part(part) for part in (criterion if several else [criterion])]


def check_criterion(criterion):
    """Raise where `criterion` is none of what `criterion_score` takes."""
    criterion_parts(criterion)


def criterion_score(criterion, Y, D):
    """Mean score of decisions D (n, L) against Y (n, L) by the parts of a criterion; higher is better."""
    return float(np.mean([_part_score(part, Y, D) for part in criterion_parts(criterion)]))


def _part_score(part, Y, D):
    """Score by a name or a function."""
    if isinstance(part, str):
        return CRITERIA[part](Y.astype(bool, copy=False), D.astype(bool, copy=False))
    return float(part(Y.astype(int), D.astype(int)))


def _criterion_part(given):
    """A name in `CRITERIA` or a function."""
    part = _SAME.get(given, given) if isinstance(given, str) else given
    if isinstance(part, str) and part in CRITERIA:
        return part
    if isinstance(part, str) and part in get_scorer_names():
        part = get_scorer(part)
    if getattr(part, "_response_method", None) == "predict":
        return _function_of_decisions(part)
    if callable(part) and not hasattr(part, "_response_method"):
        return part
    raise ValueError(
        f"criterion must be one of {sorted(CRITERIA)}, a scorer of scikit-learn that reads predictions (such as "
        f'"jaccard_macro"), a function (y_true, y_pred) -> float, or several of these, got {part!r}.'
    )


def _function_of_decisions(scorer):
    """The function (y_true, y_pred) -> float inside a scorer, which counts 0/0 as 0 without a warning."""
    options = dict(scorer._kwargs)
    if "zero_division" in signature(scorer._score_func).parameters:
        options.setdefault("zero_division", 0)

    @wraps(scorer._score_func)
    def score(y_true, y_pred):
        return scorer._sign * scorer._score_func(y_true, y_pred, **options)

    return score
