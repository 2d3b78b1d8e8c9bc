"""Decisions that know how labels depend on each other, beside labels apart and beside other ways to use dependence.

Policies and rivals are fitted on training rows alone, at most 4,000 of them and fewer where labels are very many; the
judged rows are scored once. Policies start from numbers that were trained on other sets (the rotations of
``pretrain_policy.py`` and ``pretrain_dependence.py``). A rival that takes too long on a case is not run there; tables
say on how many blocks, pairs of a set and a base learner, a rival was run, and compare it on these. Seconds are CPU
seconds of one thread: what a method takes beyond the base learner's own trainings. Results of each case are kept in a
cache folder, so that the run resumes.
The tables in ``results`` are of a part of the cases: column "seeds" of dependence_by_set.csv says how often each block
was run, and "blocks" of dependence_rivals.csv on how many a rival was.
Run it with ``python benchmarks/dependence.py``; SKLEARN_METALABEL_DATA names the folder of the data. ``--rivals``
names the rivals; subset maximisation is only run where it is named, and xcolumns where it is installed.
"""

import time
import warnings

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
    wins_and_p,
)
from _ranks import mean_ranks, signed_rank
from _rivals import RIVALS, Case, nearest_observed
from _scores import SETS, VERSION as SCORES_VERSION
from _table import Table
from sklearn.base import clone
from sklearn.metrics import average_precision_score

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import LearnedThresholds, ThresholdRule
from sklearn_metalabel.policies._prior import read_prior
from sklearn_metalabel.thresholds import OutOfFold
from sklearn_metalabel.utils import ConstantLabelWarning

# Raise the first when what is measured changes, the second when policies do, the third when rivals or what is learned
# with labels apart does: earlier results are not read then.
VERSION, POLICY_VERSION, RIVAL_VERSION = 1, 2, 1
HIERARCHIES = ["bbn_gold", "wos_1k", "hoc", "enron_corr", "rcv1_lyrl_tokens_2k", "cellcycle_fun", "pheno_fun"]
TEST_SETS = [
    *HIERARCHIES,
    *("emotions", "flags", "scene", "yeast", "genbase", "stackex_coffee", "langlog", "yahoo_arts", "goemotions"),
    *("reuters21578_aptemod", "rcv1_subset1", "bibtex", "corel5k", "ng20", "delicious", "ufet_crowd"),
]
LEARNERS = ["logistic", "mlp", "forest"]
OWN_ASKED = {asked: ASKED[asked] for asked in (MEAN, "accuracy", "f1_micro", "f1_macro")}
APART, DEPENDENT, ALWAYS = "learned, labels apart", "learned, dependence", "learned, dependence always"
HALF, FALLBACK, RULE, RULE_DEPENDENT = "0.5", "0.5 + fallback", "micromacro", "micromacro, dependence"
POLICIES = {
    APART: LearnedThresholds(dependence=False),
    DEPENDENT: LearnedThresholds(dependence="auto"),
    FALLBACK: ThresholdRule("half"),
    RULE: ThresholdRule("micromacro"),
    RULE_DEPENDENT: ThresholdRule("micromacro", dependence="auto"),
}
CORRECTED = {HALF: "subset correction of 0.5", APART: "subset correction of learned"}
# With thresholds that are learned on the rival's own probabilities.
LEARNED = " + learned"
EVERYWHERE = [HALF, *POLICIES, ALWAYS, *CORRECTED.values()]
OF_RIVALS = [rival + form for rival in RIVALS for form in ("", LEARNED)]
PROBABILITY_METRICS = ["mAP", "log-loss"]
PARTS_LEFT_OUT = 20


def learn(policy, case, P, P_judged, prior):
    """Policies fitted for each scoring asked for, decisions, and CPU seconds of the mean of three."""
    start = time.process_time()
    rows, fitted, seconds = OutOfFold(case.Y, P, case.fold), {}, 0.0
    with starting_from(prior):
        for asked, names in OWN_ASKED.items():
            fitted[asked] = clone(policy).fit(rows, names, random_state=case.seed)
            seconds = seconds or time.process_time() - start  # the mean of three comes first
    return fitted, {asked: each.predict(P_judged) for asked, each in fitted.items()}, seconds


def precisions(Y, P):
    """Average precision of each label that has positives."""
    seen = Y.any(axis=0)
    return average_precision_score(Y[:, seen], P[:, seen], average=None)


