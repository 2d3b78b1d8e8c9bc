import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_metalabel.learners import Fold
from sklearn_metalabel.policies import _workers


@pytest.mark.parametrize(("n_threads", "cores", "expected"), [(1, 4, 3), (2, 4, 2), (4, 4, 1), (8, 4, 1)])
def test_no_more_runs_are_made_at_once_than_cores_have_threads_for(n_threads, cores, expected, monkeypatch):
    monkeypatch.setattr(_workers, "cpu_count", lambda: cores)
    assert _workers.count_workers(3, {"torch": n_threads, "blas": 1}) == expected
    assert _workers.count_workers(3, {"torch": None, "blas": n_threads}) == expected


def test_a_cluster_may_make_as_many_runs_as_asked(monkeypatch):
    class Cluster(joblib.parallel.ParallelBackendBase):
        def effective_n_jobs(self, n_jobs):
            return 7

    monkeypatch.setattr(_workers, "cpu_count", lambda: 1)
    monkeypatch.setattr("sklearn_metalabel.utils._cluster.get_active_backend", lambda: (Cluster(), 7))
    monkeypatch.setattr(_workers, "effective_n_jobs", lambda n_jobs: 7)
    assert _workers.count_workers(None, {"torch": 4, "blas": 4}) == 7


def test_data_are_arguments_of_their_own_and_arrive_in_the_fold():
    fold = Fold(np.ones((4, 2)), np.eye(4), np.arange(4.0), train=np.arange(3), held_out=np.array([3]))
    wrapped, positional, named = _workers.delayed_on_fold(lambda fold, factor: (fold, factor), fold, factor=3)
    assert [positional[k] is part for k, part in ((1, fold.X), (2, fold.Y), (3, fold.sample_weight))] == [True] * 3
    assert (positional[4].X, positional[4].Y, positional[4].sample_weight) == (None, None, None)
    arrived, factor = wrapped.function(*positional, **named)
    assert factor == 3
    for name, value in vars(fold).items():
        assert_array_equal(getattr(arrived, name), value)


def test_a_memory_is_told_all_but_what_only_saves_time():
    class Memory:
        def delayed(self, function, *arguments, key):
            return key

    fold, train = Fold(np.ones((4, 2)), np.eye(4), None, train=np.arange(3)), print
    for options in ({}, {"resumed": object(), "may_resume": True}):
        key = _workers.delayed_on_fold(train, fold, memory=Memory(), seed=3, **options)
        assert key == (train, fold, {"seed": 3})
