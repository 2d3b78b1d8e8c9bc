"""The rule `plug_in`: thresholds in closed form from calibrated probabilities."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from sklearn_metalabel.thresholds._calibration import calibrate
from sklearn_metalabel.utils import shown

__all__ = ["MAX_BALANCE", "plug_in", "plug_in_thresholds"]

MAX_BALANCE = 0.95
_START, _DAMPING, _MAX_ITERATIONS, _TOLERANCE = 0.3, 0.5, 60, 1e-8


def plug_in(
    Y: ArrayLike, P: ArrayLike, balance: float = 0.6, *, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Choose the thresholds of the best expected mean of macro-F1 and micro-F1, in closed form.

    The probabilities are first calibrated, all labels together: each has its own sigmoid, and that of a label with
    few positives stays close to what the frequency of the label lets expect. The calibrated probabilities then stand
    for the truth, and the thresholds follow without a search over cuts, so there is little to overfit.

    Parameters
    ----------
    Y : {array-like, sparse matrix} of shape (n_samples, n_labels)
        Truth, in {0, 1}.
    P : array-like of shape (n_samples, n_labels)
        Probabilities strictly inside (0, 1), from a classifier that did not train on these rows.
    balance : float in [0, 0.95], default=0.6
        Share of macro-F1 in what is maximised; the rest is micro-F1. 0 gives all labels the same threshold on their
        calibrated probabilities. With 1 nothing would hold back a rare label with weak probabilities, whose best
        expected F1 is reached by predicting it for many rows or all, so values above 0.95 are refused.
    sample_weight : array-like of shape (n_samples,), default=None
        How many times each row counts; rows of weight 0 are left out.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        One threshold for each label; 1.0 (never) without positives, 0.0 (always) without negatives.

    Raises
    ------
    ValueError
        If `Y` and `P` do not fit each other, `P` leaves (0, 1) or `balance` is not in [0, 0.95].

    See Also
    --------
    odr_micro : Half of the best micro-F1 as the threshold, without a calibration.
    micromacro : The same two criteria, maximised on the held-out counts.

    Notes
    -----
    The calibrated probability of label j in row i is q_ij, with logit q_ij = b0 + b1 x_j + u_j + exp(c0 + c1 x_j +
    v_j) logit(P_ij), where x_j is the standardised log frequency of the label, and u_j ~ N(0, 1) and v_j ~ N(0,
    0.3^2) shrink it to the line. With N labels that have a positive, D_j = sum_i q_ij + #{q_ij > t_j}, F_j = 2
    sum_{q_ij > t_j} q_ij / D_j, and D and F the same for all labels together, the expected objective is stationary
    at

        t_j = (a_j F_j + a F) / (2 (a_j + a)),  a_j = balance / (N D_j),  a = (1 - balance) / D.

    So a rare label leans to half of its own F1, the best threshold for macro-F1, and a frequent one to half of the
    common F1, the best for micro-F1. The equation is iterated, and its thresholds are mapped back to `P`. A label
    without negatives counts as certain. `P` is read once, into a histogram of 256 bins for each label.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
    Advances in Large Margin Classifiers, MIT Press 1999.

    Z. C. Lipton, C. Elkan, B. Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure",
    ECML PKDD 2014. doi:10.1007/978-3-662-44851-9_15

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.thresholds import plug_in
    >>> rng = np.random.default_rng(0)
    >>> P = rng.uniform(0.01, [0.9, 0.2], (1000, 2))
    >>> Y = rng.random(P.shape) < P
    >>> plug_in(Y, P, balance=0.6).round(2)
    array([0.31, 0.17])
    """
    if not isinstance(balance, Real) or not 0 <= balance <= MAX_BALANCE:
        raise ValueError(
            f"balance must be a number in [0, {MAX_BALANCE}], got {shown(balance)}; it is the share of macro-F1, which "
            "alone would let rare labels flood the predictions."
        )
    return plug_in_thresholds(calibrate(Y, P, sample_weight), [balance])[0]


def plug_in_thresholds(calibration, balances):
    """Thresholds on P of `plug_in` for several balances from one calibration, shape (len(balances), L)."""
    t = np.full((len(balances), calibration.positives.size), _START)
    labels = calibration.histogram.labels
    if labels.size:
        t[:, labels] = _fixed_points(_expected_counts(calibration), np.reshape(balances, (-1, 1)))
    return calibration.thresholds(t)


class _ExpectedCounts(NamedTuple):
    """Running sums over the bins of m labels, by rising calibrated probability, and what certain labels add."""

    keys: np.ndarray  # (K,), complex: the label, and the calibrated probability
    stops: np.ndarray  # (m,), one past the last bin of each label
    rows: np.ndarray  # (K + 1,), number of rows before each bin
    hits: np.ndarray  # (K + 1,), expected positives before each bin
    expected: np.ndarray  # (m,), expected positives of each label
    n_labels: int  # that have a positive
    certain: float  # rows, by weight, times labels without negatives

    def above(self, t):
        """Expected true positives, and predictions, of thresholds `t`, all of shape (..., m)."""
        # Complex numbers are ordered by real part, then imaginary part, so one search serves all labels.
        first = np.searchsorted(self.keys, np.arange(t.shape[-1]) + 1j * t, side="right")
        return self.hits[self.stops] - self.hits[first], self.rows[self.stops] - self.rows[first]


def _expected_counts(calibration):
    """`_ExpectedCounts` of a calibration."""
    histogram, n = calibration.histogram, calibration.n_samples
    owners = histogram.owners
    columns = histogram.labels[owners]
    q = expit(calibration.intercept[columns] + calibration.slope[columns] * histogram.logits)
    rows, hits = (np.concatenate([[0.0], np.cumsum(counts)]) for counts in (histogram.rows, histogram.rows * q))
    stops = np.cumsum(histogram.sizes)
    return _ExpectedCounts(
        keys=owners + 1j * q,
        stops=stops,
        rows=rows,
        hits=hits,
        expected=hits[stops] - hits[stops - histogram.sizes],
        n_labels=np.count_nonzero(calibration.positives),
        certain=float(np.where(calibration.positives == n, n, 0).sum()),
    )


def _fixed_points(counts, balances):
    """Thresholds (B, m) on calibrated probabilities that satisfy the equation of `plug_in` for balances (B, 1)."""
    t, going = np.full((len(balances), counts.stops.size), _START), np.arange(len(balances))
    for _ in range(_MAX_ITERATIONS):
        change = _closed_form(counts, balances[going], t[going]) - t[going]
        moves = np.abs(change).max(axis=1) > _TOLERANCE
        going, change = going[moves], change[moves]
        if not going.size:
            break
        t[going] += _DAMPING * change
    return t


def _closed_form(counts, balances, t):
    """The right side of the equation: best thresholds where F1 and its denominators are those of `t`."""
    hits, predicted = counts.above(t)
    denominator = counts.expected + predicted
    pooled_denominator = denominator.sum(axis=1, keepdims=True) + 2 * counts.certain
    pooled_f = 2 * (hits.sum(axis=1, keepdims=True) + counts.certain) / pooled_denominator
    own = balances / (counts.n_labels * denominator)
    common = (1 - balances) / pooled_denominator
    return (own * 2 * hits / denominator + common * pooled_f) / (own + common) / 2
