"""Which of the entries of held-out rows a policy may want to predict."""

import numpy as np

__all__ = ["in_question", "in_question_of"]


def in_question(Z, cuts, slack):
    """Mark the calibrated logits Z (n, L) that some mixture of cuts (C, L) may predict, `slack` below them all."""
    kept = cuts.min(axis=0) - slack < Z
    for cut in cuts:
        kept[np.arange(len(Z)), (Z - cut).argmax(axis=1)] = True
    return kept


def in_question_of(Z, row, cell, cuts, slack):
    """Mark the same of single entries Z (E,), by their rows and by their places in cuts (C, K, L)."""
    kept = (cuts.min(axis=0) - slack).ravel()[cell] < Z
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    lengths = np.diff(np.append(starts, row.size))
    for cut in cuts:
        margins = Z - cut.ravel()[cell]
        kept |= margins == np.repeat(np.maximum.reduceat(margins, starts), lengths)
    return kept
