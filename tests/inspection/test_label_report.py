import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_fscore_support
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.inspection import label_report

NAMES = ["d", "b", "a", "c"]
CASES = {
    "meta": MetaPolicyClassifier(random_state=0),
    "tuned": TunedThresholdsClassifierCV(LogisticRegression(), random_state=0),
    "decision values": TunedThresholdsClassifierCV(LinearSVC(), random_state=0),
    "fixed": FixedThresholdsClassifier(LogisticRegression(), thresholds=0.3),
    "weighted": LabelWeightedClassifier(label_weight=[1, 2, 3, 4]),
}


@pytest.fixture(scope="module")
def data():
    """Training samples, and test samples, with labels as data frames."""
    X, Y = make_multilabel_classification(500, n_classes=4, random_state=0)
    Y = pd.DataFrame(Y, columns=NAMES)
    return X[:300], Y[:300], X[300:], Y[300:]


@pytest.mark.parametrize("name", CASES)
def test_each_label_is_reported_as_scikit_learn_scores_it(data, name):
    X, Y, X_test, Y_test = data
    clf = CASES[name].fit(X, Y)
    report = label_report(clf, X_test, Y_test).loc[NAMES]
    truth, D = Y_test.to_numpy(), clf.predict(X_test)
    for decided, ending in ((D, ""), (clf._label_scores(X_test)[0] > clf._label_scores(X_test)[1], "_plain")):
        scores = precision_recall_fscore_support(truth, decided, zero_division=0)
        for column, values in zip(("precision", "recall", "f1"), scores, strict=False):
            assert_allclose(report[column + ending], values)
    assert_array_equal(report["support"], truth.sum(axis=0))
    score = clf._label_scores(X_test)[0]
    assert_allclose(report["average_precision"], [average_precision_score(truth[:, j], score[:, j]) for j in range(4)])
    assert_allclose(report["threshold"], clf.thresholds_ if hasattr(clf, "thresholds_") else 0.5)
    assert_allclose(report["weight"], clf.weights_ if hasattr(clf, "weights_") else 1.0)
    assert_allclose(report["gain"], report["f1"] - report["f1_plain"])
    assert report["frequency"].notna().all() == (name == "meta")


def test_columns_are_read_by_their_names_and_sorted_as_asked(data):
    X, Y, X_test, Y_test = data
    clf = CASES["tuned"].fit(X, Y)
    report = label_report(clf, X_test, Y_test)
    assert report["support"].is_monotonic_decreasing
    pd.testing.assert_frame_equal(label_report(clf, X_test, Y_test[["a", "b", "c", "d"]]), report)
    assert label_report(clf, X_test, Y_test, sort_by="name", ascending=True).index.tolist() == ["a", "b", "c", "d"]
    assert label_report(clf, X_test, Y_test, sort_by="f1", ascending=True)["f1"].is_monotonic_increasing
    assert_array_equal(label_report(clf, X_test, sp.csr_array(Y_test.to_numpy())), report)


def test_pipelines_and_searches_are_reported_like_the_classifier_in_them(data):
    X, Y, X_test, Y_test = data
    scaler = StandardScaler().fit(X)
    pipe = make_pipeline(StandardScaler(), FixedThresholdsClassifier(LogisticRegression(), thresholds=0.3))
    search = GridSearchCV(pipe, {"fixedthresholdsclassifier__thresholds": [0.3]}, cv=2)
    nested = Pipeline([("outer", search.fit(X, Y))])
    expected = label_report(clone(pipe[-1]).fit(scaler.transform(X), Y), scaler.transform(X_test), Y_test)
    for estimator in (pipe.fit(X, Y), search, nested):
        pd.testing.assert_frame_equal(label_report(estimator, X_test, Y_test), expected)
    with pytest.raises(TypeError, match="a pipeline or search that ends in one, got LogisticRegression"):
        label_report(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y.iloc[:, 0]), X_test, Y_test)


def test_what_is_not_known_is_left_out_for_its_label(data):
    X, Y, X_test, Y_test = data
    clf = CASES["tuned"].fit(X, Y)
    gaps = Y_test.astype(float).copy()
    gaps.iloc[:100, 0] = np.nan
    report, part = label_report(clf, X_test, gaps), label_report(clf, X_test[100:], Y_test[100:])
    assert_allclose(report.loc["d"], part.loc["d"])
    assert_allclose(report.loc["a"], label_report(clf, X_test, Y_test).loc["a"])


def test_a_label_without_positives_has_no_average_precision(data):
    X, Y, X_test, Y_test = data
    none = Y_test.copy()
    none["b"] = 0
    report = label_report(CASES["tuned"].fit(X, Y), X_test, none)
    assert np.isnan(report.loc["b", "average_precision"])
    assert report.loc["b", ["support", "recall", "f1"]].tolist() == [0, 0, 0]


def test_what_cannot_be_reported_is_refused(data):
    X, Y, X_test, Y_test = data
    clf = CASES["tuned"].fit(X, Y)
    with pytest.raises(TypeError, match="needs a classifier of this package.*got LogisticRegression; wrap it"):
        label_report(LogisticRegression(), X_test, Y_test)
    with pytest.raises(NotFittedError, match="Call fit first"):
        label_report(MetaPolicyClassifier(), X_test, Y_test)
    with pytest.raises(ValueError, match=r"and \['e'.*are in one alone|\['d', 'e'\] are in one alone"):
        label_report(clf, X_test, Y_test.rename(columns={"d": "e"}))
    with pytest.raises(ValueError, match="one column for each of the 4 labels"):
        label_report(clf, X_test, Y_test.to_numpy()[:, :3])
    with pytest.raises(ValueError, match='sort_by must be "name" or one of'):
        label_report(clf, X_test, Y_test, sort_by="F1")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        label_report(clf, X_test[:5], Y_test)
    classes = MetaPolicyClassifier(random_state=0).fit(X, np.arange(300) % 3)
    with pytest.raises(ValueError, match="fitted on classes"):
        label_report(classes, X_test, np.arange(200) % 3)
