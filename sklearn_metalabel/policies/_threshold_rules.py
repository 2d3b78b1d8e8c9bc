"""Threshold rules as prediction policies."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np

from sklearn_metalabel.metrics import DEFAULT_SCORING, function_name
from sklearn_metalabel.policies._candidates import CANDIDATES
from sklearn_metalabel.policies._dependence_search import (
    check_dependence,
    check_target_of_dependence,
    insists_on,
    may_depend,
    rule_with_dependence,
)
from sklearn_metalabel.policies._nested import fallbacks, mean_scores
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.thresholds import (
    fill_constant_labels,
    global_threshold,
    micromacro,
    odr_macro,
    odr_micro,
    plug_in,
    scut,
    scutfbr,
    shrunken,
)
from sklearn_metalabel.utils import (
    as_numbers,
    check_thresholds,
    has_label_names,
    shown,
    takes_sample_weight,
    totals_of,
    weights_differ,
)

__all__ = [
    "EpisodeThresholds",
    "FixedThresholds",
    "PlugInThresholds",
    "SCutFBRThresholds",
    "ShrunkenThresholds",
    "ThresholdRule",
]


def _half(Y, P, *, sample_weight=None):
    """Thresholds of 0.5, but never and always for labels of one value; no row of them has a weight of 0."""
    positives = np.asarray(Y.sum(axis=0)).ravel()
    return fill_constant_labels(np.full(P.shape[1], 0.5), positives, totals_of(P))


_RULES: dict[str, Callable] = {
    "half": _half,
    "global": global_threshold,
    "scut": scut,
    "odr_micro": odr_micro,
    "odr_macro": odr_macro,
    "micromacro": micromacro,
}


class _RulePolicy(PredictionPolicy):
    """A policy that is a pure function of truth and probabilities."""

    # The place of the rule among the candidates of the learned policy, which are found on compact rows too.
    _candidate: str | None = None

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Apply the rule.

        Parameters
        ----------
        out_of_fold : OutOfFold
            Truth and probabilities.
        scoring : Scoring
            Plays no part.
        random_state : int, RandomState instance or None, default=None
            Plays no part: rules that draw rows draw them from their own seed.

        Returns
        -------
        thresholds : ndarray of shape (n_labels,)
            In [0, 1].
        """
        if not out_of_fold.is_complete and self._candidate is not None:
            return ThresholdSearch.of(out_of_fold).candidate_thresholds(CANDIDATES.index(self._candidate))
        return self._rule(out_of_fold.Y, out_of_fold.P, out_of_fold.sample_weight)

    def compare(self, out_of_fold, scoring, *, allow_unlabeled="auto", random_state=None):
        """Score decisions on folds that the rule did not see; documented in the base class."""
        if out_of_fold.is_complete or self.needs_all_probabilities(scoring):
            return super().compare(out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=random_state)
        search, number = ThresholdSearch.of(out_of_fold), CANDIDATES.index(self._candidate)
        return [
            {
                "prediction_policy": self.name,
                "allow_unlabeled": allowed,
                **mean_scores(search.candidate_scores(number, not allowed, scoring)),
            }
            for allowed in fallbacks(allow_unlabeled)
        ]

    def needs_all_probabilities(self, scoring):
        """Tell whether compact rows are not enough; documented in the base class."""
        return self._candidate is None or not scoring.is_named or insists_on(self.dependence)

    def check_target(self, kind, Y):
        """Raise where dependence is asked for and cannot be had; documented in the base class."""
        check_target_of_dependence(self.dependence, kind, Y)

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        if not may_depend(self.dependence, out_of_fold):
            return super()._choose(out_of_fold, scoring, allow_unlabeled, random_state)
        return rule_with_dependence(self, out_of_fold, scoring, allow_unlabeled)

    def _rule(self, Y, P, sample_weight):
        """Thresholds (L,) from truth, probabilities and weights of rows, or None."""
        raise NotImplementedError


