"""Pairs of labels that come together more often, or less often, than chance would have it."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from sklearn_metalabel.decoding._label_sets import LabelSets

__all__ = ["LabelPairs", "strongest_pairs"]

# Labels that are looked at, the most frequent ones.
_LABELS = 2_000


class LabelPairs(dict):
    """Columns of a table of pairs of labels, ready for `pandas.DataFrame`."""

    def __repr__(self):
        return f"LabelPairs of {len(self['label'])} pairs: {', '.join(self)}"


def strongest_pairs(sets: LabelSets, label_names=None, n_pairs=None) -> LabelPairs:
    """Pairs of labels by how sure it is that they depend on each other, the surest first.

    Parameters
    ----------
    sets : LabelSets
        The observed label sets.
    label_names : array-like of shape (n_labels,), default=None
        Names; None numbers the labels.
    n_pairs : int, default=None
        Most pairs; None is all of the 2,000 most frequent labels.

    Returns
    -------
    pairs : dict of str -> ndarray
        "label" and "other", of which the first is the more frequent; "together", how many rows have both, by weight;
        "expected", how many would have both if they were independent; "strength", the logarithm of the odds ratio of
        the two (half a row is added to each cell): above 0 they pull each other up, below 0 they exclude each other;
        and "evidence", the statistic of the likelihood-ratio test of independence.
    """
    names = np.arange(sets.n_labels).astype(str) if label_names is None else np.asarray(label_names)
    total = sets.counts.sum()
    own = np.bincount(sets.labels, np.repeat(sets.counts, sets.sizes), minlength=sets.n_labels)
    labels = np.argsort(-own, kind="stable")[:_LABELS]
    labels = labels[(own[labels] > 0) & (own[labels] < total)]
    indicators = sets.indicators[:, labels]
    together = (indicators.T @ indicators.multiply(sets.counts[:, None])).toarray()
    first, second = np.triu_indices(labels.size, 1)
    both, one, other = together[first, second], own[labels[first]], own[labels[second]]
    cells = np.maximum([both, one - both, other - both, total - one - other + both], 0.0)
    expected = np.array(
        [one * other, one * (total - other), (total - one) * other, (total - one) * (total - other)]
    ) / max(total, 1e-300)
    evidence = 2 * np.maximum((xlogy(cells, cells) - xlogy(cells, expected)).sum(axis=0), 0.0)
    a, b, c, d = cells + 0.5
    order = np.argsort(-evidence, kind="stable")[:n_pairs]
    columns = {
        "label": names[labels[first]],
        "other": names[labels[second]],
        "together": both,
        "expected": expected[0],
        "strength": np.log(a * d / (b * c)),
        "evidence": evidence,
    }
    return LabelPairs({name: column[order] for name, column in columns.items()})
