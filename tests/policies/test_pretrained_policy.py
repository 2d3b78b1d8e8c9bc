import pickle
from dataclasses import replace

import numpy as np
import pytest
from _policy_cases import small_task
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LossSchedule, LossWeights, TorchClassifier
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import PretrainedPolicy, _pretrained_policy, _steered_run
from sklearn_metalabel.policies._pretrained_policy import mean_schedule
from sklearn_metalabel.policies._steered_run import N_ACTIONS
from sklearn_metalabel.policies._steering import N_PARAMETERS, initial_parameters

X, Y = make_multilabel_classification(200, n_features=12, n_classes=5, random_state=0)
# Parameters whose last bias says whether a training ends.
GOES_ON, ENDS_AT_ONCE = np.zeros(N_PARAMETERS), np.zeros(N_PARAMETERS)
GOES_ON[-1], ENDS_AT_ONCE[-1] = -1.0, 1.0


def network(**params):
    return TorchClassifier(MLP, **{"module__hidden": 8, "n_epochs": 5, "batch_size": 32, **params})


def steering(**params):
    return PretrainedPolicy(fallback=False, **params)


def fit(policy="pretrained", estimator=None, data=(X, Y), **params):
    options = {"training_policy": policy, "prediction_policy": "shrunken", "random_state": 0, **params}
    return MetaPolicyClassifier(network() if estimator is None else estimator, **options).fit(*data)


def test_its_name_stands_for_it():
    assert isinstance(fit("pretrained").training_policy_, PretrainedPolicy)


def test_each_fold_is_trained_once_and_the_final_training_follows_the_mean(monkeypatch):
    clf = fit(steering(prior=GOES_ON))
    history = clf.training_policy_.history_
    assert history["weights"].shape == history["positive_weights"].shape == (3, 10, 5)
    assert history["reward"].shape == history["focus"].shape == (3, 10)
    last = np.exp(np.log(history["weights"][:, -1].astype(float)).mean(axis=0))
    assert_allclose(clf.weights_, last, rtol=1e-6)
    assert_allclose(clf.focus_, history["focus"][:, -1].mean())
    assert clf.training_policy_.length_ == 1
    assert len(clf.estimator_.loss_curve_) == 5


def test_a_training_that_the_policy_ends_is_that_much_shorter_in_the_end_too():
    clf = fit(steering(prior=ENDS_AT_ONCE), network(n_epochs=10))
    assert clf.training_policy_.length_ == 0.1
    assert len(clf.estimator_.loss_curve_) == 1
    assert np.isfinite(clf.training_policy_.history_["reward"]).sum() == 3


def test_zero_parameters_ask_for_what_the_network_s_ranges_have_in_their_middle():
    history = fit(steering(prior=GOES_ON)).training_policy_.history_
    assert_allclose(history["weights"], 1)
    assert_allclose(history["focus"], 2)
    train_rarity = history["positive_weights"][0, 0] ** 2
    assert_allclose(train_rarity, len(Y) / Y.sum(axis=0), rtol=0.1)


def test_a_constant_schedule_trains_as_constant_weights_do():
    weights = LossWeights(np.array([2.0, 1.0, 1.0, 0.5, 0.5]), np.full(5, 1.5), 2.0)
    parts = LossSchedule([weights] * 10, 10)
    bases = network(random_state=0), network(random_state=0)
    for base, given in zip(bases, (weights, parts), strict=True):
        base._check_training_data(X, Y)
        base._fit_labels(X.astype(np.float32), Y.astype(np.int8), weights=given)
    assert_array_equal(bases[0].predict_proba(X), bases[1].predict_proba(X))


def test_the_same_seed_gives_the_same_bits_for_any_n_jobs():
    one, two = (fit(n_jobs=n_jobs) for n_jobs in (1, 2))
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    for name, values in one.training_policy_.history_.items():
        assert_array_equal(values, two.training_policy_.history_[name])


