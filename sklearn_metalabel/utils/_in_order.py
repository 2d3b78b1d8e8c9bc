"""Parallel tasks whose outcomes are heard of as they come."""

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel

from sklearn_metalabel.utils._cluster import on_cluster

__all__ = ["in_order", "runs_here"]


def runs_here(n_workers):
    """Whether tasks are made one after the other in this process, where their steps can be told of."""
    return n_workers == 1 and not on_cluster()


def in_order(n_jobs, tasks):
    """Outcomes of tasks of `Parallel`, in their order, each as soon as it is there where the backend can do that."""
    backend, _ = get_active_backend()
    can_wait = getattr(backend, "supports_return_generator", False)
    return Parallel(n_jobs=n_jobs, return_as="generator" if can_wait else "list")(tasks)
