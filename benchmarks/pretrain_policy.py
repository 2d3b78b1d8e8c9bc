"""Train the prediction policy that comes with the package, on many data sets and several base learners.

Only training splits are used: each is split once more, into rows for out-of-fold scores and rows that judge. The
policy's reward is the expected score of its decisions on the judging rows and on nested out-of-fold rows. It is trained
on all sets, for ``sklearn_metalabel/policies/prior.json``, and once more for each of several rotations that hold out
some groups of sets, for ``benchmarks/results/rotated_priors.json``: with these it is judged on sets that it never saw.
``pretrain_dependence.py``, which is run after it, adds to both files where the search for dependence starts.
Run it with ``python benchmarks/pretrain_policy.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from _scores import BASES, GROUPS, SETS, cache_folder, case_probabilities, case_scores
from _table import RESULTS
from joblib import Parallel, delayed

import sklearn_metalabel.policies
from sklearn_metalabel.metrics import DEFAULT_SCORING
from sklearn_metalabel.policies._candidates import nested_candidates
from sklearn_metalabel.policies._expected_score import DecisionProblem
from sklearn_metalabel.policies._mixture import N_OUTPUTS, policy_cuts, policy_gradient
from sklearn_metalabel.thresholds import OutOfFold

LEFT_OUT = {"seq_fun", "pheno_fun", "ufet_crowd"}  # their base learners alone would take very long
ROWS = 1_500
STEPS, BATCH, LEARNING_RATE, PENALTY, NESTED_SHARE = 150, 24, 0.05, 1e-3, 0.3
SCORINGS = ["accuracy", "f1_micro", "f1_macro", "f1_samples"]
ASKED = [{name: 1.0} for name in SCORINGS] + [dict.fromkeys(DEFAULT_SCORING, 1 / 3)]


class Case:
    """The two problems of a data set and a base learner, and whether each scoring wants a label for every row there."""

    def __init__(self, name, base, seed, folder):
        self.group = SETS[name]
        Y, P, fold_of, Y_judged, P_judged = case_probabilities(case_scores(name, base, seed, "development", folder))
        rng = np.random.default_rng(seed)
        candidates, link, folds = nested_candidates(OutOfFold(Y, P, fold_of), fold_of)
        kept, judged = (np.sort(rng.permutation(len(rows))[:ROWS]) for rows in (Y, Y_judged))
        nested = DecisionProblem.build(Y[kept], P[kept], fold_of[kept], folds, link)
        own = np.zeros(len(judged), dtype=np.intp)
        self.parts = [
            (1 - NESTED_SHARE, DecisionProblem.build(Y_judged[judged], P_judged[judged], own, [candidates], link)),
            (NESTED_SHARE, nested),
        ]
        self.candidates = [[candidates], folds]
        cuts = np.stack([policy_cuts(np.zeros((N_OUTPUTS, 2)), c) for c in folds])
        self.always_label = [nested.score(cuts, True, w) > nested.score(cuts, False, w) for w in ASKED]

    def reward(self, parameters, asked):
        """Reward of a policy and its gradient, under scoring number `asked`."""
        total, gradient = 0.0, np.zeros_like(parameters)
        for (share, problem), candidates in zip(self.parts, self.candidates, strict=True):
            cuts = np.stack([policy_cuts(parameters, c) for c in candidates])
            value, by_cut = problem.expected_score(cuts, self.always_label[asked], ASKED[asked])
            total += share * value
            for c, g in zip(candidates, by_cut, strict=True):
                gradient += share * policy_gradient(parameters, c, g)
        return total, gradient


def train(cases, seed=0):
    """Parameters by scoring (Adam), from zero; a scoring of several parts takes the mean of their parameters."""
    rng = np.random.default_rng(seed)
    parameters = np.zeros((len(SCORINGS), N_OUTPUTS, 2))
    mean, square = np.zeros_like(parameters), np.zeros_like(parameters)
    for step in range(1, STEPS + 1):
        gradient = -PENALTY * parameters
        for i in rng.choice(len(cases), min(BATCH, len(cases)), replace=False):
            asked = int(rng.integers(len(ASKED)))
            weights = np.array([ASKED[asked].get(name, 0.0) for name in SCORINGS])
            _, by_parameter = cases[i].reward(np.tensordot(weights, parameters, axes=1), asked)
            gradient += weights[:, None, None] * by_parameter / BATCH
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        parameters += rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return {name: each.round(3).tolist() for name, each in zip(SCORINGS, parameters, strict=True)}


def write(folder, name, content):
    """Write a file of numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main():
    """Train on all sets and on each rotation, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rotations", type=int, default=4)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--cache", default=cache_folder(), help="folder of the base learners' scores")
    known = [name for name in SETS if name not in LEFT_OUT]
    parser.add_argument("--sets", choices=known, nargs="+", default=known, metavar="SET")
    parser.add_argument("--bases", choices=BASES, nargs="+", default=BASES)
    parser.add_argument("--output", type=Path, help="folder of both files, in place of where they belong")
    args = parser.parse_args()
    asked = [(name, base, seed) for seed in args.seeds for name in args.sets for base in args.bases]
    cases = Parallel(n_jobs=args.n_jobs, verbose=2)(delayed(Case)(*case, args.cache) for case in asked)
    held_out = [list(GROUPS)[r :: args.rotations] for r in range(args.rotations)]
    seen = [[c for c in cases if c.group not in groups] for groups in [*held_out, []]]
    *rotated, everything = Parallel(n_jobs=args.n_jobs)(delayed(train)(part) for part in seen)
    rotations = [{"held_out": g, "parameters": p} for g, p in zip(held_out, rotated, strict=True)]
    write(args.output or RESULTS, "rotated_priors.json", {"rotations": rotations})
    provenance = {
        "script": "benchmarks/pretrain_policy.py",
        "sets": args.sets,
        "base_learners": args.bases,
        "seeds": args.seeds,
        "rows": "training splits alone",
    }
    package = Path(sklearn_metalabel.policies.__file__).parent
    write(args.output or package, "prior.json", {"provenance": provenance, "parameters": everything})
    print(f"{len(cases)} cases; wrote prior.json and rotated_priors.json")


if __name__ == "__main__":
    main()
