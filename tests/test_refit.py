"""refit=False: what was trained on the larger part of the rows is kept, and its held-out rows choose the thresholds."""

import pickle
import re

import numpy as np
import pytest
import scipy.sparse as sp
from _cases import MLP, small_torch
from _killed import CountedLinear, CountedLogistic, count_trainings, forget_trainings
from _policy_cases import DropoutNet
from _worker_cases import Module, Native
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.callback import ScoringMonitor
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import GroupShuffleSplit, PredefinedSplit, ShuffleSplit
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import (
    LabelClassifier,
    LabelWeightedLogistic,
    LabelwiseClassifier,
    LossWeights,
    TrainingRun,
    _fold,
)
from sklearn_metalabel.learners._torch_run import TorchRun
from sklearn_metalabel.policies import (
    FixedWeights,
    GRUPolicy,
    PolicySearch,
    SharedGRUPolicy,
    TrainingPolicy,
    TrainingResult,
    train_folds,
)
from sklearn_metalabel.thresholds import scut
from sklearn_metalabel.utils import clip_probabilities

X, Y = make_multilabel_classification(n_samples=150, n_features=8, n_classes=4, n_labels=2, random_state=1)
X = (X - X.mean(axis=0)) / X.std(axis=0)
PARTS = np.random.RandomState(0).permutation(150)
SPLIT = [(np.sort(PARTS[:100]), np.sort(PARTS[100:]))]
WEIGHTS = [3.0, 1.0, 0.5, 0.5]


def skorch_net():
    return NeuralNet(Module, criterion=nn.BCEWithLogitsLoss, max_epochs=3, lr=0.5, train_split=None, verbose=0)


BASES = {
    "linear": None,
    "torch": small_torch(DropoutNet),
    "skorch": skorch_net(),
    "clones": LogisticRegression(),
    "by partial_fit": LabelwiseClassifier(SGDClassifier(loss="log_loss"), incremental=True, n_epochs=2),
    "its own label weights": Native(),
}
POLICIES = {
    "search": "search",
    "uniform": "uniform",
    "given": FixedWeights(WEIGHTS),
    "shared": SharedGRUPolicy(n_episodes=2, n_steps=2, hidden_size=4),
    "gru": GRUPolicy(n_episodes=2, n_steps=2, hidden_size=4),
}
both = pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])


def kept(base=None, policy=None, **params):
    options = {"cv": 0.3, "refit": False, "random_state": 0, **params}
    return MetaPolicyClassifier(base, training_policy=policy, **options)


def outcome(clf):
    names = ("weights_", "positive_weights_", "thresholds_")
    return {**{name: getattr(clf, name) for name in names}, "P": clf.predict_proba(X), "D": clf.predict(X)}


def assert_same(first, second):
    for name, value in outcome(first).items():
        assert_array_equal(outcome(second)[name], value, err_msg=name)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("base", BASES)
def test_what_is_kept_is_complete_and_its_held_out_rows_chose_the_thresholds(base, policy):
    clf = kept(BASES[base], POLICIES[policy], cv=SPLIT, prediction_policy="scut", allow_unlabeled=True).fit(X, Y)
    assert_array_equal(clf.estimator_.predict_proba(X), clf._label_probabilities(X))
    assert clf.estimator_.classes_.shape == (4, 2)
    assert clf.estimator_.n_features_in_ == 8
    test = SPLIT[0][1]
    P = clip_probabilities(clf.estimator_.predict_proba(X[test]).astype(np.float32))
    assert_array_equal(clf.thresholds_, scut(Y[test], P))
    stored = pickle.loads(pickle.dumps(clf))
    assert_same(clf, stored)


@pytest.mark.parametrize("weights", ["uniform", FixedWeights(WEIGHTS)], ids=["uniform", "given"])
def test_it_is_the_base_learner_trained_on_the_larger_part(weights):
    clf = kept(policy=weights, cv=SPLIT).fit(X, Y)
    train = SPLIT[0][0]
    twin = LabelWeightedLogistic().fit(X[train], Y[train], label_weight=clf.weights_)
    assert_allclose(clf.estimator_.coef_, twin.coef_, rtol=1e-6, atol=1e-7)


