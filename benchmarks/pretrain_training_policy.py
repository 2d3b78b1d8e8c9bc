"""Train the training policy that comes with the package, by evolution over training episodes on many data sets.

An episode trains many networks at once (see `_episodes.py`), each under a policy of its own: pairs of parameters on
both sides of the present ones. What the better side gained, on rows that neither the network nor the policy saw, moves
the parameters (evolution strategies, Salimans et al. 2017). Only training splits are used. The policy is trained on all
sets, for ``sklearn_metalabel/policies/training_prior.json``, and at the same time for each of several rotations that
hold out some groups of sets, for ``benchmarks/results/rotated_training_priors.json``: with these it is judged on sets
that it never saw. SKLEARN_METALABEL_DATA names the folder of the data, which ``--collect FILE`` turns into one file
beforehand; ``--data FILE --device cuda --jobs 12 --seconds 545`` is how the files of the package were made, on an H100.
"""

import argparse
import gc
import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _episodes import Episode, EpisodeData, play
from _scores import GROUPS, SETS, rows_of
from _table import RESULTS
from joblib import Parallel, delayed

import sklearn_metalabel.policies
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies._steered_run import N_ACTIONS
from sklearn_metalabel.policies._steering import initial_parameters

LEFT_OUT = {
    "seq_fun",
    "pheno_fun",
    "ufet_crowd",
    "delicious",
    "imdb",
    "corel16k001",
    "rcv1_subset1",
    "reutersk500",
    "stackex_coffee",
    "flags",
}
MOST_ROWS, MOST_FEATURES, MOST_LABELS = 4_000, 2_000, 100
EPISODE_FEATURES = 800
TRAINING_ROWS = [250, 500, 1_000, 2_000]  # one is drawn
N_ROTATIONS = 2
SIGMA, LEARNING_RATE, PENALTY = 0.25, 0.05, 0.01
AVERAGED = 0.3  # last share of the training whose parameters are averaged
REPORTED = 5  # generations between two reports
REWARD = 0.4, 0.4, 0.2  # shares of average precision, of decisions and of the variance that probabilities explain
COST = 0.02  # of a full training, in units of the reward
MOST_UPDATES = 800  # of an episode
HAZARD = 5.0
CONSTANT = {"equal": (0.0, 0.0), "positives": (0.5, 0.0), "negatives": (0.0, 2.0), "both": (0.5, 2.0)}
HIDDEN = [(), (64,), (128,), (64, 64)]


def collected(names, seed=0):
    """Rows of the training splits of sets, as one dict of arrays."""
    found = {}
    for name in names:
        X, _, Y, _ = rows_of(name, "development", seed)
        X, Y = X[:MOST_ROWS, :MOST_FEATURES], Y[:MOST_ROWS]
        found[f"{name} X"] = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=np.float16)
        found[f"{name} Y"] = np.asarray(Y.todense() if hasattr(Y, "todense") else Y, dtype=bool)
    return found


class Sets:
    """The data of one process, on its device; read once."""

    kept = None

    @classmethod
    def read(cls, path, device):
        """The sets of a file, by name."""
        if cls.kept is None:
            with np.load(path) as archive:
                names = sorted({key.rsplit(" ", 1)[0] for key in archive.files})
                cls.kept = {
                    name: tuple(
                        torch.from_numpy(archive[f"{name} {part}"].astype(np.float32)).to(device) for part in "XY"
                    )
                    for name in names
                }
        return cls.kept


