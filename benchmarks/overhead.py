"""Cost of one training episode beside the same updates of the bare torch module.

Times are medians of interleaved repeats in one process; memory is the peak of a process that does one thing only.
Run it with ``python benchmarks/overhead.py``.
"""

import argparse
import subprocess
import sys
import time

import numpy as np
import scipy.sparse as sp
import torch
from _memory import peak_mebibytes
from _table import Table
from torch import nn
from torch.nn import functional as F

from sklearn_metalabel.learners import BatchSampler, TorchClassifier, make_folds
from sklearn_metalabel.policies import GRUPolicy, SharedGRUPolicy
from sklearn_metalabel.policies._episode import run_episode
from sklearn_metalabel.policies._episode_plan import plan_episodes
from sklearn_metalabel.policies._reinforcement import MetaLearner
from sklearn_metalabel.utils import current_threads

N_FEATURES, NONZEROS, BATCH = 10_000, 100, 64
# Policy, and the folds that it is trained on.
MODES = {"shared": (SharedGRUPolicy(n_episodes=3, reward="soft_f1"), 3), "paper": (GRUPolicy.from_paper(), None)}


def mlp(n_features, n_labels, hidden=256):
    """A multi-layer perceptron with one hidden layer."""
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))


def make_data(n, n_labels, rng):
    """Sparse X of `N_FEATURES` columns and a dense Y of three labels a sample."""
    columns = rng.integers(N_FEATURES, size=n * NONZEROS)
    rows = np.repeat(np.arange(n), NONZEROS)
    X = sp.csr_matrix((rng.random(n * NONZEROS, dtype=np.float32), (rows, columns)), shape=(n, N_FEATURES))
    Y = np.zeros((n, n_labels), dtype=np.int8)
    Y[np.repeat(np.arange(n), 3), rng.integers(n_labels, size=3 * n)] = 1
    return X, Y


class Case:
    """One recurrent policy, ready to play an episode or the bare updates."""

    def __init__(self, mode, n_labels, n, epochs, seed):
        X, Y = make_data(n, n_labels, np.random.default_rng(seed))
        base = TorchClassifier(mlp, batch_size=BATCH, n_epochs=epochs, device="cpu")
        policy, cv = MODES[mode]
        self.fold = make_folds(cv, X, Y, Y, rng=np.random.RandomState(seed))[0]
        start = np.ones(n_labels), np.full(n_labels, 0.5)
        self.plan, _ = plan_episodes(policy, base, [self.fold], start, keep_run=False)
        self.meta = MetaLearner(policy._settings(), np.ones(n_labels))
        self.base, self.seed = base, seed
        self.n_updates = self.plan.n_steps * self.plan.updates_per_step

    def play_episode(self):
        """The episode of `fit`."""
        run_episode(self.meta, self.base, self.fold, self.plan, self.seed, current_threads())

    def play_bare(self):
        """A plain PyTorch loop over the same rows."""
        torch.manual_seed(self.seed)
        X, Y = self.fold.X[self.fold.train], torch.from_numpy(self.fold.Y[self.fold.train])
        module = mlp(X.shape[1], Y.shape[1])
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
        sample = BatchSampler(X.shape[0], BATCH, np.random.RandomState(self.seed))
        for _ in range(self.n_updates):
            rows = sample()
            x, y = torch.from_numpy(X[rows].toarray()), Y[torch.from_numpy(rows)].float()
            loss = F.binary_cross_entropy_with_logits(module(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def seconds(function):
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak_memory(args, mode, n_labels, what):
    """Peak resident memory in MiB of a process that plays one thing."""
    command = [sys.executable, __file__, "--only", what, "--mode", mode, "--labels", str(n_labels)]
    command += ["--samples", str(args.samples), "--epochs", str(args.epochs)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main():
    """Print one row for each configuration and number of labels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=6_000)
    parser.add_argument("--epochs", type=int, default=5, help="epochs of the base learner, for the shared policy")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 1_000])
    parser.add_argument("--mode", choices=list(MODES), nargs="+", default=list(MODES))
    parser.add_argument("--output", help="folder of the CSV file")
    parser.add_argument("--only", choices=["episode", "bare"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        case = Case(args.mode[0], args.labels[0], args.samples, args.epochs, seed=0)
        case.play_episode() if args.only == "episode" else case.play_bare()
        print(peak_mebibytes())
        return
    print(f"{args.samples} samples, {N_FEATURES} sparse features, batch {BATCH}, {args.repeats} repeats")
    columns = ["mode", "labels", "steps", "updates", "episode [s]", "bare [s]", "ratio"]
    columns += ["ratio of each repeat", "memory ratio"]
    table = Table("overhead", *columns, folder=args.output)
    for mode in args.mode:
        for n_labels in args.labels:
            case = Case(mode, n_labels, args.samples, args.epochs, seed=0)
            seconds(case.play_bare)
            times = np.array([[seconds(case.play_episode), seconds(case.play_bare)] for _ in range(args.repeats)])
            ratios = times[:, 0] / times[:, 1]
            memory = [peak_memory(args, mode, n_labels, what) for what in ("episode", "bare")]
            episode, bare = np.median(times, axis=0)
            clock = case.plan.n_steps, case.n_updates
            cells = [f"{x:.2f}" for x in (episode, bare, episode / bare)]
            spread = f"{ratios.min():.2f} - {ratios.max():.2f}"
            table.add(mode, n_labels, *clock, *cells, spread, f"{memory[0] / memory[1]:.2f}")


if __name__ == "__main__":
    main()
