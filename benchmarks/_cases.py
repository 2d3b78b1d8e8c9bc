"""What benchmarks over many cases share: resumable results, what is asked for, and the tables of comparisons."""

import argparse
import hashlib
import json
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from _ranks import critical_difference, friedman, holm, mean_ranks, signed_rank
from _scores import cache_folder
from _table import RESULTS, Table

from sklearn_metalabel.metrics import DEFAULT_SCORING, Scoring
from sklearn_metalabel.policies import _prior

__all__ = [
    "ASKED",
    "BLOCK",
    "MEAN",
    "METRICS",
    "METRIC_NAMES",
    "add_result",
    "case_arguments",
    "fingerprint",
    "open_results",
    "read_priors",
    "read_results",
    "score_all",
    "signed",
    "standard_error",
    "starting_from",
    "tests_table",
    "wins_and_p",
]

MEAN = "mean of three"
METRICS = ["accuracy", "f1_micro", "f1_macro", "f1_samples"]
METRIC_NAMES = ["strict accuracy", "micro-F1", "macro-F1", "samples-F1"]
ASKED = {name: [name] for name in METRICS} | {MEAN: list(DEFAULT_SCORING)}
BLOCK = ["set", "base"]


def score_all(Y, D):
    """The metrics of decisions, in the order of METRICS."""
    return list(Scoring.resolve(METRICS).by_part(Y, D).values())


def read_priors(path):
    """Prior of each group of sets from the rotation that held the group out, or None where there is no such file."""
    if not path.exists():
        print(f"{path.name} is missing: the policies start from the prior of the package, whose sets are not held out.")
        return None
    rotations = json.loads(path.read_text(encoding="utf-8"))["rotations"]
    return {
        group: {part: rotation[part] for part in ("parameters", "dependence")}
        for rotation in rotations
        for group in rotation["held_out"]
    }


def fingerprint(prior):
    """A short text that differs where numbers differ."""
    return hashlib.sha256(json.dumps(prior, sort_keys=True).encode()).hexdigest()[:10]


@contextmanager
def starting_from(prior):
    """Let policies start from another prior than the package's, of the same form; None is the package's."""
    with mock.patch.object(_prior, "read_prior", return_value=prior) if prior else nullcontext():
        yield


def read_results(path):
    """Results by key; a line that an interruption cut off is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
            found[tuple(record["key"])] = record
        except ValueError:
            continue
    return found


def open_results(path):
    """Results by key of a file that others are added to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")  # ends a line that was cut off
    return read_results(path)


def add_result(path, record):
    """Append a record in one write, so that two runs that share the file do not mix their lines."""
    with path.open("ab", buffering=0) as file:
        file.write((json.dumps(record) + "\n").encode())


def signed(difference, error=None):
    """A difference as text, with its standard error where it has one."""
    return f"{difference:+.4f}" + ("" if error is None or np.isnan(error) else f" ± {error:.4f}")


def standard_error(values):
    """Standard error of the mean of values."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan


def wins_and_p(differences):
    """Numbers of wins, ties and losses for each array of differences, and p of Wilcoxon's test by Holm."""
    differences = [np.round(each, 9) for each in differences]
    counts = [[int((sign == np.sign(each)).sum()) for sign in (1, 0, -1)] for each in differences]
    return counts, holm([signed_rank(each) for each in differences])


def tests_table(name, blocks, own, title, folder):
    """One method against every other in scores (blocks, methods), a frame."""
    ranks = pd.Series(mean_ranks(blocks.to_numpy()), blocks.columns)
    critical = critical_difference(len(ranks), len(blocks))
    statistic, p = friedman(blocks.to_numpy())
    columns = ["mean difference", "wins", "ties", "losses", "Wilcoxon p (Holm)", "rank difference", "Nemenyi, 5%"]
    table = Table(name, f"{title} against", *columns, folder=folder)
    size = f"{len(ranks)} methods, {len(blocks)} blocks"
    table.add(f"Friedman: {size}", f"chi2 = {statistic:.1f}", "", "", "", f"p = {p:.2g}", f"{critical:.2f}", "critical")
    others = [method for method in ranks.sort_values(kind="stable").index if method != own]
    differences = [(blocks[own] - blocks[method]).round(9).to_numpy() for method in others]
    for method, d, counts, p in zip(others, differences, *wins_and_p(differences), strict=True):
        apart = ranks[method] - ranks[own]
        verdict = "differs" if abs(apart) >= critical else "no"
        table.add(method, signed(d.mean(), standard_error(d)), *counts, f"{p:.2g}", f"{apart:+.2f}", verdict)


def case_arguments(description, sets, bases):
    """Parser of the options that say which cases are run, and where results are kept."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--sets", choices=sets, nargs="+", default=sets, metavar="SET")
    parser.add_argument("--bases", choices=bases, nargs="+", default=bases)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="folder of the scores")
    parser.add_argument("--results", type=Path, help="JSON lines of the results; a file in the cache folder")
    parser.add_argument("--priors", type=Path, default=RESULTS / "rotated_priors.json", help="file of the priors")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the CSV files")
    parser.add_argument("--tables-only", action="store_true", help="compute no case")
    return parser
