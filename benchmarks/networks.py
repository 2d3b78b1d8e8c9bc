"""Training of TextCNN and AttentiveBiLSTM by TorchClassifier beside a plain PyTorch loop over the same tensors.

Times are medians of interleaved repeats in one process, on synthetic word numbers of the paper's sizes. Run it with
``python benchmarks/networks.py``.
"""

import argparse
import time

import numpy as np
import torch
from _table import Table
from torch.nn import functional as F

from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import AttentiveBiLSTM, TextCNN

N_TOKENS, N_LABELS, BATCH = 20_000, 90, 64
# Network, columns of X.
NETWORKS = {"TextCNN": (TextCNN, 120), "AttentiveBiLSTM": (AttentiveBiLSTM, 28)}


def make_data(n, n_columns, rng):
    """Word numbers and three labels a sample."""
    X = rng.integers(1, N_TOKENS, size=(n, n_columns), dtype=np.int32)
    Y = np.zeros((n, N_LABELS), dtype=np.int8)
    Y[np.repeat(np.arange(n), 3), rng.integers(N_LABELS, size=3 * n)] = 1
    return X, Y


def build(network, X):
    """A module for these columns."""
    sizes = {"n_features": X.shape[1]} if network is AttentiveBiLSTM else {}
    return network(**sizes, n_labels=N_LABELS, n_tokens=N_TOKENS, embedding_dim=50)


def plain_loop(network, X, Y, n_epochs, device):
    """What a user writes without this package; the tensors lie on the device."""
    torch.manual_seed(0)
    module = build(network, X).to(device).train()
    inputs, targets = torch.from_numpy(X).long().to(device), torch.from_numpy(Y).to(device)
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], fused=True)
    for _ in range(n_epochs):
        for rows in torch.randperm(len(inputs), device=device).tensor_split(-(-len(inputs) // BATCH)):
            optimizer.zero_grad(set_to_none=True)
            F.binary_cross_entropy_with_logits(module(inputs[rows]), targets[rows].float()).backward()
            optimizer.step()


def ours(network, X, Y, n_epochs, device):
    """The same updates by TorchClassifier."""
    module = {"module__embedding_dim": 50, "module__n_tokens": N_TOKENS}
    TorchClassifier(network, **module, batch_size=BATCH, n_epochs=n_epochs, device=device, random_state=0).fit(X, Y)


def seconds(function, *args):
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def main():
    """Print one row for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=3_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    columns = ["network", "updates", "TorchClassifier [s]", "plain loop [s]", "ratio", "ratio of each repeat"]
    table = Table("networks", *columns, folder=args.output)
    for name, (network, n_columns) in NETWORKS.items():
        X, Y = make_data(args.samples, n_columns, np.random.default_rng(0))
        case = network, X, Y, args.epochs, args.device
        seconds(plain_loop, *case)
        times = np.array([[seconds(ours, *case), seconds(plain_loop, *case)] for _ in range(args.repeats)])
        ratios = times[:, 0] / times[:, 1]
        fitted, plain = np.median(times, axis=0)
        updates = args.epochs * -(-args.samples // BATCH)
        spread = f"{ratios.min():.2f} - {ratios.max():.2f}"
        table.add(name, updates, f"{fitted:.2f}", f"{plain:.2f}", f"{np.median(ratios):.2f}", spread)


if __name__ == "__main__":
    main()
