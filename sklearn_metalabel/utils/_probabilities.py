"""Probabilities strictly inside (0, 1), their logits, and back."""

import numpy as np
from scipy.special import expit, logit

__all__ = ["clip_probabilities", "to_logits", "to_probabilities"]


def clip_probabilities(P):
    """Move the values of `P` strictly inside (0, 1), in place where `P` is floating, and return it."""
    P = P if isinstance(P, np.ndarray) and P.dtype.kind == "f" else np.asarray(P, dtype=np.float64)
    tiny = np.finfo(P.dtype).eps
    return np.clip(P, tiny, 1 - tiny, out=P if P.flags.writeable else None)


def to_logits(P):
    """Log-odds of probabilities; values at 0 and 1 are moved inside first."""
    P = np.asarray(P)
    tiny = np.finfo(P.dtype).eps
    return logit(np.clip(P, tiny, 1 - tiny))


def to_probabilities(Z):
    """Probabilities of log-odds, strictly inside (0, 1)."""
    return clip_probabilities(expit(np.asarray(Z)))
