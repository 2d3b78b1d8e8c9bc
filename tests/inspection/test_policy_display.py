import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.inspection import PolicyDisplay
from sklearn_metalabel.policies import FixedWeights

mpl.use("Agg")


@pytest.fixture
def plt():
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def fitted(n_labels=50):
    """What a fitted classifier has; label 0 is the rarest."""
    rng = np.random.RandomState(0)
    return SimpleNamespace(
        weights_=rng.uniform(0.5, 1.5, size=n_labels),
        thresholds_=rng.uniform(0.1, 0.6, size=n_labels),
        label_names_=np.array([f"label{j}" for j in range(n_labels)]),
        label_frequencies_=np.arange(1, n_labels + 1) / (2.0 * n_labels),
    )


def drawn(est, **options):
    """The display of this, drawn."""
    names = {"label_names": est.label_names_, "label_frequencies": est.label_frequencies_}
    return PolicyDisplay(est.weights_, est.thresholds_, **names).plot(**options)


def trained(data, **params):
    """A classifier fitted on data, small enough for a test."""
    return MetaPolicyClassifier(prediction_policy="half", random_state=0, **params).fit(*data)


def test_dots_stand_at_the_weights_and_thresholds_of_the_drawn_labels(plt):
    est = fitted()
    display = drawn(est)
    for dots, values in zip(display.dots_.values(), (est.weights_, est.thresholds_), strict=True):
        x, y = np.asarray(dots.get_offsets()).T
        assert_allclose(x, values[display.labels_])
        assert_array_equal(y, np.arange(20))


def test_rows_run_from_the_most_frequent_label_down(plt):
    est = fitted()
    display = drawn(est)
    assert (np.diff(est.label_frequencies_[display.labels_]) < 0).all()
    assert (display.labels_[0], display.labels_[-1]) == (49, 0)
    low, high = display.axes_[0].get_ylim()
    assert low > high


def test_rows_carry_names_at_the_left_and_shares_at_the_right(plt):
    display = drawn(fitted(), labels=["label0", "label49"])
    texts = [[t.get_text() for t in axes.get_yticklabels()] for axes in display.axes_]
    assert texts == [["label49", "label0"], ["50%", "1%"]]


def test_a_classifier_is_drawn_by_what_it_has_learned(plt, multilabel_data):
    est = trained(multilabel_data, training_policy=FixedWeights("frequency"), cv=2)
    est.thresholds_ = np.linspace(0.1, 0.9, 4)
    display = PolicyDisplay.from_estimator(est)
    assert list(display.dots_) == ["weights", "thresholds"]
    assert_allclose(np.asarray(display.dots_["weights"].get_offsets())[:, 0], est.weights_[display.labels_])
    assert display.ax_.get_title(loc="left") == "all labels: weight of positives 1"
    assert_allclose(display.frame()[["weight", "positive_weight", "threshold"]].to_numpy().T,
                    [est.weights_, est.positive_weights_, est.thresholds_])  # fmt: skip
    assert repr(display) == "PolicyDisplay(4 labels; all labels: weight of positives 1)"


def test_weights_of_positives_have_a_panel(plt):
    est = fitted(3)
    display = PolicyDisplay(np.ones(3), est.thresholds_, label_names=list("abc"), positive_weights=[1, 2, 3])
    display.plot()
    assert list(display.dots_) == ["positive_weights", "thresholds"]
    assert_array_equal(np.asarray(display.dots_["positive_weights"].get_offsets())[:, 0], [1, 2, 3])
    assert [axes.get_xlabel() for axes in display.axes_] == ["Weight of positives", "Threshold"]


