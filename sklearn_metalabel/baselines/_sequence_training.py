"""Training of a sequence network, and its predictions for any number of rows."""

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from sklearn_metalabel.baselines._beam_search import beam_search, best_sequences
from sklearn_metalabel.learners import BatchSampler, input_dtype

__all__ = ["predict_sequences", "train_sequences"]

# A search always goes over this many rows, so that what it finds for one does not depend on the rows beside it.
_PREDICT_ROWS = {"cpu": 64, "cuda": 256}


def train_sequences(network, optimizer, X, sequences, lengths, *, weight, batch_size, n_epochs, clip_norm, rng):
    """Make all updates of all epochs; returns the mean loss of each epoch."""
    sample, losses = BatchSampler(X.shape[0], batch_size, rng), []
    for _ in range(n_epochs * -(-X.shape[0] // batch_size)):
        rows = sample()
        written = sequences[rows, : lengths[rows].max() + 1]  # nothing but ends after that
        nll = network(_as_input(X[rows], network), torch.from_numpy(written).to(network.device))
        loss = (nll * torch.from_numpy(weight[rows]).to(network.device)).mean()
        _update(optimizer, loss, clip_norm)
        losses.append(loss.item())
    return np.reshape(losses, (n_epochs, -1)).mean(axis=1)


def _update(optimizer, loss, clip_norm):
    """One step of the optimiser, with gradients of bounded norm."""
    settings = optimizer.param_groups[0]
    if not torch.isfinite(loss):
        raise ValueError(
            f"The training loss became {loss.item()}: lower the learning rate (lr={settings['lr']}) or scale the "
            "features."
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(settings["params"], clip_norm)
    optimizer.step()


@torch.no_grad()
def predict_sequences(network, X, *, width, max_labels, length_penalty):
    """Best sequence (n, max_labels) of each row, and the marginals (n, L) of the labels in the sequences."""
    size = _PREDICT_ROWS.get(network.device.type, 256)
    sequences = np.full((X.shape[0], max_labels), network.end)
    P = np.empty((X.shape[0], network.end - 1), dtype=np.float32)
    for start in range(0, X.shape[0], size):
        x = _as_input(X[start : start + size], network)
        rows = slice(start, start + len(x))
        padded = torch.cat([x, x[-1:].expand(size - len(x), *x.shape[1:])])
        found, scores, marginals = beam_search(network, padded, width, max_labels)
        best = best_sequences(found, scores, network.end, length_penalty)[: len(x)]
        sequences[rows, : best.shape[1]] = best.cpu().numpy()
        P[rows] = marginals[: len(x)].cpu().numpy()
    if np.isnan(P).any():
        raise ValueError(
            "The network's probabilities are NaN for some rows: lower the learning rate or check the module's forward."
        )
    return sequences, P.astype(np.float64)


def _as_input(X, network):
    """Rows of X as the dense tensor that the encoder takes."""
    dtype = input_dtype(network.encoder)
    array = X.astype(dtype, copy=False).toarray() if sp.issparse(X) else np.array(X, dtype=dtype, order="C")
    return torch.from_numpy(array).to(network.device)
