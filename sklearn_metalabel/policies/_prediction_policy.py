"""The base class of prediction policies, and what they have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_metalabel.decoding import Dependence, SetMarginals, decide
from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.policies._nested import Choice, as_columns, as_rows, fallbacks, mean_scores, nested_rows
from sklearn_metalabel.utils import check_thresholds, warn_unreachable_thresholds

__all__ = ["PredictionPolicy"]


class PredictionPolicy(BaseEstimator, ABC):
    """Base class of prediction policies: they turn probabilities into label sets.

    A subclass stores its parameters in `__init__`, says what is wrong with them in `check`, and finds thresholds in
    `find_thresholds`. Whether a sample may get no label is chosen here, by the scores of decisions on folds that the
    thresholds were not found on.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_labels,)
        A label is predicted when its probability is strictly greater; 1 is never, 0 is always.
    allow_unlabeled_ : bool
        Whether a sample may get no label; else it gets the label of the largest margin.
    dependence_ : Dependence or None
        How labels depend on each other; None where each is decided by itself.
    marginals_ : SetMarginals or None
        How the observed label sets correct probabilities; None where that makes them no better.
    best_score_ : float or None
        Mean out-of-fold score of what was chosen; None where nothing was held out.
    cv_results_ : dict of str -> ndarray
        A row for everything that was compared: "prediction_policy", "allow_unlabeled", "mean_test_<name>" for each
        scoring, "mean_test_score", "rank_test_score" and "split<k>_test_score"; "std_thresholds" is the mean over the
        labels of the standard deviation that their thresholds have over the folds.
    std_thresholds_ : ndarray of shape (n_labels,) or None
        The standard deviation of each label's threshold over the folds, for what was chosen; None where nothing was
        held out.

    See Also
    --------
    LearnedThresholds : The default.
    TrainingPolicy : The base class of policies that choose loss weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_metalabel.policies import PredictionPolicy
    >>> from sklearn_metalabel.thresholds import OutOfFold
    >>> class QuantileThresholds(PredictionPolicy):
    ...     def __init__(self, share=0.5):
    ...         self.share = share
    ...
    ...     def find_thresholds(self, out_of_fold, scoring, random_state=None):
    ...         return np.quantile(out_of_fold.P, 1 - self.share, axis=0)
    >>> rows = OutOfFold(
    ...     [[1, 0], [0, 1], [1, 1], [0, 0]],
    ...     [[0.9, 0.2], [0.4, 0.6], [0.7, 0.8], [0.1, 0.1]],
    ... )
    >>> QuantileThresholds().fit(rows, "f1_macro").predict([[0.8, 0.3]])
    array([[1, 0]])
    """

    # Whether thresholds are found on out-of-fold rows.
    needs_out_of_fold = True
    # Whether thresholds are the user's own, and kept as they are for labels of one value too.
    keeps_thresholds = False
    # What a policy with a `fit` of its own need not set.
    dependence_: Dependence | None = None
    marginals_: SetMarginals | None = None
    std_thresholds_: np.ndarray | None = None

    @property
    def name(self) -> str:
        """What the policy is called in `cv_results_`."""
        return type(self).__name__

    def check(self) -> None:
        """Raise where a parameter is not as described; the base class has none."""

    def check_labels(self, n_labels: int) -> None:
        """Raise where a parameter does not fit the number of labels, before anything is trained.

        Parameters
        ----------
        n_labels : int
            Number of labels.
        """

    def check_target(self, kind: str, Y) -> None:
        """Raise where a parameter does not fit the target, before anything is trained.

        Parameters
        ----------
        kind : {"multilabel", "binary", "multiclass"}
            Labels, two classes or several.
        Y : {ndarray, sparse matrix} of shape (n_samples, n_labels)
            The encoded target: 1, 0, or -1 where it is not known.
        """

    def check_sample_weight(self, sample_weight: np.ndarray | None) -> None:
        """Raise where rows are to be weighted and the policy cannot count weights, before anything is trained.

        Parameters
        ----------
        sample_weight : ndarray of shape (n_samples,) or None
            Weights of the rows; `find_thresholds` finds them in `OutOfFold.sample_weight`.
        """

    def check_allow_unlabeled(self, allow_unlabeled: bool | str) -> None:
        """Raise where the policy cannot work with a given `allow_unlabeled`, before anything is trained.

        Parameters
        ----------
        allow_unlabeled : bool or "auto"
            Whether a sample may get no label.
        """

    def warn(self, label_names: np.ndarray, reachable: np.ndarray) -> None:
        """Name labels for which the fitted policy could not do what is expected of it.

        Parameters
        ----------
        label_names : ndarray of shape (n_labels,)
            Names of the labels.
        reachable : ndarray of shape (n_labels,), bool
            Whether an out-of-fold probability lies above the threshold.
        """
        warn_unreachable_thresholds(reachable, label_names)

    @abstractmethod
    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Find thresholds on out-of-fold rows.

        Parameters
        ----------
        out_of_fold : OutOfFold
            Truth and probabilities of rows that the base learner did not train on.
        scoring : Scoring
            What the user wants to be good at: called with truth and decisions it gives one number.
        random_state : int, RandomState instance or None, default=None
            All randomness.

        Returns
        -------
        thresholds : array-like of shape (n_labels,)
            In [0, 1].
        """

    def fit(self, out_of_fold, scoring=DEFAULT_SCORING, *, allow_unlabeled="auto", proposed=None, random_state=None):
        """Choose thresholds, and whether a sample may get no label.

        Parameters
        ----------
        out_of_fold : OutOfFold or None
            Truth and probabilities of rows that the base learner did not train on; None where no rows were held out.
        scoring : str, callable or sequence of these, default=("accuracy", "f1_micro", "f1_macro")
            What decisions are scored by: names of scikit-learn, scorers that read predictions, or functions
            ``(y_true, y_pred) -> float``; of several the mean.
        allow_unlabeled : bool or "auto", default="auto"
            Whether a sample above no threshold may stay without a label; "auto" takes what scores better.
        proposed : ndarray of shape (n_labels,), default=None
            Thresholds that the training policy ended with, where it has some.
        random_state : int, RandomState instance or None, default=None
            All randomness.

        Returns
        -------
        self : object
            The fitted policy.
        """
        self.check()
        scoring = scoring if isinstance(scoring, Scoring) else Scoring.resolve(scoring)
        if out_of_fold is None:
            return self._fit_without_rows(proposed, allow_unlabeled)
        self.check_sample_weight(out_of_fold.sample_weight)
        rows = self.compare(out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=random_state)
        results = as_columns(rows)
        best = rows[int(np.argmin(results["rank_test_score"]))]
        choice = self._choose(out_of_fold, scoring, allow_unlabeled, random_state)
        own = best["allow_unlabeled"] if choice.allow_unlabeled is None else choice.allow_unlabeled
        thresholds = check_thresholds(choice.thresholds, out_of_fold.n_labels)
        return self._keep(choice._replace(thresholds=thresholds, allow_unlabeled=own), results, best)

    def predict(self, P):
        """Decide on probabilities.

        Parameters
        ----------
        P : array-like of shape (n_samples, n_labels)
            Probabilities strictly inside (0, 1).

        Returns
        -------
        Y : ndarray of shape (n_samples, n_labels), int64
            Decisions in {0, 1}.
        """
        return decide(P, self.thresholds_, self.allow_unlabeled_, dependence=self.dependence_)

    def name_labels(self, label_names):
        """Give the tables of a fitted policy the names of the labels.

        Parameters
        ----------
        label_names : ndarray of shape (n_labels,)
            Names, in the order of the thresholds.
        """
        if self.dependence_ is not None:
            self.dependence_ = replace(self.dependence_, label_names=np.asarray(label_names))

    def prefer_half(self, out_of_fold, scoring):
        """Of two classes take the more probable one, unless the threshold scores higher beyond chance.

        Parameters
        ----------
        out_of_fold : OutOfFold or None
            The rows that the policy was fitted on, of one label; None where no rows were held out.
        scoring : Scoring
            What decisions are scored by.

        Returns
        -------
        self : object
            With a threshold of 0.5, unless the score of its own, out of fold, is ahead by more than the largest
            standard error of a share of n rows, 1 / (2 sqrt(n)), where rows are counted by weight.
        """
        own, self.thresholds_ = self.thresholds_, np.full(1, 0.5)
        if out_of_fold is None:
            return self
        Y, P, weight = out_of_fold.truth(), out_of_fold.P, out_of_fold.sample_weight
        scores = mean_scores(scoring.by_part(Y, P > 0.5, weight))
        half = {"prediction_policy": "half", "allow_unlabeled": True, **scores}
        self.cv_results_ = as_columns([*as_rows(self.cv_results_), half])
        score = scoring(Y, P > own, weight) if self.best_score_ is None else self.best_score_
        if score - half["mean_test_score"] > 0.5 / np.sqrt(out_of_fold.total_weight):
            self.thresholds_ = own
        else:
            self.best_score_ = half["mean_test_score"]
        return self

    def compare(self, out_of_fold, scoring, *, allow_unlabeled="auto", random_state=None):
        """Score the decisions on each fold of a policy that was fitted on the others.

        Parameters
        ----------
        out_of_fold : OutOfFold
            Truth and probabilities; a single fold is decided by itself.
        scoring : Scoring
            What decisions are scored by.
        allow_unlabeled : bool or "auto", default="auto"
            As for `fit`.
        random_state : int, RandomState instance or None, default=None
            All randomness.

        Returns
        -------
        rows : list of dict
            A row of `cv_results_` for each choice that was tried.
        """
        return nested_rows(self, out_of_fold, scoring, allow_unlabeled, random_state)

    def compare_quickly(self, out_of_fold, scoring, *, allow_unlabeled="auto"):
        """As `compare`, where many proposals of a training policy are to be compared.

        Parameters
        ----------
        out_of_fold : OutOfFold
            Truth and probabilities.
        scoring : Scoring
            What decisions are scored by.
        allow_unlabeled : bool or "auto", default="auto"
            As for `fit`.

        Returns
        -------
        rows : list of dict
            Rows of `cv_results_`.
        """
        return self.compare(out_of_fold, scoring, allow_unlabeled=allow_unlabeled, random_state=0)

    def needs_all_probabilities(self, scoring):
        """Tell whether thresholds are found on more than the most promising entries of each row.

        Parameters
        ----------
        scoring : Scoring
            What decisions are scored by.

        Returns
        -------
        needed : bool
            Whether an `OutOfFold` must be complete.
        """
        return True

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        """The `Choice` on these rows."""
        return Choice(self.find_thresholds(out_of_fold, scoring, random_state))

    def _fit_without_rows(self, proposed, allow_unlabeled):
        """Fit where no rows were held out."""
        raise ValueError(
            f"{self.name} needs held-out rows, and cv=None holds none out; set cv=3 or "
            'prediction_policy="episode", which takes the thresholds that the training policy ends with.'
        )

    def _keep(self, choice, results, best):
        """Set the fitted attributes from a `Choice` and the row of results that was best."""
        self.thresholds_, self.allow_unlabeled_ = choice.thresholds, bool(choice.allow_unlabeled)
        self.dependence_, self.marginals_ = choice.dependence, choice.marginals
        self.cv_results_, self.best_score_ = results, None if best is None else float(best["mean_test_score"])
        self.std_thresholds_ = None if best is None else best.get("std_thresholds")
        return self

    def _keep_given(self, thresholds, allow_unlabeled):
        """Set thresholds that were compared with nothing; a sample may stay without a label unless that is refused."""
        return self._keep(Choice(thresholds, fallbacks(allow_unlabeled)[0]), {}, None)
