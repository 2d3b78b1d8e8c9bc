import sys
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
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import ConstantLabelWarning, MetaPolicyClassifier, TunedThresholdsClassifierCV, _tuned_thresholds
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.prediction import _choosers
from sklearn_metalabel.thresholds import decide, micromacro, scut, shrunken
from sklearn_metalabel.thresholds._criteria import criterion_score

RULE_NAMES = ["half", "scut", "shrunken", "micromacro", "global"]


def tuned(estimator=None, **params):
    return TunedThresholdsClassifierCV(estimator, **{"rule": "shrunken", "random_state": 0, **params})


def assert_same(first, second, X):
    assert_array_equal(first.thresholds_, second.thresholds_)
    assert (first.never_empty_, first.best_rule_) == (second.never_empty_, second.best_rule_)
    assert_array_equal(first.decision_function(X), second.decision_function(X))
    for name, column in first.cv_results_.items():
        assert_array_equal(column, second.cv_results_[name])


class Counting(LabelWeightedLogistic):
    """Notes the size of every fit."""

    sizes = []

    def fit(self, X, y, sample_weight=None, label_weight=None):
        Counting.sizes.append(len(X))
        return super().fit(X, y, sample_weight, label_weight)


@pytest.mark.parametrize("rule", ["shrunken", RULE_NAMES, ["policy", "pretrained", "half"]])
def test_the_classifier_is_fitted_once_a_fold_and_once_more_for_any_number_of_rules(rule, multilabel_data):
    Counting.sizes = []
    tuned(Counting(), rule=rule, cv=4).fit(*multilabel_data)
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
    clf = tuned(base, cv=cv, rule="micromacro").fit(X, Y)
    assert type(clf.estimator_) is type(base)
    assert_array_equal(clf.thresholds_, micromacro(Y, P))
    fold_of = np.repeat([0, 1, 2], [27, 27, 26])
    decided = np.zeros(Y.shape, dtype=bool)
    for k in range(3):
        t = micromacro(Y[fold_of != k], P[fold_of != k])
        decided[fold_of == k] = decide(P[fold_of == k], t, never_empty=clf.never_empty_)
    score = criterion_score(clf.criterion, Y.astype(bool), decided)
    assert clf.cv_results_["mean_test_score"].max() == pytest.approx(score)
    P = clf.predict_proba(X)
    assert_array_equal(clf.predict(X), decide(P, clf.thresholds_, never_empty=clf.never_empty_))


@pytest.mark.parametrize("rule", ["micromacro", "scut", ["global", "shrunken"]])
def test_decision_values_and_probabilities_of_one_classifier_decide_the_same(rule, multilabel_data):
    X, Y = multilabel_data
    one, two = (
        tuned(LogisticRegression(), rule=rule, never_empty=False, response_method=method).fit(X, Y)
        for method in ("predict_proba", "decision_function")
    )
    assert (one.response_method_, two.response_method_) == ("predict_proba", "decision_function")
    assert (one.best_rule_, one.never_empty_) == (two.best_rule_, two.never_empty_)
    if rule != ["global", "shrunken"]:  # cuts between two values lie at other places on another scale
        for name, column in one.cv_results_.items():
            assert_array_equal(column, two.cv_results_[name], err_msg=name)
    assert (one.predict(X) == two.predict(X)).mean() > 0.99
    assert_array_equal(two.decision_function(X) > 0, two.predict(X))


class Stretched(LogisticRegression):
    def decision_function(self, X):
        return 3000 * super().decision_function(X) + 7000


def test_decision_values_of_any_scale_decide_the_same(multilabel_data):
    X, Y = multilabel_data
    params = {"rule": "micromacro", "response_method": "decision_function"}
    plain, stretched = (tuned(base, **params).fit(X, Y) for base in (LogisticRegression(), Stretched()))
    assert_allclose(stretched.thresholds_, 3000 * plain.thresholds_ + 7000, rtol=1e-3)
    assert_array_equal(stretched.predict(X), plain.predict(X))


