"""Real data for the benchmarks, from the folder that SKLEARN_METALABEL_DATA names."""

import importlib.util
import json
import os
import sys
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import MultiLabelBinarizer

from sklearn_metalabel.text import Embeddings

__all__ = [
    "data_folder",
    "load_documents",
    "load_features",
    "load_mentions",
    "load_text",
    "load_tree",
    "load_word_vectors",
]


def data_folder():
    """The folder of the data sets; ends the program with one sentence where it is not set."""
    folder = os.environ.get("SKLEARN_METALABEL_DATA")
    if not folder or not Path(folder, "load.py").exists():
        sys.exit("Set SKLEARN_METALABEL_DATA to the folder that holds the data sets and their load.py.")
    return Path(folder)


def _reader():
    """The module `load.py` of the data folder."""
    spec = importlib.util.spec_from_file_location("load", data_folder() / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_documents(name):
    """Training and test documents, or mentions, of a set, as the dicts of its file."""
    documents = _reader().load_jsonl(data_folder() / f"{name}.jsonl.gz")
    return tuple([d for d in documents if d["split"] == split] for split in ("train", "test"))


def load_tree(name):
    """Parent of each label of a text set, None at the top."""
    return json.loads((data_folder() / f"{name}.tree.json").read_text())


def load_word_vectors(words):
    """GloVe vectors of 50 numbers for those of `words` that have one."""
    return Embeddings(*_reader().load_vectors(data_folder() / "glove6b_50d.npz")).restrict(words)


def load_text(name):
    """TF-IDF features of a text set: X_train, Y_train, X_test, Y_test."""
    documents = _reader().load_jsonl(data_folder() / f"{name}.jsonl.gz")
    return _tfidf(documents, [d["text"] if "text" in d else " ".join(d["tokens"]) for d in documents])


def load_mentions(name):
    """TF-IDF features of the mentions of an entity typing set and of the words around them, as `load_text`."""
    documents = _reader().load_jsonl(data_folder() / f"{name}.jsonl.gz")
    return _tfidf(documents, [" ".join(_mention_words(**d)) for d in documents])


def _mention_words(tokens, start, end, **_):
    """The words of a mention, marked, and three on each side."""
    inside = [f"in_{token}" for token in tokens[start:end]]
    before = [f"before_{token}" for token in tokens[max(start - 3, 0) : start]]
    return [*before, *inside, *(f"after_{token}" for token in tokens[end : end + 3]), *tokens[start:end]]


def _tfidf(documents, text):
    """Features and labels of the two splits; words and their weights come from the training split."""
    train = [i for i, d in enumerate(documents) if d["split"] == "train"]
    test = [i for i, d in enumerate(documents) if d["split"] == "test"]
    tfidf = TfidfVectorizer(min_df=3, sublinear_tf=True, stop_words="english")
    X = tfidf.fit_transform([text[i] for i in train]), tfidf.transform([text[i] for i in test])
    labels = MultiLabelBinarizer().fit([d["labels"] for d in documents])
    Y = [labels.transform([documents[i]["labels"] for i in rows]) for rows in (train, test)]
    return X[0], Y[0], X[1], Y[1]


def load_features(name):
    """A feature set: X_train, Y_train, X_test, Y_test."""
    data = _reader().load(data_folder() / f"{name}.npz")
    return data["X_train"], data["Y_train"].toarray(), data["X_test"], data["Y_test"].toarray()