def probability_scores(Y, P):
    """Mean average precision over the labels that have positives, and the mean log-loss of all entries."""
    return [float(np.mean(precisions(Y, P))), float(-np.log(np.where(Y, P, 1 - P)).mean())]


def jackknife(score, n):
    """Standard error of `score` of a mask of n rows, by leaving out parts of them."""
    left = np.array([score(np.arange(n) % PARTS_LEFT_OUT != k) for k in range(min(PARTS_LEFT_OUT, n))])
    return float(np.sqrt((len(left) - 1) * left.var()))


def result(case, decisions, P_judged=None, seconds=0.0, **more):
    """What is kept of a method: the metrics by scoring asked for, those of its probabilities, and seconds."""
    found = {"asked": {asked: score_all(case.Y_judged, D) for asked, D in decisions.items()}}
    probability = [np.nan, np.nan] if P_judged is None else probability_scores(case.Y_judged, P_judged)
    return {**found, "probability": probability, "seconds": round(seconds, 3), **more}


def learned_results(policy, case, prior):
    """Fitted policies and decisions by scoring asked for, and what is kept of them."""
    fitted, decided, seconds = learn(policy, case, case.P, case.P_judged, prior)
    marginals = fitted[MEAN].marginals_
    P = case.P_judged if marginals is None else marginals.correct(case.P_judged)
    return fitted, decided, result(case, decided, P, seconds)


def policy_results(case, prior):
    """Results of the policies, of subset correction, and what dependence gains on the judged rows with its error."""
    found, decided, fitted = {}, {HALF: dict.fromkeys(OWN_ASKED, decide(case.P_judged, 0.5))}, {}
    for method, policy in POLICIES.items():
        fitted[method], decided[method], found[method] = learned_results(policy, case, prior)
    found[HALF] = result(case, decided[HALF], case.P_judged)
    for method, corrected in CORRECTED.items():
        nearest = {asked: nearest_observed(case.sets, D) for asked, D in decided[method].items()}
        found[corrected] = result(case, nearest, case.P_judged, found[method]["seconds"])
    found[DEPENDENT] |= gains(case, decided, fitted[DEPENDENT][MEAN])
    return found


def gains(case, decided, policy):
    """What dependence gains over labels apart in the mean of three, and in precision of each label, with errors."""
    D, other, scoring = decided[DEPENDENT][MEAN], decided[APART][MEAN], Scoring.resolve(ASKED[MEAN])

    def score(rows):
        return scoring(case.Y_judged[rows], D[rows]) - scoring(case.Y_judged[rows], other[rows])

    by_label = np.zeros(1)
    if policy.marginals_ is not None:
        before, after = (
            precisions(case.Y_judged, P) for P in (case.P_judged, policy.marginals_.correct(case.P_judged))
        )
        by_label = after - before
    return {
        "gain_error": jackknife(score, len(D)),
        "precision_gain": [float(by_label.mean()), standard_error(by_label) if by_label.size > 1 else 0.0],
        "taken": policy.dependence_ is not None,
        "corrected": policy.marginals_ is not None,
    }


def part_results(part, case, prior):
    """Results of one part of a case: "policies", dependence without a choice, or a rival.

    A rival that has probabilities is judged with decisions of its own, and with thresholds that are learned.
    """
    if part == "policies":
        return policy_results(case, prior)
    if part == ALWAYS:
        return {ALWAYS: learned_results(LearnedThresholds(dependence=True), case, prior)[-1]}
    rival, found = part, RIVALS[part].find(case)
    if found is None:
        return {}
    results = {rival: result(case, dict.fromkeys(OWN_ASKED, found.D), found.P_judged, found.seconds)}
    if found.P is not None:
        _, decided, seconds = learn(POLICIES[APART], case, found.P, found.P_judged, prior)
        results[rival + LEARNED] = result(case, decided, found.P_judged, found.seconds + seconds)
    return results


def keys_of(name, base, seed, priors, rivals):
    """Key of the results of each part of a case; of another prior, other results."""
    prior = read_prior() if priors is None else priors[SETS[name]]
    case = (SCORES_VERSION, VERSION, name, base, seed)
    # Rivals may have learned thresholds, with labels apart.
    used = dict.fromkeys(("policies", ALWAYS), (fingerprint(prior), POLICY_VERSION))
    used |= dict.fromkeys(rivals, (fingerprint(prior["parameters"]), RIVAL_VERSION))
    return {part: (*case, part, *versions) for part, versions in used.items()}


