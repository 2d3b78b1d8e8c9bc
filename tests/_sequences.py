"""A sequence network of random weights, and its probabilities in NumPy; found through `pythonpath` of pytest."""

import numpy as np
import torch
from torch import nn

from sklearn_metalabel.baselines._sequence_network import SequenceNetwork

N_LABELS, HIDDEN, DIM = 4, 5, 3


def random_network(seed, n_labels=N_LABELS):
    """A network of large random weights, whose distributions are far from uniform."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SequenceNetwork(nn.Linear(2, HIDDEN), n_labels, HIDDEN, DIM).eval()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.8)
        return network, torch.randn(6, 2)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def naive_log_p(network, x, sequence):
    """Log-probabilities of each symbol after the symbols of `sequence` (a list), in NumPy."""
    w = {name: value.detach().double().numpy() for name, value in network.named_parameters()}
    n_labels = len(w["output.bias"]) - 1
    context = np.tanh(w["encoder.weight"] @ x + w["encoder.bias"])
    h, last = context, 0
    for symbol in [0, *sequence]:
        e, last = w["symbols.weight"][symbol], symbol
        a = w["decoder.weight_ih_l0"] @ np.r_[e, context] + w["decoder.bias_ih_l0"]
        b = w["decoder.weight_hh_l0"] @ h + w["decoder.bias_hh_l0"]
        (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
        z, candidate = sigmoid(az + bz), np.tanh(an + sigmoid(ar + br) * bn)
        h = (1 - z) * candidate + z * h
    readout = np.tanh(w["readout.weight"] @ np.r_[h, e, context] + w["readout.bias"])
    logits = w["output.weight"] @ readout + w["output.bias"]
    possible = [symbol for symbol in range(1, n_labels + 1) if symbol > last] + [n_labels + 1]
    total = np.log(sum(np.exp(logits[symbol - 1]) for symbol in possible))
    return {symbol: logits[symbol - 1] - total for symbol in possible}
