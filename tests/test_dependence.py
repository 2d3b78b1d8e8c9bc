"""Label sets in the decisions and the probabilities of whole estimators."""

import pickle
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from _cases import small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.metrics import strict_accuracy_score
from sklearn_metalabel.policies import LearnedThresholds, ThresholdRule

CASES = {
    "linear": lambda **params: MetaPolicyClassifier(random_state=0, **params),
    "network": lambda **params: MetaPolicyClassifier(small_torch(n_epochs=5), random_state=0, **params),
    "logistic": lambda **params: TunedThresholdsClassifierCV(LogisticRegression(), random_state=0, **params),
    "decision values": lambda **params: TunedThresholdsClassifierCV(LinearSVC(), random_state=0, **params),
    "forest": lambda **params: TunedThresholdsClassifierCV(
        RandomForestClassifier(50, random_state=0), random_state=0, **params
    ),
}


@pytest.fixture(scope="module")
def tree():
    """Training and test samples of one path of a tree: three sections of two topics each."""
    X, topic = make_classification(1200, n_informative=8, n_classes=6, flip_y=0.1, random_state=0)
    Y = np.hstack([np.eye(3, dtype=int)[topic // 2], np.eye(6, dtype=int)[topic]])
    return X[:400], Y[:400], X[400:], Y[400:]


@pytest.fixture(scope="module")
def fitted(tree):
    """The classifier of a case with its defaults, which is fitted once."""
    X, Y, *_ = tree
    return cache(lambda name: CASES[name]().fit(X, Y))


@pytest.mark.parametrize("name", CASES)
def test_whole_label_sets_are_right_more_often(tree, fitted, name):
    X, Y, X_test, Y_test = tree
    apart = CASES[name](prediction_policy=LearnedThresholds(dependence=False)).fit(X, Y)
    assert apart.dependence_ is None
    assert fitted(name).dependence_ is not None
    right, right_apart = (strict_accuracy_score(Y_test, clf.predict(X_test)) for clf in (fitted(name), apart))
    assert right > right_apart + 0.05


@pytest.mark.parametrize("name", CASES)
def test_a_child_is_not_predicted_without_its_parent(tree, fitted, name):
    D = fitted(name).predict(tree[2])
    for topic in range(6):
        assert (D[:, 3 + topic] <= D[:, topic // 2]).all()


@pytest.mark.parametrize("name", CASES)
def test_a_sample_is_decided_as_it_is_among_others_and_stored_estimators_decide_the_same(tree, fitted, name):
    X_test, clf = tree[2], fitted(name)
    together = clf.predict(X_test[:40])
    assert_array_equal(np.concatenate([clf.predict(X_test[[i]]) for i in range(40)]), together)
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(X_test[:40]), together)


def test_decisions_are_those_of_the_base_learners_probabilities(tree, fitted):
    X_test, clf = tree[2], fitted("linear")
    P = clf.estimator_.predict_proba(X_test)
    D = decide(P, clf.thresholds_, clf.allow_unlabeled_, dependence=clf.dependence_)
    assert_array_equal(D, clf.predict(X_test))
    assert_allclose(clf.decision_function(X_test), P - clf.thresholds_)


def test_decision_values_and_probabilities_of_one_classifier_decide_alike(tree, fitted):
    X, Y, X_test, _ = tree
    by_score = CASES["logistic"](response_method="decision_function").fit(X, Y)
    assert fitted("logistic").dependence_.count_weight == pytest.approx(by_score.dependence_.count_weight, rel=0.2)
    assert (fitted("logistic").predict(X_test) == by_score.predict(X_test)).mean() > 0.97


def test_the_scale_of_decision_values_does_not_matter(tree):
    class Larger(LogisticRegression):
        def decision_function(self, X):
            return 50 * super().decision_function(X)

    X, Y, X_test, _ = tree
    options = {"response_method": "decision_function", "random_state": 0}
    plain, larger = (TunedThresholdsClassifierCV(base(), **options).fit(X, Y) for base in (LogisticRegression, Larger))
    assert larger.dependence_.scale == pytest.approx(plain.dependence_.scale / 50, rel=1e-2)
    assert (larger.predict(X_test) == plain.predict(X_test)).mean() > 0.995


def test_corrected_probabilities_have_a_lower_loss_and_say_so(tree, fitted):
    X, Y, X_test, Y_test = tree
    clf = fitted("linear")
    P, raw = clf.predict_proba(X_test), clf.estimator_.predict_proba(X_test)
    assert clf.marginals_ is not None
    assert_allclose(P, clf.marginals_.correct(raw))
    assert 0 < P.min() < P.max() < 1

    def loss(p):
        return -np.log(np.where(Y_test, p, 1 - p)).mean()

    assert loss(P) < loss(raw)
    plain = MetaPolicyClassifier(prediction_policy="half", random_state=0).fit(X, Y)
    assert plain.marginals_ is None
    assert_array_equal(plain.predict_proba(X_test), plain.estimator_.predict_proba(X_test))


def test_names_come_out_and_sparse_labels_go_in(tree):
    X, Y, X_test, _ = tree
    names = [*"ABC", *"abcdef"]
    clf = MetaPolicyClassifier(random_state=0).fit(X, pd.DataFrame(Y, columns=names))
    assert set(clf.dependence_.pairs()["label"]) <= set(names)
    assert set(clf.dependence_.frequent_sets(1)["labels"][0]) <= set(names)
    assert list(clf.prediction_policy_.dependence_.label_names) == names
    sparse = MetaPolicyClassifier(random_state=0).fit(X, sp.csr_array(Y)).predict(X_test)
    assert_array_equal(sparse.toarray(), clf.predict(X_test))


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
@pytest.mark.parametrize("policy", [LearnedThresholds(dependence=True), ThresholdRule("scut", dependence=True)])
def test_dependence_that_cannot_be_had_is_refused_before_anything_is_trained(make, policy):
    class Never(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("trained")

    X, several = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
    gaps = (np.random.default_rng(1).random((60, 3)) < 0.5).astype(float)
    gaps[0, 0] = np.nan
    for y, match in (
        (several, "several labels, and y has classes"),
        (several > 0, "several labels, and y has classes"),
        ((several > 0).astype(int)[:, None], "several labels, and y has one label"),
        (gaps, "dependence=True needs to know every label"),
    ):
        for given in (policy, ["half", policy]):
            with pytest.raises(ValueError, match=match):
                make(Never(), prediction_policy=given).fit(X, y)


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_two_classes_and_one_label_have_no_dependence(make):
    X = np.random.default_rng(0).normal(size=(80, 4))
    y = (X[:, 0] > 0).astype(int)
    for target in (y, y[:, None], np.arange(80) % 3):
        clf = make(random_state=0).fit(X, target)
        assert clf.dependence_ is None
        assert clf.marginals_ is None
