import matplotlib as mpl
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.inspection import TrainingPolicyDisplay
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import FixedWeights, GRUPolicy, PolicySearch, SharedGRUPolicy

mpl.use("Agg")


@pytest.fixture
def plt():
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def trained(data, **params):
    """A classifier fitted on data, small enough for a test."""
    return MetaPolicyClassifier(prediction_policy="half", cv=2, random_state=0, **params).fit(*data)


@pytest.mark.parametrize("estimator", [None, TorchClassifier(MLP, module__hidden=4, n_epochs=2)])
def test_proposals_are_drawn_by_name_with_what_they_were_worth(plt, multilabel_data, estimator):
    clf = trained(multilabel_data, estimator=estimator, training_policy=PolicySearch())
    display = TrainingPolicyDisplay.from_estimator(clf)
    proposals = clf.training_policy_.proposals_
    assert display.panels_[0] == "gain"
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == proposals["proposal"].tolist()
    for axes, name in zip(display.axes_, display.panels_, strict=True):
        dots = np.ma.filled(axes.collections[-1].get_offsets(), np.nan)
        assert_allclose(dots[:, 0], proposals[name])
    spans = np.array([segment[:, 0] for segment in display.ax_.collections[0].get_segments()])
    known = np.isfinite(proposals["gain"])
    assert_allclose(spans[known].mean(axis=1), proposals["gain"][known], atol=1e-12)
    assert_allclose(np.ptp(spans[known], axis=1) / 2, proposals["error"][known], atol=1e-12)
    taken = proposals["proposal"] == clf.training_policy_.best_proposal_
    blue = display.ax_.collections[-1].get_facecolors()[:, 2] > 0.68
    assert_array_equal(blue, taken)
    assert display.ax_.get_title(loc="left") == f"taken: {clf.training_policy_.best_proposal_}"
    assert list(display.frame().columns) == ["proposal", "reward", "gain", "error", "score"]
    assert repr(display).startswith(f"TrainingPolicyDisplay(PolicySearch: {taken.size} proposals, took ")
    with pytest.raises(ValueError, match="PolicySearch has no course over steps"):
        display.plot(kind="course")
    with pytest.raises(ValueError, match="labels chooses the labels of a course"):
        display.plot(labels=[0])


@pytest.mark.parametrize("policy", [SharedGRUPolicy(n_episodes=2), GRUPolicy(n_episodes=2)])
def test_the_course_of_a_recurrent_policy_is_its_greedy_episode(plt, multilabel_data, policy):
    clf = make_pipeline(StandardScaler(), MetaPolicyClassifier(training_policy=policy, cv=2, random_state=0))
    clf.fit(*multilabel_data)
    history = clf[-1].training_policy_.history_
    display = TrainingPolicyDisplay.from_estimator(clf)
    assert display.panels_ == ["reward", "weights", "thresholds"]
    assert_allclose(display.ax_.lines[0].get_ydata(), history["reward"].mean(axis=1))
    for axes, name in zip(display.axes_[1:], ("weights", "thresholds"), strict=True):
        assert_allclose(axes.images[0].get_array(), history[f"greedy_{name}"][:, display.labels_].T)
        assert "greedy episode" in axes.get_title(loc="left")
    frame = display.frame()
    assert list(frame.columns) == ["run", "step", "label", "weight", "threshold"]
    assert len(frame) == 3 * history["greedy_weights"].size
    greedy = frame[frame["run"] == -1].pivot_table(index="step", columns="label", values="weight")
    assert_allclose(greedy[clf[-1].label_names_], history["greedy_weights"])
    second = frame[frame["run"] == 1].pivot_table(index="step", columns="label", values="threshold")
    assert_allclose(second[clf[-1].label_names_], history["thresholds"][1])
    rewards = display.frame("rewards")
    assert list(rewards.columns) == ["run", "step", "reward", "baseline"]
    assert_allclose(rewards["reward"], history["reward"].ravel())


def course(n_runs=3, n_steps=6, n_labels=30):
    """A history of a policy that weights positives and hard negatives, from one run for each fold."""
    rng = np.random.default_rng(0)
    shape = (n_runs, n_steps, n_labels)
    return {
        "weights": np.ones(shape),
        "positive_weights": np.exp(rng.normal(size=shape) * np.linspace(0, 1, n_labels)),
        "focus": rng.random(shape[:2]),
        "reward": rng.random(shape[:2]),
    }


NAMES = [f"label {j}" for j in range(30)]


