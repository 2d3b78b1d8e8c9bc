import numpy as np
import pytest
from _policy_cases import Recorder, small_task
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.policies import SharedGRUPolicy
from sklearn_metalabel.policies._episode_plan import plan_episodes
from sklearn_metalabel.policies._reinforcement import MetaLearner
from sklearn_metalabel.policies._rounds import play_rounds


def play(n_episodes=4, cv=2, **options):
    """Rounds of episodes of two labels' folds, and the folds."""
    policy, task = SharedGRUPolicy(n_episodes=n_episodes), small_task(cv=cv, **options)
    start = np.ones(task.n_labels), np.full(task.n_labels, 0.5)
    plan, sigmas = plan_episodes(policy, task.base, task.folds, start, keep_run=False)
    meta = MetaLearner(policy._settings(), np.ones(task.n_labels))
    return play_rounds(meta, task, plan, sigmas, list(range(n_episodes))), task.folds


def test_out_of_fold_rows_are_those_of_the_last_round():
    rounds, folds = play()
    rows = rounds.out_of_fold(folds)
    assert_array_equal(rows.truth(), np.concatenate([fold.Y[fold.held_out] for fold in folds]))
    assert_array_equal(np.bincount(rows.fold), [len(fold.held_out) for fold in folds])
    assert_array_equal(rows.P, np.concatenate([e.P for e in rounds.last_round]))


def test_an_unfinished_round_leaves_the_rows_it_has():
    rounds, folds = play(n_episodes=3)
    assert len(rounds.episodes) == 3
    assert rounds.out_of_fold(folds).n_samples == len(folds[0].held_out)


def test_nothing_held_out_is_none():
    rounds, folds = play(cv=None, n_episodes=2)
    assert rounds.out_of_fold(folds) is None


def test_the_greedy_episode_sees_the_mean_of_the_last_round():
    rounds, _ = play()
    for name, seen in (("features", "features"), ("anchors", "anchors")):
        assert_allclose(rounds.seen()[name], np.mean([getattr(e, seen) for e in rounds.last_round], axis=0))


def test_a_round_ends_with_the_mean_of_what_its_episodes_learned():
    rounds, _ = play(n_episodes=2)
    learned = [e.meta.policy_state() for e in rounds.last_round]
    assert any(abs(learned[0][name] - learned[1][name]).max() > 1e-4 for name in learned[0])
    for name, value in rounds.meta.policy_state().items():
        assert_allclose(value, (learned[0][name] + learned[1][name]) / 2, rtol=1e-5, atol=1e-7)


def test_the_history_has_a_row_for_each_episode_in_their_order():
    rounds, _ = play()
    for name, kept in (("reward", "rewards"), ("weights", "weights"), ("thresholds", "thresholds")):
        assert_array_equal(rounds.history()[name], [getattr(e, kept) for e in rounds.episodes])
    assert [e.P for e in rounds.episodes] == [None] * 4  # only the last round keeps its rows


@pytest.mark.parametrize(("stop_at", "n_played"), [(0, 2), (None, 4)])
def test_all_episodes_of_a_round_are_reported_before_any_ends_the_training(stop_at, n_played):
    recorder = Recorder(stop_at)
    rounds, _ = play(monitor=recorder)
    assert (recorder.n_begun, recorder.ended) == (n_played, list(range(n_played)))
    assert len(rounds.episodes) == n_played