def drawn_episode(X, Y, rng):
    """Random parts of a set that train, are seen and judge; and a random network and length of training."""
    n = len(X)
    order = torch.from_numpy(rng.permutation(n)).to(X.device)
    n_train = int(min(0.5 * n, rng.choice(TRAINING_ROWS)))
    n_seen = min(max(n_train // 2, 80), 300)
    train, seen, judged = order[:n_train], order[n_train : n_train + n_seen], order[n_train + n_seen :][:500]
    common = Y[train].sum(dim=0) > 0
    labels = torch.nonzero(common)[:, 0].cpu().numpy()
    labels = torch.from_numpy(np.sort(rng.permutation(labels)[:MOST_LABELS])).to(X.device)
    columns = torch.from_numpy(rng.permutation(X.shape[1])[:EPISODE_FEATURES]).to(X.device)
    data = EpisodeData(*((X[rows][:, columns], Y[rows][:, labels]) for rows in (train, seen, judged)))
    hidden, dropout = HIDDEN[rng.integers(len(HIDDEN))], float(rng.choice([0.0, 0.2, 0.5]))
    torch.manual_seed(int(rng.integers(2**31)))
    module = MLP(len(columns), len(labels), hidden, dropout)
    lr = float(np.exp(rng.uniform(np.log(1e-3), np.log(1e-2))))
    batch_size, n_epochs = int(rng.choice([32, 64, 128])), int(rng.choice([10, 20, 30]))
    batch_size = max(batch_size, n_train * n_epochs // MOST_UPDATES)
    return data, Episode(module, lr, n_epochs, batch_size, int(rng.integers(2**31)))


def rewarded(outcomes):
    """Expected reward of each policy, (M,), where the end of the training is drawn by how much each step wants it."""
    parts = outcomes.average_precision, outcomes.decided, outcomes.exact
    reward = sum(share * part for share, part in zip(REWARD, parts, strict=True))
    hazard = torch.sigmoid(HAZARD * outcomes.stop)
    hazard[-1] = 1.0
    going = torch.cat([torch.ones_like(hazard[:1]), torch.cumprod(1 - hazard, dim=0)[:-1]])
    share = torch.arange(1, N_ACTIONS + 1, device=hazard.device)[:, None] / N_ACTIONS
    ends = hazard * going
    return (ends * (reward - COST * share)).sum(dim=0), (ends * share).sum(dim=0), (ends * reward).sum(dim=0)


def episode_of(path, name, seed, centres, args):
    """Noise (N, P), what its two sides gained for each centre (R, N), and figures to print."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")
    rng, device, n_pairs = np.random.default_rng(seed), args.device, args.pairs
    data, episode = drawn_episode(*Sets.read(path, device)[name], rng)
    noise = rng.standard_normal((n_pairs, centres.shape[1])).astype(np.float32)
    offsets = SIGMA * np.concatenate([noise, -noise, np.zeros_like(noise[:1])])
    members = (centres[:, None] + offsets).reshape(-1, centres.shape[1])
    first = len(members)
    members = np.concatenate([members, np.zeros((len(CONSTANT), centres.shape[1]), dtype=np.float32)])
    constant = [(first + i, first + i + 1, *pair) for i, pair in enumerate(CONSTANT.values())]
    outcomes = play(data, episode, torch.from_numpy(members).to(device), constant)
    gc.collect()  # what the episode left on the device
    reward, share, plain = (each.cpu().numpy() for each in rewarded(outcomes))
    by_centre = reward[:first].reshape(len(centres), -1)
    spread = by_centre[:, :-1].std() + 0.01
    gains = (by_centre[:, :n_pairs] - by_centre[:, n_pairs : 2 * n_pairs]) / spread
    at = np.arange(1, len(centres) + 1) * (2 * n_pairs + 1) - 1
    figures = {
        "set": name,
        **{what: float(plain[first + i]) for i, what in enumerate(CONSTANT)},
        **{f"policy {i}": float(plain[k]) for i, k in enumerate(at)},
        **{f"share {i}": float(share[k]) for i, k in enumerate(at)},
        "focus": float(outcomes.focus[:, at[-1]].mean()),
        "exponent": float(outcomes.exponent[:, at[-1]].mean()),
    }
    return noise, gains, figures


def train(path, names, args):
    """Train and, now and then, write parameters (R, P) of the rotations and, last, of all sets."""
    held_out = [set(list(GROUPS)[r::N_ROTATIONS]) for r in range(N_ROTATIONS)] + [set()]
    centres = np.repeat(initial_parameters().numpy()[None], len(held_out), axis=0)
    mean, square, figures = np.zeros_like(centres), np.zeros_like(centres), []
    rng, start = np.random.default_rng(0), time.perf_counter()
    counts, averaged = np.zeros(len(held_out)), []
    with Parallel(n_jobs=args.jobs, backend="loky") as parallel:
        for generation in range(args.generations):
            spent = time.perf_counter() - start
            progress = max(generation / args.generations, spent / args.seconds)
            if progress >= 1:
                break
            chosen = rng.choice(names, args.episodes, replace=len(names) < args.episodes)
            seeds = rng.integers(2**31, size=args.episodes)
            made = parallel(
                delayed(episode_of)(path, str(name), int(seed), centres, args)
                for name, seed in zip(chosen, seeds, strict=True)
            )
            gradient, counts[:] = np.zeros_like(centres), 0
            for name, (noise, gains, found) in zip(chosen, made, strict=True):
                learns = np.array([SETS[name] not in groups for groups in held_out])
                gradient += learns[:, None] * (gains @ noise) / (2 * SIGMA * args.pairs)
                counts += learns
                figures.append({"generation": generation, **found})
            gradient = gradient / np.maximum(counts, 1)[:, None] - PENALTY * centres
            mean += 0.1 * (gradient - mean)
            square += 0.02 * (gradient**2 - square)
            step = generation + 1
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * progress))
            centres = centres + rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.98**step)) + 1e-8)
            centres = centres.astype(np.float32)
            averaged += [centres] if progress > 1 - AVERAGED else []
            if step % REPORTED == 0:
                shown = pd.DataFrame(figures[-REPORTED * args.episodes :]).drop(columns=["set", "generation"]).mean()
                write(held_out, np.mean(averaged or [centres], axis=0), figures, args)
                print(step, round(time.perf_counter() - start), shown.round(4).to_dict(), flush=True)
    write(held_out, np.mean(averaged or [centres], axis=0), figures, args)


def arguments():
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = [name for name in SETS if name not in LEFT_OUT]
    parser.add_argument("--sets", choices=known, nargs="+", default=known, metavar="SET")
    parser.add_argument("--collect", type=Path, help="only write the data into this file")
    parser.add_argument("--data", type=Path, help="a file that --collect wrote")
    parser.add_argument("--generations", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=math.inf, help="most seconds to train for")
    parser.add_argument("--episodes", type=int, default=24, help="episodes of a generation")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pairs", type=int, default=24, help="pairs of parameters in an episode")
    parser.add_argument("--output", type=Path, help="folder of both files, in place of where they belong")
    return parser.parse_args()


def main():
    """Collect the data, or train on all sets and on each rotation, and write both files."""
    args = arguments()
    if args.collect:
        np.savez_compressed(args.collect, **collected(args.sets))
        return
    train(args.data, args.sets, args)


def write(held_out, centres, figures, args):
    """Write the parameters and what they rest on."""
    figures = pd.DataFrame(figures)
    *rotated, everything = [each.astype(float).round(4).tolist() for each in centres]
    rotations = [{"held_out": sorted(g), "parameters": p} for g, p in zip(held_out, rotated, strict=False)]
    provenance = {
        "script": "benchmarks/pretrain_training_policy.py",
        "sets": args.sets,
        "base_learners": "multi-layer perceptrons with none, one or two hidden layers",
        "generations": int(figures["generation"].max()) + 1,
        "rows": "training splits alone",
    }
    package = Path(sklearn_metalabel.policies.__file__).parent
    (args.output or RESULTS).mkdir(parents=True, exist_ok=True)
    contents = {"provenance": provenance, "parameters": everything}
    _write((args.output or package) / "training_prior.json", contents)
    _write((args.output or RESULTS) / "rotated_training_priors.json", {"rotations": rotations})
    figures.to_csv((args.output or RESULTS) / "training_prior_episodes.csv", index=False)


def _write(path, content):
    """Write a file of numbers."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
