"""Entries of y that are not known have no part in losses, weights, thresholds, folds and scores."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import Fold, LabelWeightedLogistic, LabelwiseClassifier, TorchClassifier
from sklearn_metalabel.model_selection import (
    MultilabelStratifiedGroupKFold,
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import PREDICTION_POLICIES, EpisodeThresholds, GRUPolicy, as_prediction_policy
from sklearn_metalabel.policies._episode import _Outcomes
from sklearn_metalabel.thresholds import (
    OutOfFold,
    constrained,
    global_threshold,
    micromacro,
    odr_macro,
    odr_micro,
    plug_in,
    scut,
    scutfbr,
    shrunken,
)
from sklearn_metalabel.utils import ConstantLabelWarning, as_certain_negatives

RULES = [constrained, global_threshold, micromacro, odr_macro, odr_micro, plug_in, scut, scutfbr, shrunken]
POLICIES = sorted(set(PREDICTION_POLICIES) - {"episode"})


def hidden(Y, share=0.4, seed=1):
    """The labels with a share of the entries unknown."""
    H = Y.astype(float)
    H[np.random.default_rng(seed).random(Y.shape) < share] = np.nan
    return H


@pytest.fixture(scope="module")
def data():
    """X, Y, and Y with entries that are not known."""
    X, Y = make_multilabel_classification(240, n_classes=4, n_labels=2, random_state=0)
    return X, Y, hidden(Y)


@pytest.fixture(scope="module")
def rows():
    """Truth of three labels, probabilities, and truth with entries that are not known."""
    rng = np.random.default_rng(0)
    P = rng.uniform(0.01, [0.9, 0.5, 0.3], (300, 3))
    Y = rng.random(P.shape) < P
    return Y, P, hidden(Y)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_label_of_the_linear_learner_is_fitted_to_the_rows_where_it_is_known(data, sparse):
    X, _, H = data
    fitted = LabelWeightedLogistic().fit(X, sp.csr_array(H) if sparse else H)
    for j, y in enumerate(H.T):
        known = ~np.isnan(y)
        alone = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X[known], y[known])
        assert_allclose(fitted.coef_[j], alone.coef_[0], rtol=1e-3, atol=1e-6)


def test_clones_see_the_rows_where_their_label_is_known(data):
    X, _, H = data
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X))
    fitted = LabelwiseClassifier(LogisticRegression()).fit(X, H, sample_weight=weight)
    for j, y in enumerate(H.T):
        known = ~np.isnan(y)
        alone = LogisticRegression().fit(X[known], y[known], sample_weight=weight[known])
        assert_array_equal(fitted.estimators_[j].coef_, alone.coef_)


def test_clones_that_learn_batch_by_batch_skip_unknown_rows(data):
    X, _, H = data
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    clf = LabelwiseClassifier(GaussianNB(), incremental=True, n_epochs=1, random_state=0)
    fitted = clf.fit(X, H)
    for j, y in enumerate(H.T):
        known = ~np.isnan(y)
        assert_allclose(fitted.estimators_[j].theta_, GaussianNB().fit(X[known], y[known]).theta_)


def test_rows_that_a_network_knows_nothing_of_are_rows_of_weight_0(data):
    X, Y, _ = data
    X, nothing = (X - X.mean(axis=0)) / X.std(axis=0), np.arange(len(X)) % 3 == 0
    H = Y.astype(float)
    H[nothing] = np.nan
    options = {"n_epochs": 3, "random_state": 0}
    for loss in ("log_loss", "focal"):
        clf = TorchClassifier(MLP, loss=loss, **options)
        by_weight = clf.fit(X, Y, sample_weight=1.0 * ~nothing).predict_proba(X)
        assert_allclose(clf.fit(X, H).predict_proba(X), by_weight, rtol=1e-5)


def test_the_loss_of_a_network_has_no_part_for_single_entries(data):
    X, Y, H = data
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    seen = []

    def loss(logits, targets):
        import torch

        seen.append(targets.detach().numpy().copy())
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        losses.register_hook(lambda gradient: seen.append(gradient.numpy().copy()))
        return losses

    TorchClassifier(MLP, loss=loss, batch_size=len(X), n_epochs=1, random_state=0).fit(X, H)
    targets, gradient = seen
    assert set(np.unique(targets)) == {0, 1}
    assert np.count_nonzero(gradient == 0) == np.count_nonzero(np.isnan(H))


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_a_skorch_net_leaves_unknown_entries_out_of_its_own_loss(data, make):
    skorch, nn = pytest.importorskip("skorch"), pytest.importorskip("torch").nn
    X, Y, H = data
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    net = skorch.NeuralNet(
        nn.Linear, module__in_features=20, module__out_features=4, criterion=nn.BCEWithLogitsLoss, max_epochs=10, lr=1.0
    )
    net.set_params(verbose=0, train_split=None)
    P, filled = (make(net, random_state=0).fit(X, y).predict_proba(X) for y in (H, np.nan_to_num(H)))
    assert np.abs(P.mean(axis=0) - Y.mean(axis=0)).mean() < np.abs(filled.mean(axis=0) - Y.mean(axis=0)).mean() / 2


def test_a_skorch_net_in_a_pipeline_says_that_it_needs_all_labels(data):
    skorch, nn = pytest.importorskip("skorch"), pytest.importorskip("torch").nn
    X, _, H = data
    net = skorch.NeuralNet(nn.Linear, module__in_features=20, module__out_features=4, criterion=nn.BCEWithLogitsLoss)
    with pytest.raises(ValueError, match="NeuralNet needs to know every label"):
        TunedThresholdsClassifierCV(make_pipeline(StandardScaler(), net)).fit(X, H)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_of_one_label_sees_its_known_rows(rows, rule):
    _, P, H = rows
    options = {"metric": "precision", "level": 0.6} if rule is constrained else {}
    for j in range(3):
        known = ~np.isnan(H[:, j])
        expected = rule(H[known][:, [j]], P[known][:, [j]], **options)
        assert_allclose(rule(H[:, [j]], P[:, [j]], **options), expected, rtol=1e-6)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rows_that_a_rule_knows_nothing_of_are_left_out(rows, rule):
    Y, P, _ = rows
    options = {"metric": "precision", "level": 0.6} if rule is constrained else {}
    nothing = np.arange(len(Y)) % 4 == 0
    H = np.where(nothing[:, None], np.nan, Y)
    assert_allclose(rule(H, P, **options), rule(Y[~nothing], P[~nothing], **options), rtol=1e-6)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("scoring", ["accuracy", ("accuracy", "f1_micro", "f1_macro")])
def test_rows_that_a_policy_knows_nothing_of_are_left_out(rows, name, scoring):
    Y, P, _ = rows
    nothing, fold = np.arange(len(Y)) % 4 == 0, np.arange(len(Y)) % 3
    with_gaps = OutOfFold(np.where(nothing[:, None], np.nan, Y), P, fold)
    without = OutOfFold(Y[~nothing], P[~nothing], fold[~nothing])
    a, b = (as_prediction_policy(name).fit(each, scoring, random_state=0) for each in (with_gaps, without))
    assert_array_equal(a.thresholds_, b.thresholds_)
    assert a.best_score_ == b.best_score_


@pytest.mark.parametrize("name", POLICIES)
def test_a_label_known_in_few_rows_costs_the_others_nothing(rows, name):
    """Scores and thresholds of a policy are those of decisions in which unknown entries are neither hit nor missed."""
    Y, P, H = rows
    fold = np.arange(len(Y)) % 3
    policy = as_prediction_policy(name).fit(OutOfFold(H, P, fold), "f1_macro", allow_unlabeled=True, random_state=0)
    decided = (P > policy.thresholds_) & ~np.isnan(H)
    score = f1_score(np.nan_to_num(H), decided, average="macro")
    assert abs(score - policy.best_score_) < 0.08
    lowered = OutOfFold(H, np.where(np.isnan(H), 1 - P, P), fold)
    again = as_prediction_policy(name).fit(lowered, "f1_macro", allow_unlabeled=True, random_state=0)
    assert_array_equal(again.thresholds_, policy.thresholds_)


def test_compact_rows_hold_no_unknown_entries(rows):
    Y, P, H = rows
    held = OutOfFold(H, P, np.arange(len(Y)) % 3)
    _, label, kept, truth = held.compact.entries()
    assert kept.min() > 1e-3
    assert_array_equal(np.bincount(label, truth, 3), np.nansum(H, axis=0))
    counts = np.bincount(label, minlength=3) + held.compact.left_out.sum(axis=1)
    known = ~np.isnan(H)
    assert_array_equal(counts, known[known.any(axis=1)].sum(axis=0))
    learned, compact = (
        as_prediction_policy("learned").fit(each, "f1_macro", random_state=0)
        for each in (held, OutOfFold.from_compact(held.compact))
    )
    assert_allclose(compact.thresholds_, learned.thresholds_, rtol=0.2)


def test_a_label_that_is_1_wherever_it_is_known_is_no_error_elsewhere(data):
    X, Y, H = data
    H = H.copy()
    H[:, 0] = np.where(np.isnan(H[:, 0]), np.nan, 1)
    with pytest.warns(ConstantLabelWarning, match="1 of 4 labels have one value"):
        clf = MetaPolicyClassifier(scoring="accuracy", random_state=0).fit(X, H)
    assert clf.thresholds_[0] == 0
    P, D, known = clf.predict_proba(X), clf.predict(X), ~np.isnan(H)
    right = ((D == np.nan_to_num(H)) | ~known).all(axis=1)
    assert P.shape == Y.shape
    assert abs(clf.best_score_ - right.mean()) < 0.2
    assert clf.best_score_ > 0.3


def test_weights_by_frequency_count_positives_and_functions_see_nan(data):
    X, _, H = data
    by_name = LabelWeightedClassifier(label_weight="frequency").fit(X, H).weights_
    expected = np.nansum(H, axis=0) ** -0.25
    assert_allclose(by_name, expected / expected.mean())
    seen = []
    LabelWeightedClassifier(label_weight=lambda given: seen.append(given) or np.ones(4)).fit(X, H)
    assert_array_equal(seen[0], H)


def test_frequencies_are_shares_of_the_known_rows(data):
    X, _, H = data
    assert_allclose(MetaPolicyClassifier(random_state=0).fit(X, H).label_frequencies_, np.nanmean(H, axis=0))


@pytest.mark.parametrize(
    "splitter",
    [
        MultilabelStratifiedKFold(3, shuffle=True, random_state=0),
        MultilabelStratifiedShuffleSplit(2, random_state=0),
        MultilabelStratifiedGroupKFold(3),
    ],
)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_splitters_take_unknown_labels_as_absent(data, splitter, form):
    X, _, H = data
    groups = np.arange(len(X)) // 2 if isinstance(splitter, MultilabelStratifiedGroupKFold) else None
    splits = [list(splitter.split(X, form(y), groups)) for y in (H, np.nan_to_num(H))]
    for (train, test), expected in zip(*splits, strict=True):
        assert_array_equal(train, expected[0])
        assert_array_equal(test, expected[1])


CLASSIFIERS = {
    "linear": MetaPolicyClassifier(random_state=0),
    "clones": MetaPolicyClassifier(LogisticRegression(), random_state=0),
    "decision values": TunedThresholdsClassifierCV(LinearSVC(), random_state=0),
    "probabilities": TunedThresholdsClassifierCV(make_pipeline(StandardScaler(), LogisticRegression()), random_state=0),
    "a frozen threshold": FixedThresholdsClassifier(LogisticRegression(), thresholds=0.4),
    "one split": TunedThresholdsClassifierCV(LogisticRegression(), cv=0.3, refit=False, random_state=0),
    "own folds": MetaPolicyClassifier(cv=MultilabelStratifiedKFold(3), random_state=0),
    "recurrent": MetaPolicyClassifier(training_policy=GRUPolicy(n_episodes=2, n_steps=3), random_state=0),
    "the paper's": MetaPolicyClassifier.from_paper(training_policy__n_episodes=2, random_state=0),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_what_was_hidden_plays_no_part_and_leaving_it_out_beats_filling_it(name):
    X, Y = make_multilabel_classification(900, n_classes=4, n_labels=2, random_state=3)
    H = hidden(Y[:500], 0.5)
    clf = CLASSIFIERS[name]
    unknown, filled = (
        f1_score(Y[500:], clf.fit(X[:500], y).predict(X[500:]), average="macro") for y in (H, np.nan_to_num(H))
    )
    assert unknown > filled
    sparse = clf.fit(X[:500], sp.csr_array(H)).predict(X[500:])
    assert_array_equal(sparse.toarray(), clf.fit(X[:500], H).predict(X[500:]))


def test_the_score_counts_known_entries_alone(data):
    X, _, H = data
    clf = TunedThresholdsClassifierCV(
        LabelWeightedLogistic(), prediction_policy="half", scoring="accuracy", allow_unlabeled=True, random_state=0
    )
    clf.fit(X, H)
    folds = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    P = np.empty(H.shape)
    for train, test in folds.split(X, H):
        P[test] = LabelWeightedLogistic().fit(X[train], H[train]).predict_proba(X[test])
    known = ~np.isnan(H)
    expected = accuracy_score(np.where(known, H, 0)[known.any(axis=1)], ((P > 0.5) & known)[known.any(axis=1)])
    assert clf.best_score_ == pytest.approx(expected, abs=0.02)


class Chained(RandomForestClassifier):
    """A classifier that takes weights of labels in its own fit."""

    def fit(self, X, y, sample_weight=None, label_weight=None):
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: TunedThresholdsClassifierCV(RandomForestClassifier(5)),
            "RandomForestClassifier needs to know every label of every sample, and y has .* missing values; set multi",
        ),
        (lambda: FixedThresholdsClassifier(RandomForestClassifier(5)), "RandomForestClassifier needs to know"),
        (lambda: MetaPolicyClassifier(Chained(5)), "MetaPolicyClassifier needs to know"),
        (lambda: LabelWeightedClassifier(Chained(5)), "LabelWeightedClassifier needs to know"),
        (PredictionsAsFeaturesClassifier, "PredictionsAsFeaturesClassifier needs to know"),
        (SubsetMaximizationClassifier, "SubsetMaximizationClassifier needs to know"),
    ],
)
def test_what_cannot_leave_entries_out_says_so(data, make, match):
    X, Y, H = data
    clf = make()
    with pytest.raises(ValueError, match=match):
        clf.fit(X, H)
    assert not hasattr(clf, "classes_")


def test_clones_of_a_forest_take_unknown_labels(data):
    X, Y, H = data
    forest = RandomForestClassifier(5, random_state=0)
    clf = TunedThresholdsClassifierCV(forest, multi_label=False, random_state=0).fit(X, H)
    assert clf.predict(X).shape == Y.shape


def test_a_single_label_may_be_unknown(data):
    X, Y, H = data
    one = MetaPolicyClassifier(random_state=0).fit(X, H[:, [0]])
    known = ~np.isnan(H[:, 0])
    alone = MetaPolicyClassifier(random_state=0).fit(X[known], Y[known][:, [0]])
    assert one.predict(X).shape == (len(X), 1)
    assert abs(one.predict_proba(X).mean() - alone.predict_proba(X).mean()) < 0.1


def test_episode_thresholds_follow_known_rewards(data):
    X, _, H = data
    assert isinstance(CLASSIFIERS["the paper's"].fit(X, H).prediction_policy_, EpisodeThresholds)


def always_where_known(n=300):
    """Truth of three labels, of which the first is 1 wherever it is known, and probabilities that are too sure."""
    rng = np.random.default_rng(0)
    Y = (rng.random((n, 3)) < [1.0, 0.5, 0.3]).astype(float)
    Z = 3 * (2 * Y - 1) + rng.normal(size=Y.shape)
    Y[rng.random(n) < 0.6, 0] = np.nan
    return Y, Z, np.arange(n) % 3


@pytest.mark.parametrize("name", ["half", "scut", "learned"])
@pytest.mark.parametrize("sureness", [1.0, 10.0])
def test_a_label_that_is_always_predicted_is_no_error_where_it_is_not_known(name, sureness):
    Y, Z, fold = always_where_known()
    P = (1 / (1 + np.exp(-sureness * Z))).clip(1e-15, 1 - 1e-15)
    policy = as_prediction_policy(name).fit(OutOfFold(Y, P, fold), "accuracy", allow_unlabeled=True, random_state=0)
    assert policy.thresholds_[0] == 0
    assert policy.best_score_ > 0.9  # 0.4 at most where each unknown entry counts as an error


def test_what_a_recurrent_policy_sees_of_labels_is_of_known_rows():
    rng = np.random.default_rng(0)
    P, Y = rng.uniform(0.05, 0.95, (60, 2)), rng.integers(0, 2, (60, 2)).astype(np.int8)
    gaps = Y.copy()
    gaps[:25, 0] = -1
    seen = []
    for labels, rows in ((gaps, slice(None)), (Y, slice(25, None))):
        fold = Fold(P, labels, None, train=np.arange(60), held_out=np.arange(60), scored=np.arange(60))
        outcomes = _Outcomes(labels, fold, 60, sees=True)
        truth, probabilities = as_certain_negatives(labels[rows], P[rows])
        outcomes.update(truth.astype(np.float32), probabilities, np.zeros(2))
        seen.append(outcomes.features[0, 1:3])
    assert_allclose(*seen)


def test_entries_that_are_not_known_are_no_candidates_where_probabilities_are_far_too_sure():
    rng = np.random.default_rng(0)
    Z, fold = rng.normal(size=(400, 3)), np.arange(400) % 3
    Y = (rng.random(Z.shape) < 1 / (1 + np.exp(-Z))).astype(float)
    Y[:, 0] = np.where(rng.random(400) < 0.6, np.nan, 1.0)
    P = 1 / (1 + np.exp(-10 * Z.clip(-3, 3)))
    with_it, without = (
        as_prediction_policy("learned").fit(
            OutOfFold(Y[:, labels], P[:, labels], fold), "accuracy", allow_unlabeled=True, random_state=0
        )
        for labels in ([0, 1, 2], [1, 2])
    )
    assert with_it.best_score_ == pytest.approx(without.best_score_, abs=0.05)
