"""Randomness enters at one door and leaves no trace."""

import sys
import threading
from contextlib import contextmanager, nullcontext

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["draw_seed", "draw_seeds", "fix_random_states", "generator_states", "torch_seed", "torch_settings"]

_TORCH_RNG = threading.RLock()


def draw_seed(random_state):
    """One integer seed from whatever scikit-learn accepts as `random_state`."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def draw_seeds(random_state, n):
    """`n` integer seeds, the same for every order in which they are used."""
    return check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n).tolist()


def fix_random_states(estimator, seed):
    """Set every `random_state` of an estimator that is None, nested ones included, to `seed`; returns the estimator."""
    left_open = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    estimator.set_params(**left_open)  # which returns nothing where the estimator is frozen
    return estimator


def torch_seed(seed, device=None, states=None):
    """Seed torch's global generators inside a block and give them back as they were.

    Inside, torch computes gradients, in float32, on the CPU unless told otherwise, whatever its global settings are.
    `states` are `generator_states` to continue from instead of the seed. Modules draw from the global generator alone
    (initial weights, dropout), so threads take turns here. Where torch has not been imported, nothing can draw from it.
    """
    return _seeded(seed, device, states) if "torch" in sys.modules else nullcontext()


@contextmanager
def _seeded(seed, device, states):
    import torch

    accelerated = _is_accelerated(device)
    with _TORCH_RNG, torch.random.fork_rng(devices=[]), torch_settings():
        found = _accelerator_states(device)
        # torch.manual_seed reaches the generators of all devices, which are only given back where they are used.
        (torch if accelerated else torch.default_generator).manual_seed(seed)
        try:
            if states is not None:
                torch.set_rng_state(states[0])
                _set_accelerator_states(device, states[1])
            yield
        finally:
            _set_accelerator_states(device, found)


@contextmanager
def torch_settings():
    """Torch's own defaults, where the caller has changed them."""
    import torch

    dtype = torch.get_default_dtype()
    moved = torch.get_default_device().type != "cpu"
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad(), torch.device("cpu") if moved else nullcontext():
            yield
    finally:
        torch.set_default_dtype(dtype)


def generator_states(device=None):
    """States of torch's global generators, for `torch_seed`; None where torch has not been imported."""
    if "torch" not in sys.modules:
        return None
    import torch

    return torch.get_rng_state(), _accelerator_states(device)


def _accelerator_states(device):
    """States of the generators of all devices of this kind; none of the CPU."""
    import torch

    if not _is_accelerated(device):
        return []
    return [torch.mps.get_rng_state()] if device.type == "mps" else torch.cuda.get_rng_state_all()


def _set_accelerator_states(device, states):
    """Set the generators of all devices of this kind."""
    import torch

    if _is_accelerated(device):
        if device.type == "mps":
            torch.mps.set_rng_state(states[0])
        else:
            torch.cuda.set_rng_state_all(states)


def _is_accelerated(device):
    return device is not None and device.type != "cpu"
