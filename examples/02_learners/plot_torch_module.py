"""
A torch module needs only logits to be a base learner
=====================================================

Anything whose ``forward`` returns logits of shape (batch, labels) can be trained under learned label weights and cut
at learned thresholds. Here a network with one hidden layer reads strips of digits; the same network cut at 0.5 is the
comparison.
"""

# %%
# The module
# ----------
# A class or function is called with ``n_features`` and ``n_labels`` where its signature has them, and with the
# ``module__*`` parameters. It has no loss, no sigmoid and no training loop.

import os
import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score
from torch import nn

from sklearn_metalabel import MetaPolicyClassifier, UnreachableThresholdWarning
from sklearn_metalabel.datasets import load_multidigits
from sklearn_metalabel.inspection import TrainingPolicyDisplay
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.metrics import strict_accuracy_score

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"


class Perceptron(nn.Module):
    """One hidden layer, with dropout."""

    def __init__(self, n_features, n_labels, hidden=64, dropout=0.2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_labels),
        )

    def forward(self, x):
        """Logits of a batch of flattened strips."""
        return self.layers(x)


# %%
# Parameters
# ----------
# ``MetaPolicyClassifier(Perceptron)`` would do. ``TorchClassifier`` sets what concerns the training: optimiser, epochs,
# batch size, device, and by ``module__*`` and ``optimizer__*`` what the module and the optimiser take. All of these are
# parameters in the sense of scikit-learn: a grid search reaches ``estimator__module__hidden``.

network = TorchClassifier(
    Perceptron,
    module__hidden=128,
    optimizer="adamw",
    optimizer__weight_decay=1e-2,
    lr=5e-3,
    n_epochs=15,
    device="cpu",
)

# %%
# Training
# --------
# Each seed draws other strips and other initial weights. The rarest digit occurs in one strip of twenty. Where the
# network never gives it a probability above its threshold, a warning says so; it is right, and left out of this page.

warnings.filterwarnings("ignore", category=UnreachableThresholdWarning)
N_SAMPLES = 600 if FAST else 1800
SEEDS = range(1 if FAST else 3)


def fit_and_score(make, seed):
    """Fitted classifier, its strict accuracy, micro-F1 and macro-F1 on a test."""
    train, test = (
        load_multidigits(
            n_samples=N_SAMPLES, subset=subset, as_frame=True, random_state=seed
        )
        for subset in ("train", "test")
    )
    classifier = make(seed).fit(train.data, train.target)
    predicted = classifier.predict(test.data)
    f1 = [
        f1_score(test.target, predicted, average=average, zero_division=0)
        for average in ("micro", "macro")
    ]
    return classifier, [strict_accuracy_score(test.target, predicted), *f1]


makers = {
    "network, cut at 0.5": lambda seed: TorchClassifier(
        **{**network.get_params(), "random_state": seed}
    ),
    "MetaPolicyClassifier": lambda seed: MetaPolicyClassifier(
        network, random_state=seed
    ),
}
print(f"{'':<22}{'strict accuracy':>17}{'micro-F1':>17}{'macro-F1':>17}")
for name, make in makers.items():
    classifiers, table = zip(
        *(fit_and_score(make, seed) for seed in SEEDS), strict=True
    )
    spread = np.std(table, axis=0)
    print(
        f"{name:<22}"
        + "".join(
            f"{m:>10.3f} ± {s:.3f}"
            for m, s in zip(np.mean(table, axis=0), spread, strict=True)
        )
    )

# %%
# What the policy did
# -------------------
# For a network the training policy is a small recurrent network that has learned on other data sets. It trains each
# fold's network, looks at the held-out rows ten times on the way, and each time says how much the positives of every
# label weigh and how little easy negatives (``focus``), until it ends the training. The first fold's network was
# trained under equal weights too: where these score higher on the held-out rows, after thresholds, they are taken
# instead.

policy = classifiers[0].training_policy_
print(f"taken: {policy.best_proposal_}, {policy.length_:.0%} of the training")
display = TrainingPolicyDisplay.from_estimator(classifiers[0])
if sys.argv[1:]:
    display.figure_.savefig(sys.argv[1], dpi=150)
else:
    plt.show()