def add_missing(cases, priors, rivals, cache, path):
    """Compute the parts of the cases that `path` does not hold yet, and append each to it."""
    known = open_results(path)
    for i, (name, base, seed) in enumerate(cases):
        missing = {p: key for p, key in keys_of(name, base, seed, priors, rivals).items() if key not in known}
        case, prior = Case(name, base, seed, cache) if missing else None, None if priors is None else priors[SETS[name]]
        for part, key in missing.items():
            start = time.perf_counter()
            found = part_results(part, case, prior)
            size = {"n": len(case.Y), "L": case.n_labels, "n_sets": len(case.sets)}
            add_result(path, {"key": key, **size, "results": found})
            took = time.perf_counter() - start
            print(f"{i + 1} of {len(cases)}: {name}, {base}, seed {seed}, {part}: {took:.1f} s", flush=True)


def all_scores(cases, priors, rivals, path):
    """One row for each case, scoring asked for and method."""
    known, rows = read_results(path), []
    for name, base, seed in cases:
        keys = keys_of(name, base, seed, priors, rivals)
        if keys["policies"] not in known:
            continue
        records = [known[key] for key in keys.values() if key in known]
        about = (name, base, seed, *(records[0][size] for size in ("n", "L", "n_sets")))
        for method, found in (pair for record in records for pair in record["results"].items()):
            extra = (*found["probability"], found["seconds"], found.get("gain_error"), found.get("taken"))
            extra += (*found.get("precision_gain", (None, None)), found.get("corrected"))
            for asked, scores in found["asked"].items():
                score = np.mean([scores[METRICS.index(metric)] for metric in ASKED[asked]])
                rows.append((*about, asked, method, *scores, score, *extra))
    columns = [*BLOCK, "seed", "n", "L", "n_sets", "asked", "method", *METRICS, "score", *PROBABILITY_METRICS]
    columns += ["seconds", "gain_error", "taken", "precision_gain", "precision_error", "corrected"]
    return pd.DataFrame(rows, columns=columns)


def block_scores(scores, asked, column="score", methods=None):
    """A column with one row for each block and one column for each method, averaged over seeds.

    Blocks and seeds are all of them, for the methods that were run on all; or those that all of `methods` were run on.
    """
    found = scores[scores["asked"] == asked].set_index([*BLOCK, "seed", "method"])[column].unstack("method", sort=False)
    if methods is None:
        found = found[[method for method in (*EVERYWHERE, *OF_RIVALS) if method in found]].dropna(axis=1)
    else:
        found = found[methods].dropna()
    return found.groupby(BLOCK, sort=False).mean()


def mean_table(scores, folder):
    """Every metric and the mean rank, for the methods that were run everywhere, asked for the mean of three."""
    blocks = block_scores(scores, MEAN)
    ranks = pd.Series(mean_ranks(blocks.to_numpy()), blocks.columns)
    columns = [*METRIC_NAMES, MEAN, *PROBABILITY_METRICS, "seconds", "mean rank"]
    table = Table("dependence_mean", "method", *columns, folder=folder)
    metrics = [*METRICS, "score", *PROBABILITY_METRICS, "seconds"]
    means = pd.DataFrame({metric: block_scores(scores, MEAN, metric).mean() for metric in metrics})
    for method in ranks.sort_values(kind="stable").index:
        *found, seconds = means.loc[method]
        table.add(method, *(as_number(value) for value in found), f"{seconds:.1f}", f"{ranks[method]:.2f}")


def rivals_table(scores, folder):
    """Each rival beside dependence on the cases that it was run on."""
    metrics = dict(zip([*METRIC_NAMES[:3], "mAP"], [*METRICS[:3], "mAP"], strict=True))
    rivals = [method for method in OF_RIVALS if (scores["method"] == method).any()]
    differences = [difference_to(scores, MEAN, rival) for rival in rivals]
    names = [*(f"{name}: it / ours" for name in metrics), "ours - it, mean of three", "wins", "ties", "losses"]
    table = Table("dependence_rivals", "rival", "blocks", *names, "Wilcoxon p (Holm)", "seconds", folder=folder)
    for rival, difference, counts, p in zip(rivals, differences, *wins_and_p(differences), strict=True):
        pair = [rival, DEPENDENT]
        means = [block_scores(scores, MEAN, metric, pair).mean() for metric in (*metrics.values(), "seconds")]
        cells = [
            " / ".join(as_number(found[method]) for method in pair) if found.notna().all() else ""
            for found in means[:-1]
        ]
        gain = signed(difference.mean(), standard_error(difference))
        table.add(rival, len(difference), *cells, gain, *counts, f"{p:.2g}", f"{means[-1][rival]:.1f}")


