"""The rules `micromacro` and `shrunken` on ordered entries, for all who ask for several rules on the same rows."""

import numpy as np

from sklearn_metalabel.thresholds._cuts import (
    NEVER,
    best_pooled_cut,
    count_above,
    f_measure,
    fill_constant_labels,
)
from sklearn_metalabel.thresholds._joint_rules import pooled_candidates
from sklearn_metalabel.thresholds._ordered import last_best

__all__ = ["global_of", "micromacro_of", "shrunken_of"]

_BLOCK_ENTRIES = 2**20


def global_of(ordered, pool):
    """Thresholds (L,) of `global_threshold`."""
    t = np.full(ordered.positives.size, NEVER)
    seen = ordered.positives > 0
    if seen.any():
        t[seen] = best_pooled_cut(pool)[1]
    return t


def micromacro_of(ordered, cuts):
    """Thresholds (L,) of `micromacro`."""
    positives, bounds = ordered.positives, ordered.bounds
    # Of equal hits fewer predictions are never worse, so a cut that no positive lies at is none of the best.
    worth = cuts.take(cuts.has_hit)
    starts = np.searchsorted(worth.label, np.arange(positives.size + 1)).tolist()
    own = f_measure(worth.true_positives, worth.predicted, positives[worth.label])
    order = np.argsort(-positives, kind="stable")
    t = np.full(positives.size, NEVER)
    hits = predicted = truth = 0
    for place, j in enumerate(order[: np.count_nonzero(positives)].tolist(), start=1):
        here = slice(starts[j], starts[j + 1])
        truth += positives[j]
        tp, rows = worth.true_positives[here], worth.predicted[here]
        score = own[here] / place + f_measure(hits + tp, predicted + rows, truth)
        best = score.size - 1 - int(score[::-1].argmax())
        if score[best] > f_measure(hits, predicted, truth):
            hits, predicted, t[j] = hits + tp[best], predicted + rows[best], worth.thresholds[here][best]
        else:
            t[j] = ordered.scores[bounds[j + 1] - 1]
    return fill_constant_labels(t, positives, ordered.n_samples)


def shrunken_of(ordered, cuts, pool, kappa=10.0):
    """Thresholds (L,) of `shrunken`."""
    positives = ordered.positives
    t = np.full(positives.size, NEVER)
    seen = np.flatnonzero(positives)
    if not seen.size:
        return t
    shared = pooled_candidates(pool)
    best_lent, lent_at = _best_shared(ordered, pool, shared, kappa)
    # With all positives hit, a cut of more predictions than this is still worse than the best shared one.
    most = (positives + kappa) * (2 / np.maximum(best_lent, 1e-12) - 1)
    tried = cuts.take((cuts.predicted <= most[cuts.label] + 1) & (positives[cuts.label] > 0))
    counts = tried.true_positives, tried.predicted, positives[tried.label]
    score = _shrunken_f_measure(*counts, pool, tried.thresholds, kappa)
    best_own, t_own = np.full(t.size, -np.inf), t.copy()
    labels, at = last_best(score, tried.label)
    best_own[labels], t_own[labels] = score[at], tried.thresholds[at]
    # No prediction at all is a cut too, at the highest probability.
    top = ordered.scores[ordered.bounds[seen + 1] - 1]
    none = _shrunken_f_measure(0, 0, positives[seen], pool, top, kappa)
    empty = none >= best_own[seen]
    best_own[seen[empty]], t_own[seen[empty]] = none[empty], top[empty]
    t[seen] = np.where(best_lent > best_own, shared[lent_at], t_own)[seen]
    return fill_constant_labels(t, positives, ordered.n_samples)


def _best_shared(ordered, pool, shared, kappa):
    """Best shrunken F1 of each label at the shared thresholds, and at which of them, both of shape (L,)."""
    L, width = ordered.positives.size, shared.size + 1
    bounds = ordered.bounds
    share = kappa / pool.positives.size
    lent, lent_rows = share * count_above(pool.positives, shared), share * pool.count_above(shared)
    best, at = np.zeros(L), np.zeros(L, dtype=np.intp)
    step = max(1, _BLOCK_ENTRIES // width)
    for start in range(0, L, step):
        stop = min(start + step, L)
        inside = slice(bounds[start], bounds[stop])
        # Number of shared thresholds below each entry.
        below = np.searchsorted(shared, ordered.scores[inside], side="left")
        key = (ordered.label[inside].astype(np.intp) - start) * width + below
        hits = ordered.hits[inside]
        tp = _counts_above(key[hits], None, stop - start, width)
        predicted = _counts_above(key, ordered.rows[inside], stop - start, width)
        score = 2 * (tp + lent) / (predicted + lent_rows + ordered.positives[start:stop, None] + kappa)
        at[start:stop] = shared.size - 1 - np.argmax(score[:, ::-1], axis=1)
        best[start:stop] = score[np.arange(stop - start), at[start:stop]]
    return best, at


def _counts_above(key, rows, n_labels, width):
    """Rows above each shared threshold, shape (n_labels, width - 1), from how many of these each entry exceeds."""
    counts = np.bincount(key, rows, minlength=n_labels * width).reshape(n_labels, width)
    return np.cumsum(counts[:, :0:-1], axis=1)[:, ::-1]


def _shrunken_f_measure(hits, predicted, positives, pool, thresholds, kappa):
    """F1 of labels' counts and `kappa` positives' worth of the pool's."""
    share = kappa / pool.positives.size
    tp = hits + share * count_above(pool.positives, thresholds)
    return 2 * tp / (predicted + share * pool.count_above(thresholds) + positives + kappa)
