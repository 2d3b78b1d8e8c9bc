import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from _cases import MLP, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.policies import EpisodeThresholds
from sklearn_metalabel.thresholds import scut


def tuned(estimator=None, **params):
    return TunedThresholdsClassifierCV(estimator, **{"prediction_policy": "shrunken", "random_state": 0, **params})


def assert_same(first, second, X):
    assert_array_equal(first.thresholds_, second.thresholds_)
    assert first.allow_unlabeled_ == second.allow_unlabeled_
    assert_array_equal(first.decision_function(X), second.decision_function(X))
    for name, column in first.cv_results_.items():
        assert_array_equal(column, second.cv_results_[name])


def test_several_splits_without_refit_are_refused(multilabel_data):
    match = "refit=False keeps the classifier of the only split, got 3 splits; set refit=True"
    with pytest.raises(ValueError, match=match):
        tuned(refit=False).fit(*multilabel_data)


def test_splits_that_hold_nothing_out_are_refused(multilabel_data):
    splits = [(np.arange(80), np.array([], dtype=int))] * 2
    with pytest.raises(ValueError, match="cv must give rows to every part, got an empty test part"):
        tuned(cv=splits).fit(*multilabel_data)


BASES = {
    "default": None,
    "one target": LogisticRegression(),
    "labels": RandomForestClassifier(10, random_state=0),
    "torch": small_torch(MLP),
}


@pytest.mark.parametrize("name", BASES)
def test_sample_weight_reaches_the_classifier_with_routing_and_without(name, multilabel_data):
    X, Y = multilabel_data
    base = BASES[name]
    weight = np.where(Y[:, 0] == 1, 20.0, 0.05)
    plain = tuned(base).fit(X, Y)
    without = tuned(base).fit(X, Y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        routed = tuned(None if base is None else clone(base).set_fit_request(sample_weight=True))
        routed.fit(X, Y, sample_weight=weight)
    assert_same(routed, without, X)
    assert without.predict_proba(X)[:, 0].mean() > plain.predict_proba(X)[:, 0].mean() + 0.02


def test_weights_of_texts_reach_every_part(small_texts):
    texts, Y = small_texts
    pipeline = make_pipeline(TfidfVectorizer(), LabelWeightedLogistic())
    clf = tuned(pipeline, cv=2).fit(texts, Y, labelweightedlogistic__sample_weight=np.r_[np.ones(19), 0])
    assert_allclose(clf.predict_proba(texts), pipeline.fit(texts[:19], Y[:19]).predict_proba(texts), atol=0.05)
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\), expected \(20,\)"):
        clf.fit(texts, Y, sample_weight=np.ones(3))


def test_weights_are_cut_to_the_rows_of_the_fold(multilabel_data):
    X, Y = multilabel_data
    weight = np.r_[np.ones(40), np.zeros(20), np.ones(20)]
    cv = [(np.arange(60), np.arange(60, 80))]
    clf = tuned(LabelWeightedLogistic(), cv=cv, refit=False).fit(X, Y, sample_weight=weight)
    assert_allclose(clf.estimator_.coef_, LabelWeightedLogistic().fit(X[:40], Y[:40]).coef_, rtol=1e-4)


def test_metadata_that_nobody_asked_for_is_refused_under_routing(multilabel_data):
    X, Y = multilabel_data
    with config_context(enable_metadata_routing=True), pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        tuned(LogisticRegression()).fit(X, Y, sample_weight=np.ones(80))


@pytest.mark.parametrize("routing", [True, False])
def test_groups_reach_the_splitter(routing, multilabel_data):
    X, Y = multilabel_data
    groups = np.arange(80) % 5
    seen = []

    class NotedGroups(GroupKFold):
        def split(self, X, y=None, groups=None):
            seen.append(groups)
            return super().split(X, y, groups)

    with config_context(enable_metadata_routing=routing):
        tuned(cv=NotedGroups(2)).fit(X, Y, groups=groups)
    assert_array_equal(seen, [groups])


@pytest.mark.parametrize("cv", [3, 0.2, "prefit", None, GroupKFold(3)])
def test_routing_can_be_read_for_every_form_of_cv(cv):
    assert "sample_weight" in str(tuned(cv=cv).get_metadata_routing())


