"""Thresholds under a promise as a prediction policy."""

from __future__ import annotations

import numpy as np

from sklearn_metalabel.policies._nested import Choice
from sklearn_metalabel.policies._prediction_policy import PredictionPolicy
from sklearn_metalabel.thresholds import check_constraint, constrained_labels
from sklearn_metalabel.utils import warn_broken_promise, weights_differ

__all__ = ["ConstrainedThresholds"]


class ConstrainedThresholds(PredictionPolicy):
    """For each label the best recall under a least precision or a most cost, or precision under a least recall.

    Parameters
    ----------
    metric : {"precision", "recall", "cost"}, default="precision"
        What is promised of each label. The cost is that of a sample on average, where a false positive costs 1 and a
        missed positive `miss_cost`.
    level : float in (0, 1), default=0.9
        The least precision or recall, or the most cost, which may be larger than 1.
    confidence : float in (0, 1) or None, default=0.95
        With this probability a label keeps its promise on new rows; None promises it of the out-of-fold rows alone.
    miss_cost : float, default=1.0
        What a missed positive costs, above 0; plays a part for the cost alone, and is refused otherwise.

    Attributes
    ----------
    kept_ : ndarray of shape (n_labels,), bool
        Labels whose out-of-fold rows bear the promise out. The others are never predicted where precision was promised,
        always where recall was, at the least cost where cost was, and a warning names them.
    thresholds_ : ndarray of shape (n_labels,)
        A label is predicted when its probability is strictly greater; 1 is never, 0 is always.

    See Also
    --------
    sklearn_metalabel.thresholds.constrained : The rule, and how the bounds are found.
    LearnedThresholds : Maximises a scoring instead.

    Notes
    -----
    The promise is about rows like the out-of-fold ones, decided by classifiers trained on a part of the data as those
    were; the final classifier has seen more. A fallback that gives each sample some label would break a promise of
    precision or of cost, so that ``allow_unlabeled=False`` is refused with them.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn_metalabel import TunedThresholdsClassifierCV
    >>> from sklearn_metalabel.policies import ConstrainedThresholds
    >>> X, Y = make_multilabel_classification(600, random_state=0)
    >>> policy = ConstrainedThresholds("recall", level=0.8)
    >>> clf = TunedThresholdsClassifierCV(prediction_policy=policy, random_state=0).fit(
    ...     X, Y
    ... )
    >>> clf.prediction_policy_.kept_
    array([ True,  True,  True,  True,  True])
    """

    def __init__(self, metric="precision", level=0.9, *, confidence=0.95, miss_cost=1.0):
        self.metric = metric
        self.level = level
        self.confidence = confidence
        self.miss_cost = miss_cost

    @property
    def name(self):
        """What the policy is called in `cv_results_`."""
        return f"{self.metric} of at {'most' if self.metric == 'cost' else 'least'} {self.level:g}"

    def check(self):
        """Raise where a parameter is not as described."""
        check_constraint(self.metric, self.level, self.confidence, self.miss_cost)

    def check_allow_unlabeled(self, allow_unlabeled):
        """Raise where every sample must get a label; documented in the base class."""
        if self.metric != "recall" and allow_unlabeled is False:
            raise ValueError(
                f"A promise of {self.metric} cannot be kept where every sample gets some label, got "
                'allow_unlabeled=False; set allow_unlabeled=True, or metric="recall".'
            )

    def check_sample_weight(self, sample_weight):
        """Raise where weights differ; documented in the base class."""
        if weights_differ(sample_weight):
            raise ValueError(
                "A promise counts rows, and the weights of the samples differ; pass no sample_weight, or another "
                "prediction policy."
            )

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        """Find the thresholds; documented in the base class."""
        rows = out_of_fold.Y, out_of_fold.P
        t, self.kept_ = constrained_labels(*rows, self.metric, self.level, self.confidence, self.miss_cost)
        return t

    def prefer_half(self, out_of_fold, scoring):
        """Keep the promise of two classes too; documented in the base class."""
        return self

    def warn(self, label_names, reachable):
        """Name the labels that cannot keep the promise; documented in the base class."""
        warn_broken_promise(self.kept_, label_names, self.name)

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        own = None if self.metric == "recall" else True
        return Choice(np.asarray(self.find_thresholds(out_of_fold, scoring, random_state)), own)
