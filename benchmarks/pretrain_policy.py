"""Train the prediction policy that comes with the package, on many data sets and several base learners.

Only training splits are used: each is split once more, into rows for out-of-fold scores and rows that judge. The
policy is paid for the decisions of its thresholds on the judging rows and on nested out-of-fold rows. It is trained on
all sets, for ``sklearn_metalabel/prediction/prior.json``, and once more for each of several rotations that hold out
some groups of sets, for ``benchmarks/results/rotated_priors.json``: with these it is judged on sets that it never saw.
Run it with ``python benchmarks/pretrain_policy.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from _scores import BASES, GROUPS, SETS, cache_folder, case_probabilities, case_scores
from _table import RESULTS
from joblib import Parallel, delayed

import sklearn_metalabel.prediction._prior as prior_module
from sklearn_metalabel.prediction._candidates import nested_candidates
from sklearn_metalabel.prediction._policy import N_OUTPUTS, policy_cuts, policy_gradient
from sklearn_metalabel.prediction._problem import DecisionProblem
from sklearn_metalabel.thresholds._criteria import CRITERIA
from sklearn_metalabel.thresholds._held_out import HeldOut

LEFT_OUT = {"seq_fun", "pheno_fun", "ufet_crowd"}  # their base learners alone would take very long
ROWS = 1_500
STEPS, BATCH, LEARNING_RATE, PENALTY, NESTED_SHARE = 150, 24, 0.05, 1e-3, 0.3
MEAN_OF_THREE = dict.fromkeys(["strict_accuracy", "micro_f1", "macro_f1"], 1 / 3)
ASKED = [{name: 1.0} for name in CRITERIA] + [MEAN_OF_THREE]


class Case:
    """The two problems of a data set and a base learner, and which fallback each criterion wants there."""

    def __init__(self, name, base, seed, folder):
        self.group = SETS[name]
        Y, P, fold_of, Y_judged, P_judged = case_probabilities(case_scores(name, base, seed, "development", folder))
        rng = np.random.default_rng(seed)
        candidates, link, folds = nested_candidates(HeldOut.from_dense(Y, P, fold_of), fold_of)
        kept, judged = (np.sort(rng.permutation(len(rows))[:ROWS]) for rows in (Y, Y_judged))
        nested = DecisionProblem.build(Y[kept], P[kept], fold_of[kept], folds, link)
        own = np.zeros(len(judged), dtype=np.intp)
        self.parts = [
            (1 - NESTED_SHARE, DecisionProblem.build(Y_judged[judged], P_judged[judged], own, [candidates], link)),
            (NESTED_SHARE, nested),
        ]
        self.candidates = [[candidates], folds]
        cuts = np.stack([policy_cuts(np.zeros((N_OUTPUTS, 2)), c) for c in folds])
        self.never_empty = [nested.score(cuts, True, w) > nested.score(cuts, False, w) for w in ASKED]

    def reward(self, parameters, asked):
        """Reward of a policy and its gradient, under criterion number `asked`."""
        total, gradient = 0.0, np.zeros_like(parameters)
        for (share, problem), candidates in zip(self.parts, self.candidates, strict=True):
            cuts = np.stack([policy_cuts(parameters, c) for c in candidates])
            value, by_cut = problem.expected_reward(cuts, self.never_empty[asked], ASKED[asked])
            total += share * value
            for c, g in zip(candidates, by_cut, strict=True):
                gradient += share * policy_gradient(parameters, c, g)
        return total, gradient


def train(cases, seed=0):
    """Parameters by criterion (Adam), from zero; a criterion of several parts takes the mean of their parameters."""
    rng = np.random.default_rng(seed)
    names = list(CRITERIA)
    parameters = np.zeros((len(names), N_OUTPUTS, 2))
    mean, square = np.zeros_like(parameters), np.zeros_like(parameters)
    for step in range(1, STEPS + 1):
        gradient = -PENALTY * parameters
        for i in rng.choice(len(cases), min(BATCH, len(cases)), replace=False):
            asked = int(rng.integers(len(ASKED)))
            weights = np.array([ASKED[asked].get(name, 0.0) for name in names])
            _, by_parameter = cases[i].reward(np.tensordot(weights, parameters, axes=1), asked)
            gradient += weights[:, None, None] * by_parameter / BATCH
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        parameters += rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return {name: each.round(3).tolist() for name, each in zip(names, parameters, strict=True)}


def main():
    """Train on all sets and on each rotation, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rotations", type=int, default=4)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--cache", default=cache_folder(), help="folder of the base learners' scores")
    args = parser.parse_args()
    names = [name for name in SETS if name not in LEFT_OUT]
    asked = [(name, base, seed) for seed in args.seeds for name in names for base in BASES]
    cases = Parallel(n_jobs=args.n_jobs, verbose=2)(delayed(Case)(*case, args.cache) for case in asked)
    held_out = [list(GROUPS)[r :: args.rotations] for r in range(args.rotations)]
    seen = [[c for c in cases if c.group not in groups] for groups in [*held_out, []]]
    *rotated, everything = Parallel(n_jobs=args.n_jobs)(delayed(train)(part) for part in seen)
    rotations = [{"held_out": g, "parameters": p} for g, p in zip(held_out, rotated, strict=True)]
    (RESULTS / "rotated_priors.json").write_text(json.dumps({"rotations": rotations}, indent=1) + "\n")
    provenance = {
        "script": "benchmarks/pretrain_policy.py",
        "sets": names,
        "base_learners": BASES,
        "seeds": args.seeds,
        "rows": "training splits alone",
    }
    path = Path(prior_module.__file__).with_name("prior.json")
    path.write_text(json.dumps({"provenance": provenance, "parameters": everything}, indent=1) + "\n")
    print(f"{len(cases)} cases; wrote {path.name} and rotated_priors.json")


if __name__ == "__main__":
    main()
