import warnings

import numpy as np
import pandas as pd
import pytest
from _cases import small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import PredefinedSplit

from sklearn_metalabel import (
    ConstantLabelWarning,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    PolicyDivergenceWarning,
    TunedThresholdsClassifierCV,
    UnreachableThresholdWarning,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier
from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.policies import (
    BestThresholds,
    FixedThresholds,
    FixedWeights,
    GRUPolicy,
    LearnedThresholds,
    PolicySearch,
    SharedGRUPolicy,
)
from sklearn_metalabel.rewards import CostReward, RatioReward

X, Y = make_multilabel_classification(200, n_features=12, n_classes=5, random_state=0)
RECURRENT = {"gru": GRUPolicy, "shared": SharedGRUPolicy}


def fit(**params):
    return MetaPolicyClassifier(**{"random_state": 0, **params}).fit(X, Y)


@pytest.fixture(scope="module")
def default():
    return fit()


@pytest.fixture(scope="module")
def paper():
    base = small_torch(n_epochs=3)
    return MetaPolicyClassifier.from_paper(base, training_policy__n_episodes=4, random_state=0).fit(X, Y)


def test_what_was_learned_has_its_shape(default):
    assert default.weights_.shape == default.positive_weights_.shape == default.thresholds_.shape == (5,)
    assert default.label_frequencies_.shape == (5,)
    assert (default.weights_ > 0).all()
    assert ((default.thresholds_ > 0) & (default.thresholds_ < 1)).all()
    assert_allclose(default.label_frequencies_, Y.mean(axis=0))
    assert default.prediction_policy_.thresholds_ is default.thresholds_
    assert default.prediction_policy_.allow_unlabeled_ is default.allow_unlabeled_


def test_weights_have_the_scale_that_was_taken(default):
    policy = default.training_policy_
    assert policy.scale_ != 1
    assert policy.best_proposal_ == f"scale {policy.scale_:g}"
    assert_allclose(default.weights_, policy.scale_)


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
def test_the_history_of_a_recurrent_policy_is_ready_for_a_plot(make):
    policy = fit(training_policy=make(n_episodes=4)).training_policy_
    M, T = policy.n_episodes_, policy.n_steps_
    assert (M, T) == (4, 2)
    shapes = {"reward": (M, T), "baseline": (M, T), "weights": (M, T, 5), "thresholds": (M, T, 5)}
    shapes |= {"greedy_weights": (T, 5), "greedy_thresholds": (T, 5)}
    assert {name: values.shape for name, values in policy.history_.items()} == shapes
    for name in ("weights", "greedy_weights"):
        assert_allclose(policy.history_[name].mean(axis=-1), 1, rtol=1e-5)
    for name in ("thresholds", "greedy_thresholds"):
        assert ((policy.history_[name] > 0) & (policy.history_[name] < 1)).all()


def test_predictions_are_probabilities_cut_at_the_thresholds(default):
    P = default.predict_proba(X)
    assert_array_equal(default.predict(X), decide(P, default.thresholds_, default.allow_unlabeled_))
    assert_array_equal(default.predict(X), default.prediction_policy_.predict(P))
    assert_array_equal(default.decision_function(X) > 0, default.thresholds_ < P)


# The Newton method ends where its next step would lower the objective by 5e-17 of it, so that coefficients from other
# starts differ by about the root of that.
REFIT = {"rtol": 1e-6, "atol": 1e-7}


@pytest.mark.parametrize(
    "policy",
    [None, "uniform", FixedWeights([4.0, 2.0, 1.0, 0.5, 0.5]), SharedGRUPolicy(), PolicySearch(weights="frequency")],
    ids=str,
)
def test_a_refit_by_hand_under_the_weights_gives_the_final_base_learner(policy):
    clf = fit(training_policy=policy)
    twin = LabelWeightedLogistic().fit(X, Y, label_weight=clf.weights_)
    assert_allclose(clf.estimator_.coef_, twin.coef_, **REFIT)
    assert_allclose(clf.estimator_.intercept_, twin.intercept_, **REFIT)
    assert_array_equal(clf.positive_weights_, np.ones(5))
    assert clf.focus_ == 0.0


def test_the_paper_takes_thresholds_from_the_episode_and_decodes_plainly(paper):
    policy = paper.training_policy_
    assert (policy.n_episodes_, policy.n_steps_) == (4, 7)
    assert paper.prediction_policy_.name == "episode"
    assert paper.allow_unlabeled_ is True
    assert_array_equal(paper.weights_, policy.history_["greedy_weights"][-1])
    assert_array_equal(paper.thresholds_, policy.history_["greedy_thresholds"][-1])
    assert_array_equal(paper.predict(X), paper.thresholds_ < paper.predict_proba(X))
    assert (paper.best_score_, paper.cv_results_) == (None, {})


def test_the_paper_learns_weights_and_thresholds(paper):
    assert np.ptp(paper.weights_) > 1e-4
    assert abs(paper.thresholds_ - 0.5).max() > 1e-4


def test_from_paper_takes_overrides():
    clf = MetaPolicyClassifier.from_paper(
        training_policy__reward=RatioReward(clip=None), training_policy__n_episodes=7, n_jobs=2
    )
    policy = clf.training_policy
    assert (type(policy), clf.cv, clf.n_jobs, policy.n_episodes, policy.reward.clip) == (GRUPolicy, None, 2, 7, None)
    with pytest.raises(ValueError, match="Invalid parameter 'episodes'"):
        MetaPolicyClassifier.from_paper(training_policy__episodes=7)


def test_the_policies_given_are_left_alone():
    training, prediction = SharedGRUPolicy(n_episodes=2), BestThresholds(["half", "scut"])
    before = dict(vars(training)), dict(vars(prediction))
    clf = fit(training_policy=training, prediction_policy=prediction)
    assert (vars(training), vars(prediction)) == before
    assert clf.training_policy_ is not training
    assert clf.prediction_policy_ is not prediction


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
def test_meta_prediction_keeps_weights_and_meta_training_keeps_thresholds(make):
    prediction = fit(training_policy=make(learn_weights=False), prediction_policy="episode")
    assert_allclose(prediction.weights_, 1)
    assert abs(prediction.thresholds_ - 0.5).max() > 1e-4
    training = fit(training_policy=make(learn_thresholds=False), prediction_policy="episode")
    assert_allclose(training.thresholds_, 0.5)
    assert np.ptp(training.weights_) > 1e-4


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
def test_given_starts_are_kept_where_nothing_is_learned(make):
    given = np.array([3.0, 1.0, 0.5, 0.25, 0.25])
    policy = make(learn_weights=False, learn_thresholds=False, initial_weights=given, initial_thresholds=0.3)
    clf = fit(training_policy=policy, prediction_policy="episode")
    assert_allclose(clf.weights_, given / given.mean(), rtol=1e-6)
    assert_allclose(clf.thresholds_, 0.3, rtol=1e-6)


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
def test_weights_depart_from_their_anchor(make):
    anchor = np.array([3.0, 1.0, 0.5, 0.25, 0.25])
    learned = fit(training_policy=make(anchor=anchor, learning_rate=1e-9))
    assert_allclose(learned.weights_, anchor, rtol=1e-5)
    kept = fit(training_policy=make(anchor=anchor, learn_weights=False))
    assert_allclose(kept.weights_, anchor, rtol=1e-6)
    again = learned.training_policy_.greedy_episode("random", random_state=0)
    assert_allclose(again.weights[-1], anchor, rtol=1e-5)


@pytest.mark.parametrize("make", [FixedWeights, lambda w: SharedGRUPolicy(anchor=w, learn_weights=False)])
def test_weights_can_be_named_or_computed_from_the_labels(make):
    counts = Y.sum(axis=0)
    by_frequency = fit(training_policy=make("frequency")).weights_
    assert_allclose(by_frequency, counts**-0.25 / np.mean(counts**-0.25))
    computed = fit(training_policy=make(lambda Y: Y.sum(axis=0) ** -0.25)).weights_
    assert_allclose(computed, by_frequency)


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
def test_greedy_episodes_can_be_played_again_from_other_starts(make):
    policy = fit(training_policy=make()).training_policy_
    before = {name: value.copy() for name, value in policy.policy_state_.items()}
    again = policy.greedy_episode()
    assert_allclose(again.weights, policy.history_["greedy_weights"])
    assert_allclose(again.thresholds, policy.history_["greedy_thresholds"])
    drawn = [policy.greedy_episode("random", "random", random_state=seed) for seed in (1, 1, 2)]
    assert_array_equal(drawn[0].weights, drawn[1].weights)
    assert not np.array_equal(drawn[0].thresholds, drawn[2].thresholds)
    assert all(np.array_equal(before[name], value) for name, value in policy.policy_state_.items())


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
def test_a_warm_start_resumes_the_network_of_a_recurrent_policy(make):
    clf = fit(training_policy=make(), warm_start=True)
    first = clf.training_policy_.policy_state_
    assert any(np.any(value != 0) for name, value in first.items() if "head" in name)
    clf.set_params(training_policy__learning_rate=1e-12).fit(X, Y)
    state = clf.training_policy_.policy_state_
    assert all(np.allclose(first[name], value, rtol=1e-6) for name, value in state.items())
    clf.set_params(warm_start=False).fit(X, Y)
    state = clf.training_policy_.policy_state_
    assert not any(np.any(abs(value) > 1e-6) for name, value in state.items() if "head" in name)


@pytest.mark.parametrize(
    ("change", "n_labels"),
    [({"training_policy": "shared"}, 5), ({"training_policy__hidden_size": 4}, 5), ({}, 4)],
    ids=["kind", "size", "labels"],
)
def test_a_warm_start_refuses_another_network(change, n_labels):
    clf = fit(training_policy=GRUPolicy(), warm_start=True)
    thresholds = clf.thresholds_
    with pytest.raises(ValueError, match=r"is not what it was; set warm_start=False"):
        clf.set_params(**change).fit(X, Y[:, :n_labels])
    assert clf.thresholds_ is thresholds


def test_a_warm_start_may_change_the_kind_of_policy_and_the_labels_of_a_shared_one():
    clf = fit(warm_start=True).set_params(training_policy="shared").fit(X, Y)
    assert clf.fit(X, Y[:, :4]).thresholds_.shape == (4,)
    assert clf.set_params(training_policy="search").fit(X, Y).training_policy_.best_proposal_ != "greedy episode"


def test_a_warm_start_of_the_search_tries_what_is_near_the_last_scale():
    clf = fit(warm_start=True)
    first = clf.training_policy_
    again = clf.fit(X, Y).training_policy_
    assert set(again.proposals_["proposal"]) < set(first.proposals_["proposal"])
    assert again.best_proposal_ == first.best_proposal_


def test_the_literal_reward_is_reported_as_diverging():
    params = {"reward": RatioReward(clip=None), "learning_rate": 0.3, "n_episodes": 10, "n_steps": 4}
    clf = MetaPolicyClassifier.from_paper(random_state=0)
    clf.set_params(**{f"training_policy__{name}": value for name, value in params.items()})
    with pytest.warns(PolicyDivergenceWarning, match=r"The policy diverged: .* Use a bounded reward"):
        clf.set_params(training_policy__update_interval=2).fit(X, Y)


REWARDS = ["hamming_margin", "cost", "ratio", CostReward(false_negative=3.0), lambda Y, P, t: -abs(t - 0.3)]


@pytest.mark.parametrize("make", [PolicySearch, lambda reward: SharedGRUPolicy(reward=reward, n_episodes=1)])
def test_rewards_are_named_given_or_functions_and_each_is_what_is_recorded(make):
    recorded = [fit(training_policy=make(reward)).training_policy_.history_["reward"] for reward in REWARDS]
    for k, values in enumerate(recorded):
        assert all(not np.array_equal(values, other) for other in recorded[:k])
    assert (fit(training_policy=make(lambda *_: 0.25)).training_policy_.history_["reward"] == 0.25).all()


def test_a_costly_miss_lowers_the_thresholds_of_the_policy():
    dear, cheap = (
        fit(
            training_policy=SharedGRUPolicy(reward=CostReward(false_negative=c), n_episodes=9, learning_rate=0.1),
            prediction_policy="episode",
        ).thresholds_
        for c in (20.0, 0.05)
    )
    assert (dear < cheap).all()


def test_rows_that_are_rewarded_can_be_the_batch_or_held_out():
    batch, held_out = (
        fit(training_policy="shared", cv=cv, prediction_policy="episode").training_policy_.history_["reward"]
        for cv in (None, 3)
    )
    assert batch.shape == held_out.shape == (3, 2)
    assert batch.mean() > held_out.mean()  # rows that were trained on are easier


def test_what_was_compared_is_in_the_results_with_the_proposals():
    clf = fit(prediction_policy=["half", "scut", "shrunken"])
    table, proposals = pd.DataFrame(clf.cv_results_), clf.training_policy_.proposals_
    judged = proposals["proposal"][~np.isnan(proposals["score"])]
    assert clf.training_policy_.best_proposal_ in judged
    assert "scale 1" in judged  # the user's own weights always are
    assert len(judged) >= 2
    rows_of_one = [(name, allowed) for name in ("half", "scut", "shrunken") for allowed in (True, False)]
    chosen = table.tail(6)
    assert set(chosen["proposal"]) == {clf.training_policy_.best_proposal_}
    for rows in [chosen, *(group for _, group in table.iloc[:-6].groupby("proposal"))]:
        assert list(zip(rows["prediction_policy"], rows["allow_unlabeled"], strict=True)) == rows_of_one
    assert set(table.iloc[:-6]["proposal"]) == set(judged)
    for name, score in zip(proposals["proposal"], proposals["score"], strict=True):
        rows = table.iloc[:-6].query("proposal == @name")
        assert len(rows) == (6 if name in judged else 0)
        assert name not in judged or rows["mean_test_score"].max() == score
    best = chosen.loc[chosen["mean_test_score"].idxmax()]
    assert (best["prediction_policy"], best["mean_test_score"]) == (
        clf.prediction_policy_.best_policy_.name,
        clf.best_score_,
    )
    assert_allclose(table[[f"mean_test_{name}" for name in clf.scoring]].mean(axis=1), table["mean_test_score"])
    assert [name for name in table if name.startswith("split")] == [f"split{k}_test_score" for k in range(3)]
    assert_array_equal(table["rank_test_score"], table["mean_test_score"].rank(ascending=False, method="min"))


def test_the_default_compares_proposals_by_the_pre_trained_policy_and_adds_the_learned_one(default):
    table = pd.DataFrame(default.cv_results_)
    start = table["prediction_policy"].tolist().index("learned")
    compared, of_policy = table[:start], table[start:]
    assert set(compared["prediction_policy"]) == {"pretrained"}
    assert compared["proposal"].nunique() >= 2
    assert set(of_policy["proposal"]) == {default.training_policy_.best_proposal_}
    of_choice = of_policy["prediction_policy"] == (
        "learned" if default.dependence_ is None else "learned with label sets"
    )
    assert of_policy["mean_test_score"][of_choice].tolist() == [default.best_score_]


@pytest.mark.parametrize("training_policy", ["uniform", "shared"])
def test_where_nothing_is_proposed_the_results_are_of_the_weights_that_were_taken(training_policy):
    clf = fit(training_policy=training_policy, prediction_policy="half", allow_unlabeled=True)
    columns = ("proposal", "prediction_policy", "allow_unlabeled", "rank_test_score")
    name = {"uniform": "uniform", "shared": "greedy episode"}[training_policy]
    assert [clf.cv_results_[column].tolist() for column in columns] == [[name], ["half"], [True], [1]]


def test_the_score_is_that_of_out_of_fold_decisions():
    fold = np.arange(200) % 4
    clf = fit(training_policy="uniform", prediction_policy=FixedThresholds(0.4), cv=PredefinedSplit(fold))
    decided = np.empty_like(Y)
    for k in range(4):
        P = LabelWeightedLogistic().fit(X[fold != k], Y[fold != k]).predict_proba(X[fold == k])
        decided[fold == k] = decide(P, 0.4, clf.allow_unlabeled_)
    parts = [accuracy_score(Y, decided), *(f1_score(Y, decided, average=each) for each in ("micro", "macro"))]
    assert clf.best_score_ == pytest.approx(np.mean(parts), abs=0.01)  # one decision at the edge in 1,000


def test_without_a_training_policy_it_is_the_tuned_classifier():
    splits = PredefinedSplit(np.arange(200) % 3)
    for policy in ("micromacro", ["half", "scut"]):
        meta = fit(training_policy="uniform", prediction_policy=policy, cv=splits)
        tuned = TunedThresholdsClassifierCV(prediction_policy=policy, cv=splits, random_state=0).fit(X, Y)
        # Folds are solved as far as their probabilities need, and kept in half the memory.
        assert_allclose(meta.thresholds_, tuned.thresholds_, atol=1e-3)
        assert meta.best_score_ == pytest.approx(tuned.best_score_, abs=0.01)
        assert meta.cv_results_.keys() - {"proposal"} == tuned.cv_results_.keys()


def test_a_threshold_above_all_probabilities_is_named():
    def never_the_second(Y, P):
        return np.array([0.5, 1.0, 0.5, 0.5, 0.5])

    match = r"1 of 5 labels have a threshold above all their out-of-fold probabilities \(1\)"
    for make in (MetaPolicyClassifier, TunedThresholdsClassifierCV):
        with pytest.warns(UnreachableThresholdWarning, match=match) as caught:
            clf = make(prediction_policy=never_the_second, random_state=0).fit(X, Y)
        assert [warning.filename for warning in caught] == [__file__]
        assert (clf.predict(X)[:, 1] == 0).all()
    frame = pd.DataFrame(Y, columns=["sad", "calm", "loud", "slow", "old"])
    with pytest.warns(UnreachableThresholdWarning, match=r"\(calm\)"):
        MetaPolicyClassifier(prediction_policy=never_the_second, random_state=0).fit(X, frame)


def test_thresholds_that_were_given_and_labels_without_positives_are_not_called_unreachable():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(prediction_policy=FixedThresholds([0.5, 1.0, 0.5, 0.5, 0.5]), training_policy="uniform")
    empty = np.column_stack([Y, np.zeros(200, dtype=int)])
    with pytest.warns(ConstantLabelWarning) as caught:
        MetaPolicyClassifier(random_state=0).fit(X, empty)
    assert [warning.category for warning in caught] == [ConstantLabelWarning]


@pytest.mark.parametrize("seed", range(3))
def test_the_default_beats_a_half_on_long_tailed_labels(seed):
    data, labels = make_hierarchical_multilabel(1500, 30, n_labels=20, imbalance=1.2, random_state=seed)
    train, test = slice(0, 1000), slice(1000, None)
    clf = MetaPolicyClassifier(scoring="f1_macro", random_state=seed).fit(data[train], labels[train])
    half = LabelWeightedLogistic().fit(data[train], labels[train])
    ours, theirs = (
        f1_score(labels[test], e.predict(data[test]), average="macro", zero_division=0) for e in (clf, half)
    )
    assert ours > theirs


def test_sample_weight_of_zero_removes_a_sample():
    rows = np.arange(200) < 150
    wild = np.where(rows[:, None], X, 100 * X)
    kept = MetaPolicyClassifier(random_state=0).fit(wild, Y, sample_weight=rows.astype(float))
    plain = MetaPolicyClassifier(random_state=0).fit(wild, Y)
    assert abs(kept.estimator_.coef_ - plain.estimator_.coef_).max() > 1e-2
    trimmed = LabelWeightedLogistic().fit(X[rows], Y[rows], label_weight=kept.weights_)
    assert_allclose(kept.estimator_.coef_, trimmed.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", [None, "uniform", "shared"])
def test_multiclass_targets_are_decided_by_the_most_probable_class(policy):
    clf = MetaPolicyClassifier(training_policy=policy, random_state=0).fit(X, Y[:, 0] + Y[:, 1])
    P = clf.predict_proba(X)
    assert_allclose(P.sum(axis=1), 1)
    assert_array_equal(clf.predict(X), clf.classes_[P.argmax(axis=1)])
    assert_allclose(clf.thresholds_, 0.5)
    assert clf.prediction_policy_ is None
    expected = {"most probable class"} if policy is None else set()
    assert set(clf.cv_results_.get("prediction_policy", ())) == expected


@pytest.mark.parametrize("make", [MetaPolicyClassifier, MetaPolicyClassifier.from_paper])
def test_labels_of_one_value_are_decided_by_that_value(make):
    constant = np.column_stack([Y, np.zeros(200, dtype=int), np.ones(200, dtype=int)])
    clf = make(random_state=0)
    if make is not MetaPolicyClassifier:
        clf.set_params(training_policy__n_episodes=2)
    with pytest.warns(ConstantLabelWarning, match=r"2 of 7 labels .* \(5, 6\)") as caught:
        clf.fit(X, constant)
    assert [warning.filename for warning in caught] == [__file__]
    assert clf.thresholds_[5:].tolist() == [1.0, 0.0]
    assert_array_equal(clf.predict(10 * X)[:, 5:], constant[:, 5:])


def test_the_policies_are_found_by_their_names():
    names = {"search": PolicySearch, "uniform": FixedWeights, "shared": SharedGRUPolicy, "gru": GRUPolicy}
    for name, kind in names.items():
        by_name, given = (fit(training_policy=policy, prediction_policy="pretrained") for policy in (name, kind()))
        assert type(by_name.training_policy_) is kind
        assert_array_equal(by_name.weights_, given.weights_)
        assert_array_equal(by_name.thresholds_, given.thresholds_)
    assert fit(prediction_policy="pretrained").prediction_policy_.n_steps == LearnedThresholds(0).n_steps


@pytest.mark.parametrize("make", [MetaPolicyClassifier, LabelWeightedClassifier, PredictionsAsFeaturesClassifier])
def test_the_trained_base_learner_predicts_by_itself(make, multilabel_data):
    X, Y = multilabel_data
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    fitted = make(random_state=0).fit(frame, Y)
    inner = fitted.estimator_
    P = inner.predict_proba(frame)
    assert P.shape == Y.shape
    assert inner.predict(frame).shape == Y.shape
    assert_array_equal(inner.classes_, fitted.classes_)
    marginals = getattr(fitted, "marginals_", None)
    assert_array_equal(P if marginals is None else marginals.correct(P), fitted.predict_proba(frame))
