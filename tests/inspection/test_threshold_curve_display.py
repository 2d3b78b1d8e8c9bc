import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import FixedThresholdsClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.inspection import ThresholdCurveDisplay
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.policies import GRUPolicy

mpl.use("Agg")
NAMES = ["d", "b", "a", "c"]


@pytest.fixture
def plt():
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    """Training samples, and test samples, with labels as data frames."""
    X, Y = make_multilabel_classification(500, n_classes=4, random_state=0)
    Y = pd.DataFrame(Y, columns=NAMES)
    return X[:300], Y[:300], X[300:], Y[300:]


CLASSIFIERS = {
    "meta": MetaPolicyClassifier(prediction_policy="scut", random_state=0),
    "tuned": TunedThresholdsClassifierCV(LogisticRegression(), prediction_policy="scut", random_state=0),
    "decision values": TunedThresholdsClassifierCV(LinearSVC(), prediction_policy="scut", random_state=0),
    "fixed": FixedThresholdsClassifier(LogisticRegression(), thresholds=[0.1, 0.3, 0.5, 0.7]),
}


def scores_of(y, decided):
    """Precision, recall and F1 of one label."""
    hits = (y & decided).sum()
    return [hits / decided.sum(), hits / y.sum(), 2 * hits / (y.sum() + decided.sum())]


def assert_exact(frame, Y, S):
    """Every point of the curves is what its cut does."""
    Y = Y == 1
    for j, name in enumerate(NAMES):
        curve = frame[frame["label"] == name]
        assert curve["threshold"].is_monotonic_increasing
        assert len(curve) > 10
        for row in curve.itertuples():
            found = [row.precision, row.recall, row.f1]
            assert found == pytest.approx(scores_of(Y[:, j], S[:, j] > row.threshold))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_curves_of_given_rows_are_exact_and_have_a_point_at_the_chosen_cut(plt, data, name):
    X, Y, X_test, Y_test = data
    clf = CLASSIFIERS[name].fit(X, Y)
    display = ThresholdCurveDisplay.from_estimator(clf, X_test, Y_test[["a", "b", "c", "d"]])
    frame, S = display.frame(), clf._label_scores(X_test)[0]
    assert_exact(frame, Y_test.to_numpy(), S)
    for label, t, lines in zip(
        NAMES, clf.thresholds_, np.array(display.lines_)[np.argsort(display.labels_)], strict=True
    ):
        curve = frame[frame["label"] == label]
        assert t in curve["threshold"].to_numpy()
        assert (curve["chosen"] == t).all()
        assert lines["chosen"].get_xdata()[0] == t
        for score in ("precision", "recall", "f1"):
            assert_array_equal(lines[score].get_ydata(), curve[score])
    assert "given rows" in display.score_name
    assert ("decision value" in display.score_name) == (name == "decision values")


def test_a_curve_of_many_rows_is_exact_at_fewer_points(plt):
    rng = np.random.default_rng(0)
    Y = (rng.random((5_000, 4)) < 0.05).astype(int)
    S = rng.normal(size=Y.shape) + 2 * Y
    frame = ThresholdCurveDisplay.from_predictions(Y, S, 0.0, label_names=NAMES, draw=False).frame()
    assert_exact(frame, Y, S)
    assert frame.groupby("label").size().max() < 450


@pytest.mark.parametrize("name", ["meta", "tuned"])
def test_without_rows_those_that_fit_held_out_are_drawn(plt, data, name):
    X, Y, *_ = data
    folds = list(MultilabelStratifiedKFold(3, shuffle=True, random_state=0).split(X, Y))
    clf = CLASSIFIERS[name].set_params(cv=folds).fit(X, Y)
    display = ThresholdCurveDisplay.from_estimator(clf)
    assert "held-out rows of fit" in display.score_name
    base = LogisticRegression() if name == "tuned" else None
    if base is not None:
        for j, label in enumerate(NAMES):
            P = cross_val_predict(base, X, Y[label], cv=folds, method="predict_proba")[:, 1]
            curve = display.frame().query("label == @label")
            for row in curve.itertuples():
                found = [row.precision, row.recall, row.f1]
                assert found == pytest.approx(scores_of(Y[label].to_numpy() == 1, row.threshold <= P), rel=1e-5)
            assert (curve["chosen"] == clf.thresholds_[j]).all()
    assert_array_equal(display.positives, Y.sum())


def test_cuts_of_held_out_decision_values_are_in_their_units(plt, data):
    X, Y, *_ = data
    clf = CLASSIFIERS["decision values"].fit(X, Y)
    display = ThresholdCurveDisplay.from_estimator(clf)
    t = display.curves[0]["threshold"]
    assert t.min() < -1
    assert t.max() > 1
    assert all("chosen" in lines for lines in display.lines_)


