import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score

from sklearn_metalabel import (
    ConstantLabelWarning,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    PolicyDivergenceWarning,
)
from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.rewards import CostReward, RatioReward
from sklearn_metalabel.thresholds import decide

X, Y = make_multilabel_classification(200, n_features=12, n_classes=5, random_state=0)


def mlp(n_features, n_labels):
    return torch.nn.Sequential(torch.nn.Linear(n_features, 16), torch.nn.ReLU(), torch.nn.Linear(16, n_labels))


def fit(**params):
    return MetaPolicyClassifier(**{"random_state": 0, **params}).fit(X, Y)


@pytest.fixture(scope="module")
def default():
    return fit()


@pytest.fixture(scope="module")
def paper():
    base = TorchClassifier(mlp, batch_size=32, n_epochs=3, device="cpu")
    return MetaPolicyClassifier.from_paper(base, n_episodes=4, random_state=0).fit(X, Y)


def test_what_was_learned_has_its_shape(default):
    assert default.weights_.shape == default.thresholds_.shape == default.label_frequencies_.shape == (5,)
    assert_allclose(default.weights_.mean(), 1)
    assert ((default.thresholds_ >= 0) & (default.thresholds_ <= 1)).all()
    assert_allclose(default.label_frequencies_, Y.mean(axis=0))


def test_the_history_is_ready_for_a_plot(default, paper):
    assert (default.n_episodes_, paper.n_episodes_, paper.n_steps_) == (3, 4, 7)
    for clf in (default, paper):
        M, T = clf.n_episodes_, clf.n_steps_
        assert clf.history_["reward"].shape == clf.history_["baseline"].shape == (M, T)
        assert clf.history_["weights"].shape == clf.history_["thresholds"].shape == (M, T, 5)
        assert_allclose(clf.weights_, clf.history_["greedy_weights"][-1])
        assert all(np.isfinite(values).all() for values in clf.history_.values())


def test_predictions_are_probabilities_cut_at_the_thresholds(default):
    P = default.predict_proba(X)
    assert np.array_equal(default.predict(X), decide(P, default.thresholds_, never_empty=default.never_empty_))
    assert np.array_equal(default.decision_function(X) > 0, default.thresholds_ < P)


def test_the_final_learner_was_trained_under_the_weights(default):
    twin = LabelWeightedClassifier(LabelWeightedLogistic(C=default.scale_), label_weight=default.weights_).fit(X, Y)
    assert_allclose(default.predict_proba(X), twin.predict_proba(X), rtol=1e-6)


def test_the_paper_takes_thresholds_from_the_episode_and_decodes_plainly(paper):
    assert paper.best_rule_ == "episode"
    assert paper.never_empty_ is False
    assert_allclose(paper.thresholds_, paper.history_["greedy_thresholds"][-1])
    assert np.array_equal(paper.predict(X), paper.thresholds_ < paper.predict_proba(X))


def test_the_paper_learns_weights_and_thresholds(paper):
    assert np.ptp(paper.weights_) > 1e-4
    assert abs(paper.thresholds_ - 0.5).max() > 1e-4


def test_from_paper_takes_overrides():
    clf = MetaPolicyClassifier.from_paper(reward=RatioReward(clip=None), n_episodes=7)
    assert (clf.policy, clf.cv, clf.n_episodes, clf.reward.clip) == ("gru", None, 7, None)
    with pytest.raises(TypeError, match="unexpected keyword"):
        MetaPolicyClassifier.from_paper(episodes=7)


@pytest.mark.parametrize("policy", ["gru", "shared"])
def test_meta_prediction_keeps_weights_and_meta_training_keeps_thresholds(policy):
    assert_allclose(fit(policy=policy, learn_weights=False).weights_, 1)
    training = fit(policy=policy, learn_thresholds=False)
    assert_allclose(training.thresholds_, 0.5)
    assert training.never_empty_ is False
    assert training.best_rule_ == "initial"
    assert np.ptp(training.weights_) > 0


