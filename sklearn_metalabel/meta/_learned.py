"""What a training policy leaves behind, whichever way it learned."""

from dataclasses import dataclass, field

import numpy as np

from sklearn_metalabel.meta._proposals import Proposal

__all__ = ["Learned"]


@dataclass
class Learned:
    """The loss weights to take, the last thresholds (L,), and what happened on the way.

    `out_of_fold` is (Y, P, fold of each row) of held-out rows, a HeldOut where they are too many, or None; `history`
    holds arrays by episode and step; `policy_state` the parameters of a recurrent policy and `seen` what its greedy
    episode looks at.
    """

    proposal: Proposal
    thresholds: np.ndarray
    out_of_fold: object
    history: dict
    policy_state: dict = field(default_factory=dict)
    seen: dict = field(default_factory=dict)
