"""The recurrent network that reads a sample and writes its labels."""

import torch
from torch import nn
from torch.nn import functional as F

from sklearn_metalabel.baselines._label_sequences import START

__all__ = ["SequenceNetwork"]


class SequenceNetwork(nn.Module):
    """An encoder, and a decoder that gives the probability of the next label or of the end.

    Only labels later in the order can follow, and after the end nothing but the end, with probability one: padded
    sequences need no mask of their own.
    """

    def __init__(self, encoder, n_labels, hidden_size, embedding_dim):
        super().__init__()
        self.end = n_labels + 1
        self.encoder = encoder
        self.symbols = nn.Embedding(n_labels + 2, embedding_dim)
        self.decoder = nn.GRU(embedding_dim + hidden_size, hidden_size, batch_first=True)
        self.readout = nn.Linear(2 * hidden_size + embedding_dim, embedding_dim)
        self.output = nn.Linear(embedding_dim, n_labels + 1)

    def forward(self, x, sequences):
        """Negative log-likelihood (n,) of sequences (n, T), in nats."""
        context = self.encode(x)
        before = F.pad(sequences[:, :-1], (1, 0), value=START)
        log_p, _ = self.decode(before, context[None], context)
        return -log_p.gather(2, sequences[:, :, None] - 1).sum(dim=(1, 2))

    @property
    def device(self):
        """The device of the parameters."""
        return self.output.weight.device

    def encode(self, x):
        """Context (n, hidden_size) of some samples, which is also the decoder's first state."""
        context, expected = self.encoder(x), (len(x), self.decoder.hidden_size)
        if not torch.is_tensor(context) or tuple(context.shape) != expected:
            got = tuple(context.shape) if torch.is_tensor(context) else type(context).__name__
            raise ValueError(
                f"The module's forward must return a representation of shape (batch, hidden_size) = {expected}, got "
                f"{got}; give its last layer hidden_size outputs, or set hidden_size to what it has."
            )
        return torch.tanh(context)

    def decode(self, before, state, context):
        """Log-probabilities (n, T, L + 1) of what follows the symbols `before` (n, T), and the last state."""
        previous = self.symbols(before)
        context = context[:, None].expand(-1, before.shape[1], -1)
        hidden, state = self.decoder(torch.cat([previous, context], dim=2), state)
        logits = self.output(torch.tanh(self.readout(torch.cat([hidden, previous, context], dim=2))))
        symbol = torch.arange(1, self.end + 1, device=before.device)
        impossible = (symbol <= before[:, :, None]) & (symbol < self.end)
        return logits.masked_fill(impossible, -torch.inf).log_softmax(dim=2), state