def test_given_starts_are_kept_where_nothing_is_learned():
    given = np.array([3.0, 1.0, 0.5, 0.25, 0.25])
    clf = fit(learn_weights=False, learn_thresholds=False, initial_weights=given, initial_thresholds=0.3)
    assert_allclose(clf.weights_, given / given.mean(), rtol=1e-6)
    assert_allclose(clf.thresholds_, 0.3, rtol=1e-6)


@pytest.mark.parametrize("policy", ["gru", "shared"])
def test_weights_depart_from_their_anchor(policy):
    anchor = np.array([3.0, 1.0, 0.5, 0.25, 0.25])
    learned = fit(policy=policy, weight_anchor=anchor, policy_lr=1e-9)
    assert_allclose(learned.weights_, anchor, rtol=1e-5)
    assert_allclose(fit(policy=policy, weight_anchor=anchor, learn_weights=False).weights_, anchor, rtol=1e-6)
    assert_allclose(learned.greedy_episode("random", random_state=0).weights[-1], anchor, rtol=1e-5)


def test_the_anchor_can_be_named_or_computed_from_the_labels():
    counts = Y.sum(axis=0)
    by_frequency = fit(weight_anchor="frequency", learn_weights=False).weights_
    assert_allclose(by_frequency, counts**-0.25 / np.mean(counts**-0.25))
    computed = fit(weight_anchor=lambda Y: Y.sum(axis=0) ** -0.25, learn_weights=False).weights_
    assert_allclose(computed, by_frequency)


@pytest.mark.parametrize("policy", ["gru", "shared"])
def test_greedy_episodes_can_be_played_again_from_other_starts(policy):
    clf = fit(policy=policy)
    before = {name: value.copy() for name, value in clf.policy_state_.items()}
    again = clf.greedy_episode()
    assert_allclose(again.weights, clf.history_["greedy_weights"])
    assert_allclose(again.thresholds, clf.history_["greedy_thresholds"])
    drawn = [clf.greedy_episode("random", "random", random_state=seed) for seed in (1, 1, 2)]
    assert np.array_equal(drawn[0].weights, drawn[1].weights)
    assert not np.array_equal(drawn[0].thresholds, drawn[2].thresholds)
    assert all(np.array_equal(before[name], value) for name, value in clf.policy_state_.items())


@pytest.mark.parametrize("policy", ["gru", "shared"])
def test_a_warm_start_goes_on_with_the_network_of_a_recurrent_policy(policy):
    clf = fit(policy=policy, warm_start=True)
    first = clf.policy_state_
    assert any(np.any(value != 0) for name, value in first.items() if "head" in name)
    clf.set_params(policy_lr=1e-12).fit(X, Y)
    assert all(np.allclose(first[name], value, rtol=1e-6) for name, value in clf.policy_state_.items())
    clf.set_params(warm_start=False).fit(X, Y)
    assert not any(np.any(abs(value) > 1e-6) for name, value in clf.policy_state_.items() if "head" in name)


@pytest.mark.parametrize(("change", "n_labels"), [({"policy": "shared"}, 5), ({"hidden_size": 4}, 5), ({}, 4)])
def test_a_warm_start_refuses_another_network(change, n_labels):
    clf = fit(policy="gru", warm_start=True)
    thresholds = clf.thresholds_
    with pytest.raises(ValueError, match=r"is not what it was; set warm_start=False"):
        clf.set_params(**change).fit(X, Y[:, :n_labels])
    assert clf.thresholds_ is thresholds


def test_a_warm_start_may_change_the_kind_of_policy_and_the_labels_of_a_shared_one():
    clf = fit(warm_start=True).set_params(policy="shared").fit(X, Y)
    assert clf.fit(X, Y[:, :4]).thresholds_.shape == (4,)
    assert clf.set_params(policy="paired").fit(X, Y).best_proposal_ != "greedy episode"


def test_the_paired_policy_proposes_the_same_from_every_start(default):
    again = default.greedy_episode("random", "random", random_state=1)
    assert_allclose(again.weights, default.weights_[None])
    assert_allclose(again.thresholds, np.full((1, 5), 0.5))