def test_a_network_has_learned_from_the_larger_part_alone():
    spoilt = Y.copy()
    spoilt[SPLIT[0][1]] = 1 - spoilt[SPLIT[0][1]]
    first, second = (kept(BASES["torch"], "uniform", cv=SPLIT).fit(X, labels) for labels in (Y, spoilt))
    assert_array_equal(first.estimator_.predict_proba(X), second.estimator_.predict_proba(X))
    assert first.estimator_.loss_curve_.shape == (8,)
    assert not np.array_equal(first.thresholds_, second.thresholds_)


def trainings(make, base, folder, **params):
    forget_trainings(folder)
    make(base, random_state=0, **params).fit(X, Y)
    return count_trainings(folder)


@pytest.mark.parametrize("refit", [True, False])
def test_where_nothing_is_searched_there_is_one_training_in_all(refit, tmp_path, monkeypatch):
    params = {"cv": 0.3, "refit": refit}
    uniform = {"training_policy": "uniform", "prediction_policy": "shrunken", **params}
    linear, clones = CountedLinear(folder=str(tmp_path)), CountedLogistic(folder=str(tmp_path))
    assert trainings(MetaPolicyClassifier, linear, tmp_path, **uniform) == 1 + refit
    assert trainings(MetaPolicyClassifier, clones, tmp_path, **uniform) == 4 * (1 + refit)
    assert trainings(TunedThresholdsClassifierCV, clones, tmp_path, **params) == 4 * (1 + refit)
    updates, step = [], TorchRun.step
    monkeypatch.setattr(TorchRun, "step", lambda run, *args: updates.append(len(run.Y)) or step(run, *args))
    MetaPolicyClassifier(small_torch(MLP, n_epochs=2), **uniform).fit(X, Y)
    # Two epochs of four batches on 105 rows, and of five on all.
    assert updates == [105] * 8 + [150] * (10 * refit)


def test_a_search_keeps_the_run_of_what_it_took(tmp_path):
    clf = kept(small_torch(MLP, n_epochs=4), "search", cv=SPLIT).fit(X, Y)
    assert clf.training_policy_.history_["reward"].shape == (6, 1)  # two of four proposals go on
    name = clf.training_policy_.best_proposal_
    chosen = clf.training_policy_.proposals_["proposal"].tolist().index(name)
    P = clf.estimator_.predict_proba(X[SPLIT[0][1]])
    truth = Y[SPLIT[0][1]]
    ap = np.array([average_precision_score(y, p) for y, p in zip(truth.T, P.T, strict=True)])
    share = truth.sum(axis=0) / truth.sum()
    assert clf.training_policy_.proposals_["reward"][chosen] == pytest.approx((ap.mean() + ap @ share) / 2, rel=1e-5)


@both
def test_several_splits_are_refused(make):
    with pytest.raises(ValueError, match=r"only split, got 3 splits; set refit=True, or hold out one part .* cv=0.2"):
        make(refit=False).fit(X, Y)
    with pytest.raises(ValueError, match="got 2 splits"):
        make(cv=ShuffleSplit(2), refit=False).fit(X, Y)


def test_without_held_out_rows_nothing_is_kept():
    for clf in (kept(policy="gru", cv=None, prediction_policy="episode"), MetaPolicyClassifier.from_paper(refit=False)):
        with pytest.raises(ValueError, match=r"refit=False keeps what was trained beside held-out rows, and cv=None"):
            clf.fit(X, Y)


class Equal(TrainingPolicy):
    def train(self, task):
        weights = LossWeights.uniform(task.n_labels)
        self.best_proposal_, self.history_ = "equal", {}
        return TrainingResult(weights, train_folds(task, weights))