@pytest.mark.parametrize("last", [LogisticRegression(), OneVsRestClassifier(LinearSVC()), RandomForestClassifier(10)])
def test_a_pipeline_inside_takes_texts(last, small_texts):
    texts, Y = small_texts
    clf = tuned(make_pipeline(TfidfVectorizer(), last), cv=2).fit(texts, Y)
    assert clf.predict(["an old apple", "the dog"]).shape == (2, 3)
    assert clf.score(texts, Y) > 0.7
    for X in (np.array(texts, dtype=object), pd.Series(texts)):
        assert_same(tuned(make_pipeline(TfidfVectorizer(), last), cv=2).fit(X, Y), clf, texts)
    assert not hasattr(clf, "n_features_in_")


def test_texts_with_a_label_of_one_value_in_a_fold(small_texts):
    texts, Y = small_texts
    Y = np.column_stack([np.arange(20) == 0, Y])
    clf = tuned(make_pipeline(TfidfVectorizer(), LinearSVC()), cv=KFold(2)).fit(texts, Y.astype(int))
    assert clf.predict(texts).shape == (20, 4)


def test_a_column_transformer_inside_takes_data_frames(multilabel_data):
    X, Y = multilabel_data
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.array(["x", "y"])[Y[:, 0]]}, index=np.arange(80) + 7)
    columns = make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["kind"]))
    clf = tuned(make_pipeline(columns, LogisticRegression())).fit(frame, pd.DataFrame(Y, columns=list("pqrs")))
    assert (clf.predict(frame)[:, 0] == Y[:, 0]).mean() > 0.9
    assert clf.feature_names_in_.tolist() == ["a", "b", "kind"]
    assert clf.n_features_in_ == 3
    assert clf.label_names_.tolist() == list("pqrs")


def test_what_the_last_fit_knew_of_features_is_forgotten(small_texts, multilabel_data):
    clf = tuned().fit(*multilabel_data)
    assert clf.n_features_in_ == 8
    clf.set_params(estimator=make_pipeline(TfidfVectorizer(), LogisticRegression())).fit(*small_texts)
    assert not hasattr(clf, "n_features_in_")


@pytest.mark.parametrize("base", [None, LogisticRegression(), RandomForestClassifier(5), LinearSVC()])
def test_sparse_features_and_labels_are_taken(base, multilabel_data):
    X, Y = multilabel_data
    X = np.where(np.abs(X) > 1, X, 0)
    clf = tuned(base).fit(sp.csr_array(X), sp.csr_matrix(Y))
    predicted = clf.predict(sp.csr_array(X))
    assert sp.issparse(predicted)
    assert predicted.shape == Y.shape
    assert clf.score(sp.csr_array(X), sp.csr_matrix(Y)) >= 0


@pytest.mark.parametrize("base", [LogisticRegression(), LinearSVC(), RandomForestClassifier(3)])
@pytest.mark.filterwarnings("ignore::sklearn_metalabel.ConstantLabelWarning")
def test_very_many_sparse_labels_give_what_dense_ones_give(base):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(24, 3)), np.zeros((24, 1001), dtype=int)
    Y[:, :6] = rng.random((24, 6)) < 0.5
    dense, sparse = (tuned(base, cv=2).fit(X, each) for each in (Y, sp.csr_array(Y)))
    assert_same(sparse, dense, X)


class Lists(ClassifierMixin, BaseEstimator):
    """Gives a list of arrays, with a column for each class that was seen."""

    def fit(self, X, y):
        self.classes_ = [np.unique(column) for column in y.T]
        self.means_ = y.mean(axis=0)
        return self

    def predict_proba(self, X):
        shares = (np.clip(0.5 * m + 0.3 * (X[:, 0] > 0), 0, 1) for m in self.means_)
        return [
            np.ones((len(X), 1)) if len(c) == 1 else np.column_stack([1 - p, p])
            for c, p in zip(self.classes_, shares, strict=True)
        ]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@pytest.mark.parametrize("value", [0, 1])
def test_a_class_that_is_missing_in_a_fold_has_probability_zero(value, multilabel_data):
    X, Y = multilabel_data
    Y = Y.copy()
    Y[:, 1], Y[60:, 1] = value, 1 - value
    cv = [(np.arange(60), np.arange(60, 80)), (np.arange(20, 80), np.arange(20))]
    seen = []

    def note(Y, P):
        seen.append(P)
        return scut(Y, P)

    clf = tuned(Lists(), cv=cv, prediction_policy=note).fit(X, Y)
    P = seen[-1]
    tiny = np.finfo(float).eps
    assert_array_equal(P[20:, 1], np.full(20, 1 - tiny if value else tiny))
    assert ((P > 0) & (P < 1)).all()
    assert clf.prediction_policy_.name == "note"


