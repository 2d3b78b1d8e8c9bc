"""Every threshold rule and the learned prediction policy on twenty data sets, with three base learners and five seeds.

Rules and policies read out-of-fold probabilities of the training rows alone; the judged rows are scored once. Policies
start from numbers that were trained on other sets. Scores of the base learners and the results of each case are kept in
a cache folder, so that the run resumes and the tables come in seconds. Run it with ``python benchmarks/thresholds.py``;
SKLEARN_METALABEL_DATA names the folder of the data. xcolumns, which maximises macro-F1, is run where it is installed.
"""

import time
from importlib.util import find_spec

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
    fingerprint,
    open_results,
    read_priors,
    read_results,
    score_all,
    signed,
    standard_error,
    starting_from,
    tests_table,
)
from _ranks import critical_difference, mean_ranks, plot_ranks, signed_rank
from _rivals import Case, block_coordinate_ascent
from _scores import BASES, SETS, VERSION as SCORES_VERSION
from _table import Table
from sklearn.base import clone

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import LearnedThresholds, as_prediction_policy
from sklearn_metalabel.policies._prior import read_prior
from sklearn_metalabel.thresholds import OutOfFold, pcut, rcut

# Raise the first when a rule changes, the second when the search of the policy does: earlier results are not read then.
VERSION, SEARCH_VERSION = 2, 6
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
POLICY, APART = "policy", "policy, labels apart"
PRETRAINED, UNPRIMED = "pretrained policy", "policy without a prior"
POLICIES = {
    POLICY: LearnedThresholds(),
    APART: LearnedThresholds(dependence=False),
    PRETRAINED: LearnedThresholds(n_steps=0),
}
# It is made for macro-F1, and is compared there alone.
XCOLUMNS, OF_XCOLUMNS = "xcolumns", "f1_macro"
NESTED = "best rule by nested folds"
FALLBACK = " + fallback"
# What one rule with one setting is; only these are looked through for a best rule with hindsight.
SINGLE_RULES = [rule + form for rule in RULES for form in ("", FALLBACK)] + ["rcut", "pcut"]
METHODS = [*SINGLE_RULES, NESTED, PRETRAINED, UNPRIMED, APART, POLICY]


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


def policy_results(policy, rows, case, prior):
    """For each scoring asked for: scores on the judged rows, what was chosen and the seconds it took."""
    found = {}
    for asked, names in ASKED.items():
        start = time.perf_counter()
        with starting_from(prior):
            fitted = clone(policy).fit(rows, names, random_state=case.seed)
        seconds = time.perf_counter() - start
        chosen = {"allow_unlabeled": fitted.allow_unlabeled_, "dependence": fitted.dependence_ is not None}
        judged = score_all(case.Y_judged, fitted.predict(case.P_judged))
        found[asked] = {"judged": judged, **chosen, "seconds": round(seconds, 3)}
    return found


def part_results(part, rows, case, prior):
    """Results of one part of a case: "rules", "unprimed", "policies" or "xcolumns"."""
    if part == "rules":
        return rule_results(rows, case.Y_judged, case.P_judged)
    if part == XCOLUMNS:
        return {XCOLUMNS: {"judged": score_all(case.Y_judged, block_coordinate_ascent(case).D)}}
    if part == "unprimed":
        return {UNPRIMED: policy_results(POLICIES[POLICY], rows, case, zeros())}
    return {method: policy_results(policy, rows, case, prior) for method, policy in POLICIES.items()}


def zeros():
    """A prior that says nothing."""
    prior = read_prior()
    parameters = [prior["parameters"], prior["dependence"]["parameters"]]
    cuts, start = ({name: np.zeros(np.shape(each)).tolist() for name, each in part.items()} for part in parameters)
    return {"parameters": cuts, "dependence": {"parameters": start}}


def parts_of(name, base, seed, priors):
    """What a case consists of: for each part the key of its results, and its prior."""
    prior = None if priors is None else priors[SETS[name]]
    case = (SCORES_VERSION, VERSION, name, base, seed)
    # Of another prior, other results.
    used = fingerprint(read_prior() if prior is None else prior)
    return {
        "rules": ((*case, "rules"), None),
        "unprimed": ((*case, "unprimed", SEARCH_VERSION), None),
        "policies": ((*case, "policies", SEARCH_VERSION, used), prior),
        XCOLUMNS: ((*case, XCOLUMNS), None),
    }


