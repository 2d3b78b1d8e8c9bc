"""Training episodes of many networks at once, all steered by policies of their own: what a training policy learns from.

Every network of an episode starts from the same parameters and sees the same batches, with the same units dropped, so
that what differs between their outcomes is what their policies did.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from sklearn_metalabel.learners import part_bounds
from sklearn_metalabel.nn import TextCNN
from sklearn_metalabel.policies._steered_run import N_ACTIONS, describe_training
from sklearn_metalabel.policies._steering import initial_state, steer

__all__ = [
    "Episode",
    "EpisodeData",
    "LabelSets",
    "Outcomes",
    "StackedTextCNN",
    "average_precisions",
    "equal_steering",
    "play",
]

_MARGIN, _LEAST = 0.05, 0.01
_SLOPES = 1.0, 0.7, 0.5, 0.35
_LEAST_EXPLAINED = -0.25
_TEXTS_AT_ONCE = 128


class StackedTextCNN(TextCNN):
    """The same network without a convolution, of which no library runs many with weights of their own in little time.

    The words meet all filters in one matrix product, whose parts are then added where they belong.
    """

    def forward(self, x):
        """Logits of some texts."""
        words = self.words(x)
        responses = [F.relu(self._convolved(words, filters).max(dim=1).values) for filters in self.filters]
        return self.output(self.dropout(torch.cat(responses, dim=1)))

    @staticmethod
    def _convolved(words, filters):
        """Responses (n, positions, filters), where filters also run over the padding."""
        n_filters, dim, width = filters.weight.shape
        parts = words @ filters.weight.permute(1, 2, 0).reshape(dim, width * n_filters)
        parts = parts.split(n_filters, dim=2)
        return sum(F.pad(part, (0, 0, width - 1 - k, k)) for k, part in enumerate(parts)) + filters.bias

    @torch.no_grad()
    def bound(self, parameters):
        """Enforce the bound of the last layer on parameters of several networks, by name."""
        weight = parameters["output.weight"]
        norms = weight.norm(dim=-1, keepdim=True)
        weight.mul_((self.max_norm / norms.clamp(min=1e-6)).clamp(max=1))


@dataclass(frozen=True, eq=False)
class EpisodeData:
    """Rows that train, rows that the policy sees, and rows that judge it; X and Y of each, on one device."""

    train: tuple[torch.Tensor, torch.Tensor]
    seen: tuple[torch.Tensor, torch.Tensor]
    judged: tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Episode:
    """How the networks are trained."""

    module: torch.nn.Module
    lr: float
    n_epochs: int
    batch_size: int
    seed: int


@dataclass(frozen=True, eq=False)
class Outcomes:
    """After each action, for each policy, (K, M): scores on the judging rows, and what the policy asked for.

    `exact` is the share of the labels' variance that the probabilities explain; `of_labels` (K, M, L) has the average
    precision of each label.
    """

    average_precision: torch.Tensor
    decided: torch.Tensor
    exact: torch.Tensor
    of_labels: torch.Tensor
    stop: torch.Tensor
    focus: torch.Tensor
    exponent: torch.Tensor


def equal_steering(steering, rows, exponent=0.0, focus=0.0):
    """Steering in which some policies `rows` ask for constant weights instead."""
    steering.label[rows] = 1.0
    steering.exponent[rows] = exponent
    steering.focus[rows] = focus
    steering.stop[rows] = -1.0


def play(data, episode, parameters, constant=()):
    """Train one network for each row of `parameters` (M, P); returns `Outcomes`.

    `constant` has tuples (first, last, exponent, focus): policies that ask for constant weights instead, to compare.
    """
    device = parameters.device
    (X, Y), (_, n_labels) = data.train, data.train[1].shape
    learner = _Learners(episode, len(parameters), device)
    n_batches = -(-len(X) // episode.batch_size)
    n_updates = episode.n_epochs * n_batches
    positives = Y.sum(dim=0)
    log_rarity = torch.log(len(X) / positives.clamp(min=1))
    own = describe(Y, len(parameters))
    label_sets = LabelSets.of(Y)
    state, found = initial_state(parameters, n_labels), []
    generator = torch.Generator(device).manual_seed(episode.seed)
    rows = []
    for k, (first_update, end) in enumerate(part_bounds(n_updates, N_ACTIONS)):
        shared = describe_training(k / N_ACTIONS, len(X), n_labels, n_updates)
        shared = torch.tensor(shared, dtype=torch.float32, device=device)
        state, wanted = steer(parameters, own, shared, state)
        for first, last, exponent, focus in constant:
            equal_steering(wanted, slice(first, last), exponent, focus)
        positive = torch.exp(wanted.exponent * log_rarity)
        for _ in range(end - first_update):
            if not rows:
                order = torch.randperm(len(X), device=device, generator=generator)
                rows = list(torch.tensor_split(order, n_batches))
            batch = rows.pop()
            learner.step(X[batch], Y[batch], wanted.label, positive, wanted.focus)
        seen, judged = (corrected(learner.logits(part[0]), positive, wanted.focus) for part in (data.seen, data.judged))
        own = update_description(own, data.seen[1], seen)
        score = _scores(data, label_sets, seen, judged)
        found.append((*score, wanted.stop, wanted.focus, wanted.exponent.mean(dim=1)))
    return Outcomes(*(torch.stack(part) for part in zip(*found, strict=True)))


def describe(Y, n_networks):
    """What the network sees of each label before anything is trained, (M, L, 6)."""
    positives = Y.sum(dim=0)
    own = Y.new_zeros(n_networks, Y.shape[1], 6)
    own[..., 0] = (torch.log((positives + 1) / len(Y)) + 4) / 2
    others = Y.T @ (Y.sum(dim=1) - 1) / positives.clamp(min=1)
    own[..., 5] = torch.log1p(others) - 1
    return own


def update_description(own, Y, Z):
    """The description with what held-out log-odds Z (M, n, L) say."""
    positives = Y.sum(dim=0)
    of_positives = torch.einsum("nl,mnl->ml", Y, Z) / positives.clamp(min=1)
    of_negatives = torch.einsum("nl,mnl->ml", 1 - Y, Z) / (len(Y) - positives).clamp(min=1)
    precision = average_precisions(Y, Z)
    before = torch.where(own[..., 3] == 0, precision, own[..., 3])
    parts = [own[..., 0], of_positives / 4, of_negatives / 4, precision, 10 * (precision - before)]
    return torch.stack([*parts, own[..., 5]], dim=-1)


def average_precisions(Y, Z):
    """Average precision of each label, (M, L); 0 without positives."""
    # The last bit of a score says whether its row is positive, so that sorted scores are enough; rows are last.
    keys = Z.transpose(1, 2).contiguous().view(torch.int32)
    keys = (keys & ~1) | Y.T.to(torch.int32)
    hits = (_ascending(keys.view(torch.float32)).view(torch.int32) & 1).flip(-1).float()
    precision = hits.cumsum(dim=-1) / torch.arange(1, len(Y) + 1, device=Y.device)
    return (precision * hits).sum(dim=-1) / Y.sum(dim=0).clamp(min=1)


def _ascending(values):
    """Values sorted along their last axis; NumPy sorts several times faster than torch does on a CPU."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    return values.sort(dim=-1).values


