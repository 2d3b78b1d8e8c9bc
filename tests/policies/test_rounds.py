import numpy as np
from numpy.testing import assert_allclose
from sklearn.datasets import make_multilabel_classification

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.meta._folds import make_folds
from sklearn_metalabel.meta._learner import MetaLearner, MetaSettings
from sklearn_metalabel.meta._plan import plan_episodes
from sklearn_metalabel.meta._rounds import train_policy

X, Y = make_multilabel_classification(90, n_classes=4, random_state=0)
Y = Y.astype(np.int8)


class Recorder:
    """Notes what it is told, and asks for an end at the episode it is given."""

    def __init__(self, stop_at=None):
        self.begun, self.ended, self.stop_at = 0, [], stop_at

    def begin(self):
        self.begun += 1
        return self.begun - 1

    def end(self, ticket, episode):
        self.ended.append(ticket)
        return ticket == self.stop_at


def train(n_episodes=4, monitor=None, cv=2, n_jobs=None):
    clf = MetaPolicyClassifier(policy="shared", reward="soft_f1", n_episodes=n_episodes, cv=cv)
    folds = make_folds(cv, X, Y, Y, rng=np.random.RandomState(0))
    base = LabelWeightedLogistic()
    plan, sigmas = plan_episodes(clf, base, folds, (np.ones(4), np.full(4, 0.5)), keep_learner=False)
    meta = MetaLearner(MetaSettings.from_params(clf.get_params(deep=False)), np.ones(4))
    seeds = list(range(n_episodes))
    return train_policy(meta, base, folds, plan, sigmas, seeds, n_jobs=n_jobs, monitor=monitor), folds, plan


def test_out_of_fold_rows_are_those_of_the_last_round():
    training, folds, _ = train()
    truth, P, fold_of = training.out_of_fold(folds)
    assert np.array_equal(truth, np.concatenate([Y[fold.held_out] for fold in folds]))
    assert np.array_equal(np.bincount(fold_of), [len(fold.held_out) for fold in folds])
    assert np.array_equal(P, np.concatenate([e.P for e in training.last_round]))


def test_an_unfinished_round_leaves_the_rows_it_has():
    training, folds, _ = train(n_episodes=3)
    truth, P, _ = training.out_of_fold(folds)
    assert len(training.episodes) == 3
    assert len(truth) == len(P) == len(folds[0].held_out)


def test_nothing_held_out_is_none():
    training, folds, _ = train(cv=None, n_episodes=2)
    assert training.out_of_fold(folds) is None


def test_the_greedy_episode_sees_the_mean_of_the_last_round():
    training, folds, plan = train()
    assert_allclose(training.seen()["anchors"], np.mean([e.anchors for e in training.last_round], axis=0))
    learned = training.learned(plan, folds)
    assert learned.history["greedy_weights"].shape == learned.history["greedy_thresholds"].shape == (plan.n_steps, 4)
    assert_allclose(learned.proposal.weights, learned.history["greedy_weights"][-1])


def test_all_episodes_of_a_round_are_reported_before_any_ends_the_training():
    recorder = Recorder(stop_at=0)
    training, _, _ = train(monitor=recorder)
    assert (recorder.begun, recorder.ended, len(training.episodes)) == (2, [0, 1], 2)
    recorder = Recorder()
    assert len(train(monitor=recorder)[0].episodes) == recorder.begun == 4
