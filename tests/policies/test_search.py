import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn_metalabel.meta import _folds, _paired
from sklearn_metalabel.prediction._choosers import choose_from_held_out, choose_thresholds

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.metrics import strict_accuracy_score

X, Y = make_multilabel_classification(240, n_features=15, n_classes=6, random_state=0)


class Net(torch.nn.Sequential):
    def __init__(self, n_features, n_labels):
        super().__init__(torch.nn.Linear(n_features, 24), torch.nn.ReLU(), torch.nn.Linear(24, n_labels))


def network(**params):
    return TorchClassifier(Net, **{"lr": 0.01, "batch_size": 32, "n_epochs": 6, "device": "cpu", **params})


def fit(estimator=None, **params):
    return MetaPolicyClassifier(estimator, **{"random_state": 0, **params}).fit(X, Y)


@pytest.fixture
def many(monkeypatch):
    """So few rows count as many."""
    monkeypatch.setattr(_paired, "MANY_ROWS", 200)


def test_a_linear_learner_gets_a_scale():
    clf = fit(LabelWeightedLogistic(C=1e3))
    assert clf.scale_ < 1
    assert clf.best_proposal_.startswith("scale")
    assert clf.history_["reward"].shape == (3, clf.n_steps_)
    assert (clf.positive_weights_ == 1).all()
    assert clf.focus_ == 0


def test_a_scale_that_does_not_pay_is_not_taken():
    best = fit(LabelWeightedLogistic(C=1.0)).scale_
    again = fit(LabelWeightedLogistic(C=best))
    assert again.scale_ == 1
    assert_allclose(again.weights_, 1)


def test_a_network_gets_an_emphasis_or_none():
    clf = fit(network())
    assert clf.history_["reward"].shape == (12, 1)
    assert clf.best_proposal_ in ("equal", "positives", "hard negatives 2", "hard negatives 4")
    assert (clf.scale_, clf.n_episodes_, clf.n_steps_) == (1, 12, 1)
    assert_allclose(clf.weights_, 1)


def test_the_network_is_the_one_its_emphasis_trains(monkeypatch):
    monkeypatch.setattr(_paired, "is_beaten", lambda outcome, other: True)
    monkeypatch.setattr(_paired.Outcome, "value", property(lambda outcome: next(rising)))
    rising = itertools.count()
    clf = fit(network())
    assert clf.best_proposal_ == "hard negatives 4"
    assert clf.focus_ == 4
    twin = clf.estimator_.__class__(**clf.estimator_.get_params())
    plain = twin.fit(X, Y).predict_proba(X)
    assert abs(clf.predict_proba(X) - plain).max() > 0.01
    monkeypatch.setattr(_paired, "is_beaten", lambda outcome, other: False)
    assert_array_equal(fit(network()).predict_proba(X), plain)


def test_learners_that_train_each_label_alone_keep_equal_weights():
    clf = fit(LogisticRegression())
    assert clf.best_proposal_ == "equal"
    assert_allclose(clf.weights_, 1)
    assert clf.history_["reward"].shape == (3, 1)


def test_nothing_is_proposed_where_nothing_is_learned():
    for base in (None, network()):
        clf = fit(base, learn_weights=False)
        assert clf.best_proposal_ == "equal"
        assert clf.history_["reward"].shape == (3, 1)


def test_classes_get_no_emphasis():
    clf = MetaPolicyClassifier(network(), random_state=0).fit(X, Y[:, 0] + Y[:, 1])
    assert clf.best_proposal_ == "equal"


def test_many_rows_are_tried_on_one_fold_and_two_proposals_to_the_end(many):
    clf = fit(network())
    rewards, baseline = clf.history_["reward"].ravel(), clf.history_["baseline"].ravel()
    assert rewards.shape == (6,)
    assert_array_equal(baseline, [*4 * [rewards[0]], *2 * [rewards[4]]])
    assert np.isfinite(rewards).all()
    assert (clf.best_proposal_ == "equal") or rewards[5] > rewards[4]


def test_the_best_of_the_others_goes_to_the_end_beside_equal_weights(many, monkeypatch):
    ended = []
    run_trials = _paired.run_trials

    def told(*args, path, share=1.0, **options):
        ended.extend([path[0].name] if share == 1 else [])
        return run_trials(*args, path=path, share=share, **options)

    monkeypatch.setattr(_paired, "run_trials", told)
    rewards = fit(network()).history_["reward"].ravel()
    names = ["positives", "hard negatives 2", "hard negatives 4"]
    assert ended == ["equal", names[int(np.argmax(rewards[1:4]))]]


def test_what_is_begun_is_gone_on_with_in_this_process_and_made_again_in_others(many):
    def droppy(n_features, n_labels):
        return torch.nn.Sequential(torch.nn.Linear(n_features, 16), torch.nn.Dropout(), torch.nn.Linear(16, n_labels))

    base = TorchClassifier(droppy, lr=0.01, batch_size=32, n_epochs=6, device="cpu")
    alone, together = fit(base), fit(base, n_jobs=2)
    assert_array_equal(alone.thresholds_, together.thresholds_)
    assert_array_equal(alone.history_["reward"], together.history_["reward"])


