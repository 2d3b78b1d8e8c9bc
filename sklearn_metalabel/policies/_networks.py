"""Policy networks: from what was seen so far to a loss weight and a threshold for every label."""

from dataclasses import dataclass

import torch
from torch import nn

__all__ = ["GRUNetwork", "Observation", "SharedGRUNetwork", "build_network"]


@dataclass
class Observation:
    """What a policy sees before a step.

    `weights` (L,), sum 1, and `thresholds` (L,) are its own last proposals; `features` (L, F) describe each label and
    what its held-out rows said so far; `anchor` (L,) is the log-odds of a threshold to propose departures from.
    """

    weights: torch.Tensor
    thresholds: torch.Tensor
    features: torch.Tensor | None = None
    anchor: torch.Tensor | None = None


class GRUNetwork(nn.Module):
    """The paper's policy: one state for all labels, which sees its own last proposals alone.

    Eq. 3: s_t = GRU(s_{t-1}, [p_{t-1}; w_{t-1}]); Eq. 4: w_t = softmax(W_w s_t + b_w);
    Eq. 5: p_t = sigmoid(W_p s_t + b_p).
    It has O(L H) parameters and is open loop: nothing it sees depends on the data.
    """

    n_features = 0

    def __init__(self, n_labels, hidden_size):
        super().__init__()
        self.cell = nn.GRUCell(2 * n_labels, hidden_size)
        self.weight_head = _zero_linear(hidden_size, n_labels)
        self.threshold_head = _zero_linear(hidden_size, n_labels)

    def initial_state(self, n_labels):
        """State s_0."""
        return torch.zeros(1, self.cell.hidden_size)

    def forward(self, observation, state):
        """Next state, and the means of the weights (before softmax) and thresholds (log-odds), each (L,)."""
        seen = torch.cat([observation.thresholds, observation.weights])[None]
        state = self.cell(seen, state)
        return state, self.weight_head(state)[0], self.threshold_head(state)[0]


class SharedGRUNetwork(nn.Module):
    """One small network for every label: it has as many parameters for ten labels as for ten thousand.

    Each label has a state of its own; the network sees the label's descriptors, the outcomes on its held-out rows, its
    last proposals, and the mean of all that over the labels. Thresholds are departures from the anchor it is shown.
    """

    n_features = 4

    def __init__(self, hidden_size):
        super().__init__()
        n_inputs = self.n_features + 2
        self.cell = nn.GRUCell(2 * n_inputs, hidden_size)
        self.weight_head = _zero_linear(hidden_size, 1)
        self.threshold_head = _zero_linear(hidden_size, 1)

    def initial_state(self, n_labels):
        """State of each label before the first step."""
        return torch.zeros(n_labels, self.cell.hidden_size)

    def forward(self, observation, state):
        """Next state, and the means of the weights (before softmax) and thresholds (log-odds), each (L,)."""
        n_labels = len(observation.weights)
        last = torch.stack([torch.log(n_labels * observation.weights), torch.logit(observation.thresholds)], dim=1)
        own = torch.cat([observation.features, last], dim=1)
        seen = torch.cat([own, own.mean(dim=0, keepdim=True).expand_as(own)], dim=1)
        state = self.cell(seen, state)
        departure = self.threshold_head(state)[:, 0]
        return state, self.weight_head(state)[:, 0], observation.anchor + departure


def build_network(kind, n_labels, hidden_size):
    """A fresh policy that proposes equal weights, and thresholds of 0.5 or at the anchor."""
    return GRUNetwork(n_labels, hidden_size) if kind == "gru" else SharedGRUNetwork(hidden_size)


def _zero_linear(n_inputs, n_outputs):
    """A linear layer of zeros, so that learning starts from the neutral proposal."""
    layer = nn.Linear(n_inputs, n_outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
