"""
Learned weights do not follow the depth of the labels
=====================================================

Figure 5 of the paper shows the learned weights of some labels as a map, and reads from it that labels deep in the
hierarchy are given more weight. A picture of few labels shows what one looks for; here all labels of a tree are drawn,
and a rank correlation with its interval says what is to be seen: nothing that another seed would repeat.
"""

# %%
# Data and policies
# -----------------
# Forty labels on three levels with a long tail; each label is there wherever one below it is. The two recurrent
# policies: the one that sees held-out rows, and the paper's with few episodes. Several seeds tell what is learned from
# what is drawn. Thresholds play no part here, and stay at 0.5.

import os
import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import bootstrap, spearmanr

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.nn import MLP
from sklearn_metalabel.policies import FixedThresholds, SharedGRUPolicy

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
SEEDS = range(2 if FAST else 5)
data = make_hierarchical_multilabel(
    3000, n_labels=40, n_levels=3, return_X_y=False, random_state=0
)
depth = np.array([name.count("/") for name in data.target_names])
frequency = data.target.sum(axis=0)
base = TorchClassifier(MLP, module__hidden=64, n_epochs=2 if FAST else 10)
makers = {
    "SharedGRUPolicy": partial(
        MetaPolicyClassifier,
        training_policy=SharedGRUPolicy(),
        prediction_policy=FixedThresholds(0.5),
    ),
    "the paper's algorithm": partial(
        MetaPolicyClassifier.from_paper,
        training_policy__n_episodes=2 if FAST else 8,
    ),
}
weights = {
    name: np.array(
        [
            make(base, random_state=seed).fit(data.data, data.target).weights_
            for seed in SEEDS
        ]
    )
    for name, make in makers.items()
}

# %%
# Rank correlations
# -----------------
# Spearman's correlation over all labels of the mean weights, with the interval of 2,000 bootstrap samples of the
# labels. Depth and frequency go together in any hierarchy, so both are shown.


def correlation(x, y):
    """Rank correlation of two properties of labels."""
    return spearmanr(x, y).statistic


print(
    f"{'':<24}{'smallest':>9}{'largest':>9}{'':>4}"
    f"{'weights against':<18}{'correlation':>11}{'95 % interval':>20}"
)
for name, each in weights.items():
    mean = each.mean(axis=0)
    for what, values in {"depth": depth, "frequency": frequency}.items():
        found = bootstrap(
            (values, mean),
            correlation,
            paired=True,
            vectorized=False,
            n_resamples=2000,
            rng=0,
        )
        low, high = found.confidence_interval
        print(
            f"{name:<24}{mean.min():>9.3f}{mean.max():>9.3f}{'':>4}"
            f"{what:<18}{correlation(values, mean):>11.2f}",
            end="",
        )
        print(f"{low:>12.2f} to {high:.2f}")
    if len(each) > 1:
        between = np.mean(
            [correlation(a, b) for i, a in enumerate(each) for b in each[:i]]
        )
        print(f"{'':<24}correlation of the weights of two seeds: {between:.2f}")

# %%
# The map
# -------
# One cell a label, one row a level, the most frequent labels at the left; the mean weight over the seeds.

figure, axes = plt.subplots(len(weights), 1, figsize=(9, 4.2), layout="constrained")
for panel, (name, each) in zip(axes, weights.items(), strict=True):
    mean = each.mean(axis=0)
    cells = np.full((depth.max(), np.bincount(depth).max()), np.nan)
    for level in range(1, depth.max() + 1):
        labels = np.flatnonzero(depth == level)
        cells[level - 1, : len(labels)] = mean[
            labels[np.argsort(-frequency[labels], kind="stable")]
        ]
    spread = np.abs(mean - 1).max()
    image = panel.imshow(
        cells, cmap="RdBu_r", vmin=1 - spread, vmax=1 + spread, aspect="auto"
    )
    panel.set_yticks(
        range(depth.max()),
        [f"level {level}" for level in range(1, depth.max() + 1)],
    )
    panel.set(xticks=[], title=name)
    figure.colorbar(image, ax=panel, label="weight")
if sys.argv[1:]:
    figure.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
