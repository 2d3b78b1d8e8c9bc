"""Out-of-fold and test scores of base learners on the real data sets, computed once and cached.

A case is a data set, a base learner and a seed. The seed draws at most `MAX_ROWS` training rows, the folds and the
learner's own randomness. There are two kinds of cases: "test" judges on the test split, "development" splits the
training split once more and never opens the test split.
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from _data import load_features, load_mentions, load_text
from _table import RESULTS
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

from sklearn_metalabel.learners import LabelWeightedLogistic, TorchClassifier
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.thresholds import fit_link
from sklearn_metalabel.utils import to_probabilities

__all__ = [
    "BASES",
    "GROUPS",
    "SETS",
    "base_learner",
    "cache_folder",
    "case_probabilities",
    "case_scores",
    "label_probabilities",
    "rotated_training_prior",
    "rows_of",
]

# Sets of one source are kept on one side of every split into sets.
GROUPS = {
    "reuters": ["reuters21578_aptemod"],
    "rcv1": ["rcv1_subset1", "reutersk500", "rcv1_lyrl_tokens_2k"],
    "bibtex": ["bibtex"],
    "goemotions": ["goemotions"],
    "hoc": ["hoc"],
    "wos": ["wos_1k"],
    "bbn": ["bbn_gold"],
    "ufet": ["ufet_crowd"],
    "enron": ["enron", "enron_corr"],
    "genes": ["yeast", "cellcycle_fun", "seq_fun", "pheno_fun"],
    "corel": ["corel5k", "corel16k001"],
    "delicious": ["delicious"],
    "emotions": ["emotions"],
    "flags": ["flags"],
    "genbase": ["genbase"],
    "imdb": ["imdb"],
    "langlog": ["langlog"],
    "ng20": ["ng20"],
    "scene": ["scene"],
    "stackex": ["stackex_chemistry", "stackex_chess", "stackex_coffee", "stackex_cooking"],
    "yahoo": ["yahoo_arts", "yahoo_business"],
}
SETS = {name: group for group, names in GROUPS.items() for name in names}
BASES = ["logistic", "svm", "mlp"]
TEXTS = {"reuters21578_aptemod", "goemotions", "hoc", "wos_1k", "rcv1_lyrl_tokens_2k"}
MENTIONS = {"bbn_gold", "ufet_crowd"}
MAX_ROWS = 4_000
MAX_LABEL_ROWS = 1_500_000
MAX_FEATURES = 8_000
N_FOLDS = 3
VERSION = 1


def cache_folder():
    """Where scores are kept between runs: outside the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "sklearn-metalabel", "scores")


def case_probabilities(scores):
    """Y, P, fold_of out of fold, and Y, P of the judged rows; one sigmoid turns decision values into probabilities."""
    Y, judged = scores["Y"], scores["Y_judged"]
    Z, Z_judged = scores["Z"].astype(np.float64), scores["Z_judged"].astype(np.float64)
    if scores["is_margin"]:
        link = fit_link(Y, Z)
        return Y, link.probabilities(Z), scores["fold_of"].astype(np.intp), judged, link.probabilities(Z_judged)
    return Y, to_probabilities(Z), scores["fold_of"].astype(np.intp), judged, to_probabilities(Z_judged)


def rotated_training_prior(group):
    """Parameters of the training policy that was trained on other groups of sets than this one."""
    rotations = json.loads((RESULTS / "rotated_training_priors.json").read_text(encoding="utf-8"))["rotations"]
    return next(rotation["parameters"] for rotation in rotations if group in rotation["held_out"])


def load(name):
    """Features and labels of the two splits: X_train, Y_train, X_test, Y_test."""
    if name in TEXTS:
        return load_text(name)
    return load_mentions(name) if name in MENTIONS else load_features(name)


