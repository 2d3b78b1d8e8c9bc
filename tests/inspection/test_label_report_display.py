import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_multilabel_classification

from sklearn_metalabel import TunedThresholdsClassifierCV
from sklearn_metalabel.inspection import LabelReportDisplay, label_report


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def report():
    """Numbers of forty labels."""
    rng = np.random.default_rng(0)
    ours, plain = rng.random(40), rng.random(40)
    columns = {"support": rng.permutation(40), "f1": ours, "f1_plain": plain, "gain": ours - plain}
    return pd.DataFrame(columns, index=[f"label {j}" for j in range(40)])


ORDERS = {
    "support": ("support", False),
    "worst": ("f1", True),
    "best": ("f1", False),
    "most_gained": ("gain", False),
    "most_lost": ("gain", True),
}


@pytest.mark.parametrize("rule", ORDERS)
def test_at_most_thirty_labels_are_drawn_in_the_order_asked_for(report, rule):
    display = LabelReportDisplay(report).plot(labels=rule)
    column, ascending = ORDERS[rule]
    expected = report.sort_values(column, ascending=ascending)[:30]
    assert list(display.labels_) == list(expected.index)
    for dots, name in zip(display.dots_, ("f1_plain", "f1"), strict=True):
        assert_allclose(dots.get_offsets()[:, 0], expected[name])
        assert_allclose(dots.get_offsets()[:, 1], np.arange(30))


def test_named_labels_are_drawn_where_asked(report):
    _, ax = plt.subplots()
    display = LabelReportDisplay(report).plot(ax, labels=["label 7", "label 3"])
    assert display.ax_ is ax
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == [f"label {j} ({report.loc[f'label {j}', 'support']:g})" for j in (7, 3)]


def test_colours_tell_gains_from_losses(report):
    display = LabelReportDisplay(report).plot(labels=["label 0", "label 1", "label 2", "label 3"])
    colours = display.dots_[1].get_facecolors()[:, 2]  # blue
    assert ((colours > 0.5) == (report["gain"][:4] >= 0)).all()


@pytest.mark.parametrize("n_labels", [2, 30])
def test_the_legend_covers_no_row_and_no_name(report, n_labels):
    display = LabelReportDisplay(report).plot(labels=list(report.index[:n_labels]))
    display.figure_.canvas.draw()
    legend, axis = display.ax_.get_legend(), display.ax_.xaxis
    assert [text.get_text() for text in legend.get_texts()][0] == "plain cut"
    place, box = (
        display.ax_.get_position(),
        legend.get_window_extent().transformed(display.figure_.transFigure.inverted()),
    )
    name = axis.label.get_window_extent().transformed(display.figure_.transFigure.inverted())
    assert 0 <= box.y0 < box.y1 <= name.y0 < name.y1 < place.y0
    assert 0 <= box.x0 < box.x1 <= 1


def test_a_fitted_classifier_is_drawn():
    X, Y = make_multilabel_classification(300, n_classes=4, random_state=0)
    clf = TunedThresholdsClassifierCV(random_state=0).fit(X[:200], Y[:200])
    display = LabelReportDisplay.from_estimator(clf, X[200:], Y[200:])
    pd.testing.assert_frame_equal(display.frame(), label_report(clf, X[200:], Y[200:]))
    assert repr(display).startswith("LabelReportDisplay(4 labels, mean F1 0.")


def test_what_cannot_be_drawn_is_refused(report):
    with pytest.raises(ValueError, match="report must come from label_report, got DataFrame without"):
        LabelReportDisplay(report[["f1"]])
    display = LabelReportDisplay(report)
    with pytest.raises(ValueError, match="labels must be one of 'support', 'worst'"):
        display.plot(labels="label 3")
    with pytest.raises(ValueError, match="labels must name labels of the report, got"):
        display.plot(labels=["label 3", "label 99"])
    with pytest.raises(TypeError, match="a rule, or a list of names; got 3"):
        display.plot(labels=3)


def test_the_legend_tells_both_colours_and_names_none_that_is_not_drawn(report):
    both = [text.get_text() for text in LabelReportDisplay(report).plot().ax_.get_legend().get_texts()]
    assert both == ["plain cut", "as predicted, higher or equal", "as predicted, lower"]
    gained = report.index[report["gain"] > 0][:3].tolist()
    texts = LabelReportDisplay(report).plot(labels=gained).ax_.get_legend().get_texts()
    assert [text.get_text() for text in texts] == both[:2]
