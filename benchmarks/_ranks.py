"""Comparisons of several methods over many blocks: ranks, tests, and the plot of critical differences."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

__all__ = ["critical_difference", "friedman", "holm", "mean_ranks", "plot_ranks", "signed_rank"]

# Scores closer than this are equal.
_DECIMALS = 9


def mean_ranks(scores):
    """Mean rank of each column of scores (blocks, methods); rank 1 is the highest score, ties share their ranks."""
    return rankdata(-np.round(scores, _DECIMALS), axis=1).mean(axis=0)


def friedman(scores):
    """Friedman's chi squared and p for scores (blocks, methods); not a number below three methods or two blocks."""
    if scores.shape[0] < 2 or scores.shape[1] < 3:
        return np.nan, np.nan
    found = friedmanchisquare(*np.round(scores, _DECIMALS).T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(n_methods, n_blocks, alpha=0.05):
    """Difference of mean ranks from which two methods differ by Nemenyi's test."""
    quantile = studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_methods * (n_methods + 1) / (6 * n_blocks)))


def signed_rank(differences):
    """Two-sided p of Wilcoxon's signed-rank test of differences (blocks,)."""
    differences = np.round(differences, _DECIMALS)
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0


def holm(p):
    """Values of p corrected for their number by Holm's method."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(np.minimum(p[order] * np.arange(p.size, 0, -1), 1.0))
    return corrected


def cliques(ranks, difference):
    """First and last position of each longest run of ascending `ranks` that lie within `difference`."""
    last = np.searchsorted(ranks, ranks + difference, side="left") - 1
    reached = np.concatenate([[-1], last[:-1]])
    return [(i, j) for i, j in enumerate(last) if j > i and j > reached[i]]


def plot_ranks(names, ranks, difference, path):
    """Save the plot of critical differences: best ranks on the left, bars join what does not differ."""
    order = np.argsort(ranks, kind="stable")
    names, ranks = [names[i] for i in order], np.asarray(ranks)[order]
    bars, low, high = cliques(ranks, difference), np.floor(ranks[0]), np.ceil(ranks[-1])
    half = (len(names) + 1) // 2
    bottom = 0.6 + 0.3 * len(bars)
    depth = bottom + 0.5 * half
    with rc_context({"svg.hashsalt": "ranks", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8, 0.45 * (depth + 1.5)))
        axes = figure.add_axes((0.28, 0.02, 0.44, 0.96))
        axes.set(xlim=(low, high), ylim=(depth, -1.5))
        axes.axis("off")
        _draw_axis(axes, low, high, difference)
        for i, (name, rank) in enumerate(zip(names, ranks, strict=True)):
            left = i < half
            y = bottom + 0.5 * (i if left else len(names) - 1 - i)
            edge, align = (low, "right") if left else (high, "left")
            axes.plot([rank, rank, edge], [0, y, y], color="0.3", linewidth=0.7)
            gap = -0.01 * (high - low) if left else 0.01 * (high - low)
            text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
            axes.text(edge + gap, y, text, ha=align, va="center", clip_on=False)
        for height, (i, j) in enumerate(bars):
            axes.plot(ranks[[i, j]], [0.35 + 0.3 * height] * 2, color="black", linewidth=3, solid_capstyle="butt")
        figure.savefig(path, metadata={"Date": None})


def _draw_axis(axes, low, high, difference):
    """The axis of mean ranks, and above it the length of the critical difference."""
    axes.plot([low, high], [0, 0], color="black", linewidth=0.8, clip_on=False)
    for tick in np.arange(low, high + 1):
        axes.plot([tick, tick], [-0.12, 0], color="black", linewidth=0.8, clip_on=False)
        axes.text(tick, -0.25, f"{tick:.0f}", ha="center", va="bottom")
    axes.plot([low, low + difference], [-1, -1], color="black", linewidth=2, clip_on=False)
    axes.text(low + difference / 2, -1.1, f"critical difference {difference:.2f}", ha="center", va="bottom")
