"""What the loss of a network weighs beside its labels: positives against negatives, and hard negatives."""

import numpy as np
import torch
from scipy.special import expit, logit

from sklearn_metalabel.learners._losses import shifted_probabilities

__all__ = ["EMPHASES", "Emphasis"]

EMPHASES = frozenset({"positive", "focus"})
# Negatives below this probability count nothing under a focus, as in the asymmetric loss.
_MARGIN = 0.05
# In the correction of probabilities no weight is taken for less: where the loss hardly looked, nothing was learned.
_LEAST = 0.01


class Emphasis:
    """Weights of the entries of a batch, from those of its labels.

    A positive of label j counts ``positive[j]`` times; a negative of probability p counts
    ``max(p - 0.05, 0) ** focus``, after the asymmetric loss of Ridnik et al. (2021), with no gradient through it.

    Parameters
    ----------
    device : torch.device
        Where the batches are.
    positive : ndarray of shape (n_labels,), default=None
        Weight of the positives of each label; None is one for all.
    focus : float, default=0.0
        How much weight easy negatives lose; 0 is none.
    """

    def __init__(self, device, positive=None, focus=0.0):
        self.focus = float(focus)
        self._given = None if positive is None else np.array(positive, dtype=np.float64)
        self.log_odds = None if positive is None else np.log(self._given)
        self.positive = torch.tensor([1.0] if positive is None else self._given, dtype=torch.float32, device=device)

    @staticmethod
    def arguments(weights):
        """Arguments of an emphasis, but the device, from `LossWeights`; empty where labels alone are weighted."""
        wanted = {"positive": weights.positive, "focus": weights.focus}
        return {name: wanted[name] for name in weights.asks_for}

    def is_of(self, weights):
        """Whether these `LossWeights` ask for this emphasis; arrays that were changed in place do not."""
        same = weights.positive is None if self._given is None else np.array_equal(weights.positive, self._given)
        return same and weights.focus == self.focus

    def weight(self, label_weight, logits, targets):
        """Weight of each entry (B, L), or `label_weight` (L,) itself where that is all there is."""
        if self.focus:
            weight = shifted_probabilities(logits.float(), _MARGIN)
            weight = weight.square_().square_() if self.focus == 4 else weight.pow_(self.focus)  # 4 is slow as a power
            return weight.lerp_(self.positive, targets.float()).mul_(label_weight)
        if self.log_odds is not None:
            return torch.addcmul(label_weight, targets, label_weight * (self.positive - 1))
        return label_weight

    def corrected(self, Z):
        """Log-odds (n, L) without what the emphasis added to them.

        A network fits ``odds * positive / negative``, the odds of the label and the weights of its positives and
        negatives: the logarithm of the weights' ratio is taken off.
        """
        if self.focus:
            least = _LEAST ** (1 / self.focus)
            z = Z.ravel()
            hard = np.flatnonzero(z > logit(_MARGIN + least))  # of all others the weight is the least
            corrected = z + z.dtype.type(np.log(_LEAST))
            corrected[hard] = z[hard] + self.focus * np.log(expit(z[hard]) - _MARGIN)
            Z = corrected.reshape(Z.shape)
        return Z if self.log_odds is None else Z - self.log_odds.astype(Z.dtype)