def test_pipelines_are_looked_through(plt, data):
    X, Y, X_test, Y_test = data
    pipe = make_pipeline(StandardScaler(), CLASSIFIERS["fixed"]).fit(X, Y)
    display = ThresholdCurveDisplay.from_estimator(pipe, X_test, Y_test)
    assert_exact(display.frame(), Y_test.to_numpy(), pipe.predict_proba(X_test))


def test_unknown_entries_are_left_out(plt, data):
    *_, Y_test = data
    rng = np.random.default_rng(0)
    S, gaps = rng.random(Y_test.shape), Y_test.astype(float).copy()
    gaps.iloc[:100] = np.nan
    left = ThresholdCurveDisplay.from_predictions(gaps, S, 0.5, draw=False).frame()
    part = ThresholdCurveDisplay.from_predictions(Y_test[100:], S[100:], 0.5, draw=False).frame()
    pd.testing.assert_frame_equal(left, part)


def drawable(n_labels=20):
    """Truth and scores of labels, the first of which is the most frequent."""
    rng = np.random.default_rng(0)
    Y = (rng.random((2_000, n_labels)) < np.linspace(0.5, 0.02, n_labels)).astype(int)
    return Y, rng.random(Y.shape)


CHOICES = {
    "spread": ["0", "4", "8", "11", "15", "19"],
    "most_frequent": ["0", "1", "2", "3", "4", "5"],
    "rarest": ["14", "15", "16", "17", "18", "19"],
    ("7", 3): ["7", "3"],
}


@pytest.mark.parametrize("labels", CHOICES)
def test_labels_are_chosen_by_rule_name_or_index(plt, labels):
    display = ThresholdCurveDisplay.from_predictions(*drawable(), 0.5, labels=labels)
    assert set(display.label_names[display.labels_]) == set(CHOICES[labels])
    titles = [axes.get_title(loc="left") for axes in display.axes_]
    expected = [f"{j} ({display.positives[j]:g} positives)\nthreshold 0.5" for j in display.labels_]
    assert titles == expected


def test_a_cut_beyond_the_scores_is_told_in_words(plt):
    Y, S = drawable(2)
    display = ThresholdCurveDisplay.from_predictions(Y, S, [1.0, -1.0])
    assert [axes.get_title(loc="left").split("\n")[1] for axes in display.axes_] == [
        "threshold 1 is above them",
        "threshold -1 is below them",
    ]
    assert all("chosen" not in lines for lines in display.lines_)


def test_it_is_drawn_where_asked(plt):
    figure, axes = plt.subplots(1, 3)
    display = ThresholdCurveDisplay.from_predictions(*drawable(), 0.5, labels=["1"], ax=axes[2])
    assert display.ax_ is axes[2]
    assert display.plot(axes, labels=[0, 1, 2]).figure_ is figure
    display.plot(axes[0], labels=[0, 1])
    assert not axes[0].axison
    assert repr(display) == "ThresholdCurveDisplay(20 labels, threshold)"


def test_what_cannot_be_drawn_is_refused(plt, data):
    X, Y, X_test, Y_test = data
    clf = CLASSIFIERS["fixed"].fit(X, Y)
    draw = ThresholdCurveDisplay.from_estimator
    with pytest.raises(ValueError, match="FixedThresholdsClassifier has held out no rows in fit; pass X and y"):
        draw(clf)
    paper = MetaPolicyClassifier(training_policy=GRUPolicy(n_episodes=1), prediction_policy="episode", cv=None)
    with pytest.raises(ValueError, match="MetaPolicyClassifier has held out no rows in fit"):
        draw(paper.fit(X, Y))
    with pytest.raises(ValueError, match="X and y must be given together"):
        draw(clf, X_test)
    with pytest.raises(NotFittedError, match="Call fit first"):
        draw(MetaPolicyClassifier())
    Y, S = drawable()
    draw = ThresholdCurveDisplay.from_predictions
    with pytest.raises(ValueError, match="labels must be one of 'spread'"):
        draw(Y, S, 0.5, labels="worst")
    with pytest.raises(ValueError, match=r"one entry for each of the 20 columns of y_score, got \(3,\) and 20"):
        draw(Y, S, [0.5] * 3)
    with pytest.raises(ValueError, match="y_score must be finite"):
        draw(Y, np.full(S.shape, np.nan), 0.5)
    Y[:, 4] = 0
    with pytest.raises(ValueError, match=r"Labels \['4'\] have no positives"):
        draw(Y, S, 0.5, labels=[3, 4])
    with pytest.raises(ValueError, match="No label has positives"):
        draw(np.zeros_like(Y), S, 0.5)
    with pytest.raises(ValueError, match="positives must have one entry for each of the 1 curves"):
        ThresholdCurveDisplay([{}], [0.5], label_names=["a"], positives=[1, 2])
