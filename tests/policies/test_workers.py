import joblib
import pytest

from sklearn_metalabel.meta import _workers


@pytest.mark.parametrize(("n_threads", "cores", "expected"), [(1, 4, 3), (2, 4, 2), (4, 4, 1), (8, 4, 1)])
def test_no_more_episodes_run_at_once_than_cores_have_threads_for(n_threads, cores, expected, monkeypatch):
    monkeypatch.setattr(_workers, "cpu_count", lambda: cores)
    assert _workers.count_workers(3, n_threads) == expected


def test_a_cluster_may_play_as_many_episodes_as_asked(monkeypatch):
    class Cluster(joblib.parallel.ParallelBackendBase):
        def effective_n_jobs(self, n_jobs):
            return 7

    monkeypatch.setattr(_workers, "cpu_count", lambda: 1)
    monkeypatch.setattr(_workers, "get_active_backend", lambda: (Cluster(), 7))
    monkeypatch.setattr(_workers, "effective_n_jobs", lambda n_jobs: 7)
    assert _workers.count_workers(None, 4) == 7
