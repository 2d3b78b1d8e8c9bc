"""
Learned thresholds gain more than any other row of Table 5
==========================================================

Table 5 of the paper at reduced size: a convolutional network over the words of Reuters-21578, its thresholds by the
rules of the literature, two baselines that model how labels depend on each other, and ``MetaPolicyClassifier`` with its
weights, its thresholds, and both. `benchmarks/paper.py` runs it in full, with several seeds.

The texts may not be passed on, so they are read from the folder that the environment variable
``SKLEARN_METALABEL_DATA`` names. Without it this page shows the code alone.
"""

# %%
# Data
# ----
# A seventh of the training documents and all test documents of the ModApte split, their first sixty words, and the
# topics that three or more of the training documents have. The vectors of words are GloVe's.

import importlib.util
import os
import sys
import warnings
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_metalabel import MetaPolicyClassifier, UnreachableThresholdWarning
from sklearn_metalabel.baselines import (
    PredictionsAsFeaturesClassifier,
    SubsetMaximizationClassifier,
)
from sklearn_metalabel.decoding import decide
from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.metrics import strict_accuracy_score
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.nn import TextCNN
from sklearn_metalabel.policies import LearnedThresholds
from sklearn_metalabel.text import Embeddings, TokenSequencer
from sklearn_metalabel.thresholds import OutOfFold, odr_micro, scutfbr

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"


def load_reuters(folder):
    """Numbers of words and topics of both splits, and the vectors of the words."""
    spec = importlib.util.spec_from_file_location("load", folder / "load.py")
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    documents = reader.load_jsonl(folder / "reuters21578_aptemod.jsonl.gz")
    train = [d for d in documents if d["split"] == "train"][:: 16 if FAST else 7]
    test = [d for d in documents if d["split"] == "test"]
    texts, test_texts = ([d["text"] for d in part] for part in (train, test))
    words = TokenSequencer().fit(texts).tokens_
    embeddings = Embeddings(
        *reader.load_vectors(folder / "glove6b_50d.npz")
    ).restrict(words)
    sequencer = TokenSequencer(max_length=60, min_df=2, embeddings=embeddings).fit(
        texts
    )
    count = Counter(label for d in train for label in d["labels"])
    kept = {label for label in count if count[label] >= 3}
    binarizer = MultiLabelBinarizer().fit([kept])
    Y, Y_test = (
        binarizer.transform([kept.intersection(d["labels"]) for d in part])
        for part in (train, test)
    )
    return (
        sequencer.transform(texts),
        Y,
        sequencer.transform(test_texts),
        Y_test,
        embeddings,
    )


# %%
# The rows
# --------
# Rules for thresholds share one training and three folds; every other row is trained on its own. The test documents are
# seen once. Of so few documents the network learns the frequent topics alone: the warning that others will hardly ever
# be predicted is right, and macro-F1 shows it in every row.

warnings.filterwarnings("ignore", category=UnreachableThresholdWarning)


def table(X, Y, X_test, embeddings):
    """Decisions on the test documents by row of the table."""
    network = {
        "module__embeddings": embeddings,
        "module__n_filters": 50,
        "n_epochs": 3 if FAST else 10,
    }
    base = TorchClassifier(
        TextCNN, **network, lr=3e-3, batch_size=32, random_state=0
    )
    P_test = base.fit(X, Y).predict_proba(X_test)
    folds = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    P = cross_val_predict(base, X, Y, cv=folds, method="predict_proba")
    fold_of = np.sum(
        [
            k * np.isin(np.arange(len(Y)), held)
            for k, (_, held) in enumerate(folds.split(X, Y))
        ],
        axis=0,
    )
    learned = LearnedThresholds().fit(OutOfFold(Y, P, fold_of), random_state=0)
    features = PredictionsAsFeaturesClassifier(base, random_state=0).fit(X, Y)
    chain = {
        "hidden_size": 64,
        "embedding_dim": 32,
        "batch_size": 32,
        "random_state": 0,
    }
    subsets = SubsetMaximizationClassifier(TextCNN, **network, **chain).fit(X, Y)
    meta = MetaPolicyClassifier(base, random_state=0).fit(X, Y)
    return {
        "CNN": decide(P_test, 0.5),
        "+ SCutFBR": decide(P_test, scutfbr(Y, P)),
        "+ ODR": decide(P_test, odr_micro(Y, P)),
        "+ Predictions-as-Features": features.predict(X_test),
        "+ Subset Maximization": subsets.predict(X_test),
        "+ Meta-Training": decide(meta.predict_proba(X_test), 0.5),
        "+ Meta-Prediction": learned.predict(P_test),
        "+ Meta-Training-Prediction": meta.predict(X_test),
    }


folder = os.environ.get("SKLEARN_METALABEL_DATA")
if folder and Path(folder, "reuters21578_aptemod.jsonl.gz").exists():
    X, Y, X_test, Y_test, embeddings = load_reuters(Path(folder))
    print(
        f"{len(X)} training and {len(X_test)} test documents, {Y.shape[1]} topics"
    )
    print(f"{'':<28}{'accuracy':>10}{'macro-F1':>10}{'micro-F1':>10}")
    scores = {}
    for row, D in table(X, Y, X_test, embeddings).items():
        f1 = [
            f1_score(Y_test, D, average=average, zero_division=0)
            for average in ("macro", "micro")
        ]
        scores[row] = [strict_accuracy_score(Y_test, D), *f1]
        print(f"{row:<28}" + "".join(f"{score:>10.3f}" for score in scores[row]))

    # %%
    # All rows
    # --------

    figure, axes = plt.subplots(
        1, 3, figsize=(10, 3.2), layout="constrained", sharey=True
    )
    for k, (panel, metric) in enumerate(
        zip(axes, ("strict accuracy", "macro-F1", "micro-F1"), strict=True)
    ):
        column = [each[k] for each in scores.values()]
        colors = ["#c8553d" if "Meta" in row else "#9aa7b8" for row in scores]
        panel.barh(list(scores), column, color=colors)
        panel.set_title(metric)
        panel.invert_yaxis()
        panel.spines[["top", "right"]].set_visible(False)
    if sys.argv[1:]:
        figure.savefig(sys.argv[1], dpi=150)
    else:
        plt.show()
else:
    print("SKLEARN_METALABEL_DATA does not name a folder with Reuters-21578.")
