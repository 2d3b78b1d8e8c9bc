import re
import time

import numpy as np
import pytest
from _policy_cases import Recorder, small_task
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.callback import FitCallback
from sklearn.model_selection import PredefinedSplit

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import FixedWeights, PolicySearch, SharedGRUPolicy, ThresholdRule
from sklearn_metalabel.policies._judge import Judge
from sklearn_metalabel.policies._monitor import RunMonitor, Steps
from sklearn_metalabel.thresholds import OutOfFold

POLICIES = {
    "search": (PolicySearch(), 3, "scale"),
    "fixed": (FixedWeights("frequency"), 3, "frequency"),
    "shared": (SharedGRUPolicy(n_episodes=4), 4, "episode"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_every_training_run_is_reported_once(name):
    policy, n_runs, proposal = POLICIES[name]
    recorder = Recorder()
    policy.train(small_task(monitor=recorder))
    assert recorder.n_begun == n_runs
    assert recorder.ended == list(range(n_runs))
    for report in recorder.reports:
        assert report.proposal.startswith(proposal)
        assert (report.reward is None) == (name == "fixed")
        assert report.run is None  # kept only for callbacks that score it
        assert report.weights.shape == report.thresholds.shape == (4,)


@pytest.mark.parametrize("name", POLICIES)
def test_runs_are_kept_for_those_who_want_to_look_at_them(name):
    recorder = Recorder()
    recorder.keeps_runs = True
    task = small_task(monitor=recorder)
    POLICIES[name][0].train(task)
    for report in recorder.reports:
        assert report.run.predict_proba(task.folds[0].X).shape == (90, 4)


def test_the_reward_reported_is_the_best_of_the_path():
    recorder, policy = Recorder(), PolicySearch()
    policy.train(small_task(monitor=recorder))
    assert_allclose([report.reward for report in recorder.reports], policy.history_["reward"].max(axis=1))


def test_a_monitor_that_does_nothing_never_ends_anything():
    monitor = RunMonitor()
    assert (monitor.begin(), monitor.end(None, None), monitor.keeps_runs) == (None, False, False)
    assert monitor.reporter(None) is None


def test_verbose_prints_a_line_for_each_training_run(multilabel_data, capsys):
    start = time.perf_counter() - 0.1  # seconds are printed with one digit
    MetaPolicyClassifier(training_policy=SharedGRUPolicy(n_episodes=2), verbose=1, random_state=0).fit(*multilabel_data)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"\[ *\d+\.\d s\] training on all rows: greedy episode, out-of-fold score 0\.\d{4}", last)
    seconds = [float(line[1:].partition(" s]")[0]) for line in lines]
    assert 0 <= seconds[0] <= seconds[1] <= time.perf_counter() - start
    assert all(re.fullmatch(r"\[ *\d+\.\d s\] training run \d: episode, reward -?\d\.\d{4}", line) for line in lines)
    MetaPolicyClassifier(training_policy="uniform", verbose=1, random_state=0).fit(*multilabel_data)
    lines = capsys.readouterr().out.splitlines()[:-1]
    line = r"\[ *\d+\.\d s\] training run \d: uniform, score 0\.\d{4} before tuning"
    assert all(re.fullmatch(line, each) for each in lines)
    assert len(lines) == 3
    MetaPolicyClassifier(random_state=0).fit(*multilabel_data)
    assert capsys.readouterr().out == ""


def test_callbacks_are_given_an_estimator_that_predicts_as_the_run_does(multilabel_data):
    X, Y = multilabel_data
    seen = []

    class Look(FitCallback):
        def setup(self, estimator, context):
            """Nothing is needed."""

        def on_fit_task_begin(self, estimator, context):
            """Nothing is told."""

        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            if context.task_name == "episode":
                seen.append((fitted_estimator.predict_proba(X), fitted_estimator.predict(X), fitted_estimator.weights_))

        def teardown(self, estimator, context):
            """Nothing is left."""

    splits = PredefinedSplit(np.arange(80) % 2)
    MetaPolicyClassifier(training_policy="uniform", cv=splits, random_state=0).set_callbacks(Look()).fit(X, Y)
    assert len(seen) == 2
    for k, (P, D, weights) in enumerate(seen):
        trained = np.arange(80) % 2 != k
        # A fold is solved as far as its probabilities need.
        assert_allclose(P, LabelWeightedLogistic().fit(X[trained], Y[trained]).predict_proba(X), atol=1e-3)
        assert_array_equal(D, P > 0.5)
        assert_array_equal(weights, np.ones(4))


@pytest.mark.parametrize(("n", "expected"), [(3, 3), (10, 10), (25, 10)])
def test_about_every_tenth_step_is_told_of(n, expected):
    told = []
    step = Steps(n, lambda: told.append(step._n_made))
    for _ in range(n):
        step()
    assert len(told) == expected
    assert told[-1] == n
    silent = Steps(n, None)
    silent()


def test_a_run_without_reward_is_worth_what_its_held_out_rows_score():
    Y, P = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0.9, 0.6], [0.2, 0.4], [0.7, 0.8]])
    rows = OutOfFold(Y, P)
    assert Judge(ThresholdRule("half"), Scoring.resolve("accuracy")).untuned(rows) == 1 / 3
    classes = Judge(ThresholdRule("half"), Scoring.resolve("accuracy"), has_thresholds=False)
    assert classes.untuned(OutOfFold(np.eye(3)[:, :2], np.array([[0.3, 0.2], [0.1, 0.4], [0.3, 0.1]]))) == 2 / 3
