"""What hindsight could gain by loss weights: networks under a rich grid of constant ones, judged on training rows."""

from itertools import product

import numpy as np
import torch
from _episodes import Episode, EpisodeData, play

from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies._steering import N_PARAMETERS

__all__ = ["GRID", "headroom"]

EXPONENTS, FOCUSES = (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 1.0, 2.0, 4.0)
GRID = list(product(EXPONENTS, FOCUSES))
LONGER = 4
_FEATURES = 2_000


def headroom(X, Y, setting, seed):
    """Average precisions (K, G, L) of labels on judging rows, after each tenth of a training, under each grid point.

    And those (L,) of equal weights after `LONGER` times as many epochs, and the positives (L,) of the judging rows. A
    grid point is a power of rarity that weighs positives, and a focus that takes weight from easy negatives.
    """
    rng = np.random.default_rng(seed)
    order, n = rng.permutation(len(Y)), len(Y)
    if hasattr(X, "toarray"):
        X = X[:, np.argsort(-X.getnnz(axis=0), kind="stable")[:_FEATURES]].toarray()
    parts = order[: n // 2], order[n // 2 : 2 * n // 3], order[2 * n // 3 :]
    labels = Y[parts[0]].any(axis=0)
    data = EpisodeData(*((_tensor(X[rows]), _tensor(Y[rows][:, labels])) for rows in parts))
    found = _played(data, setting, seed, GRID, setting["n_epochs"])
    longer = _played(data, setting, seed, GRID[:1], LONGER * setting["n_epochs"])
    return found, longer[-1, 0], Y[parts[2]][:, labels].sum(axis=0)


def _played(data, setting, seed, grid, n_epochs):
    """Average precisions (K, G, L) of labels."""
    torch.manual_seed(seed)
    module = MLP(data.train[0].shape[1], data.train[1].shape[1], hidden=128)
    episode = Episode(module, setting["lr"], n_epochs, batch_size=64, seed=seed)
    constant = [(i, i + 1, *point) for i, point in enumerate(grid)]
    outcomes = play(data, episode, torch.zeros(len(grid), N_PARAMETERS), constant)
    return outcomes.of_labels.numpy()


def _tensor(values):
    return torch.tensor(values, dtype=torch.float32)