INVALID = {
    "prediction_policy": [
        "f1",
        3,
        [],
        ["scut", "f1"],
        [3],
        "policy",
        "episode",
        EpisodeThresholds(),
        ["half", "episode"],
    ],
    "scoring": ["f_one", 3, ("f_one",), ("f1_micro", "roc_auc"), (), "f1", "micro_f1", "strict_accuracy"],
    "allow_unlabeled": ["yes", None],
    "response_method": ["predict", None],
    "multi_label": ["yes", None],
    "cv": ["five", 1.5, 0.0, True, 1],
    "refit": ["yes", 2.0],
    "n_jobs": [1.5, "all"],
    "memory": [3, True],
    "random_state": ["zero", -1],
    "verbose": ["loud", -1, None],
}


def test_every_parameter_has_invalid_values_here():
    assert INVALID.keys() | {"estimator"} == tuned().get_params(deep=False).keys()


class Counting(LabelWeightedLogistic):
    """Counts the trainings of all copies."""

    n_trained = 0

    def _fit_labels(self, X, Y, **options):
        Counting.n_trained += 1
        super()._fit_labels(X, Y, **options)


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name}-{k}") for name, values in INVALID.items() for k, value in enumerate(values)],
)
def test_an_invalid_parameter_is_refused_by_name_before_anything_is_trained(name, value, multilabel_data):
    clf = tuned(Counting(), **{name: value})
    before, Counting.n_trained = dict(vars(clf)), 0
    with pytest.raises((ValueError, TypeError), match=name):
        clf.fit(*multilabel_data)
    assert vars(clf) == before
    assert Counting.n_trained == 0


class OnlyPredict(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        return self


class NaNs(LabelWeightedLogistic):
    def predict_proba(self, X):
        return np.full((len(X), 4), np.nan)


@pytest.mark.parametrize(
    ("base", "error", "match"),
    [
        (OnlyPredict(), TypeError, "OnlyPredict cannot be cut at thresholds: it has no predict_proba or decision_func"),
        ("logistic", TypeError, "str cannot be cut at thresholds: it has no fit and no predict_proba or"),
        (LogisticRegression, TypeError, "got the class LogisticRegression"),
        (MultiOutputClassifier(LinearSVC()), TypeError, "it has no predict_proba or decision_function; pass a classif"),
        (NaNs(), ValueError, "NaNs.predict_proba gave NaN or infinity"),
    ],
)
def test_a_classifier_without_a_response_is_refused(base, error, match, multilabel_data):
    with pytest.raises(error, match=match):
        tuned(base).fit(*multilabel_data)


def test_torch_modules_and_their_classes_are_wrapped(multilabel_data):
    X, Y = multilabel_data
    for base in (MLP, MLP(8, 4)):
        assert tuned(base, cv=2).fit(X, Y).predict_proba(X).shape == Y.shape


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.filterwarnings("ignore::sklearn_metalabel.ConstantLabelWarning")
def test_a_prefit_classifier_can_be_tuned_on_very_few_rows(n, multilabel_data):
    X, Y = multilabel_data
    clf = tuned(LabelWeightedLogistic().fit(X, Y), cv="prefit", refit=False).fit(X[:n], Y[:n])
    assert clf.predict(X).shape == Y.shape


def test_too_few_rows_for_the_folds_are_named(multilabel_data):
    X, Y = multilabel_data
    with pytest.raises(ValueError, match="cv=5 folds need at least 5 samples, got n_samples=4"):
        tuned(cv=5).fit(X[:4], Y[:4])


class OtherForms(Lists):
    """Gives one vector a label, or a sparse matrix."""

    def __init__(self, form="vectors"):
        self.form = form

    def predict_proba(self, X):
        P = np.column_stack([0.5 * m + 0.3 * (X[:, 0] > 0) for m in self.means_])
        return list(P.T) if self.form == "vectors" else sp.csr_array(P)


def test_vectors_and_sparse_matrices_are_responses_too(multilabel_data):
    X, Y = multilabel_data
    vectors, matrix = (tuned(OtherForms(form)).fit(X, Y) for form in ("vectors", "matrix"))
    assert_same(vectors, matrix, X)
