"""The learned prediction policy: one small network for all labels, from a pre-trained start."""

from __future__ import annotations

from numbers import Integral

from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.policies._nested import as_columns, fallbacks, mean_scores
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.policies._threshold_search import ThresholdSearch

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

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_labels,)
        Float64 for the strict decision ``P > t``; 1.0 (never) without positives, 0.0 (always) without negatives.
    allow_unlabeled_ : bool
        Whether a sample may get no label; else it gets the label of the largest margin ``logit(P) - logit(t)``.
    parameters_ : ndarray of shape (9, 2)
        Of the network: for each rule and the offset, a constant and the factor of the scaled log-frequency.
    best_score_ : float
        Mean score on the out-of-fold rows. The rules' cuts were found on other folds, the network's 18 numbers on
        these rows too.
    cv_results_ : dict of str -> ndarray
        One row, as in :class:`PredictionPolicy`.

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
    >>> splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    >>> P = cross_val_predict(LabelWeightedLogistic(), X, Y, cv=splits, method="predict_proba")
    >>> LearnedThresholds().fit(OutOfFold(Y, P, fold), "f1_macro").thresholds_.shape
    (5,)
    """

    def __init__(self, n_steps=25):
        self.n_steps = n_steps

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return "learned" if self.n_steps else "pretrained"

    def check(self):
        """Raise where `n_steps` is no integer of at least 0."""
        if not isinstance(self.n_steps, Integral) or isinstance(self.n_steps, bool) or self.n_steps < 0:
            raise ValueError(f"n_steps must be an integer of at least 0, got {self.n_steps!r}; the default is 25.")

    def fit(self, out_of_fold, scoring=DEFAULT_SCORING, *, allow_unlabeled="auto", proposed=None, random_state=None):
        """Learn the network on out-of-fold rows; documented in the base class."""
        self.check()
        scoring = scoring if isinstance(scoring, Scoring) else Scoring.resolve(scoring)
        if out_of_fold is None:
            return self._fit_without_rows(proposed, allow_unlabeled)
        search = ThresholdSearch.of(out_of_fold)
        parameters, allowed = self._search(search, scoring, allow_unlabeled, random_state)
        scores = search.scores(parameters, not allowed, scoring)
        row = {"prediction_policy": self.name, "allow_unlabeled": allowed, **mean_scores(scores)}
        self.parameters_ = parameters
        return self._keep(search.thresholds(parameters), allowed, as_columns([row]), row)

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
        return self._choose(out_of_fold, scoring, "auto", random_state)[0]

    def compare(self, out_of_fold, scoring, *, allow_unlabeled="auto", random_state=None):
        """Score decisions on folds that the policy did not see; documented in the base class."""
        if out_of_fold.is_complete:
            return super().compare(out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=random_state)
        return self.compare_quickly(out_of_fold, scoring, allow_unlabeled=allow_unlabeled)

    def compare_quickly(self, out_of_fold, scoring, *, allow_unlabeled="auto"):
        """Score the pre-trained policy with the rules' cuts from other folds; documented in the base class."""
        search = ThresholdSearch.of(out_of_fold)
        start = search.start(scoring)
        return [
            {
                "prediction_policy": "pretrained",
                "allow_unlabeled": allowed,
                **mean_scores(search.scores(start, not allowed, scoring)),
            }
            for allowed in fallbacks(allow_unlabeled)
        ]

    def needs_all_probabilities(self, scoring):
        """Tell whether compact rows are not enough; documented in the base class."""
        return not scoring.is_named

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        search = ThresholdSearch.of(out_of_fold)
        parameters, allowed = self._search(search, scoring, allow_unlabeled, random_state)
        return search.thresholds(parameters), allowed

    def _search(self, search, scoring, allow_unlabeled, random_state):
        """Parameters of the network, and whether a sample may get no label."""
        start, choices = search.start(scoring), fallbacks(allow_unlabeled)
        allowed = choices[0]
        if len(choices) > 1:
            allowed = not search.prefers_labels(start, scoring, nested=self.n_steps > 0)
        if self.n_steps == 0:
            return start, allowed
        return search.ascend(start, not allowed, scoring, self.n_steps, random_state), allowed
