import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.inspection import PolicyDisplay
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import FixedWeights, GRUPolicy, PolicySearch, SharedGRUPolicy

mpl.use("Agg")


@pytest.fixture
def plt():
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def fitted(n_labels=50, n_steps=4):
    """Stand-in for a classifier with a fitted recurrent policy; label 0 is the rarest."""
    rng = np.random.RandomState(0)
    est = SimpleNamespace(
        weights_=rng.uniform(0.5, 1.5, size=n_labels),
        thresholds_=rng.uniform(0.1, 0.6, size=n_labels),
        label_names_=np.array([f"label{j}" for j in range(n_labels)]),
        label_frequencies_=np.arange(1, n_labels + 1) / (2.0 * n_labels),
    )
    history = {
        "greedy_weights": rng.uniform(0.5, 1.5, size=(n_steps, n_labels)),
        "greedy_thresholds": rng.uniform(0.1, 0.6, size=(n_steps, n_labels)),
    }
    est.training_policy_ = SimpleNamespace(history_=history)
    return est


def trained(data, **params):
    """A classifier fitted on data, small enough for a test."""
    return MetaPolicyClassifier(prediction_policy="half", random_state=0, **params).fit(*data)


def ends_of(trail):
    """Both ends (n_drawn, 2) of the spans of a panel."""
    return np.array([segment[:, 0] for segment in trail.get_segments()])


def test_dots_stand_at_the_weights_and_thresholds_of_the_drawn_labels(plt):
    est = fitted()
    display = PolicyDisplay.from_estimator(est)
    for dots, values in zip(display.dots_, (est.weights_, est.thresholds_), strict=True):
        x, y = np.asarray(dots.get_offsets()).T
        assert_allclose(x, values[display.labels_])
        assert_array_equal(y, np.arange(20))


def test_rows_run_from_the_most_frequent_label_down(plt):
    est = fitted()
    display = PolicyDisplay.from_estimator(est)
    assert (np.diff(est.label_frequencies_[display.labels_]) < 0).all()
    assert (display.labels_[0], display.labels_[-1]) == (49, 0)
    low, high = display.axes_[0].get_ylim()
    assert low > high


def test_rows_carry_names_at_the_left_and_shares_at_the_right(plt):
    display = PolicyDisplay.from_estimator(fitted(), labels=["label0", "label49"])
    texts = [[t.get_text() for t in axes.get_yticklabels()] for axes in display.axes_]
    assert texts == [["label49", "label0"], ["50%", "1%"]]


@pytest.mark.parametrize("policy", [SharedGRUPolicy(n_episodes=1), GRUPolicy(n_episodes=1)])
def test_lines_span_the_greedy_episode_of_a_recurrent_policy(plt, multilabel_data, policy):
    est = trained(multilabel_data, training_policy=policy, cv=2)
    display = PolicyDisplay.from_estimator(est)
    for trail, key in zip(display.trails_, ("greedy_weights", "greedy_thresholds"), strict=True):
        tried = est.training_policy_.history_[key][:, display.labels_]
        assert_allclose(ends_of(trail), np.stack([tried.min(axis=0), tried.max(axis=0)], axis=1))
    assert display.axes_[0].get_title(loc="left") == "dot: final, line: greedy episode"


def test_lines_span_the_scales_that_a_search_tried(plt, multilabel_data):
    est = trained(multilabel_data, training_policy=PolicySearch(), cv=2)
    display = PolicyDisplay.from_estimator(est)
    scales = [float(name.removeprefix("scale ")) for name in est.training_policy_.proposals_["proposal"]
              if name.startswith("scale ")]  # fmt: skip
    assert_allclose(ends_of(display.trails_[0]), [[min(scales), max(scales)]] * 4)
    assert display.trails_[1] is None
    assert display.axes_[0].get_title(loc="left") == "dot: final, line: proposals tried"
    assert_allclose(np.asarray(display.dots_[0].get_offsets())[:, 0], est.weights_[display.labels_])
    assert display.frame()["weight"].tolist() == est.weights_.tolist()


def test_a_search_among_emphases_leaves_label_weights_at_one(plt, multilabel_data):
    network = TorchClassifier(MLP, module__hidden=4, n_epochs=2)
    display = PolicyDisplay.from_estimator(trained(multilabel_data, estimator=network, cv=2))
    assert_allclose(ends_of(display.trails_[0]), 1.0)


def test_weights_far_apart_are_drawn_on_a_logarithmic_axis(plt):
    est = fitted(3)
    assert PolicyDisplay.from_estimator(est).axes_[0].get_xscale() == "linear"
    est.training_policy_.history_ = {"weights": np.array([[[0.01] * 3, [1.0] * 3], [[0.01] * 3, [100.0] * 3]])}
    display = PolicyDisplay.from_estimator(est)
    assert [axes.get_xscale() for axes in display.axes_] == ["log", "linear"]
    assert_allclose(ends_of(display.trails_[0]), [[0.01, 100.0]] * 3)


def test_a_policy_without_a_history_is_refused(multilabel_data):
    est = trained(multilabel_data, training_policy=FixedWeights("frequency"), cv=2)
    message = "^FixedWeights has no history to draw: PolicySearch, SharedGRUPolicy and GRUPolicy have one; call "
    with pytest.raises(ValueError, match=message):
        PolicyDisplay.from_estimator(est)


