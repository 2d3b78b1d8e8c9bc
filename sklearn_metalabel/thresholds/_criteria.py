"""What decisions are judged by when thresholds are chosen."""

import numpy as np

__all__ = ["CRITERIA", "check_criterion", "criterion_score"]


def _f1(true_positives, predicted, positives):
    """F1 from counts, 0 where nothing is positive and nothing predicted."""
    return 2 * true_positives / np.maximum(predicted + positives, 1)


def _counts(Y, D, axis):
    """True positives, predictions and positives along an axis."""
    return (Y & D).sum(axis=axis), D.sum(axis=axis), Y.sum(axis=axis)


def strict_accuracy(Y, D):
    """Share of the instances whose labels are all right."""
    return float((Y == D).all(axis=1).mean())


def micro_f1(Y, D):
    """F1 of all decisions pooled."""
    return float(_f1(*_counts(Y, D, axis=None)))


def macro_f1(Y, D):
    """Mean F1 of the labels."""
    return float(_f1(*_counts(Y, D, axis=0)).mean())


def samples_f1(Y, D):
    """Mean F1 of the instances."""
    return float(_f1(*_counts(Y, D, axis=1)).mean())


CRITERIA = {
    "strict_accuracy": strict_accuracy,
    "micro_f1": micro_f1,
    "macro_f1": macro_f1,
    "samples_f1": samples_f1,
}


def check_criterion(criterion):
    """Raise where `criterion` is none of what `criterion_score` takes."""
    parts = criterion if isinstance(criterion, tuple | list) and criterion else [criterion]
    for part in parts:
        if not callable(part) and not (isinstance(part, str) and part in CRITERIA):
            raise ValueError(
                f"criterion must be one of {sorted(CRITERIA)}, a function (y_true, y_pred) -> float, or several of "
                f"these, got {part!r}."
            )


def criterion_score(criterion, Y, D):
    """Score decisions D (n, L) against Y (n, L).

    `criterion` is a name in `CRITERIA`, a callable (y_true, y_pred) -> float where higher is better, or a sequence of
    these, whose mean is taken.
    """
    if isinstance(criterion, str):
        return CRITERIA[criterion](Y.astype(bool, copy=False), D.astype(bool, copy=False))
    if callable(criterion):
        return float(criterion(Y.astype(int), D.astype(int)))
    return float(np.mean([criterion_score(each, Y, D) for each in criterion]))