def corrected(Z, positive, focus):
    """Log-odds (M, n, L) without what the weights of entries added to them; as `Emphasis.corrected` does it."""
    focus = focus[:, None, None]
    least = _LEAST ** (1 / focus.clamp(min=1e-3))
    of_negatives = focus * torch.log(torch.maximum(torch.sigmoid(Z) - _MARGIN, least).clamp(min=1e-12))
    return Z + of_negatives - torch.log(positive)[:, None]


@dataclass(frozen=True, eq=False)
class LabelSets:
    """Label sets (U, L) of the training rows, and logarithms (U,) of how often each of them occurs."""

    sets: torch.Tensor
    log_counts: torch.Tensor

    @classmethod
    def of(cls, Y):
        """Those of the rows of Y (n, L)."""
        sets, counts = torch.unique(Y, dim=0, return_counts=True)
        return cls(sets, torch.log(counts.float()))

    def nearest(self, Z):
        """The most probable of them, for log-odds Z (M, n, L); half of what is known of their frequency counts."""
        return self.sets[(Z @ self.sets.T + self.log_counts / 2).argmax(dim=-1)]


def _scores(data, label_sets, seen, judged):
    """Average precision (M,), half macro and half micro; scores of decisions; variance explained; precisions (M, L).

    Decisions are scored by the mean of strict accuracy, micro- and macro-F1. Every label is cut where as many rows pass
    as have it, for macro-F1; all labels are cut at once for micro-F1; strict accuracy is that of the most probable
    label sets, which rests on exact probabilities. These are made as sharp as rows that the policy sees want them.
    """
    Y, Y_judged = data.seen[1], data.judged[1]
    present = Y_judged.any(dim=0)
    together = judged > _break_even(Y.reshape(-1, 1), seen.reshape(len(seen), -1, 1))[:, None]
    apart = judged > _break_even(Y, seen)[:, None]
    truth = Y_judged.bool()
    slope = _best_slope(Y, seen)[:, None, None]
    accuracy = (label_sets.nearest(slope * judged) == Y_judged).all(dim=2).float().mean(dim=1)
    f1_micro = 2 * (together & truth).sum(dim=(1, 2)) / (together.sum(dim=(1, 2)) + truth.sum())
    f1 = 2 * (apart & truth).sum(dim=1) / (apart.sum(dim=1) + truth.sum(dim=0)).clamp(min=1)
    decided = (accuracy + f1_micro + f1[:, present].mean(dim=1)) / 3
    frequency = data.train[1].mean(dim=0)
    explained = 1 - _squared_error(Y_judged, slope * judged) / ((frequency - Y_judged) ** 2).sum()
    explained = explained.clamp(min=_LEAST_EXPLAINED)  # where hardly anything is learned yet
    precisions = average_precisions(Y_judged, judged)
    micro = average_precisions(Y_judged.reshape(-1, 1), judged.reshape(len(judged), -1, 1))[:, 0]
    return (precisions[:, present].mean(dim=1) + micro) / 2, decided, explained, precisions


