r"""
A low threshold multiplies the paper's reward of a positive
===========================================================

The reward of the paper (Eq. 6, Figure 3) compares the probability :math:`y` of a label with its threshold
:math:`p`: :math:`(y - p) / p` where the label is there, :math:`(p - y) / p` where it is not. Both are positive exactly
on the right side of the threshold. But their scale is :math:`1 / p`: the same confident positive has a reward of 19
at :math:`p = 0.05` and of a quarter at :math:`p = 0.8`.
"""

# %%
# One sample, one label
# ---------------------
# ``RatioReward(clip=None)`` is Eq. 6 to the letter. It sums over samples, so with one sample and one label it is
# the curve of Figure 3.

import sys

import matplotlib.pyplot as plt
import numpy as np

from sklearn_metalabel.rewards import RatioReward

reward = RatioReward(clip=None)
THRESHOLDS = {0.2: "#2f6db3", 0.5: "#6b6b6b", 0.8: "#c8553d"}
probabilities = np.linspace(0.01, 0.99, 99)


def reward_of(truth, probability, threshold):
    """Reward of one decision."""
    return reward(
        np.array([[truth]]), np.array([[probability]]), np.array([threshold])
    )[0]


print(
    f"{'threshold':>9}{'positive, y = 0.99':>20}"
    f"{'negative, y = 0.01':>20}{'negative, y = 0.99':>20}"
)
for p in (0.05, 0.2, 0.5, 0.8):
    cells = [reward_of(1, 0.99, p), reward_of(0, 0.01, p), reward_of(0, 0.99, p)]
    print(f"{p:>9.2f}" + "".join(f"{cell:>20.2f}" for cell in cells))

# %%
# Figure 3
# --------
# Left, a label that is there: the reward grows with the probability, the faster the lower the threshold. Right, one
# that is not: at most 1, and as far below zero as the threshold is low.

figure, axes = plt.subplots(
    1, 2, figsize=(9, 3.6), layout="constrained", sharey=True
)
for truth, panel in zip((1, 0), axes, strict=True):
    for p, color in THRESHOLDS.items():
        curve = [reward_of(truth, y, p) for y in probabilities]
        panel.plot(probabilities, curve, color=color, label=f"threshold {p}")
        panel.plot(p, 0, "o", color=color)
    panel.axhline(0, color="black", linewidth=0.8)
    panel.set(
        xlabel="probability of the label",
        title="the label is there" if truth else "the label is not there",
    )
    panel.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("reward")
axes[0].legend(frameon=False)

# %%
# What follows
# ------------
# Over many samples the curves add up to :math:`C - S / p`. Whether a threshold is pushed to 0 or to 1 is the sign of
# :math:`S` alone: see :ref:`sphx_glr_auto_examples_03_policy_plot_ratio_reward.py`.

if sys.argv[1:]:
    figure.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