def test_reference_lines_stand_at_weight_one_and_threshold_one_half(plt):
    display = PolicyDisplay.from_estimator(fitted())
    assert [axes.lines[0].get_xdata()[0] for axes in display.axes_] == [1.0, 0.5]


def test_a_history_without_weights_is_drawn_without_lines(plt):
    est = fitted()
    est.training_policy_.history_ = {"reward": np.zeros((1, 1))}
    display = PolicyDisplay.from_estimator(est)
    assert display.trails_ == [None, None]
    assert display.axes_[0].get_title(loc="left") == ""


CHOICES = [
    ("rarest", np.arange(19, -1, -1)),
    ("most_frequent", np.arange(49, 29, -1)),
    ([3, "label7", np.int64(-1)], [49, 7, 3]),
    (np.array(["label2", "label4"]), [4, 2]),
    ((5, 5), [5]),
]


@pytest.mark.parametrize(("labels", "expected"), CHOICES)
def test_labels_are_chosen_by_rule_name_or_index(plt, labels, expected):
    assert_array_equal(PolicyDisplay.from_estimator(fitted(), labels=labels).labels_, expected)


def test_the_default_spreads_over_the_ranks_of_frequency(plt):
    chosen = PolicyDisplay.from_estimator(fitted(1000)).labels_
    assert chosen.size == 20
    assert np.ptp(np.diff(chosen)) <= 1


def test_most_changed_labels_are_those_far_from_the_plain_policy(plt):
    est = fitted(100)
    est.weights_, est.thresholds_ = np.ones(100), np.full(100, 0.5)
    changed = np.arange(0, 100, 5)
    est.weights_[changed[::2]], est.thresholds_[changed[1::2]] = 0.5, 0.1
    display = PolicyDisplay.from_estimator(est, labels="most_changed")
    assert_array_equal(display.labels_, changed[::-1])


def test_a_policy_that_changed_nothing_is_drawn(plt):
    est = fitted(3)
    est.weights_, est.thresholds_ = np.ones(3), np.full(3, 0.5)
    assert_array_equal(PolicyDisplay.from_estimator(est, labels="most_changed").labels_, [2, 1, 0])


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
        PolicyDisplay.from_estimator(fitted(), labels=labels)


def test_two_axes_are_drawn_on_and_one_is_split(plt):
    figure, axes = plt.subplots(1, 2)
    display = PolicyDisplay.from_estimator(fitted(), ax=axes)
    assert display.figure_ is figure
    assert_array_equal(display.axes_, axes)
    assert display.ax_ is axes[0]

    figure, ax = plt.subplots()
    display = PolicyDisplay.from_estimator(fitted(), ax=ax)
    assert display.figure_ is figure
    assert len(display.axes_) == 2
    assert not ax.axison


def test_axes_that_cannot_hold_two_panels_are_refused(plt):
    with pytest.raises(ValueError, match="ax must be one Axes or two; got 3"):
        PolicyDisplay.from_estimator(fitted(), ax=plt.subplots(1, 3)[1])
    with pytest.raises(ValueError, match="ax must come from plt.subplots"):
        PolicyDisplay.from_estimator(fitted(), ax=plt.figure().add_axes((0, 0, 1, 1)))


def test_keywords_reach_the_dots_and_plot_returns_the_display(plt):
    display = PolicyDisplay.from_estimator(fitted(), color="black", s=7)
    assert display.plot(labels="rarest", s=9) is display
    assert display.dots_[0].get_sizes() == [9]


@pytest.mark.parametrize("n_labels", [1, 3, 200])
def test_no_text_overlaps_another(plt, n_labels):
    est = fitted(n_labels)
    est.label_names_ = np.array(["/a/very/long/path/that/goes/on/and/on" + name for name in est.label_names_])
    figure = PolicyDisplay.from_estimator(est).figure_
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
    names = [t.get_text() for t in PolicyDisplay.from_estimator(est).axes_[0].get_yticklabels()]
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


def test_an_unfitted_estimator_is_refused():
    with pytest.raises(NotFittedError, match="fitted MetaPolicyClassifier; this SimpleNamespace has no weights_, "):
        PolicyDisplay.from_estimator(SimpleNamespace())
    with pytest.raises(NotFittedError, match="this MetaPolicyClassifier has no .*training_policy_. Call fit first"):
        PolicyDisplay.from_estimator(MetaPolicyClassifier())


def test_arrays_of_different_lengths_are_refused():
    common = {"label_names": ["a", "b"], "label_frequencies": [0.5, 0.1]}
    with pytest.raises(ValueError, match=r"weights and thresholds must be 1-D .* got shapes \(2,\) and \(1,\)"):
        PolicyDisplay([1.0, 1.0], [0.5], **common)
    with pytest.raises(ValueError, match=r"tried_weights must have shape \(n_tried, 2\); got \(3, 1\)"):
        PolicyDisplay([1.0, 1.0], [0.5, 0.5], tried_weights=np.ones((3, 1)), **common)


def test_a_missing_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="draws with matplotlib, which is missing"):
        PolicyDisplay.from_estimator(fitted())
