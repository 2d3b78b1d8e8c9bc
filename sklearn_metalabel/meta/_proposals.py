"""Loss weights worth trying: few, and each a function of what describes a label, so that they cannot fit noise."""

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Proposal", "proposed_paths"]

# Chosen on development splits: see "Which weights pay" in the user guide.
_RARITY_EXPONENT = 0.5
_FOCUSES = (2.0, 4.0)


@dataclass(frozen=True)
class Proposal:
    """Loss weights (L,) of mean 1, the factor that all of them have, and what else the loss is to weigh.

    `emphasis` may hold "positive_weight" (L,), a further factor of the positives of each label, and "focus", a power
    that takes weight from negatives which are already told apart.
    """

    name: str
    weights: np.ndarray
    scale: float = 1.0
    emphasis: dict = field(default_factory=dict)

    @property
    def label_weight(self):
        """What the base learner is to multiply the loss of each label by."""
        return self.scale * self.weights


def proposed_paths(learner, weights, positives, n_instances):
    """Lists of proposals; those of one list are tried one after the other, each started from the last solution.

    Where weights set the strength of a penalty (`learner.scales`), their scale is what matters. Where labels share
    parameters, it is the weight of positives against negatives.
    """
    if learner.scales:
        return [[Proposal(f"scale {scale:g}", weights, scale) for scale in learner.scales]]
    rarity = n_instances / np.clip(positives, 1, n_instances)
    emphases = {
        "equal": {},
        "positives": {"positive_weight": rarity**_RARITY_EXPONENT},
        **{f"hard negatives {focus:g}": {"focus": focus} for focus in _FOCUSES},
    }
    return [
        [Proposal(name, weights, emphasis=emphasis)]
        for name, emphasis in emphases.items()
        if learner.emphases.issuperset(emphasis)
    ]
