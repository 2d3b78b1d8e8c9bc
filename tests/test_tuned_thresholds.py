import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from _cases import MLP, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import ConstantLabelWarning, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.policies import FixedThresholds, LearnedThresholds, ShrunkenThresholds
from sklearn_metalabel.thresholds import OutOfFold, micromacro, scut

RULE_NAMES = ["half", "scut", "shrunken", "micromacro", "global"]


def tuned(estimator=None, **params):
    return TunedThresholdsClassifierCV(estimator, **{"prediction_policy": "shrunken", "random_state": 0, **params})


def best_name(clf):
    """Name of the policy that was taken."""
    return getattr(clf.prediction_policy_, "best_policy_", clf.prediction_policy_).name


def score(clf, Y, decided):
    """What the classifier was to be good at."""
    return Scoring.resolve(clf.scoring)(Y.astype(bool), decided.astype(bool))


def assert_same(first, second, X):
    assert_array_equal(first.thresholds_, second.thresholds_)
    assert first.allow_unlabeled_ == second.allow_unlabeled_
    assert best_name(first) == best_name(second)
    assert_array_equal(first.decision_function(X), second.decision_function(X))
    for name, column in first.cv_results_.items():
        assert_array_equal(column, second.cv_results_[name])


class Counting(LabelWeightedLogistic):
    """Notes the size of every fit."""

    sizes = []

    def fit(self, X, y, sample_weight=None, label_weight=None):
        Counting.sizes.append(len(X))
        return super().fit(X, y, sample_weight, label_weight)


@pytest.mark.parametrize("policy", ["shrunken", RULE_NAMES, ["learned", "pretrained", "half"]])
def test_the_classifier_is_fitted_once_a_fold_and_once_more_for_any_number_of_policies(policy, multilabel_data):
    Counting.sizes = []
    tuned(Counting(), prediction_policy=policy, cv=4).fit(*multilabel_data)
    assert Counting.sizes == [60] * 4 + [80]


