"""Prediction policies, compared by what each decides on folds that it did not see."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sklearn_metalabel.decoding import Dependence, SetMarginals, decide_block
from sklearn_metalabel.utils import check_thresholds, row_blocks, shown

__all__ = ["FALLBACKS", "Choice", "as_columns", "as_rows", "fallbacks", "mean_scores", "nested_rows"]

# Whether a sample may get no label, in the order that they are tried; of equal scores the first wins.
FALLBACKS = (True, False)


class Choice(NamedTuple):
    """What a policy chooses on some rows; `allow_unlabeled` is None where that is left to a comparison."""

    thresholds: NDArray[np.float64]
    allow_unlabeled: bool | None = None
    dependence: Dependence | None = None
    marginals: SetMarginals | None = None


def fallbacks(allow_unlabeled):
    """Values of `allow_unlabeled` to try, or raise."""
    if isinstance(allow_unlabeled, str) and allow_unlabeled == "auto":
        return FALLBACKS
    if isinstance(allow_unlabeled, bool | np.bool_):
        return (bool(allow_unlabeled),)
    raise ValueError(
        f'allow_unlabeled must be True, False or "auto", got {shown(allow_unlabeled)}; "auto" chooses on '
        "out-of-fold rows."
    )


def nested_rows(policy, out_of_fold, scoring, allow_unlabeled, random_state):
    """Rows of results, one for each value of `allow_unlabeled` that is tried.

    Parameters
    ----------
    policy : PredictionPolicy
        Unfitted.
    out_of_fold : OutOfFold
        Complete. A fold is decided with what the policy chooses on the other folds; a single fold has only itself.
    scoring : Scoring
    allow_unlabeled : "auto" or bool
    random_state : int, RandomState instance or None

    Returns
    -------
    rows : list of dict
        "prediction_policy", "allow_unlabeled" (bool, or "auto" where the policy decides it), "std_thresholds" (L,),
        "mean_test_<name>" for each part of the scoring, "mean_test_score" and "split<k>_test_score". The means are over
        all rows together.
    """
    folds = [np.flatnonzero(out_of_fold.fold == fold) for fold in np.unique(out_of_fold.fold)]
    tried, decisions, spread = _nested_decisions(policy, out_of_fold, folds, (scoring, allow_unlabeled, random_state))
    Y, weight = out_of_fold.truth(), out_of_fold.sample_weight
    return [
        {
            "prediction_policy": policy.name,
            "allow_unlabeled": fallback,
            "std_thresholds": spread,
            **_scores(scoring, Y, D, folds, weight),
        }
        for fallback, D in zip(tried, decisions, strict=True)
    ]


def _nested_decisions(policy, out_of_fold, folds, asked):
    """Values of `allow_unlabeled` that were tried, the decisions (n, L) of each, and the spread of thresholds (L,)."""
    wanted = fallbacks(asked[1])
    tried, decisions, found, P = None, [], [], out_of_fold.P
    for inside in folds:
        seen = np.ones(len(P), dtype=bool)
        seen[inside] = len(folds) == 1
        choice = policy._choose(out_of_fold.take(seen), *asked)
        own = choice.allow_unlabeled
        if tried is None:
            # A policy that decides for itself has one row, whatever it decides on other folds.
            tried = list(wanted) if own is None or len(wanted) == 1 else ["auto"]
            decisions = [np.empty(P.shape, dtype=bool) for _ in tried]
        t = check_thresholds(choice.thresholds, P.shape[1])
        found.append(t)
        used = [bool(fallback if own is None else own) for fallback in tried]
        for block in row_blocks(inside.size, P.shape[1]):
            at = inside[block]
            R = P[at]
            for fallback, D in zip(used, decisions, strict=True):
                D[at] = decide_block(R, t, fallback, dependence=choice.dependence)
    if out_of_fold.unknown is not None:
        for D in decisions:
            D[out_of_fold.unknown] = False
    return tried, decisions, np.std(found, axis=0)


def _scores(scoring, Y, D, folds, weight):
    """Scores of decisions: each part and their mean over all rows, and the mean in each fold."""
    by_part = scoring.by_part(Y, D, weight)
    scores = mean_scores(by_part)
    for k, rows in enumerate(folds):
        scores[f"split{k}_test_score"] = scoring(Y[rows], D[rows], None if weight is None else weight[rows])
    return scores


def mean_scores(by_part):
    """Columns for the scores of the parts of a scoring."""
    scores = {f"mean_test_{name}": float(value) for name, value in by_part.items()}
    return {**scores, "mean_test_score": float(np.mean(list(by_part.values())))}


def as_columns(rows):
    """A dict of arrays from rows of results, with ranks; what a row lacks is NaN, and a score of NaN is last.

    Of what a row has for each label, the mean is taken.
    """
    texts = [name for name in ("proposal", "prediction_policy") if name in rows[0]]
    names = dict.fromkeys(name for row in rows for name in row if name not in (*texts, "allow_unlabeled"))
    results = {name: np.array([row[name] for row in rows], dtype=object) for name in texts}
    choices = [row["allow_unlabeled"] for row in rows]
    results["allow_unlabeled"] = np.array(choices, dtype=object if "auto" in choices else bool)
    results |= {name: np.array([np.mean(row.get(name, np.nan)) for row in rows]) for name in names}
    scores = np.nan_to_num(results["mean_test_score"], nan=-np.inf)
    return {**results, "rank_test_score": rankdata(-scores, method="min").astype(np.int32)}


def as_rows(columns):
    """Rows of results from a dict of arrays, without their ranks."""
    n_rows = len(next(iter(columns.values()), ()))
    return [{name: column[i] for name, column in columns.items() if name != "rank_test_score"} for i in range(n_rows)]