def rows_of(name, kind, seed):
    """Training part and judged part of a case: X, Y, X_judged, Y_judged, with few enough rows and features."""
    X, Y, X_test, Y_test = load(name)
    rng = np.random.default_rng([seed, kind == "test", *name.encode()])
    most = int(min(MAX_ROWS, max(1_000, MAX_LABEL_ROWS // Y.shape[1])))
    order = rng.permutation(X.shape[0])
    if kind == "development":
        n_judged = min(len(order) // 3, most)
        judged, order = order[:n_judged], order[n_judged:]
        X_test, Y_test = X[judged], Y[judged]
    train = np.sort(order[:most])
    test = np.sort(rng.permutation(X_test.shape[0])[:most])
    X, Y, X_test, Y_test = X[train], Y[train], X_test[test], Y_test[test]
    return *_scaled(X, X_test), Y.astype(bool), Y_test.astype(bool)


def _scaled(X, X_test):
    """The most frequent features, scaled to the training rows."""
    if sp.issparse(X):
        frequency = X.getnnz(axis=0)
        kept = np.sort(np.argsort(-frequency, kind="stable")[: min(MAX_FEATURES, int((frequency >= 2).sum()))])
        X, X_test, scaler = X[:, kept], X_test[:, kept], MaxAbsScaler()
        if X.data.max() <= 1 and X.data.min() >= 0 and not (X.data == 1).all():
            return X.astype(np.float32), X_test.astype(np.float32)  # TF-IDF stays as it is
    else:
        scaler = StandardScaler()
    return scaler.fit_transform(X).astype(np.float32), scaler.transform(X_test).astype(np.float32)


def mlp(n_features, n_labels, hidden=128):
    """A multi-layer perceptron with one hidden layer."""
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))


class OneSVMEachLabel:
    """Linear support vector machines, one for each label that has both values."""

    def __init__(self, C):
        self.C = C

    def fit(self, X, Y):
        """Train one machine for each column of Y."""
        n = X.shape[0]
        dual = sp.issparse(X)
        self.machines = []
        for y in Y.T:
            if 0 < y.sum() < n:
                self.machines.append(LinearSVC(C=self.C, dual=dual, tol=1e-3, random_state=0).fit(X, y))
            else:
                self.machines.append(None)
        return self

    def scores(self, X):
        """Decision values (n, L); labels without positives are far below all."""
        n = X.shape[0]
        return np.column_stack([m.decision_function(X) if m else np.full(n, -3.0) for m in self.machines])


def base_learner(base, kind, seed, X):
    """An unfitted classifier with probabilities, for training rows X."""
    if base == "logistic":
        strengths = [10.0] if kind == "test" else [1.0, 10.0, 100.0]
        return LabelWeightedLogistic(C=strengths[seed % len(strengths)] * (1.0 if sp.issparse(X) else 0.1))
    if base == "forest":
        return RandomForestClassifier(200, random_state=seed)
    return TorchClassifier(mlp, batch_size=128, n_epochs=max(10, 40_000 // X.shape[0]), random_state=seed)


def label_probabilities(learner, X):
    """Probabilities (n, L) of a fitted classifier, float64; forests give two columns, or one, for each label."""
    P = learner.predict_proba(X)
    if not isinstance(P, list):
        return P.astype(np.float64)
    return np.column_stack([each @ (classes == 1) for each, classes in zip(P, learner.classes_, strict=True)])


def fitted_scores(base, kind, seed, X, Y, parts):
    """Scores (n, L) of each of `parts` by a learner trained on X, Y: logits or decision values."""
    if base == "svm":
        learner = OneSVMEachLabel(1.0 if sp.issparse(X) else 0.1).fit(X, Y)
        return [learner.scores(part) for part in parts]
    learner = base_learner(base, kind, seed, X).fit(X, Y.astype(int))
    clipped = [np.clip(label_probabilities(learner, part), 1e-9, 1 - 1e-9) for part in parts]
    return [np.log(P) - np.log1p(-P) for P in clipped]


def case_scores(name, base, seed, kind, folder):
    """Arrays of a case: Y, Z (n, L) and fold_of (n,) out of fold; Y_judged, Z_judged of the learner of all rows."""
    key = hashlib.sha256(
        json.dumps([VERSION, name, base, seed, kind, MAX_ROWS, MAX_LABEL_ROWS, MAX_FEATURES, N_FOLDS]).encode()
    ).hexdigest()[:10]
    path = Path(folder, f"{kind}-{name}-{base}-{seed}-{key}.npz")
    if not path.exists():
        found = _compute(name, base, seed, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.tmp.npz")
        np.savez(partial, **found)
        partial.rename(path)
    with np.load(path) as archive:
        return {"is_margin": base == "svm", **{name: archive[name] for name in archive.files}}


def _compute(name, base, seed, kind):
    X, X_judged, Y, Y_judged = rows_of(name, kind, seed)
    Z = np.zeros(Y.shape, dtype=np.float32)
    fold_of = np.zeros(len(Y), dtype=np.int8)
    folds = MultilabelStratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(X, Y.astype(int))
    for k, (train, held_out) in enumerate(folds):
        Z[held_out] = fitted_scores(base, kind, seed, X[train], Y[train], [X[held_out]])[0]
        fold_of[held_out] = k
    Z_judged = fitted_scores(base, kind, seed, X, Y, [X_judged])[0].astype(np.float32)
    return {"Y": Y, "Z": Z, "fold_of": fold_of, "Y_judged": Y_judged, "Z_judged": Z_judged}
