"""The most probable label sets of a sequence network."""

import torch

from sklearn_metalabel.baselines._label_sequences import START

__all__ = ["beam_search", "best_sequences"]


def beam_search(network, x, width, max_labels):
    """Most probable sequences (n, width, T) of the samples x (n, ...), and their log-probabilities (n, width).

    Also, for each label, the total probability (n, L) of all ways to come to it that were looked at, those that were
    followed no further included. A sequence of `max_labels` labels ends there.
    """
    context = network.encode(x).repeat_interleave(width, dim=0)
    state, n = context, len(x)
    sequences = torch.full((n, width, 1), START, device=x.device)
    scores = torch.full((n, width), -torch.inf, device=x.device)
    scores[:, 0] = 0  # one way to begin
    marginals = 0
    for _ in range(max_labels):
        log_p, state = network.decode(sequences[:, :, -1].reshape(-1, 1), state[None], context)
        total = scores[:, :, None] + log_p.view(n, width, network.end)
        marginals = marginals + total[:, :, :-1].exp().sum(dim=1)
        scores, best = total.flatten(1).topk(width)
        parent, symbol = best // network.end, best % network.end + 1
        sequences = torch.cat([_follow(sequences, parent), symbol[:, :, None]], dim=2)
        state = _follow(state.view(n, width, -1), parent).flatten(0, 1)
        if ((symbol == network.end) | scores.isinf()).all():
            break
    return sequences[:, :, 1:], scores, marginals


def _follow(values, parent):
    """Rows (n, width, k) of each hypothesis's parent."""
    return values.gather(1, parent[:, :, None].expand(-1, -1, values.shape[2]))


def best_sequences(sequences, scores, end, length_penalty):
    """The sequence (n, T) of each row whose log-probability for its length, the end included, is largest."""
    lengths = (sequences != end).sum(dim=2) + 1
    best = (scores / lengths**length_penalty).argmax(dim=1)
    return sequences[torch.arange(len(best)), best]
