"""The best of several prediction policies."""

from __future__ import annotations

import numpy as np

from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring, unique_name
from sklearn_metalabel.policies._nested import Choice, as_columns
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.utils import shown

__all__ = ["BestThresholds"]


class BestThresholds(PredictionPolicy):
    """Take the best of several prediction policies, by their decisions on folds that they were not fitted on.

    Parameters
    ----------
    policies : sequence of str, PredictionPolicy or callable
        Names, policies or functions ``(Y, P) -> thresholds``.

    Attributes
    ----------
    best_policy_ : PredictionPolicy
        The policy that was best, fitted on all rows.
    thresholds_ : ndarray of shape (n_labels,)
        Its thresholds.
    allow_unlabeled_ : bool
        Whether a sample may get no label.
    best_score_ : float
        Its mean out-of-fold score.
    cv_results_ : dict of str -> ndarray
        A row for each policy and for each value of `allow_unlabeled` that was tried; see :class:`PredictionPolicy`.

    See Also
    --------
    LearnedThresholds : Mixes rules instead of choosing one.

    Examples
    --------
    >>> from sklearn_metalabel.policies import BestThresholds
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> Y, P = (
    ...     [[1, 0], [1, 0], [0, 1], [0, 1]],
    ...     [[0.9, 0.4], [0.4, 0.3], [0.2, 0.6], [0.1, 0.8]],
    ... )
    >>> best = BestThresholds(["half", "global"]).fit(
    ...     OutOfFold(Y, P, [0, 1, 0, 1]), "f1_macro"
    ... )
    >>> best.cv_results_["prediction_policy"].tolist()
    ['half', 'half', 'global', 'global']
    """

    def __init__(self, policies):
        self.policies = policies

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "best of several"

    def check(self):
        """Raise where nothing is to be compared, or a policy is none."""
        if not isinstance(self.policies, list | tuple) or not self.policies:
            raise ValueError(
                f"prediction_policy must name at least one policy, got {shown(self.policies)}; pass for example "
                '["half", "micromacro"].'
            )
        for policy in self._resolved().values():
            policy.check()

    def check_labels(self, n_labels):
        """Raise where a policy does not fit the labels; documented in the base class."""
        for policy in self._resolved().values():
            policy.check_labels(n_labels)

    def check_target(self, kind, Y):
        """Raise where a policy does not fit the target; documented in the base class."""
        for policy in self._resolved().values():
            policy.check_target(kind, Y)

    def check_allow_unlabeled(self, allow_unlabeled):
        """Raise where one of the policies cannot work with it; documented in the base class."""
        for policy in self._resolved().values():
            policy.check_allow_unlabeled(allow_unlabeled)

    def warn(self, label_names, reachable):
        """Name labels for which the best policy could not do what is expected; documented in the base class."""
        self.best_policy_.warn(label_names, reachable)

    def check_sample_weight(self, sample_weight):
        """Raise where a policy cannot count weights; documented in the base class."""
        for policy in self._resolved().values():
            policy.check_sample_weight(sample_weight)

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Thresholds of the best policy; documented in the base class."""
        return self._choose(out_of_fold, scoring, "auto", random_state).thresholds

    def fit(self, out_of_fold, scoring=DEFAULT_SCORING, *, allow_unlabeled="auto", proposed=None, random_state=None):
        """Compare the policies, and fit the best on all rows; documented in the base class."""
        self.check()
        scoring = scoring if isinstance(scoring, Scoring) else Scoring.resolve(scoring)
        if out_of_fold is None:
            return self._fit_without_rows(proposed, allow_unlabeled)
        self.check_sample_weight(out_of_fold.sample_weight)
        rows = self.compare(out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=random_state)
        results = as_columns(rows)
        best = rows[int(np.argmin(results["rank_test_score"]))]
        policy = self._resolved()[best["prediction_policy"]]
        choice = policy._choose(out_of_fold, scoring, allow_unlabeled, random_state)
        own = best["allow_unlabeled"] if choice.allow_unlabeled is None else choice.allow_unlabeled
        choice = choice._replace(thresholds=np.asarray(choice.thresholds, dtype=np.float64), allow_unlabeled=own)
        self.best_policy_ = policy._keep(choice, results, best)
        return self._keep(choice, results, best)

    def compare(self, out_of_fold, scoring, *, allow_unlabeled="auto", random_state=None):
        """Rows of all policies; documented in the base class."""
        options = {"allow_unlabeled": allow_unlabeled, "random_state": random_state}
        return [
            {**row, "prediction_policy": name}
            for name, policy in self._resolved().items()
            for row in policy.compare(out_of_fold, scoring, **options)
        ]

    def needs_all_probabilities(self, scoring):
        """Tell whether compact rows are not enough; documented in the base class."""
        return any(policy.needs_all_probabilities(scoring) for policy in self._resolved().values())

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        fitted = type(self)(self.policies).fit(
            out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=random_state
        )
        return Choice(fitted.thresholds_, fitted.allow_unlabeled_, fitted.dependence_, fitted.marginals_)

    def _resolved(self):
        """The policies by name, unfitted."""
        # The registry knows this class.
        from sklearn_metalabel.policies._registry import as_prediction_policy

        resolved = {}
        for given in self.policies:
            policy = as_prediction_policy(given)
            if not policy.needs_out_of_fold and not policy.keeps_thresholds:
                raise ValueError(
                    f"prediction_policy={policy.name!r} cannot be compared with others: it finds no thresholds on "
                    "out-of-fold rows; leave it out."
                )
            resolved[unique_name(policy.name, resolved)] = policy
        return resolved
