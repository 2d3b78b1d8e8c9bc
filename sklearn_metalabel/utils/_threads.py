"""The same thread counts in every worker, so that sums are formed in the same order for any `n_jobs`."""

from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

__all__ = ["current_threads", "use_threads"]


@cache
def _blas():
    """The BLAS libraries of this process; finding them takes longer than setting them."""
    return ThreadpoolController().select(user_api="blas")


def current_threads():
    """Thread counts of torch and of the BLAS libraries in this process."""
    blas = [library["num_threads"] for library in _blas().info()]
    return {"torch": torch.get_num_threads(), "blas": max(blas, default=1)}


@contextmanager
def use_threads(counts):
    """Work with the given thread counts inside the block and give them back as they were."""
    before = torch.get_num_threads()
    with _blas().limit(limits=counts["blas"]):
        torch.set_num_threads(counts["torch"])
        try:
            yield
        finally:
            torch.set_num_threads(before)
