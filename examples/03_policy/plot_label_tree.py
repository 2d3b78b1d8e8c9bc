"""
A label tree that nobody drew
=============================

Where labels form a tree, a child never comes without its parent. Thresholds do not know that: they predict a child
alone, or a parent without any of its children where each sample has one path to a leaf. The label sets of the training
samples tell both, so that no hierarchy has to be given. The fewer samples there are, the more this is worth.
"""

# %%
# One path for each sample
# ------------------------

import os
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.metrics import strict_accuracy_score
from sklearn_metalabel.policies import LearnedThresholds

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"
SIZES = [200, 400] if FAST else [200, 400, 800, 1600]
SEEDS = range(1 if FAST else 3)
N_SECTIONS, N_TOPICS = 4, 12


def draw(seed):
    """Samples of one topic each, and the indicators of section and topic."""
    X, topic = make_classification(
        4000,
        30,
        n_informative=12,
        n_classes=N_TOPICS,
        n_clusters_per_class=1,
        flip_y=0.1,
        random_state=seed,
    )
    section = topic % N_SECTIONS
    names = [f"s{k}" for k in range(N_SECTIONS)] + [
        f"s{k % N_SECTIONS}/t{k}" for k in range(N_TOPICS)
    ]
    return X, pd.DataFrame(
        np.hstack([np.eye(N_SECTIONS)[section], np.eye(N_TOPICS)[topic]]).astype(
            int
        ),
        columns=names,
    )


def orphans(D):
    """Share of predicted topics whose section is not predicted."""
    sections, topics = D[:, :N_SECTIONS], D[:, N_SECTIONS:]
    with_section = sections[:, np.arange(N_TOPICS) % N_SECTIONS]
    return (topics & ~with_section & 1).sum() / max(topics.sum(), 1)


# %%
# Labels apart, and label sets
# ----------------------------

rows = []
for seed in SEEDS:
    X, Y = draw(seed)
    for n in SIZES:
        for name, dependence in (("labels apart", False), ("label sets", "auto")):
            policy = LearnedThresholds(dependence=dependence)
            clf = MetaPolicyClassifier(
                prediction_policy=policy, random_state=seed
            ).fit(X[:n], Y[:n])
            D = clf.predict(X[2000:])
            rows.append(
                [name, n, strict_accuracy_score(Y[2000:].to_numpy(), D), orphans(D)]
            )
table = pd.DataFrame(
    rows,
    columns=[
        "decided with",
        "samples",
        "strict accuracy",
        "topics without section",
    ],
)
mean = table.groupby(["decided with", "samples"]).mean()
print(mean.round(3))

# %%
# The implications that were found, and what they forbid.

implied = (
    clf.dependence_.sets.implied.tocoo() if clf.dependence_ is not None else None
)
if implied is not None:
    found = [
        f"{Y.columns[j]} -> {Y.columns[k]}"
        for j, k in zip(implied.row, implied.col, strict=True)
    ]
    print(f"{len(found)} implications, such as {', '.join(found[:3])}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for axis, column in zip(axes, mean.columns, strict=True):
    for name in ("labels apart", "label sets"):
        mean.loc[name][column].plot(ax=axis, marker="o", label=name)
    axis.set(title=column, ylim=(0, None))
axes[0].legend()
if sys.argv[1:]:
    plt.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
