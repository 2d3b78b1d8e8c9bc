"""The network that steers trainings goes on learning, by policy gradient, from episodes on the data at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_metalabel.policies._actions import log_probability
from sklearn_metalabel.policies._outcomes import label_importance
from sklearn_metalabel.policies._reinforcement import bounded_gain
from sklearn_metalabel.policies._returns import MovingBaseline, returns_to_go, standardize
from sklearn_metalabel.policies._steering import Outputs, initial_state, outputs

__all__ = ["EXPLORATION", "FineTuning", "SteeredStep"]

# Standard deviation of the noise on what the network puts out.
EXPLORATION = 0.2
_LEARNING_RATE, _UPDATE_EPOCHS, _DISCOUNT = 0.01, 5, 0.5
_GRADIENT_NORM = 1.0


@dataclass(frozen=True, eq=False)
class SteeredStep:
    """One action of an episode: what was seen of labels (L, F) and of the training, what was drawn, rewards (L,)."""

    own: NDArray
    shared: NDArray
    drawn: Outputs
    rewards: NDArray


class FineTuning:
    """Moves `parameters` (P,) by what episodes gained for each label; when a training ends is not explored."""

    def __init__(self, parameters):
        self._tensor = torch.tensor(parameters, dtype=torch.float64, requires_grad=True)
        self.optimizer = torch.optim.Adam([self._tensor], lr=_LEARNING_RATE)
        self.baseline = MovingBaseline()

    @property
    def parameters(self):
        """The present ones, as an array."""
        return self._tensor.detach().numpy().copy()

    def learn(self, steps, positives):
        """Follow the policy gradient (Eq. 7) of one episode, with credit for each label.

        `positives` (L,) of its held-out rows say how much each label counts in what all of them share.
        """
        if len(steps) < 2:
            return  # nothing changed
        rewards = np.stack([step.rewards for step in steps])
        gains = returns_to_go(np.diff(rewards, axis=0, prepend=rewards[:1]), _DISCOUNT)
        gains = np.stack([gain - self.baseline(t, gain) for t, gain in enumerate(gains)])
        importance = label_importance(positives)
        of_labels = torch.from_numpy(standardize(gains, positives > 0))[..., None]
        of_all = torch.from_numpy(standardize(gains @ importance[:, None], np.array([True])))[:, 0]
        drawn = _stacked([step.drawn for step in steps])
        acted = None
        for _ in range(_UPDATE_EPOCHS):
            means = _stacked(self._replay(steps))
            now = (
                log_probability(drawn.of_label, means.of_label, EXPLORATION),
                log_probability(drawn.of_all[:, 0], means.of_all[:, 0], EXPLORATION),
            )
            acted = [density.detach() for density in now] if acted is None else acted
            gain = bounded_gain(now[0] - acted[0], of_labels) + bounded_gain(now[1] - acted[1], of_all)
            self.optimizer.zero_grad()
            (-gain).backward()
            torch.nn.utils.clip_grad_norm_([self._tensor], _GRADIENT_NORM)
            self.optimizer.step()

    def _replay(self, steps):
        """What the present network would put out at each step."""
        state, found = initial_state(self._tensor, len(steps[0].own)), []
        for step in steps:
            state, made = outputs(self._tensor, torch.from_numpy(step.own), torch.from_numpy(step.shared), state)
            found.append(made)
        return found


def _stacked(several):
    """Outputs (T, ...) of the steps of an episode."""
    return Outputs(torch.stack([each.of_label for each in several]), torch.stack([each.of_all for each in several]))