@pytest.mark.parametrize("wrap", [lambda c: c, lambda c: make_pipeline(StandardScaler(), c)])
def test_classifiers_without_weights_have_one_panel(plt, multilabel_data, wrap):
    est = wrap(TunedThresholdsClassifierCV(LogisticRegression(), prediction_policy="scut", random_state=0))
    est.fit(*multilabel_data)
    display = PolicyDisplay.from_estimator(est)
    assert list(display.dots_) == ["thresholds"]
    assert display.ax_.get_title(loc="left") == "all labels: weight 1"
    assert list(display.frame().columns) == ["label", "weight", "threshold"]
    assert display.ax_.get_xlim() == (-0.02, 1.02)


def test_decision_values_are_cut_at_any_number(plt, multilabel_data):
    est = TunedThresholdsClassifierCV(LinearSVC(), prediction_policy="scut", random_state=0).fit(*multilabel_data)
    display = PolicyDisplay.from_estimator(est)
    assert display.axes_[0].lines[0].get_xdata()[0] == 0
    assert_allclose(np.asarray(display.dots_["thresholds"].get_offsets())[:, 0], est.thresholds_[display.labels_])


def test_weights_far_apart_are_drawn_on_a_logarithmic_axis(plt):
    est = fitted(3)
    assert [axes.get_xscale() for axes in drawn(est).axes_] == ["linear", "linear"]
    est.weights_ = np.array([0.01, 1.0, 100.0])
    assert [axes.get_xscale() for axes in drawn(est).axes_] == ["log", "linear"]


def test_reference_lines_stand_at_weight_one_and_threshold_one_half(plt):
    display = drawn(fitted())
    assert [axes.lines[0].get_xdata()[0] for axes in display.axes_] == [1.0, 0.5]


CHOICES = [
    ("rarest", np.arange(19, -1, -1)),
    ("most_frequent", np.arange(49, 29, -1)),
    ([3, "label7", np.int64(-1)], [49, 7, 3]),
    (np.array(["label2", "label4"]), [4, 2]),
    ((5, 5), [5]),
]


@pytest.mark.parametrize(("labels", "expected"), CHOICES)
def test_labels_are_chosen_by_rule_name_or_index(plt, labels, expected):
    assert_array_equal(drawn(fitted(), labels=labels).labels_, expected)


def test_the_default_spreads_over_the_ranks_of_frequency(plt):
    chosen = drawn(fitted(1000)).labels_
    assert chosen.size == 20
    assert np.ptp(np.diff(chosen)) <= 1


def test_most_changed_labels_are_those_far_from_the_plain_policy(plt):
    est = fitted(100)
    est.weights_, est.thresholds_ = np.ones(100), np.full(100, 0.5)
    changed = np.arange(0, 100, 5)
    est.weights_[changed[::2]], est.thresholds_[changed[1::2]] = 0.5, 0.1
    display = drawn(est, labels="most_changed")
    assert_array_equal(display.labels_, changed[::-1])


def test_a_policy_that_changed_nothing_has_nothing_to_draw(plt):
    est = fitted(3)
    est.weights_, est.thresholds_ = np.ones(3), np.full(3, 0.5)
    message = r"nothing differs between labels \(all labels: weight 1, threshold 0.5\)"
    with pytest.raises(ValueError, match=message):
        drawn(est)
    est.thresholds_[1] = 0.4
    assert_array_equal(drawn(est, labels="most_changed").labels_, [2, 1, 0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("worst", "labels must be one of 'spread', 'rarest', 'most_frequent', 'most_changed'"),
        (["nobody"], "got 'nobody', which is neither"),
        ([50], "indices below 50; got 50"),
        ([0.5], "got 0.5, which is neither"),
        ([True], "got True, which is neither"),
        ([], "at least one label"),
    ],
)
def test_labels_that_do_not_exist_are_refused(plt, labels, message):
    with pytest.raises(ValueError, match=message):
        drawn(fitted(), labels=labels)


def test_two_axes_are_drawn_on_and_one_is_split(plt):
    figure, axes = plt.subplots(1, 2)
    display = drawn(fitted(), ax=axes)
    assert display.figure_ is figure
    assert_array_equal(display.axes_, axes)
    assert display.ax_ is axes[0]

    figure, ax = plt.subplots()
    display = drawn(fitted(), ax=ax)
    assert display.figure_ is figure
    assert len(display.axes_) == 2
    assert not ax.axison