def test_any_history_with_such_keys_has_a_course_by_label(plt):
    history = course()
    display = TrainingPolicyDisplay(history=history, label_names=NAMES, policy_name="Some").plot()
    assert display.panels_ == ["reward", "positive_weights", "focus"]
    assert display.ax_.get_title(loc="left") == "Reward\nall steps: weight 1"
    mean = np.exp(np.log(history["positive_weights"]).mean(axis=0))
    assert_allclose(display.axes_[1].images[0].get_array(), mean[:, display.labels_].T)
    assert len(display.labels_) == 20
    assert set(display.labels_) >= {29, 28}
    assert (np.diff(mean[-1, display.labels_]) <= 0).all()
    assert [tick.get_text() for tick in display.axes_[1].get_yticklabels()] == [NAMES[j] for j in display.labels_]
    for axes, name in ((display.axes_[0], "reward"), (display.axes_[2], "focus")):
        assert_allclose(np.array([line.get_ydata() for line in axes.lines[:-1]]), history[name])
        assert_allclose(axes.lines[-1].get_ydata(), history[name].mean(axis=0))
    assert repr(display) == "TrainingPolicyDisplay(Some: 3 runs of 6 steps)"
    assert list(display.frame().columns) == ["run", "step", "label", "weight", "positive_weight"]
    assert display.plot(labels=["label 3", 4]).labels_.tolist() == [3, 4]


def test_what_does_not_vary_is_said_and_not_drawn(plt):
    history = {**course(), "focus": np.full((3, 6), 2.0), "reward": np.full((3, 6), np.nan)}
    display = TrainingPolicyDisplay(history=history, label_names=NAMES).plot()
    assert display.panels_ == ["positive_weights"]
    assert display.ax_.get_title(loc="left").endswith("all steps: weight 1, focus 2")
    flat = TrainingPolicyDisplay(history={"weights": np.ones((1, 2, 30))}, label_names=NAMES)
    with pytest.raises(ValueError, match=r"Nothing varies over the course .*all steps: weight 1"):
        flat.plot()
    one = {name: np.zeros(1) for name in ("reward", "gain", "error", "score")} | {"proposal": np.array(["equal"])}
    with pytest.raises(ValueError, match="tried equal alone"):
        TrainingPolicyDisplay(proposals=one, label_names=NAMES).plot()


def test_rewards_are_drawn_where_no_gain_is_known(plt):
    proposals = {"proposal": ["a", "b"], "reward": [1, 2], "score": [0.5, 0.5]}
    proposals |= {"gain": [np.nan] * 2, "error": [np.nan] * 2}
    assert TrainingPolicyDisplay(proposals=proposals, label_names=NAMES).plot().panels_ == ["reward"]


def test_it_is_drawn_where_asked(plt):
    figure, axes = plt.subplots(1, 3)
    display = TrainingPolicyDisplay(history=course(), label_names=NAMES).plot(axes)
    assert display.figure_ is figure
    assert_array_equal(display.axes_, axes)
    _, ax = plt.subplots()
    assert display.plot(ax).figure_ is ax.figure
    with pytest.raises(ValueError, match="ax must be one Axes or 3; got 2"):
        display.plot(axes[:2])


def test_what_cannot_be_drawn_is_refused(plt, multilabel_data):
    draw = TrainingPolicyDisplay.from_estimator
    with pytest.raises(TypeError, match="TunedThresholdsClassifierCV has no training policy; PolicyDisplay draws"):
        draw(TunedThresholdsClassifierCV().fit(*multilabel_data))
    with pytest.raises(NotFittedError, match="no training_policy_. Call fit first"):
        draw(MetaPolicyClassifier())
    with pytest.raises(ValueError, match="FixedWeights tried nothing to draw; PolicyDisplay draws the weights"):
        draw(trained(multilabel_data, training_policy=FixedWeights("frequency")))
    with pytest.raises(ValueError, match='kind must be "auto", "proposals" or "course", got \'all\''):
        TrainingPolicyDisplay(history=course(), label_names=NAMES).plot(kind="all")
    with pytest.raises(ValueError, match="proposals must have .* and lacks reward"):
        TrainingPolicyDisplay(proposals={"proposal": [], "gain": [], "error": [], "score": []}, label_names=NAMES)
    with pytest.raises(ValueError, match=r"history\['weights'\] must end with one entry for each of the 2 labels"):
        TrainingPolicyDisplay(history=course(), label_names=["a", "b"])
    with pytest.raises(ValueError, match=r"agree in runs and steps, got \(2, 6\) for reward, \(3, 6\) for focus"):
        TrainingPolicyDisplay(history={**course(), "reward": np.ones((2, 6))}, label_names=NAMES)


def test_a_baseline_is_drawn_beside_the_rewards_as_far_as_it_is_known(plt):
    history = {**course(), "baseline": np.full((3, 6), np.nan)}
    history["baseline"][0, :4] = [0.1, 0.2, 0.3, 0.4]
    display = TrainingPolicyDisplay(history=history, label_names=NAMES).plot()
    assert "dashed: baseline" in display.ax_.get_title(loc="left")
    drawn = display.ax_.lines[-1].get_ydata()
    assert_allclose(drawn[:4], [0.1, 0.2, 0.3, 0.4])
    assert np.ma.getmaskarray(drawn)[4:].all()


def test_of_a_network_the_course_is_drawn_and_its_two_proposals_where_they_are_asked_for(plt, multilabel_data):
    clf = trained(multilabel_data, estimator=TorchClassifier(MLP, module__hidden=8, n_epochs=20))
    display = TrainingPolicyDisplay.from_estimator(clf)
    assert "reward" in display.panels_
    frame = display.frame("proposals")
    assert frame["proposal"].tolist() == ["equal", "pretrained"]
