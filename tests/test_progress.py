"""What is told of a fit while it lasts: lines, tasks of callbacks, and a progress bar that moves."""

import re
from collections import Counter

import numpy as np
import pytest
from _cases import MLP, sgd, small_torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import PredefinedSplit
from sklearn.svm import LinearSVC

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LabelwiseClassifier
from sklearn_metalabel.policies import SharedGRUPolicy

X, Y = make_multilabel_classification(90, n_features=8, n_classes=4, n_labels=2, random_state=0)
NETWORK = small_torch(MLP, n_epochs=2)
SHARED = SharedGRUPolicy(n_episodes=2, n_steps=12, hidden_size=4)
FOLDS = PredefinedSplit(np.arange(90) % 2)
ESTIMATORS = {
    "meta": MetaPolicyClassifier(training_policy="uniform", cv=2, random_state=0),
    "meta of a network": MetaPolicyClassifier(NETWORK, training_policy="uniform", cv=2, random_state=0),
    "meta of clones": MetaPolicyClassifier(LogisticRegression(), training_policy="uniform", cv=2, random_state=0),
    "recurrent": MetaPolicyClassifier(training_policy=SHARED, cv=2, random_state=0),
    "tuned": TunedThresholdsClassifierCV(LogisticRegression(), cv=2, random_state=0),
    "tuned network": TunedThresholdsClassifierCV(NETWORK, cv=2, random_state=0),
    "tuned linear": TunedThresholdsClassifierCV(cv=2, random_state=0),
    "weighted": LabelWeightedClassifier(random_state=0),
    "weighted network": LabelWeightedClassifier(NETWORK, random_state=0),
    "weighted clones": LabelWeightedClassifier(LogisticRegression(), random_state=0),
    "weighted incremental clones": LabelWeightedClassifier(
        LabelwiseClassifier(sgd(), incremental=True, n_epochs=2), random_state=0
    ),
    "network": small_torch(MLP, n_epochs=2, random_state=0),
    "clones": LabelwiseClassifier(LogisticRegression(), random_state=0),
}
# Tasks that end, innermost first.
TASKS = {
    "meta": ["step", "episode"] * 2 + ["refit", "fit"],
    "meta of a network": ["step"] * 4 + ["episode"] + ["step"] * 4 + ["episode", "epoch", "epoch", "fit", "fit"],
    "meta of clones": ["step", "episode"] * 2 + ["label"] * 4 + ["fit", "fit"],
    "recurrent": (["step"] * 10 + ["episode"]) * 2 + ["refit", "fit"],
    "tuned": (["label"] * 4 + ["fit"]) * 3 + ["thresholds", "fit"],
    "tuned network": ["epoch", "epoch", "fit"] * 3 + ["thresholds", "fit"],
    "tuned linear": ["fold", "fold", "refit", "thresholds", "fit"],
    "weighted": ["training", "fit"],
    "weighted network": ["epoch", "epoch", "fit", "fit"],
    "weighted clones": ["label"] * 4 + ["fit", "fit"],
    "weighted incremental clones": ["training", "fit", "fit"],
    "network": ["epoch", "epoch", "fit"],
    "clones": ["label"] * 4 + ["fit"],
}


class Noted:
    """A callback that is told of inner estimators too, and notes the tasks that end."""

    max_propagation_depth = 1

    def __init__(self):
        self.begun, self.ended, self.n_open = [], [], 0

    def setup(self, estimator, context):
        """Begin."""
        self.n_open += 1

    def teardown(self, estimator, context):
        """End."""
        self.n_open -= 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_task_is_told_of_and_changes_nothing(name):
    noted, plain = Noted(), clone(ESTIMATORS[name]).fit(X, Y)
    watched = clone(ESTIMATORS[name]).set_callbacks(noted).fit(X, Y)
    assert noted.ended == TASKS[name]
    assert Counter(noted.ended) <= Counter(noted.begun)  # a task that an inner estimator takes over begins twice
    assert noted.n_open == 0
    assert_array_equal(watched.predict_proba(X), plain.predict_proba(X))
    assert [key for key in vars(watched) if "callback" in key] == ["_skl_callbacks"]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_progress_bar_runs_to_its_end(name, capsys):
    clone(ESTIMATORS[name]).set_callbacks(ProgressBar()).fit(X, Y)
    shown = capsys.readouterr().out
    assert type(ESTIMATORS[name]).__name__ in shown
    assert shown.count("100%") == len([line for line in shown.splitlines() if "━" in line])


@pytest.mark.parametrize("name", ["meta", "meta of clones", "recurrent", "tuned", "tuned linear"])
def test_with_several_jobs_runs_are_told_of_as_a_whole(name):
    noted = Noted()
    clone(ESTIMATORS[name]).set_params(n_jobs=2).set_callbacks(noted).fit(X, Y)
    last = ["label"] * 4 + ["fit"] if name == "meta of clones" else ["refit"]
    last += ["thresholds"] if name.startswith("tuned") else []
    assert noted.ended == [noted.ended[0]] * 2 + last + ["fit"]
    assert noted.ended[0] in ("episode", "fold")


