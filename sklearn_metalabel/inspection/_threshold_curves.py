"""Precision, recall and F1 of a label by threshold, from scores or from counts."""

import numpy as np

__all__ = ["curve_of_counts", "curve_of_scores"]

# Points of a curve spread over all rows, and as many further ones just below positives.
_MOST_POINTS = 200


def curve_of_scores(y, s, own):
    """Curve of one label, predicted where its score is greater than the threshold.

    Truth (n,) is -1 where it is not known. The curve is exact at its points, of which one is the label's own threshold
    where that predicts some rows and not all, and the last is where one is predicted yet.
    """
    s, positive = np.sort(s[y >= 0]), np.sort(s[y > 0])
    distinct = np.unique(s)
    if not distinct.size:
        return _curve(np.empty(0), np.empty(0), np.empty(0), 0)
    lowest = 0.0 if distinct[0] > 0 else np.nextafter(distinct[0], -np.inf)
    below = np.maximum(np.searchsorted(distinct, _spread(positive)) - 1, 0)
    t = np.unique(np.concatenate([[lowest], _spread(distinct), distinct[below], [own]]))
    t = t[(t >= lowest) & (t < distinct[-1])]
    predicted, tps = (each.size - np.searchsorted(each, t, side="right") for each in (s, positive))
    return _curve(t, tps, predicted, positive.size)


def curve_of_counts(t, tps, fps, positives):
    """Curve of one label from its true and false positives (n_thresholds,) at ascending thresholds."""
    some = tps + fps > 0
    return _curve(t[some], tps[some], (tps + fps)[some], positives)


def _curve(t, tps, predicted, positives):
    """Columns of a curve; what is 0 / 0 is 0."""
    return {
        "threshold": t,
        "precision": tps / predicted,
        "recall": tps / max(positives, 1),
        "f1": 2 * tps / (predicted + positives),
    }


def _spread(values):
    """Some of ascending values, evenly over their ranks, the first and the last among them."""
    if values.size <= _MOST_POINTS:
        return values
    return values[np.round(np.linspace(0, values.size - 1, _MOST_POINTS)).astype(np.intp)]
