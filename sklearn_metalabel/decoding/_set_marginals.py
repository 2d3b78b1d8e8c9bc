"""Probabilities of labels, corrected by how often label sets were observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sklearn_metalabel.decoding._candidate_sets import candidate_sets
from sklearn_metalabel.decoding._label_sets import LabelSets, check_number, check_sets, expand
from sklearn_metalabel.utils import clip_probabilities, shown

__all__ = ["SetMarginals", "listed_sets"]

# Factors of the weight of counts, and shifts of all logits, under which the likeliest sets of a row are looked for.
_VARIANTS, _N_BEST = ((0.5, 0.0), (1.0, -1.0), (0.5, -2.0)), 24
_BLOCK_ENTRIES = 2**20
# So many sets are summed up for each row faster than the listed ones are looked for.
_FEW_SETS = 1_000


@dataclass(frozen=True, eq=False)
class SetMarginals:
    r"""Marginals of the labels under a distribution over the observed label sets, mixed with the probabilities.

    The probability of a set S for a row is proportional to :math:`\exp(w_1 \sum_{j \in S} z_j + w_2 \log c_S + w_3
    |S|)`, with the calibrated logits z and the count c of the set, over the likeliest sets of the row.

    Parameters
    ----------
    sets : LabelSets
        The observed label sets.
    weights : tuple of float
        :math:`w_1, w_2, w_3`.
    mixing : float in [0, 1]
        Share of the marginals; the rest are the probabilities as they were.
    slope, intercept : float
        Of the calibration.

    Raises
    ------
    TypeError
        If `sets` are no label sets.
    ValueError
        If a number is not as described.

    See Also
    --------
    Dependence : What decisions gain from the same sets.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.decoding import LabelSets, SetMarginals
    >>> sets = LabelSets.from_rows(np.array([[1, 1], [1, 1], [0, 0]]))
    >>> SetMarginals(sets, weights=(1.0, 1.0, 0.0), mixing=0.5).correct(
    ...     np.array([[0.7, 0.5]])
    ... ).round(2)
    array([[0.76, 0.66]])
    """

    sets: LabelSets
    weights: tuple[float, float, float]
    mixing: float
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self):
        check_sets(self.sets)
        if np.shape(self.weights) != (3,) or not np.isfinite(self.weights).all():
            raise ValueError(f"weights must be three finite numbers, got {shown(self.weights)}.")
        check_number("mixing", self.mixing, "a number in [0, 1]", lambda x: 0 <= x <= 1)
        check_number("slope", self.slope, "a finite number above 0", lambda x: 0 < x < np.inf)
        check_number("intercept", self.intercept, "a finite number", np.isfinite)

    def correct(self, P) -> NDArray[np.float64]:
        """Correct probabilities.

        Parameters
        ----------
        P : ndarray of shape (n_samples, n_labels)
            Strictly inside (0, 1).

        Returns
        -------
        corrected : ndarray of shape (n_samples, n_labels), float64
            Strictly inside (0, 1).
        """
        corrected, step = np.array(P, dtype=np.float64), max(1, _BLOCK_ENTRIES // P.shape[1])
        for start in range(0, len(P), step):
            block = corrected[start : start + step]
            block[:] = self.mix(block, self.marginals(self.slope * logit(block) + self.intercept))
        return corrected

    def mix(self, P, marginals) -> NDArray[np.float64]:
        """Mix probabilities with marginals.

        Parameters
        ----------
        P, marginals : ndarray of shape (n_samples, n_labels)
            Strictly inside (0, 1), and in [0, 1].

        Returns
        -------
        mixed : ndarray of shape (n_samples, n_labels)
            Strictly inside (0, 1).
        """
        return clip_probabilities((1 - self.mixing) * P + self.mixing * marginals)

    def marginals(self, Z, listed=None) -> NDArray[np.float64]:
        """Compute the probability that a row's set has each label.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_labels)
            Calibrated logits.
        listed : tuple, default=None
            What `listed_sets` gives for them, where that is known.

        Returns
        -------
        marginals : ndarray of shape (n_samples, n_labels)
            In [0, 1]. Of a row of which no set is listed they are the calibrated probabilities.
        """
        row, number, features = listed_sets(Z, self.sets) if listed is None else listed
        chances = _softmax(features @ np.asarray(self.weights), row)
        at, bounds = expand(self.sets.indptr, number)
        entry = np.repeat(row, np.diff(bounds)) * Z.shape[1] + self.sets.labels[at]
        marginals = np.bincount(entry, np.repeat(chances, np.diff(bounds)), minlength=Z.size).reshape(Z.shape)
        unlisted = np.setdiff1d(np.arange(len(Z)), row)
        marginals[unlisted] = expit(Z[unlisted])
        return marginals


def listed_sets(Z, sets: LabelSets):
    """The likeliest sets of each row of calibrated logits: rows (ascending), sets, and what their odds depend on."""
    row, number = candidate_sets(Z, sets, 1.0, True, _VARIANTS, _N_BEST)
    return row, number, np.column_stack([_sums(Z, sets, row, number), sets.log_counts[number], sets.sizes[number]])


def _sums(Z, sets, row, number):
    """Sums of logits over the labels of sets, of many sets for each row; of few sets all are summed up."""
    if len(sets) > _FEW_SETS:
        return sets.sums(Z, row, number)
    step, sums = max(1, _BLOCK_ENTRIES // len(sets)), np.empty(row.size)
    for start in range(0, len(Z), step):
        inside = slice(*np.searchsorted(row, [start, start + step]))
        sums[inside] = (sets.indicators @ Z[start : start + step].T)[number[inside], row[inside] - start]
    return sums


def _softmax(energy, row):
    """Chances that sum to 1 over the sets of each row."""
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    group = np.cumsum(np.diff(row, prepend=-1) != 0) - 1
    if not starts.size:
        return energy
    odds = np.exp(energy - np.maximum.reduceat(energy, starts)[group])
    return odds / np.add.reduceat(odds, starts)[group]