def test_decision_thresholds_cut_between_the_scores_that_the_rule_cut_between(multilabel_data):
    X, Y = multilabel_data
    scores = cross_val_predict(OneVsRestClassifier(RidgeClassifier()), X, Y, cv=KFold(3), method="decision_function")
    clf = tuned(OneVsRestClassifier(RidgeClassifier()), rule="micromacro", cv=KFold(3)).fit(X, Y)
    span, low = np.ptp(scores) + 2, scores.min() - 1
    by_rank = micromacro(Y, (scores - low) / span) * span + low
    assert_array_equal(scores > clf.thresholds_, scores > by_rank)


@pytest.mark.parametrize(
    "base", [None, LinearSVC(), RandomForestClassifier(5), small_torch(MLP, n_epochs=2)], ids=lambda b: type(b).__name__
)
def test_two_jobs_give_what_one_gives_bit_for_bit(base, multilabel_data):
    X, Y = multilabel_data
    one, two = (tuned(base, rule=["half", "shrunken"], n_jobs=n_jobs).fit(X, Y) for n_jobs in (None, 2))
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
            tuned(base, rule=["shrunken", "policy"]).fit(*multilabel_data)
    assert joblib.hash(np.random.get_state()) == before  # noqa: NPY002


def test_a_prefit_classifier_is_used_as_it_is(multilabel_data):
    X, Y = multilabel_data
    base = RandomForestClassifier(10, random_state=0).fit(X[:40], Y[:40])
    clf = tuned(base, cv="prefit", refit=False, rule="scut", never_empty=False).fit(X[40:], Y[40:])
    assert clf.estimator_ is base
    P = np.column_stack([p[:, 1] for p in base.predict_proba(X[40:])]).clip(1e-16, 1 - 1e-16)
    assert_array_equal(clf.thresholds_, scut(Y[40:], P))
    # Not the resubstitution score: the rows are dealt into folds for the comparison.
    resubstituted = criterion_score(clf.criterion, Y[40:].astype(bool), P > clf.thresholds_)
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


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize(
    "params", [{}, {"cv": 0.3, "refit": False}, {"cv": "prefit", "refit": False}], ids=["cv", "float", "prefit"]
)
def test_classes_are_predicted_by_the_classifier_inside(kind, params, multilabel_data):
    X, Y = multilabel_data
    y = np.array(["a", "b", "c"])[Y[:, 0] + (Y[:, 1] if kind == "multiclass" else 0)]
    base = RandomForestClassifier(5, random_state=0)
    clf = tuned(base.fit(X, y) if params.get("cv") == "prefit" else base, **params).fit(X, y)
    assert_array_equal(clf.predict(X), clf.estimator_.predict(X))
    assert_array_equal(clf.classes_, np.unique(y))
    assert (clf.best_rule_, clf.never_empty_, clf.cv_results_) == (None, False, {})
    assert_array_equal(clf.predict_proba(X), clf.estimator_.predict_proba(X))
    assert np.isfinite(clf.decision_function(X)).all()


def test_one_split_without_refit_keeps_the_classifier_of_that_split(multilabel_data):
    X, Y = multilabel_data
    Counting.sizes = []
    clf = tuned(Counting(), cv=0.25, refit=False).fit(X, Y)
    assert Counting.sizes == [60]
    split = PredefinedSplit(np.repeat([-1, 0], [50, 30]))
    clf = tuned(cv=split, refit=False, rule="scut").fit(X, Y)
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

    monkeypatch.setattr(_tuned_thresholds, "MultilabelStratifiedKFold", Noted)
    tuned(cv=4).fit(X, Y)
    tuned(cv=None).fit(X, Y)
    assert [n for n, _ in seen] == [4, 5]
    assert_array_equal(seen[0][1], Y)


