"""Train the training policy that comes with the package, by evolution over training episodes on many data sets.

An episode trains many networks at once (see `_episodes.py`), each under a policy of its own: pairs of parameters on
both sides of the present ones. What the better side gained, on rows that neither the network nor the policy saw, moves
the parameters (evolution strategies, Salimans et al. 2017). Only training splits are used. The policy is trained on all
sets, for ``sklearn_metalabel/policies/training_prior.json``, and at the same time for each of several rotations that
hold out some groups of sets, for ``benchmarks/results/rotated_training_priors.json``: with these it is judged on sets
that it never saw. SKLEARN_METALABEL_DATA names the folder of the data, which ``--collect FILE`` turns into one file
beforehand. The files of the package were made on an H100, by ``--data FILE --device cuda --jobs 12`` with ``--seconds
545 --text-episodes 0``, and then with ``--seconds 515 --episodes 20 --resume``.
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
from _data import load_documents, load_word_vectors
from _episodes import Episode, EpisodeData, StackedTextCNN, play
from _scores import GROUPS, SETS, TEXTS, rows_of
from _table import RESULTS
from joblib import Parallel, delayed
from sklearn.preprocessing import MultiLabelBinarizer

import sklearn_metalabel.policies
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies._prior import read_training_prior
from sklearn_metalabel.policies._steered_run import N_ACTIONS
from sklearn_metalabel.policies._steering import initial_parameters
from sklearn_metalabel.text import TokenSequencer

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
AS_TEXT = " as text"  # behind the name of a set whose words a convolutional network reads
MOST_WORDS, MOST_TOKENS = 64, 3_000
TRAINING_ROWS = [250, 500, 1_000, 2_000]  # one is drawn
N_ROTATIONS = 2
SIGMA, LEARNING_RATE, PENALTY = 0.25, 0.05, 0.01
AVERAGED = 0.3  # last share of the training whose parameters are averaged
REPORTED = 5  # generations between two reports
REWARD = 0.4, 0.4, 0.2  # shares of average precision, of decisions and of the variance that probabilities explain
COST = 0.02  # of a full training, in units of the reward
MOST_UPDATES, MOST_UPDATES_OF_TEXT = 800, 400  # of an episode
HAZARD = 5.0
CONSTANT = {"equal": (0.0, 0.0), "positives": (0.5, 0.0), "negatives": (0.0, 2.0), "both": (0.5, 2.0)}
HIDDEN = [(), (64,), (128,), (64, 64)]
N_FILTERS, WORDS_READ = [16, 32, 64], [32, 64]


def collected(names, seed=0):
    """Rows of the training splits of sets, as one dict of arrays; of texts also the words and their GloVe vectors."""
    found = {}
    for name in names:
        if name in TEXTS:
            found |= {f"{name}{AS_TEXT} {part}": values for part, values in text_of(name, seed).items()}
        X, _, Y, _ = rows_of(name, "development", seed)
        X, Y = X[:MOST_ROWS, :MOST_FEATURES], Y[:MOST_ROWS]
        found[f"{name} X"] = np.asarray(X.todense() if hasattr(X, "todense") else X, dtype=np.float16)
        found[f"{name} Y"] = np.asarray(Y.todense() if hasattr(Y, "todense") else Y, dtype=bool)
    return found


def text_of(name, seed):
    """Words X as numbers, labels Y and word vectors V of some training documents of a set."""
    documents = load_documents(name)[0]
    rows = np.random.default_rng([seed, *name.encode()]).permutation(len(documents))[:MOST_ROWS]
    texts = [documents[i].get("text") or documents[i]["tokens"] for i in rows]
    frequent = TokenSequencer(max_tokens=MOST_TOKENS).fit(texts).tokens_
    embeddings = load_word_vectors(frequent)
    X = TokenSequencer(max_length=MOST_WORDS, max_tokens=MOST_TOKENS // 4, embeddings=embeddings).fit_transform(texts)
    Y = MultiLabelBinarizer().fit_transform([documents[i]["labels"] for i in rows]).astype(bool)
    return {"X": X.astype(np.int16), "Y": Y, "V": embeddings.vectors.astype(np.float16)}


class Sets:
    """The data of one process, on its device; read once."""

    kept = None

    @classmethod
    def read(cls, path, device):
        """The sets of a file, by name: X, Y and word vectors or None."""
        if cls.kept is None:
            with np.load(path) as archive:
                names = sorted({key.rsplit(" ", 1)[0] for key in archive.files})
                cls.kept = {name: cls._of(archive, name, device) for name in names}
        return cls.kept

    @staticmethod
    def _of(archive, name, device):
        """One of them."""
        X, Y = (torch.from_numpy(archive[f"{name} {part}"]) for part in "XY")
        is_text = name.endswith(AS_TEXT)
        vectors = archive[f"{name} V"].astype(np.float32) if is_text else None
        return X.to(device, torch.int64 if is_text else torch.float32), Y.to(device, torch.float32), vectors


def drawn_episode(X, Y, vectors, rng):
    """Random parts of a set that train, are seen and judge; and a random network and length of training."""
    n = len(X)
    order = torch.from_numpy(rng.permutation(n)).to(X.device)
    n_train = int(min(0.5 * n, rng.choice(TRAINING_ROWS)))
    n_seen = min(max(n_train // 2, 80), 300)
    train, seen, judged = order[:n_train], order[n_train : n_train + n_seen], order[n_train + n_seen :][:500]
    common = Y[train].sum(dim=0) > 0
    labels = torch.nonzero(common)[:, 0].cpu().numpy()
    labels = torch.from_numpy(np.sort(rng.permutation(labels)[:MOST_LABELS])).to(X.device)
    if vectors is None:
        columns = torch.from_numpy(rng.permutation(X.shape[1])[:EPISODE_FEATURES]).to(X.device)
        most, sizes, lengths = MOST_UPDATES, [32, 64, 128], [10, 20, 30]
    else:
        columns = torch.arange(int(rng.choice(WORDS_READ)), device=X.device)
        most, sizes, lengths = MOST_UPDATES_OF_TEXT, [32, 64], [6, 12, 24]
    data = EpisodeData(*((X[rows][:, columns], Y[rows][:, labels]) for rows in (train, seen, judged)))
    module = drawn_network(len(columns), len(labels), vectors, rng)
    lr = float(np.exp(rng.uniform(np.log(1e-3), np.log(1e-2))))
    batch_size, n_epochs = int(rng.choice(sizes)), int(rng.choice(lengths))
    if vectors is None:
        batch_size = max(batch_size, n_train * n_epochs // most)
    else:  # larger batches of texts take more memory than there is
        n_epochs = min(n_epochs, most * batch_size // n_train)
    return data, Episode(module, lr, n_epochs, batch_size, int(rng.integers(2**31)))


def drawn_network(n_features, n_labels, vectors, rng):
    """A random network; of texts, one that starts from word vectors."""
    torch.manual_seed(int(rng.integers(2**31)))
    dropout = float(rng.choice([0.0, 0.2, 0.5]))
    if vectors is None:
        return MLP(n_features, n_labels, HIDDEN[rng.integers(len(HIDDEN))], dropout)
    return StackedTextCNN(n_labels, embeddings=vectors, n_filters=int(rng.choice(N_FILTERS)), dropout=dropout)


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
    """Noise (N, P), what its two sides gained for each centre (R, N), and figures to print.

    Centres that hold the set out gain nothing; what they reach on it is only told.
    """
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")
    rng, device = np.random.default_rng(seed), args.device
    n_pairs = args.pairs // 2 if name.endswith(AS_TEXT) else args.pairs
    data, episode = drawn_episode(*Sets.read(path, device)[name], rng)
    noise = rng.standard_normal((n_pairs, centres.shape[1])).astype(np.float32)
    learns = [SETS[name.removesuffix(AS_TEXT)] not in groups for groups in held_out_groups()]
    perturbed = centres[learns][:, None] + SIGMA * np.concatenate([noise, -noise])
    none = np.zeros((len(CONSTANT), centres.shape[1]))
    members = np.concatenate([perturbed.reshape(-1, centres.shape[1]), centres, none]).astype(np.float32)
    first = len(members) - len(none)
    constant = [(first + i, first + i + 1, *pair) for i, pair in enumerate(CONSTANT.values())]
    outcomes = play(data, episode, torch.from_numpy(members).to(device), constant)
    gc.collect()  # what the episode left on the device
    reward, share, plain = (each.cpu().numpy() for each in rewarded(outcomes))
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    by_side = reward[: first - len(centres)].reshape(-1, 2, n_pairs)
    gains = np.zeros((len(centres), n_pairs))
    gains[learns] = (by_side[:, 0] - by_side[:, 1]) / (by_side.std() + 0.01)
    at = range(first - len(centres), first)
    figures = {
        "set": name,
        **{what: float(plain[first + i]) for i, what in enumerate(CONSTANT)},
        **{f"policy {i}": float(plain[k]) for i, k in enumerate(at)},
        **{f"share {i}": float(share[k]) for i, k in enumerate(at)},
        "focus": float(outcomes.focus[:, at[-1]].mean()),
        "exponent": float(outcomes.exponent[:, at[-1]].mean()),
    }
    return noise, gains, figures


def held_out_groups():
    """Groups of sets that each rotation, and at last none, does not learn from."""
    return [set(list(GROUPS)[r::N_ROTATIONS]) for r in range(N_ROTATIONS)] + [set()]


def first_centres(args):
    """Parameters (R, P) that training starts from."""
    if not args.resume:
        return np.repeat(initial_parameters().numpy()[None], N_ROTATIONS + 1, axis=0)
    rotations = json.loads((RESULTS / "rotated_training_priors.json").read_text(encoding="utf-8"))["rotations"]
    parameters = [rotation["parameters"] for rotation in rotations] + [read_training_prior()["parameters"]]
    return np.array(parameters, dtype=np.float32)


def train(path, args):
    """Train and, now and then, write parameters (R, P) of the rotations and, last, of all sets."""
    held_out, centres = held_out_groups(), first_centres(args)
    mean, square, figures = np.zeros_like(centres), np.zeros_like(centres), []
    rng, start, averaged = np.random.default_rng(args.resume), time.perf_counter(), []
    texts = [f"{name}{AS_TEXT}" for name in args.sets if name in TEXTS]
    n_texts = args.text_episodes if texts else 0
    with Parallel(n_jobs=args.jobs, backend="loky") as parallel:
        for generation in range(args.generations):
            spent = time.perf_counter() - start
            progress = max(generation / args.generations, spent / args.seconds)
            if progress >= 1:
                break
            chosen = [*drawn(texts, n_texts, rng), *drawn(args.sets, args.episodes - n_texts, rng)]
            seeds = rng.integers(2**31, size=args.episodes)
            made = parallel(
                delayed(episode_of)(path, str(name), int(seed), centres, args)
                for name, seed in zip(chosen, seeds, strict=True)
            )
            gradient, counts = np.zeros_like(centres), np.zeros(len(centres))
            for noise, gains, found in made:
                gradient += (gains @ noise) / (2 * SIGMA * len(noise))
                counts += gains.any(axis=1)
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
                report(figures, generation - REPORTED, step, time.perf_counter() - start)
                write(held_out, np.mean(averaged or [centres], axis=0), figures, args)
    write(held_out, np.mean(averaged or [centres], axis=0), figures, args)


def drawn(names, size, rng):
    """Random names; each once at most where there are enough."""
    return rng.choice(names, size, replace=len(names) < size) if size else []


def report(figures, after, step, seconds):
    """Print means of the last generations, of texts apart."""
    recent = pd.DataFrame(figures).query("generation > @after")
    is_text = recent["set"].str.endswith(AS_TEXT)
    for what, part in [("features", recent[~is_text]), ("texts", recent[is_text])]:
        shown = part.drop(columns=["set", "generation"]).mean().round(4).to_dict()
        print(step, round(seconds), what, shown, flush=True)


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
    parser.add_argument("--text-episodes", type=int, default=5, help="how many of them train convolutional networks")
    parser.add_argument("--resume", action="store_true", help="go on from the files of the package")
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
    args.earlier = read_training_prior()["provenance"]["generations"] if args.resume else []
    train(args.data, args)


def write(held_out, centres, figures, args):
    """Write the parameters and what they rest on."""
    figures = pd.DataFrame(figures)
    *rotated, everything = [each.astype(float).round(4).tolist() for each in centres]
    rotations = [{"held_out": sorted(g), "parameters": p} for g, p in zip(held_out, rotated, strict=False)]
    provenance = {
        "script": "benchmarks/pretrain_training_policy.py",
        "sets": args.sets,
        "base_learners": "perceptrons with none, one or two hidden layers, and convolutional networks for texts",
        "generations": [*args.earlier, int(figures["generation"].max()) + 1],  # of each run
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