def difference_to(scores, asked, method):
    """How much higher dependence scores than a method, on each block that it was run on."""
    blocks = block_scores(scores, asked, methods=[method, DEPENDENT])
    return blocks[DEPENDENT] - blocks[method]


def scoring_table(scores, folder):
    """For each scoring asked for: the mean of every method, and dependence against labels apart and xcolumns."""
    methods = [DEPENDENT, ALWAYS, APART, RULE_DEPENDENT, RULE, FALLBACK, *CORRECTED.values(), "xcolumns"]
    methods = [method for method in methods if method in block_scores(scores, MEAN)]
    columns = {APART: ["dependence - apart", "Wilcoxon p", "p over sets alone"]}
    if "xcolumns" in methods:
        columns["xcolumns"] = ["dependence - xcolumns", "its p"]
    table = Table("dependence_by_criterion", "asked for", *methods, *sum(columns.values(), []), folder=folder)
    for asked in OWN_ASKED:
        means, cells = block_scores(scores, asked)[methods].mean(), []
        for other, names in columns.items():
            d = difference_to(scores, asked, other)
            # Blocks of the same set, with other base learners, are not independent.
            p = [signed_rank(each.to_numpy()) for each in (d, d.groupby("set").mean())][: len(names) - 1]
            cells += [signed(d.mean(), standard_error(d)), *(f"{each:.2g}" for each in p)]
        table.add(asked, *(as_number(mean) for mean in means), *cells)


def set_table(scores, folder):
    """Labels apart and dependence for each block, with the errors of their difference over judged rows and labels."""
    asked = scores[scores["asked"] == MEAN]
    columns = ["seeds", "n", "L", "label sets", "tree", *(f"{m}: apart / dependence" for m in METRIC_NAMES[:3])]
    columns += ["gain in the mean of three", "taken", "mAP", "gain in mAP", "log-loss: before / after", "seconds"]
    table = Table("dependence_by_set", *BLOCK, *columns, folder=folder)
    for block, about in asked.groupby(BLOCK, sort=False):
        apart, own = (about[about["method"] == method] for method in (APART, DEPENDENT))
        sizes = [str(round(own[size].mean())) for size in ("n", "L", "n_sets")]
        pairs = [f"{apart[m].mean():.3f} / {own[m].mean():.3f}" for m in METRICS[:3]]
        gain = signed(own["score"].mean() - apart["score"].mean(), own["gain_error"].mean())
        precision = signed(own["precision_gain"].mean(), own["precision_error"].mean())
        losses = f"{apart['log-loss'].mean():.4f} / {own['log-loss'].mean():.4f}"
        is_tree = "yes" if block[0] in HIERARCHIES else ""
        cells = [len(own), *sizes, is_tree, *pairs, gain, f"{own['taken'].mean():.0%}", f"{apart['mAP'].mean():.3f}"]
        table.add(*block, *cells, precision, losses, f"{own['seconds'].mean():.1f}")


def as_number(value):
    """A mean with three digits, or nothing."""
    return "" if np.isnan(value) else f"{value:.3f}"


def write_tables(scores, folder):
    """Write every table."""
    mean_table(scores, folder)
    tests_table("dependence_tests", block_scores(scores, MEAN), DEPENDENT, "dependence", folder)
    rivals_table(scores, folder)
    scoring_table(scores, folder)
    set_table(scores, folder)


def arguments():
    """The options of the command line."""
    parser = case_arguments(__doc__, TEST_SETS, LEARNERS)
    usual = [rival for rival in RIVALS if rival != "subset maximisation"]
    parser.add_argument("--rivals", choices=list(RIVALS), nargs="*", default=usual, metavar="RIVAL")
    args = parser.parse_args()
    args.results = args.results or args.cache / "dependence.jsonl"
    return args


def main():
    """Compute what is missing and write the tables."""
    args = arguments()
    warnings.simplefilter("ignore", ConstantLabelWarning)
    cases = [(name, base, seed) for base in args.bases for seed in args.seeds for name in args.sets]
    priors = read_priors(args.priors)
    if not args.tables_only:
        add_missing(cases, priors, args.rivals, args.cache, args.results)
    scores = all_scores(cases, priors, args.rivals, args.results)
    if len(scores):
        write_tables(scores, args.output)


if __name__ == "__main__":
    main()
