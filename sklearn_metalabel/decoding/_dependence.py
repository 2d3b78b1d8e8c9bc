"""How labels depend on each other: what decisions gain from the label sets that were observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from sklearn_metalabel.decoding._candidate_sets import best_sets
from sklearn_metalabel.decoding._label_pairs import LabelPairs, strongest_pairs
from sklearn_metalabel.decoding._label_sets import LabelSets, check_number, check_sets, codes_of_rows, segment_sums

__all__ = ["Dependence", "alone", "own_energies"]


@dataclass(frozen=True, eq=False)
class Dependence:
    r"""How labels depend on each other, learned from the label sets of the training rows.

    A row is given the label set of largest energy: the sum of the margins of its labels, :math:`b (\mathrm{logit}\,
    p_j - \mathrm{logit}\, t_j)`, and `count_weight` times the logarithm of how often the set was observed. Beside all
    observed sets there is the one that thresholds alone would give, which has `unseen` in place of the last term where
    it was not observed.

    Parameters
    ----------
    sets : LabelSets
        The observed label sets.
    count_weight : float
        Weight of the logarithm of counts, at least 0; 0 makes all observed sets alike.
    unseen : float
        What stands for it in a set that was not observed; the lower, the more rows get an observed set; may be inf.
    scale : float, default=1.0
        Factor b of the margins.
    label_names : ndarray of shape (n_labels,), default=None
        Names of the labels, for tables; None numbers them.

    Raises
    ------
    TypeError
        If `sets` are no label sets.
    ValueError
        If a number is not as described.

    See Also
    --------
    decide : Decides with thresholds and dependence.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.decoding import Dependence, LabelSets, decide
    >>> Y = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
    >>> dependence = Dependence(LabelSets.from_rows(Y), count_weight=0.5, unseen=-2.0)
    >>> P = [[0.9, 0.4, 0.1], [0.2, 0.1, 0.8]]
    >>> decide(P, 0.5)
    array([[1, 0, 0],
           [0, 0, 1]])
    >>> decide(P, 0.5, dependence=dependence)
    array([[1, 1, 0],
           [0, 0, 1]])
    >>> pairs = dependence.pairs(1)
    >>> pairs["label"], pairs["other"], pairs["strength"].round(1)
    (array(['0'], dtype='<U21'), array(['1'], dtype='<U21'), array([3.2]))
    """

    sets: LabelSets
    count_weight: float
    unseen: float
    scale: float = 1.0
    label_names: NDArray | None = None

    def __post_init__(self):
        check_sets(self.sets)
        check_number("count_weight", self.count_weight, "a finite number of at least 0", lambda x: 0 <= x < np.inf)
        check_number("unseen", self.unseen, "a number", lambda x: not np.isnan(x))
        check_number("scale", self.scale, "a finite number above 0", lambda x: 0 < x < np.inf)

    def pairs(self, n_pairs: int | None = None) -> LabelPairs:
        """Table of the pairs of labels that pull each other up or exclude each other.

        Parameters
        ----------
        n_pairs : int, default=None
            Most pairs; None is all.

        Returns
        -------
        pairs : dict of str -> ndarray
            For `pandas.DataFrame`, the surest pair first: "label" and "other"; "together", the rows that have both, by
            weight; "expected", those that would if labels were independent; "strength", the logarithm of the odds
            ratio, above 0 where they pull each other up; "evidence", the statistic of the likelihood-ratio test of
            independence.
        """
        return strongest_pairs(self.sets, self.label_names, n_pairs)

    def frequent_sets(self, n_sets: int | None = None) -> dict:
        """Table of the observed label sets, the most frequent first.

        Parameters
        ----------
        n_sets : int, default=None
            Most sets; None is all.

        Returns
        -------
        table : dict of str -> ndarray
            For `pandas.DataFrame`: "labels", a tuple of names each; "count", the rows that have this set, by weight;
            "bonus", what it adds to the energy of the set.
        """
        sets, names = self.sets, self.label_names
        names = np.arange(sets.n_labels).astype(str) if names is None else np.asarray(names)
        order = np.argsort(-sets.counts, kind="stable")[:n_sets]
        labels = np.empty(order.size, dtype=object)
        labels[:] = [tuple(names[sets.labels[sets.indptr[k] : sets.indptr[k + 1]]].tolist()) for k in order]
        return {"labels": labels, "count": sets.counts[order], "bonus": self.count_weight * sets.log_counts[order]}

    def decide(self, M, may_be_empty) -> NDArray[np.bool_]:
        """Decide on margins.

        Parameters
        ----------
        M : ndarray of shape (n_samples, n_labels)
            Finite margins, on the logit scale of probabilities, before they are scaled.
        may_be_empty : bool
            Whether a row may get no label.

        Returns
        -------
        decisions : ndarray of shape (n_samples, n_labels), bool
            The label set of each row.
        """
        M, sets = self.scale * M, self.sets
        D = alone(M, may_be_empty, sets.implied)
        own = own_energies(M, D, self)
        row, found, energy = best_sets(M, sets, self.count_weight, may_be_empty, own)
        better = energy > own[row]
        D[row[better]] = sets.indicators[found[better]].toarray() > 0
        return D


def alone(M, may_be_empty, implied=None):
    """Decisions (n, L), bool, for each label by its margin; else a row gets its largest margin.

    Where a row lacks a label that one of its labels implies, it is given it, or loses the one that implies it,
    whichever has the larger sum of margins.
    """
    D = M > 0
    if not may_be_empty:
        empty = np.flatnonzero(~D.any(axis=1))
        D[empty, M[empty].argmax(axis=1)] = True
    return D if implied is None else _with_implied(D, M, implied, may_be_empty)


def _with_implied(D, M, implied, may_be_empty):
    """Decisions of which none lacks an implied label."""
    wanted = sp.csr_array(D, dtype=np.float64) @ implied
    broken = np.unique(wanted.nonzero()[0][~D[wanted.nonzero()]])
    if not broken.size:
        return D
    m, before = M[broken], D[broken]
    filled = before | (wanted[broken].toarray() > 0)
    missing = sp.csr_array(~before, dtype=np.float64)
    pruned = before & ~((missing @ implied.T).toarray() > 0)
    prefers_less = (m * pruned).sum(axis=1) > (m * filled).sum(axis=1)
    if not may_be_empty:
        prefers_less &= pruned.any(axis=1)
    D[broken] = np.where(prefers_less[:, None], pruned, filled)
    return D


def own_energies(M, D, dependence):
    """Energy (n,) of the decisions D of each label alone, by their count where the set was observed."""
    rows, sets = sp.csr_array(D), dependence.sets
    label_of, bounds = rows.indices, rows.indptr
    sums = segment_sums(M[np.repeat(np.arange(len(M)), np.diff(bounds)), label_of], bounds)
    number = sets.find(codes_of_rows(rows))
    return sums + np.where(number >= 0, dependence.count_weight * sets.log_counts[number], dependence.unseen)
