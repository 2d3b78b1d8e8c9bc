"""Every threshold rule and the learned prediction policy on twenty data sets, with three base learners and five seeds.

Rules and policies read out-of-fold probabilities of the training rows alone; the judged rows are scored once. Scores
of the base learners and the results of each case are kept in a cache folder, so that the run resumes and the tables
come in seconds. Run it with ``python benchmarks/thresholds.py``; SKLEARN_METALABEL_DATA names the folder of the data.
"""

import hashlib
import json
import time
from functools import partial

import numpy as np
import pandas as pd
from _cases import (
    ASKED,
    BLOCK,
    MEAN,
    METRIC_NAMES,
    METRICS,
    add_result,
    case_arguments,
    open_results,
    read_priors,
    read_results,
    score_all,
    signed,
    standard_error,
    tests_table,
)
from _ranks import critical_difference, mean_ranks, plot_ranks, signed_rank
from _scores import BASES, SETS, VERSION as SCORES_VERSION, case_probabilities, case_scores
from _table import Table

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import LearnedThresholds, as_prediction_policy
from sklearn_metalabel.policies._prior import read_prior
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.thresholds import OutOfFold, pcut, rcut

# Raise the first when a rule changes, the second when the search of the policy does: earlier results are not read then.
VERSION, SEARCH_VERSION = 2, 4
TEST_SETS = [
    *("reuters21578_aptemod", "rcv1_subset1", "bibtex", "goemotions", "hoc", "wos_1k", "bbn_gold", "enron_corr"),
    *("cellcycle_fun", "delicious", "emotions", "flags", "genbase", "scene", "yeast", "corel5k", "stackex_coffee"),
    *("yahoo_arts", "ng20", "langlog"),
]
RULES = [
    *("half", "global", "scut", "scutfbr.0", "scutfbr.1"),
    *("odr_micro", "odr_macro", "micromacro", "shrunken", "plug_in"),
]
MOST_RANKED = 10
SMALL = 500
POLICY, PRETRAINED, UNPRIMED = "policy", "pretrained policy", "policy without a prior"
NESTED = "best rule by nested folds"
FALLBACK = " + fallback"
# What one rule with one setting is; only these are looked through for a best rule with hindsight.
SINGLE_RULES = [rule + form for rule in RULES for form in ("", FALLBACK)] + ["rcut", "pcut"]
METHODS = [*SINGLE_RULES, NESTED, PRETRAINED, UNPRIMED, POLICY]


def rule_results(out_of_fold, Y_judged, P_judged):
    """Scores of each form of each rule, on nested out-of-fold rows and on the judged rows.

    The forms of a rule are: a sample may get no label, or falls back to the nearest; those of rcut are k = 1, 2, ...
    """
    Y, P, scoring = out_of_fold.Y, out_of_fold.P, Scoring.resolve(METRICS)
    found = {}
    for rule in RULES:
        policy = as_prediction_policy(rule)
        rows = policy.compare(out_of_fold, scoring)
        nested = [[row[f"mean_test_{name}"] for name in METRICS] for row in rows]
        thresholds = policy.find_thresholds(out_of_fold, scoring)
        judged = [score_all(Y_judged, decide(P_judged, thresholds, row["allow_unlabeled"])) for row in rows]
        found[rule] = {"nested": nested, "judged": judged}
    counts = range(1, min(MOST_RANKED, P.shape[1]) + 1)
    found["rcut"] = {
        "nested": [score_all(Y, rcut(P, k)) for k in counts],
        "judged": [score_all(Y_judged, rcut(P_judged, k)) for k in counts],
    }
    found["pcut"] = {"judged": [score_all(Y_judged, pcut(Y, P_judged))]}
    return found


def learn(scoring, search, seed, prior, n_steps):
    """`LearnedThresholds` from another prior: thresholds, and whether a sample may get no label."""
    start = search.start(scoring, prior)
    always_label = search.prefers_labels(start, scoring, nested=n_steps > 0)
    if n_steps > 0:
        start = search.ascend(start, always_label, scoring, n_steps, seed)
    return search.thresholds(start), not always_label


def policy_results(choose, Y_judged, P_judged):
    """For each scoring asked for: scores on the judged rows, the fallback chosen and the seconds it took."""
    found = {}
    for asked, names in ASKED.items():
        start = time.perf_counter()
        thresholds, allow_unlabeled = choose(Scoring.resolve(names))
        seconds = time.perf_counter() - start
        judged = score_all(Y_judged, decide(P_judged, thresholds, allow_unlabeled))
        found[asked] = {"judged": judged, "allow_unlabeled": allow_unlabeled, "seconds": round(seconds, 3)}
    return found