@pytest.mark.parametrize(
    "base",
    [
        RandomForestClassifier(10, random_state=0),
        KNeighborsClassifier(),
        OneVsRestClassifier(LogisticRegression()),
        ClassifierChain(LogisticRegression()),
        MultiOutputClassifier(LogisticRegression()),
        make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
        GridSearchCV(OneVsRestClassifier(LogisticRegression()), {"estimator__C": [0.1, 1]}, cv=2),
        MLPClassifier(5, max_iter=20, random_state=0),
        LabelWeightedLogistic(),
    ],
    ids=lambda base: type(base).__name__,
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_out_of_fold_thresholds_are_the_rule_on_cross_val_predict(base, multilabel_data):
    X, Y = multilabel_data
    cv = KFold(3)
    if isinstance(base, ClassifierChain):  # cross_val_predict fails on its classes_
        P = np.vstack([clone(base).fit(X[a], Y[a]).predict_proba(X[b]) for a, b in cv.split(X)])
    else:
        P = cross_val_predict(base, X, Y, cv=cv, method="predict_proba")
    P = np.column_stack([p[:, 1] for p in P]) if isinstance(P, list) else P
    P = P.clip(np.finfo(float).eps, 1 - np.finfo(float).eps)
    clf = tuned(base, cv=cv, prediction_policy="micromacro").fit(X, Y)
    assert type(clf.estimator_) is type(base)
    assert_array_equal(clf.thresholds_, micromacro(Y, P))
    fold_of = np.repeat([0, 1, 2], [27, 27, 26])
    decided = np.zeros(Y.shape, dtype=bool)
    for k in range(3):
        t = micromacro(Y[fold_of != k], P[fold_of != k])
        decided[fold_of == k] = decide(P[fold_of == k], t, clf.allow_unlabeled_)
    assert clf.cv_results_["mean_test_score"].max() == clf.best_score_ == pytest.approx(score(clf, Y, decided))
    P = clf.predict_proba(X)
    assert_array_equal(clf.predict(X), decide(P, clf.thresholds_, clf.allow_unlabeled_))


@pytest.mark.parametrize("policy", ["micromacro", "scut", ["global", "shrunken"]])
def test_decision_values_and_probabilities_of_one_classifier_decide_the_same(policy, multilabel_data):
    X, Y = multilabel_data
    one, two = (
        tuned(LogisticRegression(), prediction_policy=policy, allow_unlabeled=True, response_method=method).fit(X, Y)
        for method in ("predict_proba", "decision_function")
    )
    assert (one.response_method_, two.response_method_) == ("predict_proba", "decision_function")
    assert best_name(one) == best_name(two)
    if policy != ["global", "shrunken"]:  # cuts between two values lie at other places on another scale
        for name in one.cv_results_.keys() - {"std_thresholds"}:
            assert_array_equal(one.cv_results_[name], two.cv_results_[name], err_msg=name)
    assert (one.predict(X) == two.predict(X)).mean() > 0.99
    assert_array_equal(two.decision_function(X) > 0, two.predict(X))


class Spread(LogisticRegression):
    def decision_function(self, X):
        return 3000 * super().decision_function(X) + 7000


def test_decision_values_of_any_scale_decide_the_same(multilabel_data):
    X, Y = multilabel_data
    params = {"prediction_policy": "micromacro", "response_method": "decision_function"}
    plain, spread = (tuned(base, **params).fit(X, Y) for base in (LogisticRegression(), Spread()))
    assert_allclose(spread.thresholds_, 3000 * plain.thresholds_ + 7000, rtol=1e-3)
    assert_array_equal(spread.predict(X), plain.predict(X))


def test_decision_thresholds_cut_between_the_scores_that_the_rule_cut_between(multilabel_data):
    X, Y = multilabel_data
    scores = cross_val_predict(OneVsRestClassifier(RidgeClassifier()), X, Y, cv=KFold(3), method="decision_function")
    clf = tuned(OneVsRestClassifier(RidgeClassifier()), prediction_policy="micromacro", cv=KFold(3)).fit(X, Y)
    span, low = np.ptp(scores) + 2, scores.min() - 1
    by_rank = micromacro(Y, (scores - low) / span) * span + low
    assert_array_equal(scores > clf.thresholds_, scores > by_rank)


@pytest.mark.parametrize(
    "base", [None, LinearSVC(), RandomForestClassifier(5), small_torch(MLP, n_epochs=2)], ids=lambda b: type(b).__name__
)
def test_two_jobs_give_what_one_gives_bit_for_bit(base, multilabel_data):
    X, Y = multilabel_data
    one, two = (tuned(base, prediction_policy=["half", "shrunken"], n_jobs=n_jobs).fit(X, Y) for n_jobs in (None, 2))
    assert_same(one, two, X)


def test_seeds_of_the_classifier_follow_from_one_seed_unless_they_are_set(multilabel_data):
    X, Y = multilabel_data
    first, again, other = (tuned(RandomForestClassifier(5), random_state=seed).fit(X, Y) for seed in (0, 0, 1))
    assert_same(first, again, X)
    assert not np.array_equal(first.predict_proba(X), other.predict_proba(X))
    assert tuned(RandomForestClassifier(5, random_state=7)).fit(X, Y).estimator_.random_state == 7


def test_the_global_random_state_is_left_alone(multilabel_data):
    before = joblib.hash(np.random.get_state())  # noqa: NPY002
    for base in (RandomForestClassifier(5), LinearSVC(), MLPClassifier(3, max_iter=2)):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Stochastic Optimizer")
            tuned(base, prediction_policy=["shrunken", "learned"]).fit(*multilabel_data)
    assert joblib.hash(np.random.get_state()) == before  # noqa: NPY002


def test_a_prefit_classifier_is_used_as_it_is(multilabel_data):
    X, Y = multilabel_data
    base = RandomForestClassifier(10, random_state=0).fit(X[:40], Y[:40])
    clf = tuned(base, cv="prefit", refit=False, prediction_policy="scut", allow_unlabeled=True).fit(X[40:], Y[40:])
    assert clf.estimator_ is base
    P = np.column_stack([p[:, 1] for p in base.predict_proba(X[40:])]).clip(1e-16, 1 - 1e-16)
    assert_array_equal(clf.thresholds_, scut(Y[40:], P))
    # Not the resubstitution score: the rows are dealt into folds for the comparison.
    resubstituted = score(clf, Y[40:], P > clf.thresholds_)
    assert clf.cv_results_["mean_test_score"][0] < resubstituted
    assert "split2_test_score" in clf.cv_results_
    assert "split3_test_score" not in clf.cv_results_


def test_prefit_needs_a_fitted_classifier_and_no_refit(multilabel_data):
    X, Y = multilabel_data
    with pytest.raises(ValueError, match='cv="prefit" keeps the estimator as it is, got refit=True; set refit=False'):
        tuned(LogisticRegression(), cv="prefit").fit(X, Y)
    with pytest.raises(NotFittedError, match="this KNeighborsClassifier is not fitted; fit it first"):
        tuned(KNeighborsClassifier(), cv="prefit", refit=False).fit(X, Y)
    with pytest.raises(TypeError, match="needs a fitted classifier, got None"):
        tuned(cv="prefit", refit=False).fit(X, Y)
    with pytest.raises(ValueError, match=r"must give one value for each row and label.*got shape \(80, 2\)"):
        tuned(LogisticRegression().fit(X, Y[:, 0]), cv="prefit", refit=False).fit(X, Y)


@pytest.mark.parametrize(
    "params", [{}, {"cv": 0.3, "refit": False}, {"cv": "prefit", "refit": False}], ids=["cv", "float", "prefit"]
)
def test_classes_are_predicted_by_the_classifier_inside(params, multilabel_data):
    X, Y = multilabel_data
    y = np.array(["a", "b", "c"])[Y[:, 0] + Y[:, 1]]
    base = RandomForestClassifier(5, random_state=0)
    clf = tuned(base.fit(X, y) if params.get("cv") == "prefit" else base, **params).fit(X, y)
    assert_array_equal(clf.predict(X), clf.estimator_.predict(X))
    assert_array_equal(clf.classes_, np.unique(y))
    assert (clf.prediction_policy_, clf.allow_unlabeled_, clf.cv_results_, clf.best_score_) == (None, False, {}, None)
    assert_array_equal(clf.predict_proba(X), clf.estimator_.predict_proba(X))
    assert np.isfinite(clf.decision_function(X)).all()


def test_one_split_without_refit_keeps_the_classifier_of_that_split(multilabel_data):
    X, Y = multilabel_data
    Counting.sizes = []
    clf = tuned(Counting(), cv=0.25, refit=False).fit(X, Y)
    assert Counting.sizes == [60]
    split = PredefinedSplit(np.repeat([-1, 0], [50, 30]))
    clf = tuned(cv=split, refit=False, prediction_policy="scut").fit(X, Y)
    assert_array_equal(clf.estimator_.coef_, LabelWeightedLogistic().fit(X[:50], Y[:50]).coef_)
    assert_array_equal(clf.thresholds_, scut(Y[50:], clf.predict_proba(X[50:])))


def test_a_float_holds_that_share_out_once(multilabel_data):
    Counting.sizes = []
    clf = tuned(Counting(), cv=0.25).fit(*multilabel_data)
    assert Counting.sizes == [60, 80]
    assert "split2_test_score" in clf.cv_results_


def test_an_integer_stratifies_over_the_labels(multilabel_data, monkeypatch):
    X, Y = multilabel_data
    seen = []

    class Noted(MultilabelStratifiedKFold):
        def split(self, X, y=None, groups=None):
            seen.append((self.n_splits, y))
            return super().split(X, y, groups)

    monkeypatch.setattr("sklearn_metalabel.model_selection._resolve.MultilabelStratifiedKFold", Noted)
    tuned(cv=4).fit(X, Y)
    tuned(cv=None).fit(X, Y)
    assert [n for n, _ in seen] == [4, 5]
    assert_array_equal(seen[0][1], Y)


def test_rows_in_no_test_fold_are_left_out_and_rows_in_two_count_twice(multilabel_data):
    X, Y = multilabel_data
    splits = [(np.arange(40, 80), np.arange(30)), (np.arange(40), np.arange(40, 70)), (np.arange(40), [40, 41])]
    clf = tuned(cv=splits, prediction_policy="scut").fit(X, Y)
    first, second = (LabelWeightedLogistic().fit(X[part], Y[part]) for part in (np.arange(40, 80), np.arange(40)))
    P = np.vstack([first.predict_proba(X[:30]), second.predict_proba(X[40:70]), second.predict_proba(X[40:42])])
    assert_allclose(clf.thresholds_, scut(np.vstack([Y[:30], Y[40:70], Y[40:42]]), P))
    repeated = tuned(cv=ShuffleSplit(4, random_state=0), prediction_policy="scut").fit(X, Y)
    assert "split3_test_score" in repeated.cv_results_


@pytest.mark.parametrize("base", [LogisticRegression(), LinearSVC(), RandomForestClassifier(5), KNeighborsClassifier()])
def test_labels_of_one_value_are_never_or_always_predicted(base, multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, :2], np.zeros(80, int), np.ones(80, int)])
    for policy in ("shrunken", lambda Y, P: np.full(4, 0.5)):
        with pytest.warns(ConstantLabelWarning, match=r"2 of 4 labels have one value .*\(2, 3\)") as caught:
            clf = tuned(base, prediction_policy=policy).fit(X, Y)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert_array_equal(clf.predict(X)[:, 2:], Y[:, 2:])
        ends = [np.inf, -np.inf] if clf.response_method_ == "decision_function" else [1, 0]
        assert clf.thresholds_[2:].tolist() == ends
        margins = clf.decision_function(X)
        assert np.isfinite(margins).all()
        assert (margins[:, 2] < 0).all()
        assert (margins[:, 3] > 0).all()