def test_steps_of_many_runs_are_not_told_of():
    noted, policy = Noted(), SharedGRUPolicy(n_episodes=13, n_steps=2, hidden_size=4)
    MetaPolicyClassifier(training_policy=policy, cv=2, random_state=0).set_callbacks(noted).fit(X, Y)
    assert noted.ended == ["episode"] * 13 + ["refit", "fit"]


def lines_of(capsys):
    return [re.fullmatch(r"\[ *\d+\.\d s\] (.*)", line).group(1) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("base", "cut"), [(LogisticRegression(), 0.5), (LinearSVC(random_state=0), 0.0)])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_lines_of_tuned_thresholds_say_what_each_fold_scores(base, cut, n_jobs, capsys):
    tuned = TunedThresholdsClassifierCV(base, scoring="f1_micro", cv=FOLDS, random_state=0, n_jobs=n_jobs, verbose=1)
    tuned.fit(X, Y)
    expected = []
    for k in range(2):
        held_out = np.arange(90) % 2 == k
        fitted = TunedThresholdsClassifierCV(
            base, prediction_policy="half", scoring="f1_micro", allow_unlabeled=True, cv=2, random_state=0
        ).fit(X[~held_out], Y[~held_out])
        response = fitted.estimator_.predict_proba if cut else fitted.estimator_.decision_function
        score = f1_score(Y[held_out], response(X[held_out]) > cut, average="micro")
        expected.append(f"training run {k + 1} of 3: fold {k + 1}, score {score:.4f} before tuning")
    last = ["training run 3 of 3: all rows", f"thresholds: out-of-fold score {tuned.best_score_:.4f}"]
    assert lines_of(capsys) == [*expected, *last]


def test_lines_of_classes_and_of_fitted_classifiers(capsys):
    TunedThresholdsClassifierCV(verbose=1, random_state=0).fit(X, Y[:, 0] + Y[:, 1])
    assert lines_of(capsys) == ["training run 1 of 1: all rows"]
    fitted = LabelWeightedClassifier(random_state=0).fit(X[:40], Y[:40])
    tuned = TunedThresholdsClassifierCV(fitted, cv="prefit", refit=False, verbose=1, random_state=0).fit(X[40:], Y[40:])
    assert lines_of(capsys) == [f"thresholds: out-of-fold score {tuned.best_score_:.4f}"]


def test_lines_leave_entries_out_that_are_not_known_and_weight_rows(capsys):
    weight, hidden = np.random.default_rng(1).integers(1, 4, 90), np.random.default_rng(0).random(Y.shape) < 0.3
    tuned = TunedThresholdsClassifierCV(
        LogisticRegression(), prediction_policy="half", scoring="f1_micro", cv=FOLDS, verbose=1, random_state=0
    )
    tuned.fit(X, np.where(hidden, np.nan, Y), sample_weight=weight.astype(float))
    D = np.zeros((45, 4), dtype=int)
    for j in range(4):
        rows = (np.arange(90) % 2 == 1) & ~hidden[:, j]
        D[:, j] = LogisticRegression().fit(X[rows], Y[rows, j], weight[rows]).predict(X[::2])
    known = ~hidden[::2]
    score = f1_score(Y[::2] * known, D * known, average="micro", sample_weight=weight[::2])
    assert lines_of(capsys)[0] == f"training run 1 of 3: fold 1, score {score:.4f} before tuning"


def test_the_scoring_monitor_scores_the_tuned_classifier():
    monitor = ScoringMonitor(scoring="f1_micro")
    tuned = clone(ESTIMATORS["tuned"]).set_callbacks(monitor).fit(X, Y)
    log = [(row["task_name"], row["f1_micro"]) for row in monitor.get_logs().data]
    expected = f1_score(Y, tuned.predict(X), average="micro")
    assert log == [("fit", expected), ("thresholds", expected)]


def test_runs_are_told_of_as_they_end(monkeypatch):
    events = []

    class Watched(Noted):
        def on_fit_task_end(self, estimator, context):
            events.append(f"end {context.task_name}")

    def fit_labels(self, *args, **kwargs):
        events.append("train")
        return original(self, *args, **kwargs)

    original = LabelwiseClassifier._fit_labels
    monkeypatch.setattr(LabelwiseClassifier, "_fit_labels", fit_labels)
    clone(ESTIMATORS["meta of clones"]).set_callbacks(Watched()).fit(X, Y)
    assert [event for event in events if event in ("train", "end episode")] == ["train", "end episode"] * 2 + ["train"]
