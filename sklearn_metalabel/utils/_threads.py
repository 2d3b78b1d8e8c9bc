"""The same thread counts in every worker, so that sums are formed in the same order for any `n_jobs`."""

import sys
import threading
from contextlib import contextmanager, nullcontext
from functools import cache

from joblib import parallel_config
from threadpoolctl import ThreadpoolController

from sklearn_metalabel.utils._cluster import on_cluster

__all__ = ["current_threads", "use_threads"]

_CHANGE = threading.Lock()


@cache
def _blas():
    """The BLAS libraries of this process; finding them takes longer than setting them."""
    return ThreadpoolController().select(user_api="blas")


def current_threads():
    """Thread counts of torch (None where it has not been imported) and of the BLAS libraries in this process."""
    blas = [library["num_threads"] for library in _blas().info()]
    return {"torch": _torch_threads(), "blas": max(blas, default=1)}


@contextmanager
def use_threads(counts):
    """Work with the given thread counts inside the block and give them back as they were.

    On a cluster nested parallel calls stay in the block: elsewhere they would have other counts, and a task that waits
    for others while it holds a lock can wait for ever.
    """
    nested = parallel_config("sequential") if on_cluster() else nullcontext()
    torch_block = nullcontext() if counts["torch"] is None else _torch_block(counts["torch"])
    with _Blas(counts["blas"]), nested, torch_block:
        yield


@contextmanager
def _torch_block(count):
    """A number of torch threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _torch_threads():
    """Threads of torch, or None."""
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None


class _Blas:
    """A number of BLAS threads, which is one for the process: blocks of other threads may begin and end meanwhile."""

    _open: list["_Blas"] = []
    _first: list[int] = []

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        with _CHANGE:
            if not _Blas._open:
                _Blas._first = [library["num_threads"] for library in _blas().info()]
            _Blas._open.append(self)
            self._set([self.count] * len(_Blas._first))

    def __exit__(self, *error):
        with _CHANGE:
            _Blas._open.remove(self)
            # The counts of whoever is still at work, or those from before the first block.
            left = [_Blas._open[-1].count] * len(_Blas._first) if _Blas._open else _Blas._first
            self._set(left)

    @staticmethod
    def _set(counts):
        for library, count in zip(_blas().lib_controllers, counts, strict=True):
            # threadpoolctl from 3.7 on obeys one thread until that releases it; here the lock keeps order.
            release = getattr(library, "clear_controlling_thread", lambda force: None)
            release(force=True)
            library.set_num_threads(count)
            release(force=True)