class ThresholdRule(_RulePolicy):
    """A threshold rule without parameters of its own, or a function of yours.

    Parameters
    ----------
    rule : {"half", "global", "scut", "odr_micro", "odr_macro", "micromacro"} or callable, default="micromacro"
        A rule of :mod:`sklearn_metalabel.thresholds`, 0.5 ("half"), or a function ``(Y, P) -> thresholds``, which is
        given `sample_weight` where rows have weights and it has a parameter of that name.
    dependence : bool or "auto", default=False
        Whether labels depend on each other: decisions are drawn to the observed label sets, and all thresholds are
        shifted together, by numbers learned on nested out-of-fold rows. "auto" does so where it scores higher, beyond
        chance.

    See Also
    --------
    LearnedThresholds : Mixes the cuts of several rules by the frequency of the label.

    Examples
    --------
    >>> from sklearn_metalabel.policies import ThresholdRule
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> rows = OutOfFold(
    ...     [[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]], [0, 1, 2]
    ... )
    >>> ThresholdRule("scut").fit(rows, "f1_micro").thresholds_.round(3)
    array([0.333, 0.1  ])
    """

    def __init__(self, rule="micromacro", *, dependence=False):
        self.rule = rule
        self.dependence = dependence

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return self.rule if isinstance(self.rule, str) else function_name(self.rule)

    def check(self):
        """Raise where there is no such rule."""
        if not (callable(self.rule) or (isinstance(self.rule, str) and self.rule in _RULES)):
            raise ValueError(
                f"rule must be one of {list(_RULES)} or a function (Y, P) -> thresholds, got {shown(self.rule)}."
            )
        check_dependence(self.dependence)

    @property
    def _candidate(self):
        return self.rule if isinstance(self.rule, str) and self.rule in ("global", "micromacro") else None

    def check_sample_weight(self, sample_weight):
        """Raise where weights differ and the function takes none; documented in the base class."""
        if callable(self.rule) and weights_differ(sample_weight) and not takes_sample_weight(self.rule):
            raise ValueError(
                f"prediction_policy={self.name!r} takes no sample_weight, and the weights of the samples differ; give "
                "the function a parameter of that name, or pass no sample_weight."
            )

    def _rule(self, Y, P, sample_weight):
        rule = _RULES[self.rule] if isinstance(self.rule, str) else self.rule
        if sample_weight is None or not takes_sample_weight(rule):
            return rule(Y, P)
        return rule(Y, P, sample_weight=sample_weight)


class ShrunkenThresholds(_RulePolicy):
    """The rule :func:`~sklearn_metalabel.thresholds.shrunken`: rare labels lean on the pool of all labels.

    Parameters
    ----------
    kappa : float in [0, inf], default=10.0
        Strength: a label with this many positives is half its own, half the pool's.
    dependence : bool or "auto", default=False
        Whether labels depend on each other: decisions are drawn to the observed label sets, and all thresholds are
        shifted together, by numbers learned on nested out-of-fold rows. "auto" does so where it scores higher, beyond
        chance.

    See Also
    --------
    ThresholdRule : Rules without parameters.

    Examples
    --------
    >>> from sklearn_metalabel.policies import ShrunkenThresholds
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> rows = OutOfFold(
    ...     [[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]], [0, 1, 2]
    ... )
    >>> ShrunkenThresholds(kappa=1).fit(rows, "f1_micro").thresholds_.round(3)
    array([0.449, 0.1  ])
    """

    def __init__(self, kappa=10.0, *, dependence=False):
        self.kappa = kappa
        self.dependence = dependence

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "shrunken" if self.kappa == 10 else f"shrunken {self.kappa:g}"

    def check(self):
        """Raise where `kappa` is not a number of at least 0."""
        if not isinstance(self.kappa, Real) or not self.kappa >= 0:
            raise ValueError(f"kappa must be a number in [0, inf], got {shown(self.kappa)}; the default is 10.")
        check_dependence(self.dependence)

    @property
    def _candidate(self):
        return "shrunken" if self.kappa == 10 else None

    def _rule(self, Y, P, sample_weight):
        return shrunken(Y, P, self.kappa, sample_weight=sample_weight)


class PlugInThresholds(_RulePolicy):
    """The rule :func:`~sklearn_metalabel.thresholds.plug_in`: in closed form from calibrated probabilities.

    Parameters
    ----------
    balance : float in [0, 0.95], default=0.6
        Share of macro-F1 in what is maximised; the rest is micro-F1.
    dependence : bool or "auto", default=False
        Whether labels depend on each other: decisions are drawn to the observed label sets, and all thresholds are
        shifted together, by numbers learned on nested out-of-fold rows. "auto" does so where it scores higher, beyond
        chance.

    See Also
    --------
    ThresholdRule : Rules without parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.policies import PlugInThresholds
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> rng = np.random.default_rng(0)
    >>> P = rng.uniform(0.01, [0.9, 0.2], (1000, 2))
    >>> rows = OutOfFold(rng.random(P.shape) < P, P, np.arange(1000) % 3)
    >>> PlugInThresholds().fit(rows, "f1_macro").thresholds_.round(2)
    array([0.31, 0.17])
    """

    def __init__(self, balance=0.6, *, dependence=False):
        self.balance = balance
        self.dependence = dependence

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "plug_in" if self.balance == 0.6 else f"plug_in {self.balance:g}"

    def check(self):
        """Raise where `balance` is not a number in [0, 0.95]."""
        if not isinstance(self.balance, Real) or not 0 <= self.balance <= 0.95:
            raise ValueError(f"balance must be a number in [0, 0.95], got {shown(self.balance)}; the default is 0.6.")
        check_dependence(self.dependence)

    @property
    def _candidate(self):
        return f"plug_in {self.balance:g}" if self.balance in (0.0, 0.3, 0.6, 0.9) else None

    def _rule(self, Y, P, sample_weight):
        return plug_in(Y, P, self.balance, sample_weight=sample_weight)


