import threading

import joblib
import pytest
import torch
from threadpoolctl import threadpool_info

from sklearn_metalabel.utils import _threads
from sklearn_metalabel.utils._threads import current_threads, use_threads


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("count", [1, 2])
def test_counts_hold_inside_the_block_alone(count):
    before = torch.get_num_threads(), blas_threads()
    with use_threads({"torch": count, "blas": count}):
        assert torch.get_num_threads() == count
        assert blas_threads() <= {count}
        assert current_threads()["torch"] == count
    assert (torch.get_num_threads(), blas_threads()) == before


def test_counts_come_back_after_an_error():
    before = torch.get_num_threads(), blas_threads()
    with pytest.raises(RuntimeError, match="stop"), use_threads({"torch": 2, "blas": 2}):
        raise RuntimeError("stop")
    assert (torch.get_num_threads(), blas_threads()) == before


def test_current_counts_are_what_the_libraries_say():
    with use_threads({"torch": 2, "blas": 1}):
        assert current_threads() == {"torch": 2, "blas": max(blas_threads(), default=1)}


def test_torch_is_left_alone_where_it_was_not_imported(monkeypatch):
    monkeypatch.setattr(_threads.sys, "modules", {})
    assert current_threads()["torch"] is None
    monkeypatch.undo()
    before = torch.get_num_threads()
    with use_threads({"torch": None, "blas": 1}):
        assert torch.get_num_threads() == before


def test_blocks_of_other_threads_may_end_meanwhile():
    before, entered, left = blas_threads(), threading.Event(), threading.Event()

    def other():
        with use_threads({"torch": 2, "blas": 2}):
            entered.set()
            left.wait(10)

    first = use_threads({"torch": 2, "blas": 2})
    first.__enter__()
    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(10)
    first.__exit__(None, None, None)
    during = blas_threads()
    left.set()
    thread.join()

    assert during <= {2}
    assert blas_threads() == before


def test_a_block_inside_another_gives_its_counts_back():
    with use_threads({"torch": 2, "blas": 2}):
        with use_threads({"torch": 1, "blas": 1}):
            assert blas_threads() <= {1}
        assert blas_threads() <= {2}
        assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("elsewhere", "expected"), [(True, 1), (False, 2)])
def test_on_a_cluster_nested_calls_stay_in_the_block(elsewhere, expected, monkeypatch):
    monkeypatch.setattr(_threads, "on_cluster", lambda: elsewhere)
    with joblib.parallel_config("threading"), use_threads({"torch": 1, "blas": 1}):
        assert joblib.effective_n_jobs(2) == expected