def part_results(part, search, seed, prior, Y_judged, P_judged):
    """Results of one part of a case: "rules", "unprimed" or "policies"."""
    if part == "rules":
        return rule_results(search.rows, Y_judged, P_judged)
    n_steps = LearnedThresholds().n_steps
    if part == "unprimed":
        priors = {UNPRIMED: ({name: np.zeros(np.shape(p)) for name, p in read_prior()["parameters"].items()}, n_steps)}
    else:
        priors = {POLICY: (prior, n_steps), PRETRAINED: (prior, 0)}
    return {
        method: policy_results(
            partial(learn, search=search, seed=seed, prior=prior, n_steps=n_steps), Y_judged, P_judged
        )
        for method, (prior, n_steps) in priors.items()
    }


def parts_of(name, base, seed, priors):
    """What a case consists of: for each part the key of its results, and its prior."""
    prior = None if priors is None else priors[SETS[name]]
    used = json.dumps(read_prior()["parameters"] if prior is None else prior, sort_keys=True)
    case = (SCORES_VERSION, VERSION, name, base, seed)
    return {
        "rules": ((*case, "rules"), None),
        "unprimed": ((*case, "unprimed", SEARCH_VERSION), None),
        # Of another prior, other results.
        "policies": ((*case, "policies", SEARCH_VERSION, hashlib.sha256(used.encode()).hexdigest()[:10]), prior),
    }


def add_missing(cases, priors, cache, path):
    """Compute the parts of the cases that `path` does not hold yet, and append each to it."""
    known = open_results(path)
    for i, (name, base, seed) in enumerate(cases):
        parts = parts_of(name, base, seed, priors)
        missing = {part: (key, prior) for part, (key, prior) in parts.items() if key not in known}
        if not missing:
            continue
        case = case_scores(name, base, seed, "test", cache)
        _, P, fold_of, _, P_judged = case_probabilities(case)
        search = ThresholdSearch(OutOfFold(case["Y"], P, fold_of))
        took = []
        for part, (key, prior) in missing.items():
            start = time.perf_counter()
            found = part_results(part, search, seed, prior, case["Y_judged"], P_judged)
            took.append(time.perf_counter() - start)
            record = {"key": key, "n": P.shape[0], "L": P.shape[1], "seconds": round(took[-1], 2), "results": found}
            add_result(path, record)
        spent = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in zip(missing, took, strict=True))
        print(f"{i + 1} of {len(cases)}: {name}, {base}, seed {seed}: {spent}", flush=True)


def by_method(results, asked):
    """Scores of each method on the judged rows of a case, for a scoring asked for; nothing chosen looks at them."""
    weights = np.isin(METRICS, ASKED[asked]) / len(ASKED[asked])
    found, best = {}, (-1.0, None)
    for rule in RULES:
        nested, judged = np.round(results[rule]["nested"] @ weights, 12), results[rule]["judged"]
        chosen = int(np.argmax(nested))
        found[rule], found[rule + FALLBACK] = judged[0], judged[chosen]
        if nested[chosen] > best[0]:
            best = nested[chosen], judged[chosen]
    ranked = results["rcut"]
    found["rcut"] = ranked["judged"][int(np.argmax(np.round(ranked["nested"] @ weights, 12)))]
    found["pcut"], found[NESTED] = results["pcut"]["judged"][0], best[1]
    found |= {method: results[method][asked]["judged"] for method in (PRETRAINED, UNPRIMED, POLICY)}
    return {method: [*found[method], float(np.dot(found[method], weights))] for method in METHODS}


def all_scores(cases, priors, path):
    """One row for each case, scoring asked for and method: the metrics, and "score", what was asked for."""
    known, rows = read_results(path), []
    n_complete = 0
    for name, base, seed in cases:
        keys = [key for key, _ in parts_of(name, base, seed, priors).values()]
        if not all(key in known for key in keys):
            continue
        n_complete += 1
        records = [known[key] for key in keys]
        results = {method: found for record in records for method, found in record["results"].items()}
        about = (name, base, seed, records[0]["n"], records[0]["L"], results[POLICY][MEAN]["seconds"])
        for asked in ASKED:
            rows += [(*about, asked, method, *found) for method, found in by_method(results, asked).items()]
    print(f"{n_complete} of {len(cases)} cases")
    columns = [*BLOCK, "seed", "n", "L", "seconds", "asked", "method", *METRICS, "score"]
    return pd.DataFrame(rows, columns=columns)


def block_scores(scores, asked, by=tuple(BLOCK)):
    """Scores in what was asked for, one row for each block and one column for each method, averaged over the rest."""
    asked = scores[scores["asked"] == asked]
    return asked.groupby([*by, "method"], sort=False)["score"].mean().unstack("method", sort=False)[METHODS]


