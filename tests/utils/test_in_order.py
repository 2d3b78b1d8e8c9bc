import pytest
from joblib import parallel_config
from sklearn.utils.parallel import delayed

from sklearn_metalabel.utils import in_order, runs_here


def test_outcomes_are_heard_of_as_they_come():
    made = []
    outcomes = in_order(1, [delayed(made.append)(k) for k in range(3)])
    assert made == []
    for k, _ in enumerate(outcomes):
        assert made == list(range(k + 1))


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_outcomes_come_in_the_order_of_the_tasks_from_every_backend(backend):
    with parallel_config(backend):
        assert list(in_order(2, [delayed(pow)(k, 2) for k in range(5)])) == [0, 1, 4, 9, 16]


def test_one_worker_of_this_machine_runs_here(monkeypatch):
    assert runs_here(1)
    assert not runs_here(2)
    monkeypatch.setattr("sklearn_metalabel.utils._in_order.on_cluster", lambda: True)
    assert not runs_here(1)