def test_it_pickles_without_torch():
    clf = fit()
    content = pickle.dumps(clf)
    assert b"torch." not in content.replace(b"_torch", b"")
    assert_array_equal(pickle.loads(content).predict_proba(X), clf.predict_proba(X))


def test_user_weights_multiply_those_of_the_policy():
    given = np.array([2.0, 1.0, 1.0, 0.5, 0.5])
    weighted = fit(steering(prior=GOES_ON, weights=given))
    assert_allclose(weighted.weights_, given, rtol=1e-6)


def test_folds_are_as_many_as_asked_for():
    assert len(fit(steering(n_folds=2)).training_policy_.history_["reward"]) == 2


@pytest.mark.parametrize(("all_held_out", "n_folds"), [(None, 3), (np.arange(9), 1)])
def test_one_fold_is_enough_where_not_all_probabilities_can_be_kept(all_held_out, n_folds):
    folds = [replace(fold, all_held_out=all_held_out) for fold in small_task(network(), cv=3).folds]
    task = replace(small_task(network()), folds=folds)
    assert steering().count_runs(task) == n_folds
    assert steering(n_folds=2).count_runs(task) == 2


def test_weights_of_rows_and_unknown_labels_count():
    partly = Y.astype(float)
    partly[::7, 1] = np.nan
    assert np.isfinite(fit(data=(X, partly)).training_policy_.history_["reward"]).any()
    weight = np.where(np.arange(len(X)) < 150, 1.0, 0.0)
    zero = MetaPolicyClassifier(network(), training_policy="pretrained", prediction_policy="shrunken", random_state=0)
    without = clone(zero).fit(X[:150], Y[:150])
    zero.fit(X, Y, sample_weight=weight)
    assert_array_equal(zero.predict_proba(X), without.predict_proba(X))


def test_equal_weights_take_over_where_they_score_better():
    policy = PretrainedPolicy(prior=ENDS_AT_ONCE)
    with_fallback, uniform = (fit(each, network(n_epochs=20)) for each in (policy, "uniform"))
    assert_array_equal(with_fallback.predict_proba(X), uniform.predict_proba(X))
    assert_array_equal(with_fallback.thresholds_, uniform.thresholds_)
    found = with_fallback.training_policy_
    assert (found.best_proposal_, found.length_) == ("equal", 1.0)
    assert len(found.history_["reward"]) == 1  # one fold under the policy
    equal, steered = found.proposals_["score"]
    assert equal - steered > 0.25 / np.sqrt(67)  # held-out rows
    assert set(with_fallback.cv_results_["proposal"]) == {"equal", "pretrained"}


def test_the_policy_stays_where_it_scores_as_well(monkeypatch):
    monkeypatch.setattr(_steered_run, "_LEAST_PARTS", N_ACTIONS + 1)  # never given up
    clf, trusting = fit(), fit(steering())
    proposals = clf.training_policy_.proposals_
    assert proposals["proposal"].tolist() == ["equal", "pretrained"]
    assert_allclose(proposals["gain"][1], np.diff(proposals["reward"])[0])
    baseline = clf.training_policy_.history_["baseline"]
    assert np.isfinite(baseline[0]).all()
    assert np.isnan(baseline[1:]).all()
    assert_allclose(baseline[0, -1], proposals["reward"][0])
    assert clf.training_policy_.best_proposal_ == "pretrained"
    assert_array_equal(clf.predict_proba(X), trusting.predict_proba(X))
    assert not hasattr(trusting.training_policy_, "proposals_")


@pytest.mark.parametrize(("ahead", "taken"), [(0.9, "pretrained"), (1.1, "equal")])
def test_equal_weights_must_be_ahead_by_more_than_half_an_error_of_a_share(ahead, taken, monkeypatch):
    scores = iter([ahead * 0.25 / np.sqrt(67), 0.0])  # of 67 held-out rows
    monkeypatch.setattr(_pretrained_policy, "best_score", lambda rows: next(scores))
    monkeypatch.setattr(_pretrained_policy, "table_of_proposals", lambda *args: {})
    monkeypatch.setattr(_steered_run, "_LEAST_PARTS", N_ACTIONS + 1)
    assert fit(cv=KFold(3)).training_policy_.best_proposal_ == taken


