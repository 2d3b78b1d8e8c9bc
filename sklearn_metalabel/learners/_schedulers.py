"""Schedules of the learning rate: by torch's names, or of the user's own."""

import inspect
from functools import partial
from math import cos, pi

from torch.optim.lr_scheduler import (
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
    StepLR,
)

from sklearn_metalabel.utils import shown

__all__ = ["NoSchedule", "Schedule", "build_schedule"]


def _cosine(optimizer, n_updates, warmup=0.0):
    """From 0 to the learning rate over a share of the updates, then along half a cosine to 0."""
    return _warmed_up(optimizer, n_updates, warmup, lambda left: (1 + cos(pi * (1 - left))) / 2)


def _linear(optimizer, n_updates, warmup=0.0):
    """From 0 to the learning rate over a share of the updates, then straight to 0."""
    return _warmed_up(optimizer, n_updates, warmup, lambda left: left)


def _warmed_up(optimizer, n_updates, warmup, decay):
    """A scheduler that rises over a share of the updates, and then follows `decay` of the share that is left."""
    if not 0 <= warmup < 1:
        raise ValueError(f"scheduler__warmup must be a share of the updates in [0, 1), got {shown(warmup)}.")
    n_rising = round(warmup * n_updates)
    n_falling = max(1, n_updates - n_rising)

    def factor(update):
        if update < n_rising:
            return (update + 1) / n_rising
        return decay(max(0.0, 1 - (update - n_rising) / n_falling))

    return LambdaLR(optimizer, factor)


_SCHEDULERS = {
    "cosine": _cosine,
    "exponential": ExponentialLR,
    "linear": _linear,
    "one_cycle": OneCycleLR,
    "plateau": ReduceLROnPlateau,
    "step": StepLR,
}
# Torch's classes that count updates; its others count epochs.
_OF_UPDATES = (OneCycleLR, CyclicLR)


def build_schedule(scheduler, params, optimizer, known):
    """The schedule of one training.

    `params` are the user's; `known` has what the training knows, by the names that signatures ask for it: "n_updates",
    "n_epochs", "total_steps", "T_max", "max_lr", "mode".
    """
    if scheduler is None:
        if params:
            raise ValueError(
                f"scheduler=None takes no parameters, got scheduler__{min(params)}; set a scheduler, for example "
                'scheduler="cosine".'
            )
        return NoSchedule()
    source = _SCHEDULERS.get(scheduler) if isinstance(scheduler, str) else scheduler
    if source is None:
        raise ValueError(
            f"scheduler must be None, one of {sorted(_SCHEDULERS)}, a class of torch.optim.lr_scheduler or a function "
            f"of the optimiser, got {shown(scheduler)}."
        )
    signature = inspect.signature(source)
    arguments = {**_asked_for(source, signature.parameters, params, known), **params}
    try:
        signature.bind(optimizer, **arguments)
    except TypeError as error:
        accepted = list(signature.parameters)[1:]
        raise TypeError(
            f"The scheduler {_name(scheduler)} cannot be made: {error}. Its parameters are {accepted}; pass them as "
            "scheduler__<name>."
        ) from error
    made = source(optimizer, **arguments)
    if not isinstance(made, LRScheduler | ReduceLROnPlateau):
        raise TypeError(
            f"scheduler must give a scheduler of torch.optim.lr_scheduler, got {shown(scheduler)}, which gave a "
            f"{type(made).__name__}."
        )
    counts_updates = isinstance(made, _OF_UPDATES) or "n_updates" in signature.parameters
    return Schedule(made, counts_updates, known["n_updates"])


def _asked_for(source, accepted, params, known):
    """What the training knows and a scheduler asks for."""
    inner = _inner(source)
    left_out = {"total_steps"} if {"epochs", "steps_per_epoch"} & params.keys() else set()  # which say the same
    if not (isinstance(inner, type) and issubclass(inner, ReduceLROnPlateau)):
        left_out.add("mode")  # of other classes that is something else
    return {name: value for name, value in known.items() if name in accepted and name not in left_out}


def _inner(source):
    """The class or function inside a partial."""
    return source.func if isinstance(source, partial) else source


def _name(scheduler):
    """How a scheduler is called in messages."""
    inner = _inner(scheduler)
    return scheduler if isinstance(scheduler, str) else getattr(inner, "__name__", type(inner).__name__)


class NoSchedule:
    """A learning rate that stays."""

    needs_value = False

    def after_update(self):
        """Do nothing."""

    def after_epoch(self, value):
        """Do nothing."""


class Schedule:
    """A torch scheduler, stepped after every update or after every epoch; the learning rate stays after the last."""

    def __init__(self, scheduler, counts_updates, n_updates):
        self._scheduler, self._counts_updates = scheduler, counts_updates
        self._left = n_updates - 1 if counts_updates else None  # the first update has the rate of the beginning
        self.needs_value = isinstance(scheduler, ReduceLROnPlateau)

    def after_update(self):
        """Move on by an update."""
        if self._counts_updates and self._left > 0:
            self._left -= 1
            self._scheduler.step()

    def after_epoch(self, value):
        """Move on by an epoch; `value` is what a plateau is looked for in."""
        if self._counts_updates:
            return
        if self.needs_value:
            self._scheduler.step(value)
        else:
            self._scheduler.step()

    def __getstate__(self):
        """Nothing: a run that was sent elsewhere predicts, and is trained no more."""
        return {}
