"""From unconstrained numbers to weights of mean 1 and thresholds inside (0, 1)."""

import numpy as np

__all__ = ["squash_thresholds", "squash_weights"]

# Log-odds beyond this are thresholds that nothing passes or everything does.
_LOGIT_BOUND = 30.0


def squash_weights(v):
    """Softmax times the number of labels: positive, mean 1 over the last axis."""
    v = np.asarray(v, dtype=np.float64)
    e = np.exp(v - v.max(axis=-1, keepdims=True))
    return np.maximum(e / e.mean(axis=-1, keepdims=True), np.finfo(np.float64).tiny)


def squash_thresholds(u):
    """Sigmoid, strictly inside (0, 1)."""
    return 1 / (1 + np.exp(-np.clip(np.asarray(u, dtype=np.float64), -_LOGIT_BOUND, _LOGIT_BOUND)))
