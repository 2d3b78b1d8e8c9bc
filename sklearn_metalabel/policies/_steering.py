"""The recurrent network that steers a training: shared over labels; as many sets of parameters as are given."""

from __future__ import annotations

from dataclasses import dataclass

import torch

__all__ = [
    "N_OWN",
    "N_PARAMETERS",
    "N_SHARED",
    "Outputs",
    "Steering",
    "initial_parameters",
    "initial_state",
    "outputs",
    "steer",
]

# What the network sees of each label, and of all of them together.
N_OWN, N_SHARED = 6, 4
HIDDEN = 6
_N_SEEN = 2 * N_OWN + N_SHARED
_SHAPES = {
    "reset_update": (_N_SEEN + HIDDEN + 1, 2 * HIDDEN),
    "candidate_seen": (_N_SEEN + 1, HIDDEN),
    "candidate_state": (HIDDEN + 1, HIDDEN),
    "of_label": (HIDDEN + 1, 2),
    "of_all": (HIDDEN + N_OWN + N_SHARED + 1, 2),
}
N_PARAMETERS = sum(rows * columns for rows, columns in _SHAPES.values())
# The largest logarithm of a label's weight, and the largest focus.
_WEIGHT_RANGE, _MOST_FOCUS = 1.0, 4.0


@dataclass(frozen=True, eq=False)
class Outputs:
    """What the network puts out, unbounded: `of_label` (..., L, 2) and `of_all` (..., 2)."""

    of_label: torch.Tensor
    of_all: torch.Tensor

    def steering(self):
        """What they stand for."""
        weight = torch.exp(_WEIGHT_RANGE * torch.tanh(self.of_label[..., 0]))
        return Steering(
            label=weight / weight.mean(dim=-1, keepdim=True),
            exponent=torch.sigmoid(self.of_label[..., 1]),
            focus=_MOST_FOCUS * torch.sigmoid(self.of_all[..., 0]),
            stop=self.of_all[..., 1],
        )


@dataclass(frozen=True, eq=False)
class Steering:
    """What the network wants from now on; tensors (..., L) and (...).

    Label j weighs ``label[j]``, its positives also ``rarity[j] ** exponent[j]``; negatives are weighted by `focus`, and
    the training ends where `stop` is above 0.
    """

    label: torch.Tensor
    exponent: torch.Tensor
    focus: torch.Tensor
    stop: torch.Tensor


def initial_parameters(seed=0):
    """Parameters (P,) that evolution starts from.

    They ask for equal weights of labels, positives by rarity to the power of 0.3, a focus of 2.8, and for an end where
    held-out average precision grows no more in the second half of the training.
    """
    generator = torch.Generator().manual_seed(seed)
    parts = {name: torch.zeros(shape) for name, shape in _SHAPES.items()}
    for name in ("reset_update", "candidate_seen", "candidate_state"):
        rows, columns = _SHAPES[name]
        parts[name] = torch.randn(rows, columns, generator=generator) / rows**0.5
        parts[name][-1] = 0
    parts["of_label"][-1, 1] = -0.85
    parts["of_all"][-1, 0] = 0.85
    parts["of_all"][-1, 1] = -0.8
    parts["of_all"][HIDDEN + 4, 1] = -6.0  # by the growth of average precision
    parts["of_all"][HIDDEN + N_OWN, 1] = 1.6  # by the share of the training that is done
    return torch.cat([parts[name].ravel() for name in _SHAPES])


def initial_state(parameters, n_labels):
    """State of each label before the first step, (..., L, H)."""
    return parameters.new_zeros(*parameters.shape[:-1], n_labels, HIDDEN)


def steer(parameters, own, shared, state):
    """One step of the network: the next state, and what is wanted; of the arguments of `outputs`."""
    state, made = outputs(parameters, own, shared, state)
    return state, made.steering()


def outputs(parameters, own, shared, state):
    """One step of the network.

    Parameters
    ----------
    parameters : Tensor of shape (..., `N_PARAMETERS`)
        One network, or several.
    own : Tensor of shape (..., n_labels, `N_OWN`)
        What describes each label.
    shared : Tensor of shape (`N_SHARED`,)
        What describes the training.
    state : Tensor of shape (..., n_labels, H)
        State of each label.

    Returns
    -------
    state : Tensor
        The next state.
    made : Outputs
    """
    layers = _layers(parameters)
    common = torch.cat([own.mean(dim=-2), shared.expand(*own.shape[:-2], N_SHARED)], dim=-1)
    seen = torch.cat([own, common[..., None, :].expand(*own.shape[:-1], common.shape[-1])], dim=-1)
    gates = torch.sigmoid(_apply(layers["reset_update"], torch.cat([seen, state], dim=-1)))
    reset, update = gates[..., :HIDDEN], gates[..., HIDDEN:]
    candidate = torch.tanh(_apply(layers["candidate_seen"], seen) + reset * _apply(layers["candidate_state"], state))
    state = (1 - update) * candidate + update * state
    of_label = _apply(layers["of_label"], state)
    together = torch.cat([state.mean(dim=-2), common], dim=-1)
    of_all = _apply(layers["of_all"], together[..., None, :])[..., 0, :]
    return state, Outputs(of_label, of_all)


def _layers(parameters):
    """The layers (..., rows, columns) by name; the last row of each is its bias."""
    sizes = [rows * columns for rows, columns in _SHAPES.values()]
    parts = parameters.split(sizes, dim=-1)
    return {
        name: part.reshape(*parameters.shape[:-1], *shape)
        for (name, shape), part in zip(_SHAPES.items(), parts, strict=True)
    }


def _apply(layer, values):
    """An affine layer (..., rows, columns) on values (..., n, rows - 1)."""
    return values @ layer[..., :-1, :] + layer[..., -1:, :]
