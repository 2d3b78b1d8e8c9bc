import numpy as np
import pytest
from _policy_cases import uncalibrated_rows
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import precision_score, recall_score

from sklearn_metalabel import BrokenPromiseWarning, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.policies import ConstrainedThresholds
from sklearn_metalabel.thresholds import constrained

X, Y = make_multilabel_classification(900, n_classes=4, random_state=0)
ESTIMATORS = [MetaPolicyClassifier, TunedThresholdsClassifierCV]


def test_it_is_the_rule_and_says_who_keeps_the_promise():
    rows = uncalibrated_rows()
    policy = ConstrainedThresholds(level=0.6).fit(rows)
    assert_array_equal(policy.thresholds_, constrained(rows.Y, rows.P, level=0.6))
    assert_array_equal(policy.kept_, policy.thresholds_ < 1)
    assert 0 < policy.kept_.mean() < 1
    assert policy.allow_unlabeled_


def share_with_a_label(y_true, y_pred):
    return y_pred.any(axis=1).mean()


@pytest.mark.parametrize(("metric", "least", "allowed"), [("precision", 0.6, True), ("recall", 0.3, False)])
def test_a_promise_of_precision_alone_leaves_samples_without_a_label(metric, least, allowed):
    rows = uncalibrated_rows()
    policy = ConstrainedThresholds(metric, least, confidence=None).fit(rows, share_with_a_label)
    assert (policy.thresholds_ >= rows.P).all(axis=1).any()
    assert policy.allow_unlabeled_ == allowed


@pytest.mark.parametrize("make", ESTIMATORS)
@pytest.mark.parametrize(("metric", "score"), [("precision", precision_score), ("recall", recall_score)])
def test_estimators_keep_a_promise_on_new_rows(metric, score, make):
    policy = ConstrainedThresholds(metric, 0.75)
    clf = make(prediction_policy=policy, random_state=0).fit(X[:600], Y[:600])
    D = clf.predict(X[600:])
    kept = clf.prediction_policy_.kept_
    assert kept.all()
    assert (score(Y[600:], D, average=None) > 0.7).all()


@pytest.mark.parametrize("make", ESTIMATORS)
def test_labels_that_cannot_keep_it_are_named(make):
    hard = np.column_stack([Y, np.random.default_rng(0).integers(2, size=900)])
    with pytest.warns(BrokenPromiseWarning, match=r"1 of 5 labels cannot promise a precision of at least 0.7 \(4\)"):
        clf = make(prediction_policy=ConstrainedThresholds(level=0.7), random_state=0).fit(X, hard)
    assert not clf.predict(X)[:, 4].any()


@pytest.mark.parametrize("make", ESTIMATORS)
def test_what_would_break_a_promise_is_refused_before_a_training(make):
    policy = ConstrainedThresholds()
    with pytest.raises(ValueError, match="cannot be kept where every sample gets some label"):
        make(prediction_policy=policy, allow_unlabeled=False).fit(X, Y)
    with pytest.raises(ValueError, match="the weights of the samples differ"):
        make(prediction_policy=policy).fit(X, Y, sample_weight=np.linspace(0.5, 2, 900))


@pytest.mark.parametrize("make", ESTIMATORS)
def test_two_classes_keep_it_too(make):
    Z, y = make_classification(900, n_features=8, class_sep=0.8, random_state=0)
    clf = make(prediction_policy=ConstrainedThresholds("recall", 0.95), random_state=0).fit(Z[:600], y[:600])
    assert recall_score(y[600:], clf.predict(Z[600:])) > 0.9
    assert clf.thresholds_[0] < 0.5
