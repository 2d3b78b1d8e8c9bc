"""Ways to choose thresholds, compared by what each decides on rows it did not see."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp
from scipy.stats import rankdata

from sklearn_metalabel.thresholds._checks import check_thresholds, row_blocks
from sklearn_metalabel.thresholds._criteria import criterion_parts, criterion_score
from sklearn_metalabel.thresholds._decide import decide_block

__all__ = ["Comparison", "as_columns", "compare", "function_name", "unique_name"]


@dataclass
class Comparison:
    """The best chooser, what it chooses from all rows, and the held-out scores of all of them.

    `results` is a dict of arrays with one row for each chooser and fallback: "rule", "never_empty" (bool, or "auto"
    where the chooser decides it), "mean_test_<part>" for each part of the criterion, "mean_test_score",
    "rank_test_score" and, fold by fold, "split<k>_test_score". The means are those of all rows together.
    """

    name: str
    thresholds: np.ndarray
    never_empty: bool
    results: dict


def compare(choosers, Y, P, fold_of, *, criterion, never_empty="auto"):
    """Choose between choosers of thresholds by their decisions on folds that they did not see.

    Parameters
    ----------
    choosers : dict of str -> callable
        ``(Y, P, fold_of) -> (thresholds, never_empty)``; `never_empty` is None where the chooser leaves it open.
    Y : {ndarray, sparse matrix} of shape (n, L)
        Truth.
    P : ndarray of shape (n, L)
        Out-of-fold probabilities, strictly inside (0, 1).
    fold_of : ndarray of int of shape (n,)
        Fold of each row; a chooser decides on a fold with what it chooses from the other folds. A single fold has only
        itself.
    criterion : str, callable or sequence of these
        See `criterion_score`.
    never_empty : "auto" or bool, default="auto"
        Whether a sample above no threshold gets its nearest label; "auto" tries both.

    Returns
    -------
    comparison : Comparison
        Of equal scores the first wins.
    """
    Y = (Y.toarray() if sp.issparse(Y) else np.asarray(Y)).astype(bool, copy=False)
    fallbacks = [False, True] if never_empty == "auto" else [bool(never_empty)]
    parts = _criterion_parts(criterion)
    folds = [np.flatnonzero(fold_of == fold) for fold in np.unique(fold_of)]
    rows = []
    for name, choose in choosers.items():
        tried, decisions = _nested_decisions(choose, Y, P, fold_of, folds, fallbacks)
        for fallback, D in zip(tried, decisions, strict=True):
            rows.append({"rule": name, "never_empty": fallback, **_scores(parts, Y, D, folds)})
    results = as_columns(rows)
    best = rows[int(np.argmin(results["rank_test_score"]))]
    thresholds, own = choosers[best["rule"]](Y, P, fold_of)
    fallback = best["never_empty"] if own is None else own
    return Comparison(best["rule"], check_thresholds(thresholds, P.shape[1]), bool(fallback), results)


def function_name(function):
    """Name of a function, of the function inside a partial, or of the class of an object."""
    inner = function.func if isinstance(function, partial) else function
    return getattr(inner, "__name__", type(inner).__name__)


def unique_name(name, taken):
    """`name`, with a number where it is taken."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _criterion_parts(criterion):
    """The parts of a criterion by name."""
    parts = {}
    given = criterion if isinstance(criterion, tuple | list) else [criterion]
    for part, resolved in zip(given, criterion_parts(criterion), strict=True):
        parts[unique_name(part if isinstance(part, str) else function_name(resolved), parts)] = resolved
    return parts


def _nested_decisions(choose, Y, P, fold_of, folds, fallbacks):
    """What was tried for empty samples, and for each of these the decisions (n, L), bool, of all folds."""
    tried, decisions = None, []
    for inside in folds:
        seen = np.ones(len(fold_of), dtype=bool)
        seen[inside] = len(folds) == 1
        thresholds, own = choose(Y[seen], P[seen], fold_of[seen])
        if tried is None:
            # A chooser that decides for itself has one row, whatever it decides on other folds.
            tried = fallbacks if own is None or len(fallbacks) == 1 else ["auto"]
            decisions = [np.empty(Y.shape, dtype=bool) for _ in tried]
        t = check_thresholds(thresholds, P.shape[1])
        used = [bool(fallback if own is None else own) for fallback in tried]
        for block in row_blocks(inside.size, P.shape[1]):
            at = inside[block]
            R = P[at]
            for fallback, D in zip(used, decisions, strict=True):
                D[at] = decide_block(R, t, fallback)
    return tried, decisions


def _scores(parts, Y, D, folds):
    """Scores of decisions: each part and their mean over all rows, and the mean in each fold."""
    scores = {f"mean_test_{name}": criterion_score(part, Y, D) for name, part in parts.items()}
    scores["mean_test_score"] = float(np.mean(list(scores.values())))
    for k, rows in enumerate(folds):
        scores[f"split{k}_test_score"] = criterion_score(list(parts.values()), Y[rows], D[rows])
    return scores


def as_columns(rows):
    """A dict of arrays from a list of dicts, with ranks; a score of NaN is last."""
    results = {name: np.array([row[name] for row in rows]) for name in rows[0] if name not in ("rule", "never_empty")}
    fallbacks = [row["never_empty"] for row in rows]
    scores = np.nan_to_num(results["mean_test_score"], nan=-np.inf)
    return {
        "rule": np.array([row["rule"] for row in rows], dtype=object),
        "never_empty": np.array(fallbacks, dtype=object if "auto" in fallbacks else bool),
        **results,
        "rank_test_score": rankdata(-scores, method="min").astype(np.int32),
    }
