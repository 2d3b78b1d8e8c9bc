"""How many training runs may be made at the same time, and how their data are sent."""

from dataclasses import replace

from joblib import cpu_count, effective_n_jobs

from sklearn_metalabel.utils import delayed_training, on_cluster

__all__ = ["count_workers", "delayed_on_fold"]


def count_workers(n_jobs, threads):
    """Training runs to make at the same time: on this machine, no more than its cores have threads for."""
    n_threads = threads["torch"] or threads["blas"]
    wanted = effective_n_jobs(n_jobs)
    return wanted if on_cluster() else min(wanted, max(1, cpu_count() // n_threads))


# Arguments that save time or tell of it: the same comes out with them and without.
_SAME_OUTCOME = {"resumed", "may_resume", "reporter"}


def delayed_on_fold(function, fold, memory=None, **arguments):
    """A delayed call ``function(fold=fold, **arguments)``, whose outcome `memory` keeps where it is not None.

    The data are arguments of their own, which a cluster sends once for all folds, or takes from where they lie.
    """
    rows = replace(fold, X=None, Y=None, sample_weight=None, held_out_weight=None)
    options = {}
    if memory is not None:
        kept = {name: value for name, value in arguments.items() if name not in _SAME_OUTCOME}
        options["key"] = (function, fold, kept)
    call = delayed_training(memory, _call_on_fold)
    return call(function, fold.X, fold.Y, fold.sample_weight, rows, arguments, fold.held_out_weight, **options)


def _call_on_fold(function, X, Y, sample_weight, rows, arguments, held_out_weight):
    """What a worker calls."""
    fold = replace(rows, X=X, Y=Y, sample_weight=sample_weight, held_out_weight=held_out_weight)
    return function(fold=fold, **arguments)
