"""The learned prediction policy: one small network for all labels, from a pre-trained start."""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

import numpy as np

from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.policies._dependence_search import (
    DependenceSearch,
    FoldCuts,
    check_dependence,
    check_target_of_dependence,
    insists_on,
    may_depend,
)
from sklearn_metalabel.policies._mixture import policy_cuts, policy_gradient
from sklearn_metalabel.policies._nested import Choice, as_columns, fallbacks, mean_scores
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.utils import shown

__all__ = ["LearnedThresholds"]


class LearnedThresholds(PredictionPolicy):
    """Learn on out-of-fold rows how the cuts of several rules are mixed into one threshold for each label.

    The policy is one small network for all labels: it mixes the cuts of eight rules (0.5, one cut, micromacro,
    shrunken and four plug-in rules) and adds an offset, both by the frequency of the label. Its few parameters start
    from those that come with the package, learned on many data sets, and ascend the expected score on nested
    out-of-fold rows: on each fold it decides with the rules' cuts from the other folds.

    Parameters
    ----------
    n_steps : int, default=25
        Steps up the expected score; 0 takes the pre-trained policy as it is.
    dependence : bool or "auto", default="auto"
        Whether labels depend on each other: decisions are drawn to the label sets that were observed, by numbers that
        are learned together with the cuts. "auto" keeps labels apart where that scores as well out of fold, up to
        chance, where fewer than a tenth of the rows have a label set that another fold has, and where rows are too many
        for all probabilities to be kept or labels are not known.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_labels,)
        Float64 for the strict decision ``P > t``; 1.0 (never) without positives, 0.0 (always) without negatives.
    allow_unlabeled_ : bool
        Whether a sample may get no label; else it gets the label of the largest margin ``logit(P) - logit(t)``.
    parameters_ : ndarray of shape (9, 2)
        Of the network: for each rule and the offset, a constant and the factor of the scaled log-frequency. Where one
        rule alone scored higher than what was learned, the constant of that rule is so large that only it counts.
    dependence_ : Dependence or None
        The observed label sets and how much they count; None where each label is decided by itself.
    marginals_ : SetMarginals or None
        How the observed label sets correct probabilities: a mixture that has a lower log-loss out of fold, beyond
        chance, and no lower mean average precision; None where there is none.
    dependence_gain_ : tuple of float or None
        How much higher decisions with dependence score out of fold, and the standard error of that; None where it was
        not tried.
    best_score_ : float
        Mean score on the out-of-fold rows. The rules' cuts were found on other folds, the network's 18 numbers on
        these rows too.
    cv_results_ : dict of str -> ndarray
        Rows as in :class:`PredictionPolicy`: of the learned policy ("learned"), of the parameters it started from
        ("pretrained") and of each rule alone ("candidate global"), the last two for each value of `allow_unlabeled`
        that was tried. The learned policy is taken unless another one scores higher. "learned with label sets" has the
        scores of decisions with dependence, on rows that had no part in learning them.

    See Also
    --------
    ThresholdRule : A rule in place of the network.
    sklearn_metalabel.TunedThresholdsClassifierCV : Does the cross-validation too, around any classifier.

    Notes
    -----
    Under exploration noise of logistic distribution the decision on a sample and a label is a Bernoulli variable of
    known probability, so that the policy gradient (the expectation that REINFORCE samples) is computed in closed form
    for "accuracy", "f1_micro", "f1_macro" and "f1_samples". For other scorings policies are sampled around the one
    that these would give, which takes longer. Where rows are few, a penalty keeps the parameters near their start.

    The rules' cuts are found on all rows, and kept within reach of those of the folds, with which the network was
    judged: few rows may turn a cut that nothing passes into one that everything passes. Where rows are very many, the
    few numbers of the network are learned on a part of them, 8,000 at least and 40 for each label. Beyond 4,000 rows,
    those of the dependence are learned on 4,000, or half of the rows if that is less, and it is judged on as many
    others.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_val_predict
    >>> from sklearn_metalabel.learners import LabelWeightedLogistic
    >>> from sklearn_metalabel.policies import LearnedThresholds
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> X, Y = make_multilabel_classification(n_samples=300, random_state=0)
    >>> fold = np.arange(300) % 3
    >>> splits = [
    ...     (np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)
    ... ]
    >>> P = cross_val_predict(
    ...     LabelWeightedLogistic(), X, Y, cv=splits, method="predict_proba"
    ... )
    >>> LearnedThresholds().fit(OutOfFold(Y, P, fold), "f1_macro").thresholds_.shape
    (5,)
    """

    def __init__(self, n_steps=25, *, dependence="auto"):
        self.n_steps = n_steps
        self.dependence = dependence

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "learned" if self.n_steps else "pretrained"

    def check(self):
        """Raise where `n_steps` is no integer of at least 0, or `dependence` is not as described."""
        if not isinstance(self.n_steps, Integral) or isinstance(self.n_steps, bool) or self.n_steps < 0:
            raise ValueError(f"n_steps must be an integer of at least 0, got {shown(self.n_steps)}; the default is 25.")
        check_dependence(self.dependence)

    def fit(self, out_of_fold, scoring=DEFAULT_SCORING, *, allow_unlabeled="auto", proposed=None, random_state=None):
        """Learn the network on out-of-fold rows; documented in the base class."""
        self.check()
        scoring = scoring if isinstance(scoring, Scoring) else Scoring.resolve(scoring)
        if out_of_fold is None:
            return self._fit_without_rows(proposed, allow_unlabeled)
        found = self._learn(out_of_fold, scoring, allow_unlabeled, random_state)
        self.parameters_, self.dependence_gain_ = found.parameters, found.gain
        return self._keep(found.choice, as_columns(found.rows), found.best)

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Learn the network, and decide for itself whether a sample may get no label.

        Parameters
        ----------
        out_of_fold : OutOfFold
            Truth and probabilities of rows that the base learner did not train on.
        scoring : Scoring
            What decisions are scored by.
        random_state : int, RandomState instance or None, default=None
            Draws rows where there are very many, and policies for a scoring without a gradient.

        Returns
        -------
        thresholds : ndarray of shape (n_labels,)
            In [0, 1].
        """
        return self._choose(out_of_fold, scoring, "auto", random_state).thresholds

    def compare(self, out_of_fold, scoring, *, allow_unlabeled="auto", random_state=None):
        """Score decisions on folds that the policy did not see; documented in the base class."""
        if out_of_fold.is_complete:
            return super().compare(out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=random_state)
        return self.compare_quickly(out_of_fold, scoring, allow_unlabeled=allow_unlabeled)

    def compare_quickly(self, out_of_fold, scoring, *, allow_unlabeled="auto"):
        """Score the pre-trained policy with the rules' cuts from other folds; documented in the base class."""
        search = ThresholdSearch.of(out_of_fold)
        start, choices = search.start(scoring), fallbacks(allow_unlabeled)
        by_choice = search.scores_of_choices(start, [not allowed for allowed in choices], scoring)
        return [
            {
                "prediction_policy": "pretrained",
                "allow_unlabeled": allowed,
                **mean_scores(scores),
            }
            for allowed, scores in zip(choices, by_choice, strict=True)
        ]

    def check_target(self, kind, Y):
        """Raise where dependence is asked for and cannot be had; documented in the base class."""
        check_target_of_dependence(self.dependence, kind, Y)

    def needs_all_probabilities(self, scoring):
        """Tell whether compact rows are not enough; documented in the base class."""
        return not scoring.is_named or insists_on(self.dependence)

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        return self._learn(out_of_fold, scoring, allow_unlabeled, random_state).choice

    def _learn(self, out_of_fold, scoring, allow_unlabeled, random_state):
        """What is learned on these rows, with dependence where it pays."""
        search = ThresholdSearch.of(out_of_fold)
        tried = self._try(search, scoring, allow_unlabeled, random_state)
        rows, (best, parameters) = [row for row, _ in tried], _best(tried)
        dependent = DependenceSearch.of(out_of_fold, search) if may_depend(self.dependence, out_of_fold) else None
        if dependent is None or not dependent.may_pay(self.dependence):
            choice = Choice(search.thresholds(parameters), best["allow_unlabeled"])
            return _Found(choice, parameters, rows, best, None)
        cuts = FoldCuts(parameters, policy_cuts, policy_gradient, search.folds, search.steady)
        options = {} if self.n_steps else {"n_steps": 0}
        learned = dependent.learn(cuts, best["allow_unlabeled"], scoring, **options)
        row = {**best, "prediction_policy": f"{self.name} with label sets", **mean_scores(learned.scores)}
        row["std_thresholds"] = search.spread(learned.parameters)
        dependence, gain = None, (learned.gain, learned.error)
        if learned.pays or insists_on(self.dependence):
            best, parameters, dependence = row, learned.parameters, learned.dependence
        choice = Choice(search.thresholds(parameters), best["allow_unlabeled"], dependence, dependent.marginals)
        return _Found(choice, parameters, [*rows, row], best, gain)

    def _try(self, search, scoring, allow_unlabeled, random_state):
        """Rows of results and parameters: the learned policy, and what it started from and was mixed of.

        A gradient of the expected score, of another scoring even, and a few sampled policies promise nothing of the
        score itself; without a search there is nothing to compare.
        """
        start, choices = search.start(scoring), fallbacks(allow_unlabeled)
        if self.n_steps == 0:
            labels = len(choices) > 1 and search.prefers_labels(start, scoring, nested=False)
            return _scored(search, scoring, self.name, start, [choices[0] and not labels])
        others = [
            row
            for name, parameters in search.starts(scoring).items()
            for row in _scored(search, scoring, name, parameters, choices)
        ]
        allowed = _best(others[: len(choices)])[0]["allow_unlabeled"]
        learned = search.ascend(start, not allowed, scoring, self.n_steps, random_state)
        return [*_scored(search, scoring, self.name, learned, [allowed]), *others]


class _Found(NamedTuple):
    """What is learned on some rows."""

    choice: Choice
    parameters: np.ndarray
    rows: list
    best: dict
    gain: tuple[float, float] | None


def _scored(search, scoring, name, parameters, choices):
    """A row of results for each value of `allow_unlabeled`, and the parameters of the policy."""
    by_choice = search.scores_of_choices(parameters, [not allowed for allowed in choices], scoring)
    policy = {"prediction_policy": name, "std_thresholds": search.spread(parameters)}
    return [
        ({**policy, "allow_unlabeled": allowed, **mean_scores(scores)}, parameters)
        for allowed, scores in zip(choices, by_choice, strict=True)
    ]


def _best(tried):
    """The row and the parameters of the best score, the first one of equals; NaN is worst."""
    return max(tried, key=lambda each: np.nan_to_num(each[0]["mean_test_score"], nan=-np.inf))
