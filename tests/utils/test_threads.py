import pytest
import torch
from threadpoolctl import threadpool_info

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