def add_missing(cases, priors, cache, path):
    """Compute the parts of the cases that `path` does not hold yet, and append each to it."""
    known, left_out = open_results(path), set() if find_spec("xcolumns") else {XCOLUMNS}
    for i, (name, base, seed) in enumerate(cases):
        parts = parts_of(name, base, seed, priors)
        missing = {part: parts[part] for part in parts if part not in left_out and parts[part][0] not in known}
        if not missing:
            continue
        case, took = Case(name, base, seed, cache), []
        rows = OutOfFold(case.Y, case.P, case.fold)
        for part, (key, prior) in missing.items():
            start = time.perf_counter()
            found = part_results(part, rows, case, prior)
            took.append(time.perf_counter() - start)
            size = {"n": len(case.Y), "L": case.n_labels}
            record = {"key": key, **size, "seconds": round(took[-1], 2), "results": found}
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
    found |= {method: results[method][asked]["judged"] for method in (*POLICIES, UNPRIMED)}
    found |= {method: results[method]["judged"] for method in (XCOLUMNS,) if method in results}
    return {method: [*scores, float(np.dot(scores, weights))] for method, scores in found.items()}


def all_scores(cases, priors, path):
    """One row for each case, scoring asked for and method: the metrics, and "score", what was asked for."""
    known, rows = read_results(path), []
    n_complete = 0
    for name, base, seed in cases:
        keys = {part: key for part, (key, _) in parts_of(name, base, seed, priors).items()}
        if not all(key in known for part, key in keys.items() if part != XCOLUMNS):
            continue
        n_complete += 1
        records = [known[key] for key in keys.values() if key in known]
        results = {method: found for record in records for method, found in record["results"].items()}
        about = (name, base, seed, records[0]["n"], records[0]["L"], results[POLICY][MEAN]["seconds"])
        for asked in ASKED:
            rows += [(*about, asked, method, *found) for method, found in by_method(results, asked).items()]
    print(f"{n_complete} of {len(cases)} cases")
    columns = [*BLOCK, "seed", "n", "L", "seconds", "asked", "method", *METRICS, "score"]
    return pd.DataFrame(rows, columns=columns)


def block_scores(scores, asked, by=tuple(BLOCK), methods=METHODS):
    """Scores in what was asked for, one row for each block and one column for each method, averaged over the rest."""
    asked = scores[scores["asked"] == asked]
    return asked.groupby([*by, "method"], sort=False)["score"].mean().unstack("method", sort=False)[methods]


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
    columns = [POLICY, APART, PRETRAINED, UNPRIMED, NESTED]
    best = ["best rule on average (hindsight)", "its mean", "policy - best rule", "Wilcoxon p", "p over sets alone"]
    best += [XCOLUMNS, "policy - xcolumns", "its p"]
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
        beside = beside_xcolumns(scores) if asked == OF_XCOLUMNS else [""] * 3
        table.add(asked, *own, rule, f"{means[rule]:.3f}", gain, *(f"{each:.2g}" for each in p), *beside)


def beside_xcolumns(scores):
    """Macro-F1 of xcolumns, how much higher the policy is that is asked for it, and p; empty where it was not run."""
    if XCOLUMNS not in set(scores["method"]):
        return [""] * 3
    blocks = block_scores(scores, OF_XCOLUMNS, methods=[POLICY, XCOLUMNS]).dropna()
    difference = blocks[POLICY] - blocks[XCOLUMNS]
    gain = signed(difference.mean(), standard_error(difference))
    return [f"{blocks[XCOLUMNS].mean():.3f}", gain, f"{signed_rank(difference.to_numpy()):.2g}"]


def rank_plot(scores, folder):
    """The plot of critical differences: each rule in the form that is better on average, and the policies.

    Ranks and the critical difference are those among all methods, as in the tables.
    """
    blocks = block_scores(scores, MEAN)
    means, ranks = blocks.mean(), pd.Series(mean_ranks(blocks.to_numpy()), METHODS)
    shown = [rule + FALLBACK if means[rule + FALLBACK] > means[rule] else rule for rule in RULES]
    shown += ["rcut", "pcut", NESTED, PRETRAINED, UNPRIMED, APART, POLICY]
    critical = critical_difference(len(METHODS), len(blocks))
    plot_ranks(shown, ranks[shown].to_numpy(), critical, folder / "thresholds_cd.svg")


def set_table(name, scores, folder, by):
    """The mean of three for each set, or each set and base learner."""
    shown = ["half", "micromacro" + FALLBACK, NESTED, PRETRAINED, APART, POLICY]
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
