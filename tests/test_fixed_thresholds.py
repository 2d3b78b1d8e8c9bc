import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import ConstantLabelWarning, FixedThresholdsClassifier

T = np.array([0.2, 0.4, 0.6, 0.8])


def test_probabilities_are_cut_at_the_thresholds_given(multilabel_data):
    X, Y = multilabel_data
    clf = FixedThresholdsClassifier(LogisticRegression(), thresholds=T).fit(X, Y)
    P = OneVsRestClassifier(LogisticRegression()).fit(X, Y).predict_proba(X)
    assert_array_equal(clf.predict_proba(X), P)
    assert_array_equal(clf.predict(X), P > T)
    assert_array_equal(clf.decision_function(X), P - T)


def test_decision_values_are_cut_in_their_own_units(multilabel_data):
    X, Y = multilabel_data
    t = np.array([-0.5, 0.3, np.inf, -np.inf])
    clf = FixedThresholdsClassifier(LinearSVC(), thresholds=t).fit(X, Y)
    S = OneVsRestClassifier(LinearSVC()).fit(X, Y).decision_function(X)
    assert clf.response_method_ == "decision_function"
    assert_array_equal(clf.predict(X), S > t)
    margins = clf.decision_function(X)
    assert np.isfinite(margins).all()
    assert_array_equal(margins > 0, S > t)
    assert_array_equal(margins[:, :2], S[:, :2] - t[:2])
    assert_array_equal(np.argsort(margins[:, 2]), np.argsort(S[:, 2]))
    assert not hasattr(clf, "predict_proba")


@pytest.mark.parametrize(("base", "usual"), [(LogisticRegression(), 0.5), (LinearSVC(), 0.0), (RidgeClassifier(), 0.0)])
def test_auto_is_the_usual_threshold_of_the_response(base, usual, multilabel_data):
    X, Y = multilabel_data
    clf = FixedThresholdsClassifier(base, thresholds="auto").fit(X, Y)
    assert_array_equal(clf.thresholds_, np.full(4, usual))
    assert_array_equal(clf.predict(X), clf.estimator_.predict(X))


def test_a_named_response_method_is_used_and_one_that_is_missing_is_refused(multilabel_data):
    X, Y = multilabel_data
    named = FixedThresholdsClassifier(LogisticRegression(), thresholds="auto", response_method="decision_function")
    assert named.fit(X, Y).response_method_ == "decision_function"
    assert_array_equal(named.thresholds_, np.zeros(4))
    with pytest.raises(ValueError, match="needs a classifier with predict_proba, and LinearSVC has none"):
        FixedThresholdsClassifier(LinearSVC(), response_method="predict_proba").fit(X, Y)


@pytest.mark.parametrize("thresholds", [0.999, [0.999, 0.99, 1.0, 0.9], [1.0] * 4])
def test_no_sample_is_unlabeled_where_none_may_be(thresholds, multilabel_data):
    X, Y = multilabel_data
    clf = FixedThresholdsClassifier(LogisticRegression(C=0.01), thresholds=thresholds).fit(X, Y)
    assert (clf.predict(X).sum(axis=1) == 0).all()
    filled = clf.set_params(allow_unlabeled=False).fit(X, Y).predict(X)
    assert (filled.sum(axis=1) == 1).all()


def test_a_frozen_estimator_stays_as_it_is(multilabel_data):
    X, Y = multilabel_data
    forest = RandomForestClassifier(5, random_state=0).fit(X[:40], Y[:40])
    P = np.column_stack([p[:, 1] for p in forest.predict_proba(X)])
    clf = FixedThresholdsClassifier(FrozenEstimator(forest), thresholds=T).fit(X, Y)
    assert clf.estimator_.estimator is forest
    assert_array_equal(clf.predict(X), P.clip(1e-16, 1 - 1e-16) > T)


@pytest.mark.parametrize(
    ("thresholds", "match"),
    [
        ([0.5, 0.5], r"for each of the 4 labels, got 2 of shape \(2,\); pass an array of length 4"),
        (np.full((4, 1), 0.5), r"got 4 of shape \(4, 1\)"),
        ([0.5, 0.5, 0.5, 1.5], r"thresholds for predict_proba must lie in \[0, 1\]"),
        (np.nan, r"must lie in \[0, 1\]"),
        ("half", "thresholds"),
        (None, "thresholds"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(thresholds, match, multilabel_data):
    X, Y = multilabel_data
    clf = FixedThresholdsClassifier(LogisticRegression()).fit(X, Y)
    before = dict(vars(clf))
    with pytest.raises(ValueError, match=match):
        clf.set_params(thresholds=thresholds).fit(X, Y)
    before["thresholds"] = thresholds
    assert all(vars(clf)[name] is value for name, value in before.items())


def test_the_thresholds_given_are_not_shared(multilabel_data):
    X, Y = multilabel_data
    given = T.copy()
    clf = FixedThresholdsClassifier(LogisticRegression(), thresholds=given).fit(X, Y)
    clf.thresholds_[:] = 0
    assert_array_equal(given, T)


@pytest.mark.parametrize("base", [RandomForestClassifier(5, random_state=0), LinearSVC(), None])
def test_classes_are_predicted_by_the_classifier_inside(base, multilabel_data):
    X, Y = multilabel_data
    y = Y[:, 0] + Y[:, 1]
    clf = FixedThresholdsClassifier(base, thresholds="auto").fit(X, y)
    assert_array_equal(clf.predict(X), clf.estimator_.predict(X))
    assert_array_equal(clf.classes_, np.unique(y))
    with pytest.raises(ValueError, match=r"thresholds=0.9 cannot cut the classes of a multiclass target"):
        FixedThresholdsClassifier(base, thresholds=0.9).fit(X, y)


def test_labels_of_one_value_follow_the_classifier(multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, :2], np.zeros(80, int), np.ones(80, int)])
    for base in (LogisticRegression(), LinearSVC(), make_pipeline(StandardScaler(), LogisticRegression())):
        with pytest.warns(ConstantLabelWarning, match="2 of 4 labels") as caught:
            predicted = FixedThresholdsClassifier(base, thresholds="auto").fit(X, Y).predict(X)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert_array_equal(predicted[:, 2:], Y[:, 2:])


def test_sparse_labels_come_back_sparse(multilabel_data):
    X, Y = multilabel_data
    predicted = FixedThresholdsClassifier(LogisticRegression(), thresholds=T).fit(X, sp.csr_array(Y)).predict(X)
    assert sp.issparse(predicted)
    dense = FixedThresholdsClassifier(LogisticRegression(), thresholds=T).fit(X, Y)
    assert_array_equal(predicted.toarray(), dense.predict(X))


def test_clone_and_fit_do_not_touch_the_estimator_given(multilabel_data):
    base = LogisticRegression()
    clone(FixedThresholdsClassifier(base)).fit(*multilabel_data)
    FixedThresholdsClassifier(base).fit(*multilabel_data)
    assert not hasattr(base, "coef_")
