import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.baselines import SubsetMaximizationClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier
from sklearn_metalabel.nn import MLP

NAMES = ["d", "b", "a", "c"]
CLASSIFIERS = [
    MetaPolicyClassifier(prediction_policy="half", cv=2, random_state=0),
    TunedThresholdsClassifierCV(LogisticRegression(), prediction_policy="scut", cv=2, random_state=0),
    FixedThresholdsClassifier(LogisticRegression(), thresholds=0.3),
    LabelWeightedClassifier(label_weight=[1, 2, 3, 4]),
    LabelWeightedLogistic(),
    LabelwiseClassifier(LogisticRegression()),
    TorchClassifier(MLP, module__hidden=4, n_epochs=1, random_state=0),
    SubsetMaximizationClassifier(n_epochs=1, random_state=0),
]
METHODS = ["predict", "predict_proba", "decision_function"]


@pytest.fixture(scope="module")
def data():
    X, Y = make_multilabel_classification(120, n_classes=4, random_state=0)
    return pd.DataFrame(X, index=np.arange(120)[::-1]), pd.DataFrame(Y, columns=NAMES)


@pytest.mark.parametrize("clf", CLASSIFIERS, ids=lambda clf: type(clf).__name__)
def test_frames_have_the_names_of_the_labels_and_the_numbers_of_the_arrays(data, clf):
    X, Y = data
    clf = clone(clf).fit(X, Y)
    for method in METHODS:
        values = getattr(clf.set_output(predict="default"), method)(X)
        assert isinstance(values, np.ndarray)
        frame = getattr(clf.set_output(predict="pandas"), method)(X)
        pd.testing.assert_frame_equal(frame, pd.DataFrame(values, columns=NAMES, index=X.index))
        frame = getattr(clf.set_output(predict="polars"), method)(X)
        assert isinstance(frame, pl.DataFrame)
        assert frame.columns == NAMES
        assert_array_equal(frame.to_numpy(), values)


@pytest.mark.parametrize("clf", CLASSIFIERS, ids=lambda clf: type(clf).__name__)
def test_names_of_each_samples_labels_are_listed(data, clf):
    X, Y = data
    clf = clone(clf).fit(X, Y)
    decided = clf.predict(X)
    labels = clf.set_output(predict="polars").predict_labels(X)
    assert labels == [[name for name, value in zip(NAMES, row, strict=True) if value] for row in decided]
    assert_array_equal(MultiLabelBinarizer(classes=NAMES).fit_transform(labels), decided)


@pytest.mark.parametrize("form", ["pandas", "polars"])
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_pipelines_searches_clones_and_pickles_return_frames(data, form, frame):
    X, Y = data
    clf = FixedThresholdsClassifier(LogisticRegression()).set_output(predict=form)
    pipe = make_pipeline(StandardScaler(), clf).set_output(transform="pandas")
    grid = {"fixedthresholdsclassifier__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(pipe, grid, scoring=["f1_macro", "roc_auc"], refit="f1_macro", cv=2, error_score="raise")
    search.fit(X, frame(Y))
    expected = pd.DataFrame if form == "pandas" else pl.DataFrame
    for each in (search, pickle.loads(pickle.dumps(search)), clone(pipe).fit(X, frame(Y))):
        assert isinstance(each.predict(X), expected)
        assert list(each.predict_proba(X).columns) == NAMES
    arrays = clone(search).set_params(estimator__fixedthresholdsclassifier=clone(clf).set_output(predict="default"))
    arrays.fit(X, frame(Y))
    assert search.score(X, frame(Y)) == arrays.score(X, frame(Y))
    assert isinstance(arrays.predict(X), np.ndarray)


def test_a_classifier_that_gives_frames_is_tuned_like_one_that_gives_arrays(data):
    X, Y = data
    inner = FixedThresholdsClassifier(LogisticRegression())
    plain, framed = (
        TunedThresholdsClassifierCV(clone(inner).set_output(predict=form), prediction_policy="scut", random_state=0)
        for form in ("default", "polars")
    )
    assert_array_equal(plain.fit(X, Y).thresholds_, framed.fit(X, Y).thresholds_)
    assert isinstance(framed.predict(X), np.ndarray)


def test_sparse_predictions_stay_sparse_in_pandas(data):
    X, Y = data
    clf = FixedThresholdsClassifier(LogisticRegression()).fit(X, sp.csr_array(Y.to_numpy()))
    decided = clf.predict(X)
    assert sp.issparse(decided)
    frame = clf.set_output(predict="pandas").predict(X)
    assert_array_equal(frame.sparse.to_coo().toarray(), decided.toarray())
    assert list(frame.columns) == ["0", "1", "2", "3"]
    assert frame.index.equals(X.index)
    assert_array_equal(clf.set_output(predict="polars").predict(X).to_numpy(), decided.toarray())
    assert clf.predict_labels(X)[0] == [str(j) for j in decided[[0]].indices]


@pytest.mark.parametrize("clf", [CLASSIFIERS[1], CLASSIFIERS[4]], ids=lambda clf: type(clf).__name__)
def test_of_classes_the_probabilities_have_the_names(data, clf):
    X, Y = data
    y = np.array(["no", "yes"])[Y["a"]]
    clf = clone(clf).fit(X, y).set_output(predict="pandas")
    assert isinstance(clf.predict(X), np.ndarray)
    assert list(clf.predict_proba(X).columns) == ["no", "yes"]
    with pytest.raises(ValueError, match="predict_labels is about labels.*fitted on classes"):
        clf.predict_labels(X)


def test_what_cannot_be_returned_is_refused(data, monkeypatch):
    X, Y = data
    clf = LabelWeightedLogistic()
    assert clf.set_output(predict="pandas").set_output() is clf
    with pytest.raises(ValueError, match='predict must be "default", "pandas", "polars" or None, got \'arrow\''):
        clf.set_output(predict="arrow")
    twice = clf.set_output(predict="polars").fit(X, Y.set_axis(["a", "a", "b", "c"], axis=1))
    with pytest.raises(ValueError, match=r"several labels are called \['a'\]"):
        twice.predict(X)
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ImportError, match="needs polars, which is missing; pip install polars"):
        clf.fit(X, Y).predict(X)
