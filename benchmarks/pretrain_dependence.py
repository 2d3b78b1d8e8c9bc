"""Choose where the search for dependence starts, on development splits of many data sets.

Run it after ``pretrain_policy.py``, whose files it adds to. Only training splits are used: each is split once more,
into rows for out-of-fold scores and rows that judge. Thresholds are learned on the first, each label by itself; the
start is what draws the decisions on the judging rows to label sets best: four numbers for each scoring, found from zero
by ascent of the mean expected score over all sets. As there, it is found on all sets, for the package, and once more
for each rotation on the sets that it does not hold out. Sets are left out that are large or take long.
Run it with ``python benchmarks/pretrain_dependence.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from _cases import ASKED, starting_from
from _scores import BASES, SETS, cache_folder, case_probabilities, case_scores
from _table import RESULTS

import sklearn_metalabel.policies
from sklearn_metalabel.decoding import LabelSets
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import LearnedThresholds
from sklearn_metalabel.policies._candidates import calibrated_logits
from sklearn_metalabel.policies._mixture import policy_cuts, policy_gradient
from sklearn_metalabel.policies._set_chances import SetChances, SetProblem
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.thresholds import OutOfFold

USED = [
    *("flags", "emotions", "genbase", "scene", "yeast", "stackex_coffee", "stackex_chess", "langlog", "enron_corr"),
    *("wos_1k", "hoc", "imdb", "yahoo_arts", "goemotions", "reuters21578_aptemod", "bbn_gold", "rcv1_lyrl_tokens_2k"),
]
ROWS = 1_000
STEPS, STEPS_NEARBY, LEARNING_RATE = 100, 10, 0.05
SCORINGS = ["accuracy", "f1_micro", "f1_macro", "f1_samples"]
# Numbers of a start: the weight of counts, what stands for it in unseen sets, and the shift of the cuts.
N_NUMBERS = 4


class Case:
    """Out-of-fold rows of a data set and a base learner, and rows that judge."""

    def __init__(self, name, base, seed, folder):
        self.group, self.seed = SETS[name], seed
        Y, P, fold_of, Y_judged, P_judged = case_probabilities(case_scores(name, base, seed, "development", folder))
        kept = np.sort(np.random.default_rng(seed).permutation(len(Y_judged))[:ROWS])
        self.rows, self.sets = OutOfFold(Y, P, fold_of), LabelSets.from_rows(Y)
        self.search = ThresholdSearch.of(self.rows)
        self.Y, self.Z = Y_judged[kept], calibrated_logits(self.search.link, P_judged[kept])

    def problem(self, asked):
        """The problem of a scoring, with thresholds that are learned from the prior in use."""
        return Problem(self, asked)


class Problem:
    """The rows that judge a start, and what was learned with labels apart for one scoring."""

    def __init__(self, case, asked):
        self.case, self.weights = case, Scoring.resolve(ASKED[asked]).named_weights
        apart = LearnedThresholds(dependence=False).fit(case.rows, ASKED[asked], random_state=case.seed)
        self.parameters, self.may_be_empty = apart.parameters_, apart.allow_unlabeled_

    def cuts(self, start):
        """Parameters and cuts with the shift of a start."""
        parameters = self.parameters.copy()
        parameters[-1] += start[2:]
        return parameters, policy_cuts(parameters, self.case.search.steady)

    def look_up(self, start):
        """Look for the label sets of each row again."""
        case, begin = self.case, (self.cuts(start)[1], *start[:2])
        part = SetChances(case.Z, case.Y, None, case.sets, self.may_be_empty, begin)
        self.near = SetProblem([part], [part.near_start])

    def gradient(self, start):
        """Gradient of the expected score in the numbers of a start."""
        parameters, cuts = self.cuts(start)
        _, (by_cut,), by_own = self.near.expected_score(cuts[None], *start[:2], self.weights)
        return np.concatenate([by_own, policy_gradient(parameters, self.case.search.steady, by_cut)[-1]])


def ascend(problems):
    """Numbers by scoring (Adam), from zero; a scoring of several parts takes the mean of their numbers."""
    numbers = np.zeros((len(SCORINGS), N_NUMBERS))
    mean, square = np.zeros_like(numbers), np.zeros_like(numbers)
    for step in range(1, STEPS + 1):
        gradient = np.zeros_like(numbers)
        for problem in problems:
            weights = np.array([problem.weights.get(name, 0.0) for name in SCORINGS])
            if step % STEPS_NEARBY == 1:
                problem.look_up(weights @ numbers)
            gradient += weights[:, None] * problem.gradient(weights @ numbers) / len(problems)
        mean += 0.1 * (gradient - mean)
        square += 0.01 * (gradient**2 - square)
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        numbers += rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        numbers[:, 0] = np.maximum(numbers[:, 0], 0.0)
    return {name: each.round(3).tolist() for name, each in zip(SCORINGS, numbers, strict=True)}


def find_start(cases, prior):
    """The start for some cases, with thresholds that are learned from `prior`."""
    with starting_from(prior):
        problems = [case.problem(asked) for case in cases for asked in ASKED]
    return ascend(problems)


def merge(path, change):
    """Write a file of numbers with what `change` adds to its content; numbers that are there stay as they are."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main():
    """Find the start on all sets and on those of each rotation, and add it to both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cache", default=cache_folder(), help="folder of the base learners' scores")
    parser.add_argument("--sets", choices=USED, nargs="+", default=USED, metavar="SET")
    parser.add_argument("--bases", choices=BASES, nargs="+", default=["logistic"])
    parser.add_argument("--priors", type=Path, default=RESULTS / "rotated_priors.json")
    package = Path(sklearn_metalabel.policies.__file__).parent
    parser.add_argument("--prior", type=Path, default=package / "prior.json")
    args = parser.parse_args()
    asked = [(name, base, seed) for seed in args.seeds for name in args.sets for base in args.bases]
    cases = [Case(*case, args.cache) for case in asked]
    provenance = {
        "script": "benchmarks/pretrain_dependence.py",
        "sets": args.sets,
        "base_learners": args.bases,
        "seeds": args.seeds,
        "rows": "training splits alone",
    }

    def add_start(prior):
        prior["dependence"] = {"provenance": provenance, "parameters": find_start(cases, prior)}

    def add_rotated_starts(content):
        for rotation in content["rotations"]:
            seen = [case for case in cases if case.group not in rotation["held_out"]]
            rotation["dependence"] = {"parameters": find_start(seen, rotation)}

    merge(args.prior, add_start)
    merge(args.priors, add_rotated_starts)
    print(f"{len(cases)} cases; added starts to {args.prior.name} and {args.priors.name}")


if __name__ == "__main__":
    main()
