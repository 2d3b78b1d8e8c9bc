"""What the search tries: few loss weights, each a function of what describes a label, so that they fit no noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_metalabel.learners import LossWeights

__all__ = ["EQUAL", "OF_EACH_LABEL", "Proposal", "proposed_paths"]

# Chosen on development splits: see "Which weights help" in the user guide.
_RARITY_EXPONENT = 0.5
_FOCUSES = (2.0, 4.0)
EQUAL, _SCALE, OF_EACH_LABEL = "equal", "scale {:g}", "scale of each label"


@dataclass(frozen=True, eq=False)
class Proposal:
    """Loss weights to try, by a name; `scale` is the factor that all of them have beside those of the user."""

    name: str
    weights: LossWeights
    scale: float = 1.0


def proposed_paths(run, weights, positives, n_samples, last=None):
    """Lists of proposals; those of one list are tried one after the other, each started from the last solution.

    Where weights set the strength of a penalty (`run.scales`), their scale is what matters. Where labels share
    parameters, it is the weight of positives against negatives. Where `last`, the name and scale that an earlier fit
    took, is of the same kind, only what is near it is proposed.
    """
    equal = LossWeights(weights)
    if run.scales:
        return [[Proposal(_SCALE.format(scale), equal.scaled(scale), scale) for scale in _near(run.scales, last)]]
    rarity = n_samples / np.clip(positives, np.minimum(1, n_samples), n_samples)
    tried = {
        EQUAL: equal,
        "positives": LossWeights(weights, positive=rarity**_RARITY_EXPONENT),
        **{f"hard negatives {focus:g}": LossWeights(weights, focus=focus) for focus in _FOCUSES},
    }
    names = [name for name, weights in tried.items() if weights.asks_for <= run.emphases]
    if last is not None and last[0] in names[1:]:
        names = [EQUAL, last[0]]
    return [[Proposal(name, tried[name])] for name in names]


def _near(scales, last):
    """The scale that was taken last, as nearly as it is among all, and its neighbours."""
    if last is None or last[0] not in [OF_EACH_LABEL, *map(_SCALE.format, scales)]:
        return scales
    at = int(np.abs(np.log(scales) - np.log(last[1])).argmin())
    return scales[max(at - 1, 0) : at + 2]
