"""What is different on the workers of a cluster that joblib has been told to use."""

import numpy as np
from joblib.parallel import get_active_backend

__all__ = ["aligned", "on_cluster"]


def on_cluster():
    """Whether parallel calls go to a cluster rather than to processes or threads of this machine."""
    backend, _ = get_active_backend()
    return type(backend).__module__ != "joblib._parallel_backends"


def aligned(data):
    """Data as they are, or a copy of what has come over a network and may lie between the bounds of its entries.

    NumPy adds up such entries in another order, which changes the last bits of a sum.
    """
    if isinstance(data, np.ndarray):
        return data if data.flags.aligned else data.copy(order="K")
    return data.copy() if on_cluster() and hasattr(data, "copy") else data
