"""What the loss of a network weighs beside its labels: positives against negatives, and hard negatives."""

import numpy as np
import torch

__all__ = ["EMPHASES", "Emphasis"]

EMPHASES = frozenset({"positive_weight", "focus"})
# Negatives below this probability count nothing under a focus, as in the asymmetric loss.
_MARGIN = 0.05


class Emphasis:
    """Weights of the entries of a batch, from those of its labels.

    A positive of label j counts ``positive_weight[j]`` times; a negative of probability p counts
    ``max(p - 0.05, 0) ** focus``, after the asymmetric loss of Ridnik et al. (2021), with no gradient through it.

    Parameters
    ----------
    device : torch.device
        Where the batches are.
    positive_weight : ndarray of shape (n_labels,), default=None
        Positive; None is one for all.
    focus : float, default=0.0
        0 is all negatives alike.
    """

    def __init__(self, device, positive_weight=None, focus=0.0):
        self.focus = float(focus)
        self.log_odds = None if positive_weight is None else np.log(np.asarray(positive_weight, dtype=np.float64))
        if positive_weight is not None:
            positive_weight = torch.as_tensor(np.array(positive_weight), dtype=torch.float32, device=device)
        self.positive_weight = positive_weight

    def weight(self, label_weight, logits, targets):
        """Weight of each entry (B, L), or `label_weight` (L,) itself where that is all there is."""
        if self.positive_weight is None and self.focus == 0:
            return label_weight
        positive = 1.0 if self.positive_weight is None else self.positive_weight
        negative = 1.0
        if self.focus:
            negative = (torch.sigmoid(logits.detach()) - _MARGIN).clamp(min=0) ** self.focus
        return label_weight * (targets * positive + (1 - targets) * negative)

    def corrected(self, Z):
        """Log-odds (n, L) less what the weight of the positives added to them."""
        return Z if self.log_odds is None else Z - self.log_odds.astype(Z.dtype)