def test_rows_in_no_test_fold_are_left_out_and_rows_in_two_count_twice(multilabel_data):
    X, Y = multilabel_data
    splits = [(np.arange(40, 80), np.arange(30)), (np.arange(40), np.arange(40, 70)), (np.arange(40), [40, 41])]
    clf = tuned(cv=splits, rule="scut").fit(X, Y)
    first, second = (LabelWeightedLogistic().fit(X[part], Y[part]) for part in (np.arange(40, 80), np.arange(40)))
    P = np.vstack([first.predict_proba(X[:30]), second.predict_proba(X[40:70]), second.predict_proba(X[40:42])])
    assert_allclose(clf.thresholds_, scut(np.vstack([Y[:30], Y[40:70], Y[40:42]]), P))
    repeated = tuned(cv=ShuffleSplit(4, random_state=0), rule="scut").fit(X, Y)
    assert "split3_test_score" in repeated.cv_results_


@pytest.mark.parametrize("base", [LogisticRegression(), LinearSVC(), RandomForestClassifier(5), KNeighborsClassifier()])
def test_labels_of_one_value_are_never_or_always_predicted(base, multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, :2], np.zeros(80, int), np.ones(80, int)])
    for rule in ("shrunken", lambda Y, P: np.full(4, 0.5)):
        with pytest.warns(ConstantLabelWarning, match=r"2 of 4 labels have one value .*\(2, 3\)") as caught:
            clf = tuned(base, rule=rule).fit(X, Y)
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

    tuned(OneVsRestClassifier(LinearSVC()), cv=cv, rule=note).fit(X, Y)
    fold = ranks[-1][20:]
    assert (fold[:, 1] == fold.min()).all()


@pytest.mark.parametrize("given", [True, False])
def test_never_empty_is_taken_as_given(given, multilabel_data):
    X, Y = multilabel_data
    clf = tuned(rule=["half", "policy", "pretrained"], never_empty=given).fit(X, Y)
    assert clf.never_empty_ is given
    assert clf.cv_results_["never_empty"].tolist() == [given] * 3


def test_never_empty_is_chosen_by_the_held_out_rows():
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    X, Y = np.eye(4)[labels] + 0.8 * rng.normal(size=(200, 4)), np.eye(4, dtype=int)[labels]
    clf = tuned(criterion="strict_accuracy").fit(X, Y)
    assert clf.never_empty_
    assert (clf.predict(X).sum(axis=1) > 0).all()
    Y[rng.random(200) < 0.8] = 0
    assert not tuned(criterion="strict_accuracy").fit(X, Y).never_empty_


def test_the_best_row_is_the_best_rule_and_the_results_make_a_frame(multilabel_data):
    X, Y = multilabel_data
    clf = tuned(rule=["half", scut, "micromacro", "policy"]).fit(X, Y)
    frame = pd.DataFrame(clf.cv_results_)
    assert frame["rule"].tolist() == ["half"] * 2 + ["scut"] * 2 + ["micromacro"] * 2 + ["policy"]
    assert frame["never_empty"].tolist() == [False, True] * 3 + ["auto"]
    best = frame.loc[frame["rank_test_score"].idxmin()]
    assert best["rule"] == clf.best_rule_
    assert best["never_empty"] in (clf.never_empty_, "auto")
    parts = frame[[f"mean_test_{name}" for name in clf.criterion]]
    assert_allclose(parts.mean(axis=1), frame["mean_test_score"])
    assert [name for name in frame if name.startswith("split")] == [f"split{k}_test_score" for k in range(3)]


def test_another_criterion_can_choose_another_rule(multilabel_data):
    X, Y = multilabel_data
    criteria = ["micro_f1", lambda a, b: -b.mean(), lambda a, b: b.mean()]
    rules = {"few": lambda Y, P: np.full(4, 0.9), "many": lambda Y, P: np.full(4, 0.1)}
    for name, rule in rules.items():
        rule.__name__ = name
    found = [tuned(rule=list(rules.values()), criterion=each, never_empty=False).fit(X, Y) for each in criteria]
    assert [clf.best_rule_ for clf in found[1:]] == ["few", "many"]


