import pickle

import numpy as np
import pytest
from _policy_cases import THREE, Recorder, network, small_task, untouched_randomness
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LossWeights
from sklearn_metalabel.policies import (
    FixedWeights,
    GRUPolicy,
    Judge,
    PolicySearch,
    SharedGRUPolicy,
    ThresholdRule,
    TrainingPolicy,
    TrainingResult,
    TrainingTask,
    train_folds,
)

X, Y = make_multilabel_classification(80, n_features=8, n_classes=4, random_state=0)


class Rarity(TrainingPolicy):
    """A stranger's policy: powers of the frequency, of which the user's scoring chooses."""

    needs_held_out = True

    def __init__(self, powers=(0.0, 0.5)):
        self.powers = powers

    def check(self):
        if not len(self.powers):
            raise ValueError("powers must hold at least one number.")

    def train(self, task):
        counts = np.asarray(task.folds[0].Y.sum(axis=0), dtype=float)
        tried, compared = {}, []
        for power in self.powers:
            weights = LossWeights(counts**-power)
            rows = train_folds(task, weights, f"power {power}")
            compared += task.judge.rows(f"power {power}", rows)
            tried[f"power {power}"] = weights, rows
        self.history_ = {"score": np.array([row["mean_test_score"] for row in compared])}
        self.best_proposal_ = compared[int(np.argmax(self.history_["score"]))]["proposal"]
        weights, rows = tried[self.best_proposal_]
        return TrainingResult(weights, rows, compared=compared)

    def count_runs(self, task):
        return len(task.folds) * len(self.powers)


class GivenThresholds(TrainingPolicy):
    """A stranger's policy that proposes thresholds, and needs no rows."""

    proposes_thresholds = True

    def train(self, task):
        self.history_, self.best_proposal_ = {}, "double"
        weights = LossWeights(np.full(task.n_labels, 2.0))
        return TrainingResult(weights, proposed_thresholds=np.linspace(0.2, 0.8, task.n_labels))


EVERY = {
    "search": PolicySearch(n_folds=2),
    "fixed": FixedWeights("frequency"),
    "shared": SharedGRUPolicy(n_episodes=2, hidden_size=4),
    "gru": GRUPolicy(n_episodes=2, hidden_size=4),
    "the paper's": GRUPolicy.from_paper(n_episodes=2, hidden_size=4),
    "a stranger's": Rarity(),
}
every_policy = pytest.mark.parametrize("name", EVERY)


def test_a_strangers_training_policy_works_in_the_estimator():
    clf = MetaPolicyClassifier(training_policy=Rarity((0.0, 2.0)), prediction_policy="half", random_state=0).fit(X, Y)
    assert type(clf.training_policy_) is Rarity
    power = float(clf.training_policy_.best_proposal_.removeprefix("power "))
    assert_allclose(clf.weights_, Y.sum(axis=0) ** -power)
    proposals = clf.cv_results_["proposal"].tolist()
    assert proposals == ["power 0.0"] * 2 + ["power 2.0"] * 2 + [clf.training_policy_.best_proposal_] * 2
    assert clf.best_score_ == clf.cv_results_["mean_test_score"].max()
    assert clf.predict(X).shape == Y.shape


def test_its_parameters_are_found_by_a_grid_search_and_checked_before_training():
    clf = MetaPolicyClassifier(training_policy=Rarity(), random_state=0).set_params(training_policy__powers=(1.0,))
    assert_allclose(clf.fit(X, Y).weights_, 1 / Y.sum(axis=0))
    with pytest.raises(ValueError, match="powers must hold at least one number"):
        clf.set_params(training_policy__powers=()).fit(X, Y)


def test_a_policy_that_needs_rows_is_refused_where_none_are_held_out():
    with pytest.raises(ValueError, match=r"training_policy=Rarity\(\) needs held-out rows, and cv=None holds none out"):
        MetaPolicyClassifier(training_policy=Rarity(), cv=None).fit(X, Y)


def test_a_policy_that_proposes_thresholds_needs_no_rows():
    policy = GivenThresholds()
    clf = MetaPolicyClassifier(training_policy=policy, prediction_policy="episode", cv=None, random_state=0).fit(X, Y)
    assert_array_equal(clf.thresholds_, np.linspace(0.2, 0.8, 4))
    assert_array_equal(clf.weights_, np.full(4, 2.0))
    with pytest.raises(ValueError, match="Rarity proposes none"):
        MetaPolicyClassifier(training_policy=Rarity(), prediction_policy="episode").fit(X, Y)


def test_a_policy_that_trains_nothing_cannot_be_made():
    class Nothing(TrainingPolicy):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


def test_a_task_knows_its_labels_and_whether_rows_are_held_out():
    task = small_task()
    assert (task.n_labels, task.holds_rows_out, small_task(cv=None).holds_rows_out) == (4, True, False)
    bare = TrainingTask(task.base, task.folds, task.label_names, Judge(ThresholdRule(), THREE))
    assert (bare.has_thresholds, bare.n_jobs, bare.previous, bare.monitor.keeps_runs) == (True, None, None, False)
    assert GivenThresholds().count_runs(task) == 3


def test_a_result_is_weights_and_what_else_there_is():
    result = TrainingResult(LossWeights.uniform(2))
    assert (result.out_of_fold, result.proposed_thresholds, result.solution, list(result.compared)) == (None,) * 3 + (
        [],
    )


@every_policy
def test_every_policy_can_be_cloned_and_its_parameters_set(name):
    policy = clone(EVERY[name])
    policy.train(small_task())
    copy = clone(policy)
    assert vars(copy).keys() == policy.get_params(deep=False).keys()
    assert repr(copy) == repr(EVERY[name])
    assert repr(type(copy)().set_params(**copy.get_params(deep=False))) == repr(copy)
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        copy.set_params(nothing=1)


@every_policy
def test_a_fitted_policy_can_be_stored(name):
    policy = clone(EVERY[name])
    policy.train(small_task())
    stored = pickle.dumps(policy)
    restored = pickle.loads(stored)
    for attribute, value in vars(policy).items():
        if attribute.endswith("_"):
            np.testing.assert_equal(getattr(restored, attribute), value)
    if hasattr(policy, "greedy_episode"):
        assert_array_equal(
            restored.greedy_episode(0.5 * np.ones(4)).weights, policy.greedy_episode(0.5 * np.ones(4)).weights
        )
    assert len(stored) < 50_000  # neither rows nor base learners


@every_policy
@pytest.mark.parametrize("base", [None, network()], ids=["linear", "network"])
def test_every_policy_leaves_global_randomness_and_its_parameters_alone(name, base):
    results = []
    for world in range(2):
        policy = clone(EVERY[name])
        with untouched_randomness(world):
            results.append(policy.train(small_task(base)))
        assert repr(policy) == repr(EVERY[name])
    one, same = results
    assert_array_equal(one.loss_weights.label, same.loss_weights.label)
    assert_array_equal(one.out_of_fold.P, same.out_of_fold.P)


@every_policy
def test_every_policy_says_where_its_weights_come_from_and_how_many_runs_it_makes(name):
    policy, recorder = clone(EVERY[name]), Recorder()
    task = small_task(monitor=recorder)
    announced = policy.count_runs(task)
    result = policy.train(task)
    assert announced == recorder.n_begun > 0
    assert isinstance(policy.best_proposal_, str)
    assert isinstance(policy.history_, dict)
    assert result.loss_weights.label.shape == (4,)
    assert (result.loss_weights.label > 0).all()
    assert (result.proposed_thresholds is not None) == policy.proposes_thresholds
    assert result.out_of_fold.n_labels == 4
