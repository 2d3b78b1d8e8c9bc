r"""
The paper's reward sends every threshold to an end
==================================================

Eq. 6 rewards a threshold :math:`p` by its relative distance to the probabilities. For a fixed classifier this is
:math:`C - S / p`: its slope has one sign everywhere, so no threshold inside (0, 1) is best. A soft F1 on the same
probabilities has its best threshold inside.
"""

# %%
# Two labels
# ----------
# Calibrated probabilities of an easy label, which a third of the samples have and which is well separated, and of a
# hard one, which one sample in twenty has and which is not. Truth is drawn from the probabilities.

import os
import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from sklearn.metrics import f1_score

from sklearn_metalabel.rewards import RatioReward, SoftF1Reward

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
SEEDS = range(3 if FAST else 20)
LABELS = {"easy": "#2f6db3", "hard": "#c8553d"}


def draw(seed, n=2000):
    """Truth and probabilities (n, 2) of the easy and the hard label."""
    rng = np.random.default_rng(seed)
    P = expit(rng.normal([-2.0, -3.6], [4.0, 1.2], size=(n, 2)))
    return (rng.uniform(size=P.shape) < P).astype(int), P


# %%
# Where each reward is largest
# ----------------------------
# Over a grid of thresholds in [0.05, 0.95], the interval to which ``RatioReward`` clips. :math:`S` is the mean
# probability of the negatives minus that of the positives, each counted over all samples: its sign alone decides.

grid = np.linspace(0.05, 0.95, 91)
thresholds = np.column_stack([grid, grid])
rewards = {"Eq. 6": RatioReward(clip=None), "soft F1": SoftF1Reward()}

print(f"{'reward':<10}{'label':<8}{'best threshold':>16}{'F1 there':>18}")
for reward_name, reward in rewards.items():
    found = []
    for seed in SEEDS:
        Y, P = draw(seed)
        best = grid[reward(Y, P, thresholds).argmax(axis=0)]
        found.append([best, f1_score(Y, P > best, average=None, zero_division=0)])
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0)
    for j, label in enumerate(LABELS):
        (best, f1), (best_spread, f1_spread) = mean[:, j], spread[:, j]
        print(
            f"{reward_name:<10}{label:<8}{best:>9.2f} ± {best_spread:.2f}"
            f"{f1:>11.2f} ± {f1_spread:.2f}"
        )

Y, P = draw(0)
print("S of the easy and the hard label:", np.where(Y, -P, P).mean(axis=0).round(3))

# %%
# The two rewards as curves
# -------------------------
# Left, Eq. 6: monotone, downwards for the easy label (the lower the better, without a bound) and upwards for the hard
# one (never predicting it is best). Right, the soft F1: both labels have their optimum inside, marked by a dot.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for panel, (reward_name, reward) in zip(axes, rewards.items(), strict=True):
    curves = reward(Y, P, thresholds)
    for j, (label, color) in enumerate(LABELS.items()):
        panel.plot(grid, curves[:, j], color=color, label=f"{label} label")
        best = curves[:, j].argmax()
        panel.plot(grid[best], curves[best, j], "o", color=color, clip_on=False)
    panel.set(xlabel="threshold", ylabel="reward", title=reward_name, xlim=(0, 1))
    panel.spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False)
if sys.argv[1:]:
    figure.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