class SCutFBRThresholds(_RulePolicy):
    """The rule :func:`~sklearn_metalabel.thresholds.scutfbr`: a label that cannot be tuned falls back.

    Parameters
    ----------
    fbr : float in [0, 1] or "nested", default="nested"
        A label falls back when its best F1 is at most this; "nested" chooses it for each label by cross-validation.
    variant : {0, 1}, default=1
        The fallback: 0 never predicts the label, 1 takes its highest out-of-fold probability.
    n_folds : int >= 2, default=3
        Folds of "nested".
    dependence : bool or "auto", default=False
        Whether labels depend on each other: decisions are drawn to the observed label sets, and all thresholds are
        shifted together, by numbers learned on nested out-of-fold rows. "auto" does so where it scores higher, beyond
        chance.

    See Also
    --------
    ThresholdRule : Rules without parameters.

    Examples
    --------
    >>> from sklearn_metalabel.policies import SCutFBRThresholds
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> rows = OutOfFold(
    ...     [[1, 0], [1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.5], [0.2, 0.1]], [0, 1, 2]
    ... )
    >>> SCutFBRThresholds(fbr=0.6).fit(rows, "f1_micro").thresholds_.round(3)
    array([0.333, 0.5  ])
    """

    def __init__(self, fbr="nested", *, variant=1, n_folds=3, dependence=False):
        self.fbr = fbr
        self.variant = variant
        self.n_folds = n_folds
        self.dependence = dependence

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return f"scutfbr.{self.variant}" + ("" if self.fbr == "nested" else f" {self.fbr:g}")

    def check(self):
        """Raise where a parameter is none of those that the rule takes."""
        scutfbr([[1], [0]], [[0.6], [0.4]], self.fbr, self.variant, self.n_folds, random_state=0)
        check_dependence(self.dependence)

    def _rule(self, Y, P, sample_weight):
        options = {"random_state": 0, "sample_weight": sample_weight}
        return scutfbr(Y, P, self.fbr, self.variant, self.n_folds, **options)


class FixedThresholds(PredictionPolicy):
    """Thresholds that you give.

    Parameters
    ----------
    thresholds : float or array-like of shape (n_labels,), default=0.5
        In [0, 1]; one number is for all labels.

    See Also
    --------
    sklearn_metalabel.FixedThresholdsClassifier : Cuts any classifier at given thresholds.

    Examples
    --------
    >>> from sklearn_metalabel.policies import FixedThresholds
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> rows = OutOfFold([[1, 0], [0, 1]], [[0.9, 0.2], [0.4, 0.6]], [0, 1])
    >>> FixedThresholds(0.3).fit(rows).thresholds_
    array([0.3, 0.3])
    """

    needs_out_of_fold = False
    keeps_thresholds = True

    def __init__(self, thresholds=0.5):
        self.thresholds = thresholds

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "fixed"

    def check(self):
        """Raise where thresholds are outside [0, 1]."""
        if has_label_names(self.thresholds):
            raise ValueError(
                "thresholds go by names, which a policy does not know; pass an array in the order of the columns of y, "
                "or use FixedThresholdsClassifier, which reads names."
            )
        t = np.atleast_1d(as_numbers(self.thresholds, "thresholds"))
        check_thresholds(t, t.shape[-1])

    def check_labels(self, n_labels):
        """Raise where there is not one threshold for each label; documented in the base class."""
        check_thresholds(self.thresholds, n_labels)

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Return the thresholds; documented in the base class."""
        return check_thresholds(self.thresholds, out_of_fold.n_labels)

    def needs_all_probabilities(self, scoring):
        """Tell whether compact rows are not enough; documented in the base class."""
        return True

    def _fit_without_rows(self, proposed, allow_unlabeled):
        return self._keep_given(check_thresholds(self.thresholds, len(proposed)), allow_unlabeled)


class EpisodeThresholds(PredictionPolicy):
    """The thresholds that a recurrent training policy ends with, as in the paper.

    See Also
    --------
    GRUPolicy : The paper's policy, which proposes weights and thresholds at every step.

    Examples
    --------
    >>> from sklearn_metalabel.policies import EpisodeThresholds
    >>> EpisodeThresholds().fit(None, proposed=[0.3, 0.6]).thresholds_
    array([0.3, 0.6])
    """

    needs_out_of_fold = False

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "episode"

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Refuse to find any: they are the training policy's; documented in the base class."""
        raise ValueError(
            'prediction_policy="episode" takes the thresholds that a recurrent training policy ends with, and here '
            'there is none; set training_policy="gru" or "shared", or another prediction policy.'
        )

    def fit(self, out_of_fold, scoring=DEFAULT_SCORING, *, allow_unlabeled="auto", proposed=None, random_state=None):
        """Take the thresholds; documented in the base class."""
        if proposed is None:
            return self.find_thresholds(out_of_fold, scoring)
        return self._keep_given(check_thresholds(proposed, len(proposed)), allow_unlabeled)