def test_a_label_without_positives_in_a_fold_gets_no_score_in_the_middle(multilabel_data):
    X, Y = multilabel_data
    Y = Y.copy()
    Y[:, 1] = 0
    Y[60:, 1] = 1
    cv = [(np.arange(60), np.arange(60, 80)), (np.arange(20, 80), np.arange(20))]
    ranks = []

    def note(Y, P):
        ranks.append(P)
        return scut(Y, P)

    tuned(OneVsRestClassifier(LinearSVC()), cv=cv, prediction_policy=note).fit(X, Y)
    fold = ranks[-1][20:]
    assert (fold[:, 1] == fold.min()).all()


@pytest.mark.parametrize("given", [True, False])
def test_whether_samples_may_be_unlabeled_is_taken_as_given(given, multilabel_data):
    X, Y = multilabel_data
    clf = tuned(prediction_policy=["half", "learned", "pretrained"], allow_unlabeled=given).fit(X, Y)
    assert clf.allow_unlabeled_ is given
    assert clf.cv_results_["allow_unlabeled"].tolist() == [given] * 3


def test_whether_samples_may_be_unlabeled_is_chosen_by_the_held_out_rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    X, Y = np.eye(4)[labels] + 0.8 * rng.normal(size=(200, 4)), np.eye(4, dtype=int)[labels]
    clf = tuned(scoring="accuracy").fit(X, Y)
    assert not clf.allow_unlabeled_
    assert (clf.predict(X).sum(axis=1) > 0).all()
    Y[rng.random(200) < 0.8] = 0
    assert tuned(scoring="accuracy").fit(X, Y).allow_unlabeled_


