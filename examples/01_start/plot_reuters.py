"""
Learned thresholds find topics that a cut at 0.5 never predicts
===============================================================

Reuters-21578 from text to topics, in one pipeline: TF-IDF, then ``MetaPolicyClassifier``. It is compared with the same
logistic regressions cut at 0.5, over all topics and over thirds of them by frequency.

The texts may not be passed on, so they are read from the folder that the environment variable
``SKLEARN_METALABEL_DATA`` names. Without it this page shows the code alone.
"""

# %%
# Data
# ----
# 7,770 training and 3,019 test documents (the ModApte split), 90 topics. The folder has its own reader, ``load.py``.

import importlib.util
import os
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_metalabel import (
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    UnreachableThresholdWarning,
)
from sklearn_metalabel.inspection import LabelConfusionDisplay
from sklearn_metalabel.metrics import strict_accuracy_score

FAST = os.environ.get("SKLEARN_METALABEL_FAST") == "1"


def load_reuters(folder):
    """Training texts and topics, test texts and topics; topics are frames."""
    spec = importlib.util.spec_from_file_location("load", folder / "load.py")
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    documents = pd.DataFrame(
        reader.load_jsonl(folder / "reuters21578_aptemod.jsonl.gz")
    )
    binarizer = MultiLabelBinarizer().fit(documents.labels)
    topics = pd.DataFrame(
        binarizer.transform(documents.labels), columns=binarizer.classes_
    )
    train = documents.split == "train"
    if FAST:
        train &= documents.index % 8 == 0
        topics = topics.loc[:, topics[train].any()]
    test = documents.split == "test"
    return documents.text[train], topics[train], documents.text[test], topics[test]


# %%
# Two pipelines
# -------------
# Both have the same base learner. ``MetaPolicyClassifier`` holds out rows inside ``fit`` to choose loss weights and
# thresholds; the test documents are seen once, here. It warns that some topics, of which there are a few training
# documents, will hardly ever be predicted; that is so, and the result below says it too.

warnings.filterwarnings("ignore", category=UnreachableThresholdWarning)


def fit_and_predict(classifier, texts, topics, test_texts):
    """Predicted topics of the test texts."""
    tfidf = TfidfVectorizer(
        sublinear_tf=True, min_df=3, max_features=5_000, stop_words="english"
    )
    return make_pipeline(tfidf, classifier).fit(texts, topics).predict(test_texts)


def summary(truth, predicted, rng):
    """Scores on the test documents, and their errors over 25 bootstrap samples."""

    def scores(rows):
        f1 = [
            f1_score(truth[rows], predicted[rows], average=a, zero_division=0)
            for a in ("micro", "macro")
        ]
        return strict_accuracy_score(truth[rows], predicted[rows]), *f1

    n = len(truth)
    samples = [scores(rng.integers(n, size=n)) for _ in range(5 if FAST else 25)]
    columns = ["strict accuracy", "micro-F1", "macro-F1"]
    means, errors = scores(np.arange(n)), np.std(samples, axis=0)
    return {
        c: f"{m:.3f} ± {e:.3f}"
        for c, m, e in zip(columns, means, errors, strict=True)
    }


def topic_f1(truth, predicted, frequency):
    """Mean F1 of the rarest, the middle and the commonest third of the topics."""
    f1 = f1_score(truth, predicted, average=None, zero_division=0)
    return [
        f1[third].mean()
        for third in np.array_split(np.argsort(frequency, kind="stable"), 3)
    ]


# %%
# Result
# ------
# The bars are the mean F1 of a third of the topics. Nothing was tuned for this set: the base learner is the default,
# and the rarest third, with a few training documents each, stays out of its reach on both sides.

has_data = "SKLEARN_METALABEL_DATA" in os.environ
if not has_data:
    print("SKLEARN_METALABEL_DATA is to name the folder of the data.")
else:
    texts, topics, test_texts, truth = load_reuters(
        Path(os.environ["SKLEARN_METALABEL_DATA"])
    )
    classifiers = {
        "cut at 0.5": LabelWeightedClassifier(),
        "MetaPolicyClassifier": MetaPolicyClassifier(random_state=0),
    }
    predicted = {
        name: fit_and_predict(classifier, texts, topics, test_texts)
        for name, classifier in classifiers.items()
    }
    rng = np.random.default_rng(0)
    table = {
        name: summary(truth.to_numpy(), decisions, rng)
        for name, decisions in predicted.items()
    }
    print(pd.DataFrame(table).T.to_string())

    figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for k, (name, decisions) in enumerate(predicted.items()):
        thirds = topic_f1(truth, decisions, topics.mean().to_numpy())
        bars = axes.bar(
            np.arange(3) + 0.38 * k,
            thirds,
            width=0.36,
            color=["#c3c8ce", "#c8553d"][k],
            label=name,
        )
        axes.bar_label(bars, fmt="%.2f")
    axes.set(
        xticks=np.arange(3) + 0.19, ylabel="mean F1 of the topics", ylim=(0, 1)
    )
    axes.set_xticklabels(
        ["rarest third of topics", "middle third", "most frequent third"]
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    if sys.argv[1:]:
        figure.savefig(sys.argv[1], dpi=150)

# %%
# Which topic is predicted in another's place
# -------------------------------------------
# A row is a topic that was missed, a column one that was wrongly predicted for the same documents. "expected" is how
# often the two errors would meet by chance.

if has_data:
    confusion = LabelConfusionDisplay.from_predictions(
        truth, predicted["MetaPolicyClassifier"]
    )
    print(confusion.frame().head().round(2).to_string(index=False))
    if not sys.argv[1:]:
        plt.show()