class Keeping(Equal):
    """A stranger's policy that takes a step on the only fold, and keeps what that has trained."""

    keeps_classifier = True

    def train(self, task):
        result, (fold,) = super().train(task), task.folds
        run = task.base.training_run(0)
        run.start(*fold.training_data()[:2])
        run.step(None, result.loss_weights)
        result.classifier = run.finish()
        return result


def test_a_policy_of_your_own_says_whether_it_keeps_a_classifier():
    with pytest.raises(ValueError, match=r"and Equal does not give it; set refit=True, or write keeps_classifier"):
        kept(policy=Equal()).fit(X, Y)
    train = SPLIT[0][0]
    twin = LabelWeightedLogistic().fit(X[train], Y[train])
    clf = kept(policy=Keeping(), cv=SPLIT).fit(X, Y)
    assert_allclose(clf.estimator_.coef_, twin.coef_, rtol=1e-6, atol=1e-7)


class WithoutEnd(TrainingRun):
    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None): ...
    def step(self, rows, weights): ...
    def predict_proba(self, X): ...


class Endless(LabelClassifier):
    def _fit_labels(self, X, Y, *, weights, sample_weight=None, solution=None): ...
    def _label_probabilities(self, X): ...
    def _training_run(self):
        return WithoutEnd()


def test_a_run_that_cannot_give_its_classifier_is_refused_by_name():
    with pytest.raises(TypeError, match="WithoutEnd has no method finish that gives it; write one, or set refit=True"):
        kept(Endless()).fit(X, Y)


@both
@pytest.mark.parametrize("refit", [True, False])
def test_a_share_holds_out_one_stratified_part(make, refit):
    rare = np.column_stack([Y, np.arange(150) % 15 == 0])
    n_held_out = []

    def middle(truth, P):
        n_held_out.append((len(truth), truth[:, 4].sum()))
        return np.median(P, axis=0)

    make(prediction_policy=middle, cv=0.2, refit=refit, random_state=0, scoring="f1_macro").fit(X, rare)
    assert max(n_held_out) == (30, 2)


@pytest.mark.parametrize("cv", [0.0, 1.0, -0.3, 1.5, np.nan])
@both
def test_shares_outside_are_refused(make, cv):
    with pytest.raises(ValueError, match=re.escape("The 'cv' parameter")):
        make(cv=cv).fit(X, Y)


def test_the_score_of_a_single_split_is_not_that_of_thresholds_on_their_own_rows():
    clf = kept(policy="uniform", cv=SPLIT, prediction_policy="scut", scoring="f1_macro", allow_unlabeled=True)
    clf.fit(X, Y)
    assert "split2_test_score" in clf.cv_results_
    test = SPLIT[0][1]
    assert clf.best_score_ < f1_score(Y[test], clf.predict(X[test]), average="macro")


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("policy", ["search", "uniform", "shared"])
def test_jobs_and_a_memory_change_no_bit(base, policy, tmp_path):
    plain = kept(BASES[base], POLICIES[policy]).fit(X, Y)
    assert_same(plain, kept(BASES[base], POLICIES[policy], n_jobs=2).fit(X, Y))
    for _ in range(2):
        assert_same(plain, kept(BASES[base], POLICIES[policy], memory=str(tmp_path)).fit(X, Y))


def test_a_memory_finds_the_only_training(tmp_path):
    clf = kept(CountedLinear(folder=str(tmp_path)), "uniform", memory=str(tmp_path / "memory"))
    clf.fit(X, Y)
    forget_trainings(tmp_path)
    clf.fit(X, Y)
    assert count_trainings(tmp_path) == 0


def test_rows_of_weight_zero_have_no_part():
    weight = (np.arange(150) % 3 != 0).astype(float)
    spoilt = np.where(weight[:, None] > 0, Y, 1 - Y)
    found = kept(policy="uniform").fit(X, spoilt, sample_weight=weight)
    rows = weight > 0
    assert_same(found, kept(policy="uniform").fit(X[rows], Y[rows]))