def _squared_error(Y, Z):
    """Sum (M,) of the squared errors of probabilities, given as log-odds."""
    return ((torch.sigmoid(Z) - Y) ** 2).sum(dim=(1, 2))


def _best_slope(Y, Z):
    """What log-odds are best multiplied by, (M,); a choice among a few."""
    slopes = torch.tensor(_SLOPES, device=Z.device)
    return slopes[torch.stack([_squared_error(Y, slope * Z) for slope in _SLOPES]).argmin(dim=0)]


def _break_even(Y, Z):
    """Cut (M, L) that as many rows pass as are positive."""
    ascending = _ascending(Z.transpose(1, 2).contiguous())
    at = (len(Y) - 1 - Y.sum(dim=0).long()).clamp(min=0).expand(len(Z), -1)
    return torch.gather(ascending, 2, at[..., None])[..., 0]


class _Learners:
    """Networks of one architecture, their parameters stacked, trained by Adam."""

    def __init__(self, episode, n_networks, device):
        self.module = episode.module.to(device)
        start = {name: p.detach() for name, p in self.module.named_parameters()}
        self.parameters = {name: p.expand(n_networks, *p.shape).contiguous() for name, p in start.items()}
        self.optimizer = torch.optim.Adam(self.parameters.values(), lr=episode.lr, fused=True)
        self.gradient = vmap(grad(self._loss), in_dims=(0, None, None, 0, 0, 0), randomness="same")
        self.forward = vmap(self._forward, in_dims=(0, None))

    def _forward(self, parameters, x):
        return functional_call(self.module, parameters, (x,))

    def _loss(self, parameters, x, y, label, positive, focus):
        logits = self._forward(parameters, x)
        probability = torch.sigmoid(logits.detach())
        of_negatives = (probability - _MARGIN).clamp(min=0).clamp(min=1e-6) ** focus
        weight = label * torch.where(y > 0, positive, of_negatives)
        return F.binary_cross_entropy_with_logits(logits, y, weight=weight)

    def step(self, x, y, label, positive, focus):
        """One update of every network."""
        self.module.train()
        gradients = self.gradient(self.parameters, x, y, label, positive, focus)
        for name, parameter in self.parameters.items():
            parameter.grad = gradients[name].contiguous()  # as fused updates want them
        self.optimizer.step()
        if isinstance(self.module, StackedTextCNN):
            self.module.bound(self.parameters)

    @torch.no_grad()
    def logits(self, x):
        """Log-odds (M, n, L) of rows."""
        self.module.eval()
        most = _TEXTS_AT_ONCE if isinstance(self.module, StackedTextCNN) else len(x)
        return torch.cat([self.forward(self.parameters, part) for part in x.split(most)], dim=1)