def mean_table(scores, folder):
    """The mean of every metric and the mean rank of every method that is asked for the mean of three."""
    blocks = block_scores(scores, MEAN)
    ranks = pd.Series(mean_ranks(blocks.to_numpy()), METHODS)
    columns = [*METRIC_NAMES, MEAN, "mean rank"]
    asked = scores[scores["asked"] == MEAN]
    means = asked.groupby([*BLOCK, "method"])[[*METRICS, "score"]].mean().groupby("method").mean()
    table = Table("thresholds_mean", "method", *columns, folder=folder)
    for method in ranks.sort_values(kind="stable").index:
        table.add(method, *(f"{value:.3f}" for value in means.loc[method]), f"{ranks[method]:.2f}")


def scoring_table(scores, folder):
    """For each scoring asked for: the policies beside the rule that is best on average, with hindsight."""
    columns = [POLICY, PRETRAINED, UNPRIMED, NESTED]
    best = ["best rule on average (hindsight)", "its mean", "policy - best rule", "Wilcoxon p", "p over sets alone"]
    table = Table("thresholds_by_criterion", "asked for", *columns, *best, folder=folder)
    for asked in ASKED:
        blocks = block_scores(scores, asked)
        means = blocks.mean()
        rule = means[SINGLE_RULES].idxmax()
        difference = blocks[POLICY] - blocks[rule]
        own = [f"{means[method]:.3f}" for method in columns]
        gain = signed(difference.mean(), standard_error(difference))
        # Blocks of the same set, with other base learners, are not independent.
        p = [signed_rank(d.to_numpy()) for d in (difference, difference.groupby("set").mean())]
        table.add(asked, *own, rule, f"{means[rule]:.3f}", gain, *(f"{each:.2g}" for each in p))


def rank_plot(scores, folder):
    """The plot of critical differences: each rule in the form that is better on average, and the policies.

    Ranks and the critical difference are those among all methods, as in the tables.
    """
    blocks = block_scores(scores, MEAN)
    means, ranks = blocks.mean(), pd.Series(mean_ranks(blocks.to_numpy()), METHODS)
    shown = [rule + FALLBACK if means[rule + FALLBACK] > means[rule] else rule for rule in RULES]
    shown += ["rcut", "pcut", NESTED, PRETRAINED, UNPRIMED, POLICY]
    critical = critical_difference(len(METHODS), len(blocks))
    plot_ranks(shown, ranks[shown].to_numpy(), critical, folder / "thresholds_cd.svg")


def set_table(name, scores, folder, by):
    """The mean of three for each set, or each set and base learner."""
    shown = ["half", "micromacro" + FALLBACK, NESTED, PRETRAINED, POLICY]
    hindsight = ["best rule on this set (hindsight)", "its mean", "policy - it"]
    table = Table(name, *by, "n", "L", "search [s]", *shown, *hindsight, folder=folder)
    for block, about in scores[scores["asked"] == MEAN].groupby(by, sort=False):
        found = block_scores(about, MEAN, by=["base", "seed"])
        means = found.mean()
        rule = means[SINGLE_RULES].idxmax()
        difference = (found[POLICY] - found[rule]).to_numpy()
        size = [str(about["n"].iloc[0]), str(about["L"].iloc[0]), f"{about['seconds'].mean():.1f}"]
        gain = signed(difference.mean(), standard_error(difference))
        table.add(*block, *size, *(f"{means[m]:.3f}" for m in shown), rule, f"{means[rule]:.3f}", gain)


def write_tables(scores, folder):
    """Write every table and the plot."""
    mean_table(scores, folder)
    scoring_table(scores, folder)
    tests_table("thresholds_tests", block_scores(scores, MEAN), POLICY, "policy", folder)
    set_table("thresholds_by_set", scores, folder, ["set"])
    small = scores[scores["n"] < SMALL]
    if len(small):
        set_table("thresholds_small", small, folder, BLOCK)
    rank_plot(scores, folder)


def arguments():
    """The options of the command line."""
    args = case_arguments(__doc__, TEST_SETS, BASES).parse_args()
    args.results = args.results or args.cache / "thresholds.jsonl"
    return args


def main():
    """Compute what is missing and write the tables."""
    args = arguments()
    cases = [(name, base, seed) for name in args.sets for base in args.bases for seed in args.seeds]
    priors = read_priors(args.priors)
    if not args.tables_only:
        add_missing(cases, priors, args.cache, args.results)
    scores = all_scores(cases, priors, args.results)
    if len(scores):
        args.output.mkdir(parents=True, exist_ok=True)
        write_tables(scores, args.output)


if __name__ == "__main__":
    main()