def test_groups_go_to_the_splitter():
    groups = np.arange(150) // 10
    split = GroupShuffleSplit(1, test_size=0.3, random_state=0)
    clf = kept(policy="uniform", cv=split).fit(X, Y, groups=groups)
    train = next(split.split(X, Y, groups))[0]
    assert_allclose(clf.estimator_.coef_, LabelWeightedLogistic().fit(X[train], Y[train]).coef_, rtol=1e-6, atol=1e-7)


def test_a_predefined_part_for_validation_is_held_out():
    fold = np.full(150, -1)
    fold[SPLIT[0][1]] = 0
    assert_same(kept(policy="uniform", cv=PredefinedSplit(fold)).fit(X, Y), kept(policy="uniform", cv=SPLIT).fit(X, Y))


@pytest.mark.parametrize("policy", ["search", "shared"])
def test_a_warm_start_goes_on_from_the_policy(policy):
    clf = kept(BASES["torch"], POLICIES[policy], warm_start=True).fit(X, Y)
    first = clf.training_policy_
    second = clf.fit(X, Y).training_policy_
    assert second is not first
    assert clf.estimator_.predict_proba(X).shape == Y.shape


@pytest.mark.parametrize("base", ["linear", "torch"])
def test_compact_rows_come_from_what_is_kept(base, monkeypatch):
    monkeypatch.setattr(_fold, "_HELD_OUT_ROWS", 10)
    monkeypatch.setattr(_fold, "_HELD_OUT_ENTRIES", 1)
    for policy in (None, "uniform"):
        clf = kept(BASES[base], policy, cv=0.3, prediction_policy="micromacro").fit(X, sp.csr_array(Y))
        assert_array_equal(clf.predict_proba(X), clf.estimator_.predict_proba(X))


@pytest.mark.parametrize("base", ["linear", "torch", "skorch", "clones"])
def test_entries_that_are_not_known_have_no_part(base):
    partly = Y.astype(float)
    partly[np.arange(0, 150, 4), np.arange(0, 150, 4) % 4] = np.nan
    clf = kept(BASES[base]).fit(X, partly)
    assert clf.estimator_.predict_proba(X).shape == Y.shape


def test_classes_are_kept_too():
    y = np.array(["a", "b", "c"])[Y[:, 0] + Y[:, 1]]
    clf = kept(policy="uniform").fit(X, y)
    assert clf.estimator_.classes_.tolist() == ["a", "b", "c"]
    assert_array_equal(clf.predict(X), clf.estimator_.predict(X))
    assert clf.fit(X, Y[:, 0]).classes_.tolist() == [0, 1]


def test_callbacks_hear_of_every_run_and_of_no_refit():
    monitor, clf = ScoringMonitor(scoring="f1_macro"), kept(policy="uniform")
    clf.set_callbacks(monitor).fit(X, Y)
    assert [row["task_name"] for row in monitor.get_logs().data] == ["fit", "episode"]


def test_a_forest_is_tuned_on_the_part_it_has_not_seen():
    clf = TunedThresholdsClassifierCV(RandomForestClassifier(20, random_state=0), cv=SPLIT, refit=False).fit(X, Y)
    train = SPLIT[0][0]
    twin = RandomForestClassifier(20, random_state=clf.estimator_.random_state).fit(X[train], Y[train])
    assert_array_equal(np.array(clf.estimator_.predict_proba(X)), np.array(twin.predict_proba(X)))


def test_a_search_by_path_trains_once_more_under_what_it_took(tmp_path):
    base = CountedLinear(folder=str(tmp_path))
    forget_trainings(tmp_path)
    clf = kept(base, PolicySearch(), cv=SPLIT).fit(X, Y)
    assert count_trainings(tmp_path) == clf.training_policy_.history_["reward"].shape[1] + 1
    train = SPLIT[0][0]
    twin = LabelWeightedLogistic().fit(X[train], Y[train], label_weight=clf.weights_)
    assert_allclose(clf.estimator_.coef_, twin.coef_, rtol=1e-5, atol=1e-6)