def test_of_many_rows_few_folds_are_played_unless_a_solution_starts_the_others(many, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sklearn_metalabel._meta_policy.choose_thresholds",
        lambda rule, *out_of_fold, **options: (
            seen.append(out_of_fold) or choose_thresholds(rule, *out_of_fold, **options)
        ),
    )
    fit(network())
    fit(network(), learn_weights=False)
    fit(network(), n_episodes=3)
    fit()
    assert [len(P) for _, P, _ in seen] == [80, 160, 240, 240]
    assert [len(np.unique(fold_of)) for _, _, fold_of in seen] == [1, 2, 3, 3]


@pytest.mark.parametrize("estimator", [None, network()], ids=["linear", "network"])
def test_too_many_probabilities_are_held_in_little_space(estimator, monkeypatch):
    monkeypatch.setattr(_folds, "_HELD_OUT_ROWS", 50)
    whole = fit(estimator, learn_weights=False)
    monkeypatch.setattr(_folds, "_HELD_OUT_ENTRIES", 1000)
    seen = []

    def choose(rule, held, **options):
        seen.append(held)
        return choose_from_held_out(rule, held, **options)

    monkeypatch.setattr("sklearn_metalabel._meta_policy.choose_from_held_out", choose)
    compact = fit(estimator, learn_weights=False)
    (held,) = seen
    assert held.n_samples == (240 if estimator is None else 160)
    assert len(np.unique(held.fold_of)) == (3 if estimator is None else 2)
    if estimator is None:
        assert_allclose(compact.thresholds_, whole.thresholds_, atol=0.02)
    assert fit(estimator, rule="scut").best_rule_ == "scut"  # needs all probabilities: of the rows that are kept
    assert len(seen) == 1
    fit(estimator, n_jobs=2)
    assert len(seen) == 2


def test_folds_that_start_from_a_solution_come_out_as_from_nothing(many, monkeypatch):
    warm = fit()
    start = LabelWeightedLogistic._fit_labels
    monkeypatch.setattr(
        LabelWeightedLogistic,
        "_fit_labels",
        lambda self, *args, **kwargs: start(self, *args, **{**kwargs, "start": None}),
    )
    cold = fit()
    assert warm.scale_ == cold.scale_
    assert_allclose(warm.predict_proba(X), cold.predict_proba(X), atol=1e-5)
    assert_allclose(warm.thresholds_, cold.thresholds_, atol=1e-2)


def test_a_splitter_of_the_user_is_played_as_it_is():
    clf = fit(cv=KFold(4))
    assert clf.history_["reward"].shape[0] == 4
    assert fit(cv=KFold(4), n_episodes=2).history_["reward"].shape[0] == 2


def test_the_weights_that_were_learned_are_departures_from_the_anchor():
    anchor = np.array([2.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    clf = fit(network(), weight_anchor=anchor)
    assert_allclose(clf.weights_, anchor)
    assert_allclose(fit(learn_weights=False, weight_anchor=anchor).weights_, anchor)


@pytest.mark.data
def test_weights_and_scale_pay_on_scene(load_real):
    data = load_real("scene")
    X, X_test = data["X_train"], data["X_test"]
    Y, Y_test = data["Y_train"].toarray(), data["Y_test"].toarray()
    ours = MetaPolicyClassifier(LabelWeightedLogistic(C=100), random_state=0).fit(X, Y)
    kept = MetaPolicyClassifier(LabelWeightedLogistic(C=100), learn_weights=False, random_state=0).fit(X, Y)
    assert strict_accuracy_score(Y_test, ours.predict(X_test)) > strict_accuracy_score(Y_test, kept.predict(X_test))


def test_a_warm_start_tries_what_is_near_the_scale_it_took():
    clf = fit(LabelWeightedLogistic(C=1e-3), warm_start=True)
    tried = clf.history_["weights"][0, :, 0]
    assert_allclose(tried, [0.01, 0.1, 1, 10], rtol=1e-5)
    assert clf.scale_ == pytest.approx(10)
    again = clf.fit(X, Y).history_["weights"][0, :, 0]
    assert_allclose(again, [1, 10, 100][: len(again)], rtol=1e-5)
    assert_allclose(clf.set_params(warm_start=False).fit(X, Y).history_["weights"][0, :, 0], tried)


def test_a_warm_start_tries_the_emphasis_it_took(many, monkeypatch):
    rising = itertools.count()
    with monkeypatch.context() as patch:
        patch.setattr(_paired, "is_beaten", lambda outcome, other: True)
        patch.setattr(_paired.Outcome, "value", property(lambda outcome: next(rising)))
        clf = fit(network(), warm_start=True)
    assert clf.best_proposal_ == "hard negatives 4"
    clf.fit(X, Y)
    assert clf.best_proposal_ in ("equal", "hard negatives 4")
    assert clf.n_episodes_ == 2
    assert fit(network(), n_episodes=1).history_["reward"][[0, 3]].tolist() == clf.history_["reward"].tolist()


def test_the_first_fit_of_a_warm_start_is_like_any():
    assert_array_equal(fit(warm_start=True).thresholds_, fit().thresholds_)