def test_equal_weights_that_cannot_catch_up_are_not_judged(monkeypatch):
    monkeypatch.setattr(_steered_run, "_falls_short", lambda rewards, target: len(rewards) == 7)
    clf = fit()
    proposals = clf.training_policy_.proposals_
    assert np.isnan(proposals["reward"][0])
    assert np.isnan(proposals["gain"]).all()
    assert clf.training_policy_.best_proposal_ == "pretrained"
    assert set(clf.cv_results_["proposal"]) == {"pretrained"}


@pytest.mark.parametrize(
    ("policy", "taken"), [(steering(prior=GOES_ON), "pretrained"), (PretrainedPolicy(prior=ENDS_AT_ONCE), "equal")]
)
def test_what_was_taken_on_the_only_split_can_be_kept(policy, taken):
    clf = fit(policy, network(n_epochs=20, lr=0.01), cv=0.3, refit=False)
    assert clf.training_policy_.best_proposal_ == taken
    assert len(clf.estimator_.loss_curve_) == 20


@pytest.mark.parametrize("n_episodes", [0, 2])
def test_runs_are_counted(n_episodes):
    policy = PretrainedPolicy(n_episodes=n_episodes)
    task = small_task(network())
    assert policy.count_runs(task) == n_episodes + len(task.folds) + 1
    assert steering(n_episodes=n_episodes).count_runs(task) == n_episodes + len(task.folds)


def test_what_it_cannot_steer_is_refused_by_name():
    for estimator in (LogisticRegression(), network(loss="focal")):
        with pytest.raises(ValueError, match=r'does not allow; pass a TorchClassifier .* or set training_policy="sea'):
            fit(PretrainedPolicy(), estimator)


@pytest.mark.parametrize("kind", ["classes", "two classes", "one label"])
def test_a_training_on_classes_or_one_label_is_left_alone(kind):
    single = make_classification(60, n_classes=3, n_informative=4, random_state=0)
    single = {"classes": single, "two classes": (X, Y[:, 0]), "one label": (X, Y[:, :1])}[kind]
    steered, uniform = (fit(policy, data=single, prediction_policy=None) for policy in (steering(), "uniform"))
    assert_array_equal(steered.predict_proba(single[0]), uniform.predict_proba(single[0]))
    assert steered.training_policy_.best_proposal_ == "equal"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"weights": "rare"}, "weights must be one of"),
        ({"n_folds": 0}, "n_folds must be a positive integer"),
        ({"fallback": "no"}, "fallback must be True or False, got 'no'"),
        ({"prior": [1.0, 2.0]}, rf"prior must be {N_PARAMETERS} finite numbers"),
        ({"prior": np.full(N_PARAMETERS, np.nan)}, "finite numbers"),
    ],
)
def test_bad_parameters_are_refused_by_name(params, message):
    with pytest.raises(ValueError, match=message):
        fit(PretrainedPolicy(**params))


def test_the_mean_of_schedules_has_their_mean_length_and_keeps_their_ends():
    def schedule(*labels):
        return LossSchedule([LossWeights(np.full(2, each), np.full(2, each), each) for each in labels], 10)

    mean = mean_schedule([schedule(1.0), schedule(4.0, 32.0, 9.0), schedule(2.0, 16.0)])
    assert len(mean.parts) == 2
    assert_allclose(mean.parts[0].label, 2)
    assert_allclose(mean.parts[1].positive, 8)
    assert_allclose(mean.parts[1].focus, 49 / 3)


def test_the_start_of_evolution_is_a_policy_too():
    assert len(fit(steering(prior=initial_parameters().numpy())).training_policy_.schedule_.parts) >= 1
