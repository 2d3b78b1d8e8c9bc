"""Loss weights worth trying: few, and each a function of what describes a label, so that they cannot fit noise."""

from dataclasses import dataclass, field

import numpy as np

__all__ = ["OF_EACH_LABEL", "Proposal", "proposed_paths"]

# Chosen on development splits: see "Which weights pay" in the user guide.
_RARITY_EXPONENT = 0.5
_FOCUSES = (2.0, 4.0)
_EQUAL, _SCALE, OF_EACH_LABEL = "equal", "scale {:g}", "scale of each label"


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


def proposed_paths(learner, weights, positives, n_samples, last=None):
    """Lists of proposals; those of one list are tried one after the other, each started from the last solution.

    Where weights set the strength of a penalty (`learner.scales`), their scale is what matters. Where labels share
    parameters, it is the weight of positives against negatives. Where `last`, the proposal that an earlier fit took,
    is of the same kind, only what is near it is proposed.
    """
    if learner.scales:
        return [[Proposal(_SCALE.format(scale), weights, scale) for scale in _near(learner.scales, last)]]
    rarity = n_samples / np.clip(positives, 1, n_samples)
    emphases = {
        _EQUAL: {},
        "positives": {"positive_weight": rarity**_RARITY_EXPONENT},
        **{f"hard negatives {focus:g}": {"focus": focus} for focus in _FOCUSES},
    }
    names = [name for name, emphasis in emphases.items() if learner.emphases.issuperset(emphasis)]
    if last is not None and last.name in names[1:]:
        names = [_EQUAL, last.name]
    return [[Proposal(name, weights, emphasis=emphases[name])] for name in names]


def _near(scales, last):
    """The scale that was taken last, as nearly as it is among all, and its neighbours."""
    if last is None or last.name not in [OF_EACH_LABEL, *map(_SCALE.format, scales)]:
        return scales
    at = int(np.abs(np.log(scales) - np.log(last.scale)).argmin())
    return scales[max(at - 1, 0) : at + 2]