def test_the_policy_is_called_with_all_it_needs(multilabel_data, monkeypatch):
    X, Y = multilabel_data
    calls = []

    def learn(Y, P, fold_of, *, criterion, never_empty="auto", random_state=None):
        calls.append((Y.dtype, len(np.unique(fold_of)), criterion, never_empty, random_state))
        return shrunken(Y, P), True

    def pretrained(Y, P, *, criterion, never_empty="auto"):
        calls.append((criterion, never_empty))
        return scut(Y, P), False

    monkeypatch.setattr(_choosers, "learn_thresholds", learn)
    monkeypatch.setattr(_choosers, "pretrained_thresholds", pretrained)
    clf = tuned(rule="policy", criterion="micro_f1").fit(X, Y)
    assert [call[1] for call in calls] == [3]
    assert calls[0][0] == np.dtype(bool)
    assert calls[0][2:4] == ("micro_f1", "auto")
    assert isinstance(calls[0][4], int)
    assert clf.never_empty_
    assert_array_equal(clf.thresholds_, tuned(never_empty=True).fit(X, Y).thresholds_)
    calls.clear()
    tuned(rule=["policy", "half"], criterion="micro_f1").fit(X, Y)
    assert [call[1] for call in calls[:3]] == [2, 2, 2]
    calls.clear()
    clf = tuned(rule="pretrained", criterion="micro_f1").fit(X, Y)
    assert calls == [("micro_f1", "auto")]
    assert not clf.never_empty_


def test_a_failed_fit_leaves_a_fitted_estimator_as_it_was(multilabel_data):
    X, Y = multilabel_data
    clf = tuned(LogisticRegression()).fit(X, Y)
    before, decided = dict(vars(clf)), clf.decision_function(X)

    def failing(Y, P):
        raise RuntimeError("late")

    clf.rule = failing
    with pytest.raises(RuntimeError, match="late"):
        clf.fit(X[:, :3], Y[:, :2])
    before["rule"] = failing
    assert vars(clf).keys() == before.keys()
    assert all(vars(clf)[name] is value for name, value in before.items())
    assert_array_equal(clf.decision_function(X), decided)


def test_a_grid_search_goes_over_rules_and_nested_parameters(multilabel_data):
    X, Y = multilabel_data
    grid = {"estimator__C": [0.01, 1.0], "rule": ["half", "shrunken", ["half", "scut"]]}
    search = GridSearchCV(tuned(LogisticRegression()), grid, cv=2, scoring="f1_macro", error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 6
    best = search.best_estimator_
    assert best.estimator_.estimators_[0].C == search.best_params_["estimator__C"]


SCORERS = ["accuracy", "f1_macro", "f1_micro", "f1_samples", "jaccard_macro", "roc_auc", "average_precision"]


@pytest.mark.parametrize("base", [None, LinearSVC(), RandomForestClassifier(5)])
def test_every_multilabel_scorer_works(base, multilabel_data):
    X, Y = multilabel_data
    for name in SCORERS:
        assert np.isfinite(cross_val_score(tuned(base), X, Y, cv=2, scoring=name, error_score="raise")).all(), name


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
    for base in (tuned(), MetaPolicyClassifier(n_episodes=1, n_steps=2)):
        assert tuned(base, cv=2).fit(X, Y).predict(X).shape == Y.shape


def test_predictions_do_not_need_the_rule(multilabel_data, monkeypatch):
    X, Y = multilabel_data
    clf = tuned(rule=lambda Y, P: np.full(4, 0.5)).fit(X, Y)
    assert clf.best_rule_ == "<lambda>"
    monkeypatch.setattr(clf, "rule", None)
    assert clf.predict(X).dtype == np.int64
    assert "sklearn_metalabel.prediction" in sys.modules