def test_what_was_compared_is_in_the_results_and_the_best_row_was_taken(multilabel_data):
    X, Y = multilabel_data
    clf = tuned(prediction_policy=["half", scut, "micromacro", "learned"]).fit(X, Y)
    frame = pd.DataFrame(clf.cv_results_)
    names = ["half"] * 2 + ["scut"] * 2 + ["micromacro"] * 2 + ["learned"]
    assert frame["prediction_policy"].tolist() == names
    assert frame["allow_unlabeled"].tolist() == [True, False] * 3 + ["auto"]
    best = frame.loc[frame["rank_test_score"].idxmin()]
    assert best["prediction_policy"] == clf.prediction_policy_.best_policy_.name
    assert best["allow_unlabeled"] in (clf.allow_unlabeled_, "auto")
    assert best["mean_test_score"] == clf.best_score_ == frame["mean_test_score"].max()
    parts = frame[[f"mean_test_{name}" for name in clf.scoring]]
    assert_allclose(parts.mean(axis=1), frame["mean_test_score"])
    assert [name for name in frame if name.startswith("split")] == [f"split{k}_test_score" for k in range(3)]


def test_another_scoring_can_choose_another_policy(multilabel_data):
    X, Y = multilabel_data
    scorings = [lambda a, b: -b.mean(), lambda a, b: b.mean()]
    policies = [FixedThresholds(0.9), FixedThresholds(0.1)]
    found = [
        tuned(prediction_policy=policies, scoring=each, allow_unlabeled=True).fit(X, Y).prediction_policy_
        for each in scorings
    ]
    assert [policy.best_policy_.thresholds for policy in found] == [0.9, 0.1]
    assert [set(policy.cv_results_["prediction_policy"]) for policy in found] == [{"fixed", "fixed-2"}] * 2