def test_axes_that_cannot_hold_two_panels_are_refused(plt):
    with pytest.raises(ValueError, match="ax must be one Axes or 2; got 3"):
        drawn(fitted(), ax=plt.subplots(1, 3)[1])
    with pytest.raises(ValueError, match="ax must come from plt.subplots"):
        drawn(fitted(), ax=plt.figure().add_axes((0, 0, 1, 1)))


def test_keywords_reach_the_dots_and_plot_returns_the_display(plt):
    display = drawn(fitted(), color="black", s=7)
    assert display.plot(labels="rarest", s=9) is display
    assert display.dots_["weights"].get_sizes() == [9]


@pytest.mark.parametrize("n_labels", [1, 3, 200])
def test_no_text_overlaps_another(plt, n_labels):
    est = fitted(n_labels)
    est.label_names_ = np.array(["/a/very/long/path/that/goes/on/and/on" + name for name in est.label_names_])
    figure = drawn(est).figure_
    figure.canvas.draw()
    boxes = []
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        texts = axes.get_yticklabels() + [text for tick, text in ticks if low <= tick <= high]
        texts += [axes.xaxis.label, axes.title, axes._left_title, axes._right_title]
        boxes += [t.get_window_extent() for t in texts if t.get_text() and t.get_visible()]
    assert len(boxes) > 2 * min(n_labels, 20)
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1


def test_long_names_keep_their_end(plt):
    est = fitted(2)
    est.label_names_ = np.array(["/organization/company/division/office/broadcasting", "/person"])
    names = [t.get_text() for t in drawn(est).axes_[0].get_yticklabels()]
    assert names == ["/person", "…/division/office/broadcasting"]
    assert len(names[1]) == 30


def test_the_frame_holds_the_numbers_of_all_labels_in_their_order():
    est = fitted()
    display = PolicyDisplay(
        est.weights_, est.thresholds_, label_names=est.label_names_, label_frequencies=est.label_frequencies_
    )
    frame = display.frame()
    assert frame.columns.tolist() == ["label", "frequency", "weight", "threshold"]
    assert frame["label"].tolist() == est.label_names_.tolist()
    assert_array_equal(frame[["frequency", "weight", "threshold"]].to_numpy().T,
                       [est.label_frequencies_, est.weights_, est.thresholds_])  # fmt: skip


def test_an_estimator_that_learned_nothing_of_labels_is_refused(multilabel_data):
    with pytest.raises(
        NotFittedError, match="needs a fitted classifier; this MetaPolicyClassifier has no label_names_"
    ):
        PolicyDisplay.from_estimator(MetaPolicyClassifier())
    with pytest.raises(TypeError, match="needs a classifier of this package.*got LogisticRegression"):
        PolicyDisplay.from_estimator(LogisticRegression())
    X, Y = multilabel_data
    classes = MetaPolicyClassifier(random_state=0).fit(X, np.arange(len(X)) % 3)
    with pytest.raises(ValueError, match="fitted on classes"):
        PolicyDisplay.from_estimator(classes)


def test_arrays_of_different_lengths_are_refused():
    common = {"label_names": ["a", "b"], "label_frequencies": [0.5, 0.1]}
    with pytest.raises(ValueError, match=r"weights and thresholds must be 1-D .* got shapes \(2,\) and \(1,\)"):
        PolicyDisplay([1.0, 1.0], [0.5], **common)
    with pytest.raises(ValueError, match=r"weights and positive_weights must be 1-D .* and \(1,\)"):
        PolicyDisplay([1.0, 1.0], [0.5, 0.5], positive_weights=[1.0], **common)


def test_a_missing_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="draws with matplotlib, which is missing"):
        drawn(fitted())
