import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metalabel import FixedThresholdsClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.inspection import LabelConfusionDisplay, label_confusion

mpl.use("Agg")


@pytest.fixture
def plt():
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def predictions(seed=0, n=300, n_labels=5):
    """Truth, and predictions in which errors come often."""
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, n_labels)) < 0.4).astype(int)
    return Y, Y ^ (rng.random(Y.shape) < 0.2)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_are_those_of_a_loop_over_labels(seed):
    Y, D = predictions(seed)
    frame = LabelConfusionDisplay.from_predictions(Y, D, draw=False).frame()
    found = frame.set_index(["missed", "predicted"])
    n_pairs = 0
    for a in range(5):
        for b in range(5):
            missed, wrong = (Y[:, a] == 1) & (D[:, a] == 0), (Y[:, b] == 0) & (D[:, b] == 1)
            count = int((missed & wrong).sum())
            if count:
                expected = [count, count / missed.sum(), missed.sum() * wrong.sum() / len(Y)]
                assert_allclose(found.loc[(str(a), str(b)), ["count", "share", "expected"]], expected)
                n_pairs += 1
    assert n_pairs == len(frame)
    assert frame["count"].is_monotonic_decreasing


@pytest.mark.parametrize("form", [sp.csr_array, lambda Y: pd.DataFrame(Y, columns=list("01234"))])
def test_other_forms_of_labels_give_the_same(form):
    Y, D = predictions()
    expected = LabelConfusionDisplay.from_predictions(Y, D, draw=False).frame()
    frame = LabelConfusionDisplay.from_predictions(form(Y), form(D), draw=False).frame()
    pd.testing.assert_frame_equal(frame, expected)


def test_what_is_not_known_is_no_error():
    Y, D = predictions()
    gaps = Y.astype(float)
    gaps[:150] = np.nan
    frame = LabelConfusionDisplay.from_predictions(gaps, D, draw=False).frame()
    part = LabelConfusionDisplay.from_predictions(Y[150:], D[150:], draw=False).frame()
    columns = ["missed", "predicted", "count", "share"]
    pd.testing.assert_frame_equal(frame[columns], part[columns])


CLASSIFIERS = {
    "meta": MetaPolicyClassifier(prediction_policy="half", random_state=0),
    "tuned": TunedThresholdsClassifierCV(LogisticRegression(), prediction_policy="half", random_state=0),
    "pipeline": make_pipeline(StandardScaler(), FixedThresholdsClassifier(LogisticRegression())),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_are_drawn_by_their_predictions(plt, name):
    X, Y = make_multilabel_classification(400, n_classes=4, random_state=0)
    Y = pd.DataFrame(Y, columns=["d", "b", "a", "c"])
    clf = CLASSIFIERS[name].fit(X[:200], Y[:200])
    pairs = label_confusion(clf, X[200:], Y[200:][["a", "b", "c", "d"]])
    expected = LabelConfusionDisplay.from_predictions(Y[200:], clf.predict(X[200:]), draw=False).frame()
    pd.testing.assert_frame_equal(pairs, expected)
    display = LabelConfusionDisplay.from_estimator(clf, X[200:], Y[200:])
    pd.testing.assert_frame_equal(display.frame(), pairs)
    cells, table = display.image_.get_array(), pairs.set_index(["missed", "predicted"])["count"]
    drawn = {
        (a, b): cells[i, j]
        for i, a in enumerate(display.missed_)
        for j, b in enumerate(display.predicted_)
        if not np.ma.is_masked(cells[i, j])
    }
    assert drawn == table.to_dict()
    assert sorted(text.get_text() for text in display.text_) == sorted(str(n) for n in table)
    first = pairs.iloc[0]
    assert repr(display).endswith(f"first {first['predicted']!r} for {first['missed']!r})")


def test_at_most_so_many_labels_are_drawn_those_of_the_most_frequent_pairs(plt):
    Y, D = predictions(n_labels=40)
    display = LabelConfusionDisplay.from_predictions(Y, D, max_labels=30)
    assert max(display.image_.get_array().shape) == 30
    assert display.text_ == []
    assert display.plot(max_labels=3).image_.get_array().shape[0] == 3
    assert display.pairs.loc[0, "missed"] in display.missed_
    assert display.pairs.loc[0, "predicted"] in display.predicted_


def test_shares_are_drawn_where_asked(plt):
    Y, D = predictions()
    _, ax = plt.subplots()
    display = LabelConfusionDisplay.from_predictions(Y, D, normalize="true", ax=ax)
    assert display.ax_ is ax
    pairs = display.frame()
    assert_allclose(np.nanmax(display.image_.get_array().filled(np.nan)), pairs["share"].max())
    errors = pairs.groupby("missed")["count"].sum().sort_values(ascending=False, kind="stable")
    assert_array_equal(display.missed_, errors.index)


def test_what_cannot_be_drawn_is_refused(plt):
    Y, D = predictions()
    with pytest.raises(ValueError, match="No label is predicted in the place of another"):
        LabelConfusionDisplay.from_predictions(Y, Y)
    assert repr(LabelConfusionDisplay.from_predictions(Y, Y, draw=False)) == "LabelConfusionDisplay(no pairs)"
    with pytest.raises(ValueError, match="normalize must be None or \"true\", got 'pred'"):
        LabelConfusionDisplay.from_predictions(Y, D, normalize="pred")
    with pytest.raises(ValueError, match="max_labels must be an integer of at least 1, got 0"):
        LabelConfusionDisplay.from_predictions(Y, D, max_labels=0)
    with pytest.raises(ValueError, match="use sklearn.metrics.ConfusionMatrixDisplay"):
        LabelConfusionDisplay.from_predictions(Y, np.arange(300) % 3)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LabelConfusionDisplay.from_predictions(Y[:5], D)
    with pytest.raises(ValueError, match="one column for each of the 5 labels"):
        LabelConfusionDisplay.from_predictions(Y[:, :3], D)
    with pytest.raises(ValueError, match="one column for each of the 3 labels"):
        LabelConfusionDisplay.from_predictions(Y[:, :3], D, label_names=list("abc"))
    with pytest.raises(ValueError, match="pairs must come from label_confusion, got list"):
        LabelConfusionDisplay([])
    with pytest.raises(NotFittedError, match="label_confusion needs a fitted classifier"):
        label_confusion(MetaPolicyClassifier(), Y, Y)