@pytest.mark.parametrize("policy", [LearnedThresholds(5), ShrunkenThresholds(3.0)])
def test_the_policy_is_fitted_on_the_out_of_fold_responses(policy, multilabel_data):
    X, Y = multilabel_data
    cv = KFold(4)
    P = cross_val_predict(LabelWeightedLogistic(), X, Y, cv=cv, method="predict_proba")
    fold = np.repeat(range(4), 20)
    alone = clone(policy).fit(OutOfFold(Y, P, fold), "f1_micro")
    clf = tuned(cv=cv, prediction_policy=policy, scoring="f1_micro").fit(X, Y)
    assert_array_equal(clf.thresholds_, alone.thresholds_)
    assert clf.allow_unlabeled_ == alone.allow_unlabeled_
    assert clf.best_score_ == alone.best_score_
    assert clf.prediction_policy_ is not policy


def test_a_failed_fit_leaves_a_fitted_estimator_as_it_was(multilabel_data):
    X, Y = multilabel_data
    clf = tuned(LogisticRegression()).fit(X, Y)
    before, decided = dict(vars(clf)), clf.decision_function(X)

    def failing(Y, P):
        raise RuntimeError("late")

    clf.prediction_policy = failing
    with pytest.raises(RuntimeError, match="late"):
        clf.fit(X[:, :3], Y[:, :2])
    before["prediction_policy"] = failing
    assert vars(clf).keys() == before.keys()
    assert all(vars(clf)[name] is value for name, value in before.items())
    assert_array_equal(clf.decision_function(X), decided)


def test_a_grid_search_goes_over_policies_and_nested_parameters_and_each_acts(multilabel_data):
    X, Y = multilabel_data
    clf = tuned(LogisticRegression(), prediction_policy=ShrunkenThresholds())
    grid = {"estimator__C": [0.01, 1.0], "prediction_policy__kappa": [0.0, 100.0]}
    search = GridSearchCV(clf, [grid, {"prediction_policy": ["half", ["half", "scut"]]}], cv=2, scoring="f1_macro")
    search.set_params(error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 6
    assert np.unique(search.cv_results_["mean_test_score"]).size > 2
    first, pooled, strong = (
        clone(clf).set_params(estimator__C=C, prediction_policy__kappa=kappa).fit(X, Y)
        for C, kappa in ((0.01, 0.0), (0.01, 100.0), (1.0, 0.0))
    )
    assert_array_equal(first.predict_proba(X), pooled.predict_proba(X))
    assert not np.allclose(first.thresholds_, pooled.thresholds_)
    assert not np.allclose(first.predict_proba(X), strong.predict_proba(X))


SCORERS = ["accuracy", "f1_macro", "f1_micro", "f1_samples", "jaccard_macro", "roc_auc", "average_precision"]


@pytest.mark.parametrize("base", [None, LinearSVC(), RandomForestClassifier(5)])
def test_every_multilabel_scorer_works(base, multilabel_data):
    X, Y = multilabel_data
    scores = cross_validate(tuned(base), X, Y, cv=2, scoring=SCORERS, error_score="raise")
    for name in SCORERS:
        found = scores[f"test_{name}"]
        assert ((found > 0) & (found <= 1)).all(), name


def test_a_label_that_is_never_predicted_can_still_be_ranked(multilabel_data):
    X, Y = multilabel_data
    Y = Y.copy()
    Y[:40, 1] = 0
    with pytest.warns(ConstantLabelWarning):
        clf = tuned(LinearSVC()).fit(X[:40], Y[:40])
    assert clf.thresholds_[1] == np.inf
    for name in ("roc_auc", "average_precision", "f1_macro"):
        assert np.isfinite(get_scorer(name)(clf, X[40:], Y[40:]))


def test_another_tuned_classifier_or_the_meta_learner_can_be_inside(multilabel_data):
    X, Y = multilabel_data
    for base in (tuned(), MetaPolicyClassifier(cv=2)):
        assert tuned(base, cv=2).fit(X, Y).predict(X).shape == Y.shape


def test_predictions_do_not_need_the_policy(multilabel_data, monkeypatch):
    X, Y = multilabel_data
    clf = tuned(prediction_policy=lambda Y, P: np.full(4, 0.5)).fit(X, Y)
    assert clf.prediction_policy_.name == "<lambda>"
    expected = clf.predict(X)
    monkeypatch.setattr(clf, "prediction_policy", None)
    monkeypatch.setattr(clf, "prediction_policy_", None)
    assert_array_equal(clf.predict(X), expected)
