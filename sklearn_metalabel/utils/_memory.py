"""Finished trainings kept in a folder, so that a fit that was killed goes on from them."""

import sys
from functools import partial

import joblib
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_memory

from sklearn_metalabel.utils._hash import stable_hash
from sklearn_metalabel.utils._threads import current_threads

__all__ = ["TrainingMemory", "call_training", "delayed_training", "training_memory"]

_PACKAGES = ("joblib", "numpy", "scipy", "sklearn", "sklearn_metalabel", "torch")


def training_memory(estimator, base=None, **data):
    """The `memory` of an estimator for one fit, or None where it keeps nothing.

    `base` is the base learner and `data` all rows, by name: they are hashed here, once.
    """
    given = estimator.memory
    if given is None or (isinstance(given, joblib.Memory) and given.store_backend is None):
        return None
    if estimator.random_state is None:
        raise ValueError(
            f"memory={given!r} finds the trainings of a killed fit by their seeds, and random_state=None draws other "
            "seeds in every fit; set random_state=0, or memory=None."
        )
    try:
        memory = check_memory(given)
    except OSError as error:
        raise ValueError(f"memory={given!r} must be a folder that can be written to: {error}.") from error
    return TrainingMemory(memory, estimator, base, data)


def delayed_training(memory, function):
    """`function` as a task of `Parallel`; with a `TrainingMemory` it is only called where its outcome is not known."""
    return delayed(function) if memory is None else partial(memory.delayed, function)


def call_training(memory, function, *arguments, same_outcome=None, **options):
    """What `function` returns; with a `TrainingMemory` it is only called where that is not known.

    `same_outcome` has further options, with which the same comes out.
    """
    call = partial(function, **options, **(same_outcome or {}))
    if memory is None:
        return call(*arguments)
    return _recall(memory.cached, memory.key(function, (arguments, options)), call, *arguments)


class TrainingMemory:
    """Keeps what comes of the trainings of one fit, under hashes of what they depend on.

    Parameters
    ----------
    memory : object with the joblib.Memory interface
    estimator : estimator
        Whose parameters are named where something has no hash.
    base : estimator or None
        The base learner, unfitted.
    data : dict
        All rows, by the names that the user knows them by.
    """

    def __init__(self, memory, estimator, base, data):
        # What is kept must not depend on the folder, which may be deleted after the fit.
        options = {"mmap_mode": None} if isinstance(memory, joblib.Memory) else {}
        self.cached = memory.cache(_outcome, **options)
        self._estimator = estimator
        self._known, self._alive = {}, [base, *data.values()]
        self._surroundings = stable_hash(_surroundings())
        for name, part in data.items():
            if part is not None:
                self._known[id(part)] = self._hash(part, name)
        if base is not None:
            self._known[id(base)] = self._hash(clone(base))
        # A process that meets the function finds nothing in a folder without its source, which joblib writes into the
        # first folder of a process alone: make it write it here, before workers look.
        getattr(joblib.memory, "_FUNCTION_HASHES", {}).pop(_outcome, None)
        _recall(self.cached, self._surroundings, _nothing)

    def delayed(self, function, *arguments, key=None):
        """A task of `Parallel`; `key` is what its outcome depends on, by default all arguments."""
        key = self.key(function, arguments if key is None else key)
        return delayed(_recall)(self.cached, key, function, *arguments)

    def key(self, function, arguments):
        """The hash of a training."""
        return self._hash((self._surroundings, function, arguments))

    def _hash(self, thing, name=None):
        """A hash, or one sentence on what has none."""
        try:
            return stable_hash(thing, self._known)
        except Exception as error:  # pickling calls code of its own of anything that is inside
            name = name or _without_hash(self._estimator) or f"an argument of the training ({error})"
            raise TypeError(
                f"memory finds a training by a hash of all that it depends on, and {name} has none; pass what can be "
                "pickled, such as a function that has a name of its own in a module or script, or set memory=None."
            ) from error


class _Call:
    """A call that joblib knows by its key alone, whatever it is made of."""

    def __init__(self, key, function, arguments):
        self.key, self.function, self.arguments = key, function, arguments

    def __getstate__(self):
        return {"key": self.key}

    def __repr__(self):
        return self.key


def _recall(cached, key, function, *arguments):
    """What a worker calls: the outcome from the folder, or that of the function, which is kept there."""
    return cached(_Call(key, function, arguments))


def _outcome(call):
    """What is kept: made by a training under the key of its call."""
    return call.function(*call.arguments)


def _nothing():
    """An outcome."""
    return None


def _surroundings():
    """What every training depends on beside its arguments."""
    import torch  # its thread count, an argument of trainings, is known only where it has been imported

    return {
        "versions": [sys.version_info[:2], *(sys.modules[name].__version__ for name in _PACKAGES)],
        "threads": current_threads(),
        "config": get_config(),
        "torch": (
            torch.cuda.is_available(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(),
        ),
    }


def _without_hash(estimator):
    """Name and value of the innermost parameter that has no hash, or nothing."""
    parameters = estimator.get_params(deep=True)
    for kind in ("estimator", "training_policy"):
        names = [name for name in parameters if name.startswith(kind) and not _has_hash(parameters[name])]
        if names:
            name = max(names, key=len)
            return f"{name}={parameters[name]!r}"
    return ""


def _has_hash(thing):
    """Whether something has a hash."""
    try:
        return bool(stable_hash(thing))
    except Exception:  # pickling calls code of its own of anything that is inside
        return False
