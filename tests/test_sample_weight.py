"""Weights of samples reach every part of both estimators: training, folds, thresholds, scoring and rewards."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.policies import FixedWeights, PolicySearch, SharedGRUPolicy

X, Y = make_multilabel_classification(240, n_features=10, n_classes=4, random_state=0)
KEPT = np.arange(240) % 3 != 0
INVERTED = np.where(KEPT[:, None], Y, 1 - Y)
F2 = make_scorer(fbeta_score, beta=2, average="micro")
# A rule reads the same weights and probabilities as the learned policy, and takes less time.
RULE = {"prediction_policy": "shrunken"}
ESTIMATORS = {
    "search": MetaPolicyClassifier(),
    "uniform": MetaPolicyClassifier(training_policy="uniform", prediction_policy=["half", "scut", "plug_in"]),
    "shared": MetaPolicyClassifier(training_policy="shared", scoring=F2, **RULE),
    "paper": MetaPolicyClassifier.from_paper(training_policy__n_episodes=2),
    "classifier": MetaPolicyClassifier(LogisticRegression(), scoring="f1_macro", **RULE),
    "tuned": TunedThresholdsClassifierCV(),
    "tuned decision values": TunedThresholdsClassifierCV(LinearSVC(), scoring=F2),
    "tuned on one part": TunedThresholdsClassifierCV(LogisticRegression(), cv=0.4, refit=False, **RULE),
    "kept of one part": MetaPolicyClassifier(training_policy="uniform", cv=0.4, refit=False, **RULE),
    "tuned, our splitter": TunedThresholdsClassifierCV(cv=MultilabelStratifiedKFold(3), **RULE),
    "our splitter": MetaPolicyClassifier(cv=MultilabelStratifiedKFold(3), **RULE),
}
both = pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])


def fit(estimator, *args, **params):
    return clone(estimator).set_params(random_state=0).fit(*args, **params)


def assert_same(found, expected, rtol=1e-7):
    assert_allclose(found.thresholds_, expected.thresholds_, rtol=rtol)
    assert_allclose(found.decision_function(X), expected.decision_function(X), rtol=rtol, atol=rtol)
    assert found.allow_unlabeled_ == expected.allow_unlabeled_
    assert found.cv_results_.keys() == expected.cv_results_.keys()
    if expected.best_score_ is not None:
        assert found.best_score_ == pytest.approx(expected.best_score_, rel=rtol)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_inverted_labels_of_weight_zero_change_nothing(name):
    found = fit(ESTIMATORS[name], X, INVERTED, sample_weight=KEPT.astype(float))
    assert_same(found, fit(ESTIMATORS[name], X[KEPT], Y[KEPT]))


@both
@pytest.mark.parametrize("scoring", ["f1_macro", F2], ids=["named", "scorer"])
def test_a_weight_is_a_number_of_copies_in_the_same_fold(scoring, make):
    weight = np.random.default_rng(0).integers(1, 4, 240)
    copies, fold = np.repeat(np.arange(240), weight), np.arange(240) % 3
    options = {"scoring": scoring, "allow_unlabeled": True}
    if scoring is F2:
        options["prediction_policy"] = "shrunken"  # policies sampled for a scorer depend on every last bit
    if make is MetaPolicyClassifier:
        options["training_policy"] = "uniform"
    weighted = fit(make(cv=PredefinedSplit(fold), **options), X, Y, sample_weight=weight)
    copied = fit(make(cv=PredefinedSplit(fold[copies]), **options), X[copies], Y[copies])
    assert_same(weighted, copied, rtol=1e-3)  # solvers stop elsewhere


@both
def test_splitters_of_others_see_all_rows_and_hold_out_those_that_count(make):
    fold = np.arange(240) // 2 % 3
    weighted = fit(make(cv=PredefinedSplit(fold), **RULE), X, INVERTED, sample_weight=1.0 * KEPT)
    assert_same(weighted, fit(make(cv=PredefinedSplit(fold[KEPT]), **RULE), X[KEPT], Y[KEPT]))
    first = [(np.arange(80, 240), np.arange(80))]
    with pytest.raises(ValueError, match="cv must .* rows of positive sample_weight"):
        fit(make(cv=first), X, Y, sample_weight=1.0 * (np.arange(240) >= 80))


@both
def test_weights_count_in_thresholds_and_scores(make):
    heavy = np.where(Y[:, 0] == 1, 10.0, 1.0)
    options = {"prediction_policy": "scut", "scoring": "f1_macro", "cv": KFold(3)}
    if make is TunedThresholdsClassifierCV:
        options["estimator"] = KNeighborsClassifier()
        with pytest.warns(
            UserWarning, match="KNeighborsClassifier.fit takes no sample_weight, so the weights .* alone"
        ):
            weighted = fit(make(**options), X, Y, sample_weight=heavy)
        assert_array_equal(weighted.predict_proba(X), fit(make(**options), X, Y).predict_proba(X))
    else:
        weighted = fit(make(**options), X, Y, sample_weight=heavy)
    plain = fit(make(**options), X, Y)
    assert weighted.thresholds_[0] != plain.thresholds_[0]
    assert weighted.best_score_ != plain.best_score_


@both
def test_a_scorer_that_takes_weights_gets_those_of_the_held_out_rows(make):
    def noted(y_true, y_pred, sample_weight=None):
        if sample_weight is not None and len(y_true) == 240:
            seen.append(sample_weight)
        return float(np.average((y_true == y_pred).all(axis=1), weights=sample_weight))

    seen, weight = [], 1.0 + np.arange(240) % 5
    fit(make(scoring=noted, prediction_policy="half"), X, Y, sample_weight=weight)
    assert len(seen) > 0
    assert all(np.sort(each).tolist() == np.sort(weight).tolist() for each in seen)


def unweighted(*arguments):
    raise AssertionError("nothing is to be called")


def unweighted_score(y_true, y_pred):
    return float((y_true == y_pred).mean())


@both
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scoring": unweighted_score}, "scoring='unweighted_score' takes no sample_weight"),
        ({"prediction_policy": unweighted}, "prediction_policy='unweighted' takes no sample_weight"),
        ({"prediction_policy": ["half", unweighted]}, "prediction_policy='unweighted' takes no sample_weight"),
    ],
)
def test_what_takes_no_weights_is_refused_before_anything_is_trained(options, match, make):
    class Untrained(LabelWeightedLogistic):
        def _fit_labels(self, *arguments, **options):
            raise AssertionError("nothing is to be trained")

    with pytest.raises(ValueError, match=match):
        fit(make(Untrained(), **options), X, Y, sample_weight=1.0 + np.arange(240) % 2)


@pytest.mark.parametrize("policy", [PolicySearch(unweighted), SharedGRUPolicy(reward=unweighted)])
def test_a_reward_that_takes_no_weights_is_refused_before_anything_is_trained(policy):
    with pytest.raises(ValueError, match="reward=.*unweighted.* takes no sample_weight"):
        fit(MetaPolicyClassifier(training_policy=policy), X, Y, sample_weight=1.0 + np.arange(240) % 2)


@pytest.mark.parametrize("cv", [3, None])
def test_recurrent_policies_are_rewarded_by_weight(cv):
    def share(Y, P, t, sample_weight=None):
        seen.append(sample_weight)
        return np.average(Y == (t < P), axis=0, weights=sample_weight)

    seen, weight = [], 1.0 + np.arange(240) % 3
    options = {"prediction_policy": "episode"} if cv is None else {}
    policy = SharedGRUPolicy(reward=share, n_episodes=1)
    fit(MetaPolicyClassifier(training_policy=policy, cv=cv, **options), X, Y, sample_weight=weight)
    assert len(seen) > 0
    assert all(set(each) == {1.0, 2.0, 3.0} for each in seen)


def test_equal_weights_need_no_function_that_takes_them():
    options = {"scoring": unweighted_score, "prediction_policy": lambda Y, P: P.mean(axis=0)}
    found = fit(TunedThresholdsClassifierCV(**options), X, INVERTED, sample_weight=1.0 * KEPT)
    assert_same(found, fit(TunedThresholdsClassifierCV(**options), X[KEPT], Y[KEPT]))


def test_frequencies_and_constant_labels_count_weight():
    labels, weight = Y.copy(), 1.0 + np.arange(240) % 3
    labels[:, 1] = np.arange(240) < 120  # constant among those that count
    weight[120:] = 0
    with pytest.warns(UserWarning, match="1 of 4 labels have one value"):
        clf = fit(MetaPolicyClassifier(), X, labels, sample_weight=weight)
    assert_allclose(clf.label_frequencies_, np.average(labels, axis=0, weights=weight))
    assert (clf.label_frequencies_[1], clf.thresholds_[1]) == (1, 0)
    with pytest.warns(UserWarning, match="1 of 4 labels have one value"):
        tuned = fit(TunedThresholdsClassifierCV(), X, labels, sample_weight=weight)
    assert tuned.thresholds_[1] == 0


@pytest.mark.parametrize("make", [LabelWeightedClassifier, MetaPolicyClassifier])
def test_frequency_weights_count_weight(make):
    weight = 1.0 + 9 * Y[:, 0]
    options = {"label_weight": "frequency"} if make is LabelWeightedClassifier else {}
    if make is MetaPolicyClassifier:
        options["training_policy"] = FixedWeights("frequency")
    expected = (weight @ Y) ** -0.25
    assert_allclose(fit(make(**options), X, Y, sample_weight=weight).weights_, expected / expected.mean())


@pytest.mark.parametrize("asked", [None, True, False, "importance"])
@both
def test_thresholds_are_weighted_as_the_estimators_own_request_says(make, asked):
    weight = np.where(Y[:, 0] == 1, 10.0, 1.0)
    options = {"scoring": "f1_macro", "prediction_policy": "scut", "random_state": 0}
    if make is MetaPolicyClassifier:
        options["training_policy"] = "uniform"
    with config_context(enable_metadata_routing=True):
        base = LabelWeightedLogistic().set_fit_request(sample_weight=True)
        clf = make(base, **options).set_fit_request(sample_weight=asked).fit(X, Y, sample_weight=weight)
        own = make(base, **options).set_fit_request(sample_weight=False).fit(X, Y, sample_weight=weight)
        assert_array_equal(clf.predict_proba(X), own.predict_proba(X))
        asking = make(base, **options).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(asking, {"allow_unlabeled": [True]}, cv=2).fit(X, Y, sample_weight=weight)
    without = make(LabelWeightedLogistic(), **options).fit(X, Y, sample_weight=weight)
    in_use = own if asked is False else without
    assert_array_equal(clf.thresholds_, in_use.thresholds_)
    assert without.thresholds_[0] != own.thresholds_[0]
    assert search.best_estimator_.best_score_ > 0


def test_a_classifier_that_takes_no_weights_has_weighted_thresholds_under_routing():
    weight = np.where(Y[:, 0] == 1, 10.0, 1.0)
    with config_context(enable_metadata_routing=True):
        tuned = TunedThresholdsClassifierCV(KNeighborsClassifier(), prediction_policy="scut")
        clf = fit(tuned.set_fit_request(sample_weight=True), X, Y, sample_weight=weight)
    assert abs(clf.thresholds_ - fit(tuned, X, Y).thresholds_).max() > 0


def test_a_fitted_classifier_is_tuned_by_weight():
    base = TunedThresholdsClassifierCV(LogisticRegression(), prediction_policy="half").fit(X, Y).estimator_
    tuned = TunedThresholdsClassifierCV(base, cv="prefit", refit=False, random_state=0)
    found = tuned.fit(X, INVERTED, sample_weight=1.0 * KEPT).thresholds_
    assert_array_equal(found, tuned.fit(X[KEPT], Y[KEPT]).thresholds_)


def test_two_classes_and_several_take_weights():
    for classes in (Y[:, 0], Y[:, 0] + Y[:, 1]):
        wrong = np.where(KEPT, classes, (classes + 1) % (classes.max() + 1))
        for make in (MetaPolicyClassifier, TunedThresholdsClassifierCV):
            found = fit(make(), X, wrong, sample_weight=1.0 * KEPT)
            assert_allclose(found.predict_proba(X), fit(make(), X[KEPT], classes[KEPT]).predict_proba(X), atol=1e-3)


@both
@pytest.mark.parametrize("weight", [np.zeros(240), np.full(240, np.nan)])
def test_weights_that_are_none_are_refused(weight, make):
    with pytest.raises(ValueError, match=r"sample_weight|NaN|[Ss]ample weights"):
        fit(make(), X, Y, sample_weight=weight)