def test_the_literal_reward_is_reported_as_diverging():
    clf = MetaPolicyClassifier.from_paper(
        reward=RatioReward(clip=None), policy_lr=0.3, n_episodes=10, n_steps=4, update_interval=2, random_state=0
    )
    with pytest.warns(PolicyDivergenceWarning, match=r"The policy diverged: .* Use a bounded reward"):
        clf.fit(X, Y)


@pytest.mark.parametrize("policy", ["paired", "shared"])
@pytest.mark.parametrize(
    "reward",
    ["hamming_margin", "cost", "ratio", CostReward(false_negative=3.0), lambda Y, P, t: -abs(t - 0.3), lambda *_: 0.0],
)
def test_rewards_are_named_given_or_functions(reward, policy):
    assert np.isfinite(fit(policy=policy, reward=reward, n_episodes=1).thresholds_).all()


def test_a_costly_miss_lowers_the_thresholds_of_the_policy():
    dear, cheap = (
        fit(
            policy="shared", reward=CostReward(false_negative=c), n_episodes=9, policy_lr=0.1, rule="episode"
        ).thresholds_
        for c in (20.0, 0.05)
    )
    assert (dear < cheap).all()


def test_rows_that_pay_can_be_the_batch_or_held_out():
    batch = fit(policy="shared", cv=None, rule="episode")
    assert batch.history_["reward"].shape == (3, 2)
    with pytest.raises(ValueError, match=r"rule='policy' needs held-out rows"):
        fit(policy="shared", cv=None)
    with pytest.raises(ValueError, match=r'policy="paired" needs held-out rows'):
        fit(cv=None, rule="episode")


@pytest.mark.parametrize("seed", range(3))
def test_the_default_beats_a_half_on_long_tailed_labels(seed):
    data = make_hierarchical_multilabel(1500, 30, n_labels=20, imbalance=1.2, return_X_y=False, random_state=seed)
    train, test = slice(0, 1000), slice(1000, None)
    clf = MetaPolicyClassifier(criterion="macro_f1", random_state=seed).fit(data.data[train], data.target[train])
    half = LabelWeightedLogistic().fit(data.data[train], data.target[train])
    ours, theirs = (
        f1_score(data.target[test], e.predict(data.data[test]), average="macro", zero_division=0) for e in (clf, half)
    )
    assert ours > theirs


def test_sample_weight_of_zero_removes_an_instance():
    rows = np.arange(200) < 150
    wild = np.where(rows[:, None], X, 100 * X)
    kept = MetaPolicyClassifier(random_state=0).fit(wild, Y, sample_weight=rows.astype(float))
    plain = MetaPolicyClassifier(random_state=0).fit(wild, Y)
    assert abs(kept.estimator_.coef_ - plain.estimator_.coef_).max() > 1e-2
    trimmed = LabelWeightedLogistic(C=kept.scale_).fit(X[rows], Y[rows], label_weight=kept.weights_)
    assert_allclose(kept.estimator_.coef_, trimmed.coef_, rtol=1e-4, atol=1e-5)


def test_binary_and_multiclass_targets_are_decided_by_the_most_probable_class():
    classes = Y[:, 0] + Y[:, 1]
    for target in (np.array(["no", "yes"])[Y[:, 0]], classes):
        clf = MetaPolicyClassifier(random_state=0).fit(X, target)
        P = clf.predict_proba(X)
        assert_allclose(P.sum(axis=1), 1)
        assert np.array_equal(clf.predict(X), clf.classes_[P.argmax(axis=1)])
        assert_allclose(clf.thresholds_, 0.5)


@pytest.mark.parametrize("make", [MetaPolicyClassifier, MetaPolicyClassifier.from_paper])
def test_labels_of_one_value_are_decided_by_that_value(make):
    constant = np.column_stack([Y, np.zeros(200, dtype=int), np.ones(200, dtype=int)])
    with pytest.warns(ConstantLabelWarning, match=r"2 of 7 labels .* \(5, 6\)"):
        clf = make(n_episodes=2, random_state=0).fit(X, constant)
    assert clf.thresholds_[5:].tolist() == [1.0, 0.0]
    assert np.array_equal(clf.predict(10 * X)[:, 5:], constant[:, 5:])
