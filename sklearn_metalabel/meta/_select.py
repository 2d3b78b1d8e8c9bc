"""From out-of-fold probabilities to the thresholds and the decoding that are used."""

from dataclasses import dataclass

import numpy as np

from sklearn_metalabel.thresholds import decide, global_threshold, micromacro, shrunken
from sklearn_metalabel.thresholds._criteria import criterion_score

__all__ = ["Selection", "select_thresholds"]


@dataclass
class Selection:
    """Chosen thresholds (L,), whether every instance gets a label, and the held-out score of every candidate."""

    thresholds: np.ndarray
    never_empty: bool
    name: str
    scores: dict


def select_thresholds(Y, P, fold_of, policy_thresholds, *, criterion, never_empty="auto"):
    """Choose between the policy's thresholds and the rules, by what each decides on folds it did not see.

    Parameters
    ----------
    Y, P : ndarray of shape (n, L)
        Truth and out-of-fold probabilities.
    fold_of : ndarray of shape (n,)
        Fold of each row; rules are applied to a fold with thresholds from the other folds.
    policy_thresholds : ndarray of shape (L,)
        What the policy proposes.
    criterion : str, callable or sequence of these
        See `criterion_score`.
    never_empty : "auto" or bool
        Whether an instance above no threshold gets its nearest label; "auto" chooses that too.

    Returns
    -------
    selection : Selection
    """
    candidates = {
        "policy": lambda Y, P: policy_thresholds,
        "half": lambda Y, P: np.full(P.shape[1], 0.5),
        "global": global_threshold,
        "micromacro": micromacro,
        "shrunken": shrunken,
    }
    fallbacks = [False, True] if never_empty == "auto" else [bool(never_empty)]
    scores = {}
    for name, rule in candidates.items():
        decisions = _nested_decisions(rule, Y, P, fold_of, fallbacks)
        for fallback, decided in zip(fallbacks, decisions, strict=True):
            scores[name, fallback] = criterion_score(criterion, Y, decided)
    name, fallback = max(scores, key=scores.get)
    return Selection(np.asarray(candidates[name](Y, P), dtype=np.float64), fallback, name, scores)


def _nested_decisions(rule, Y, P, fold_of, fallbacks):
    """Decisions (n, L) of a rule for every fold, from the other folds; one matrix for each fallback."""
    decisions = [np.zeros(Y.shape, dtype=bool) for _ in fallbacks]
    for fold in np.unique(fold_of):
        inside = fold_of == fold
        # Thresholds come from the other folds; a single fold has only itself.
        seen = inside if inside.all() else ~inside
        thresholds = rule(Y[seen], P[seen])
        for fallback, decided in zip(fallbacks, decisions, strict=True):
            decided[inside] = decide(P[inside], thresholds, never_empty=fallback)
    return decisions
