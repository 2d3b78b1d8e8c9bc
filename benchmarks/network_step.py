"""Cost of a training of TextCNN that the pre-trained policy steers, beside the same updates in a plain PyTorch loop.

Times are medians of interleaved repeats in one process; what the policy sees of held-out rows on its way is part of
them. Run it with ``python benchmarks/network_step.py --device cuda``.
"""

import argparse
import time

import numpy as np
import torch
from _table import Table
from torch.nn import functional as F

from sklearn_metalabel.learners import BatchSampler, TorchClassifier, make_folds
from sklearn_metalabel.nn import TextCNN
from sklearn_metalabel.policies._runs import trial_plan
from sklearn_metalabel.policies._steered_run import run_steered
from sklearn_metalabel.policies._steering import initial_parameters
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.utils import current_threads

N_TOKENS, LENGTH, N_LABELS, BATCH = 10_000, 100, 90, 64


class Case:
    """Random texts, and both ways to train on two thirds of them."""

    def __init__(self, n, n_epochs, device):
        rng = np.random.default_rng(0)
        X = rng.integers(1, N_TOKENS, size=(n, LENGTH))
        Y = (rng.random((n, N_LABELS)) < 1.5 / N_LABELS).astype(np.int8)
        options = {"module__n_tokens": N_TOKENS, "module__embedding_dim": 100}
        self.base = TorchClassifier(TextCNN, **options, batch_size=BATCH, n_epochs=n_epochs, device=device)
        self.fold = make_folds(3, X, Y, Y, rng=np.random.RandomState(0))[0]
        self.device = torch.device(device)
        # A policy that never ends a training: both ways make the same updates.
        self.parameters = initial_parameters().numpy()
        self.parameters[-1] = -100.0
        self.plan = trial_plan(_Task, [self.fold], AveragePrecisionReward())

    def steered(self):
        """As in `fit`."""
        label_weight = np.ones(N_LABELS)
        run_steered(self.base, self.fold, self.parameters, label_weight, self.plan, 0, current_threads())

    def plain(self):
        """A plain loop over the same rows, that predicts the held-out rows at its end."""
        torch.manual_seed(0)
        X, Y, _ = self.fold.training_data()
        X, Y = torch.from_numpy(X).to(self.device), torch.from_numpy(Y).to(self.device)
        module = TextCNN(N_LABELS, n_tokens=N_TOKENS, embedding_dim=100).to(self.device).train()
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        sample = BatchSampler(len(X), BATCH, np.random.RandomState(0))
        for _ in range(self.base.training_run(0).n_updates(len(X))):
            rows = torch.from_numpy(sample()).to(self.device)
            loss = F.binary_cross_entropy_with_logits(module(X[rows]), Y[rows].float())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        held_out = torch.from_numpy(self.fold.X[self.fold.held_out]).to(self.device)
        with torch.no_grad():
            torch.cat([module.eval()(part) for part in held_out.split(1_024)]).cpu()


class _Task:
    """What `trial_plan` looks at."""

    keep_classifier = False

    class monitor:
        keeps_runs = False


def seconds(function, device):
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    function()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main():
    """Print one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=6_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--output", help="folder of the CSV file")
    args = parser.parse_args()
    case = Case(args.samples, args.epochs, args.device)
    for function in (case.plain, case.steered):
        seconds(function, args.device)
    times = [[seconds(f, args.device) for f in (case.steered, case.plain)] for _ in range(args.repeats)]
    times = np.array(times)
    ratios = times[:, 0] / times[:, 1]
    name = torch.cuda.get_device_name() if args.device.startswith("cuda") else "CPU"
    table = Table(
        "network_step", "device", "updates", "steered [s]", "plain [s]", "ratio", "of each", folder=args.output
    )
    steered, plain = np.median(times, axis=0)
    updates = str(case.base.training_run(0).n_updates(len(case.fold.train)))
    spread = f"{ratios.min():.2f} - {ratios.max():.2f}"
    table.add(name, updates, f"{steered:.2f}", f"{plain:.2f}", f"{np.median(ratios):.2f}", spread)


if __name__ == "__main__":
    main()
