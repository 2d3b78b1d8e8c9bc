"""Other ways to use that labels depend on each other, for the benchmark of dependence.

A rival gives decisions on the judged rows, or probabilities for which thresholds are then learned out of fold. All are
built around the base learner of the case, and none sees the truth of the judged rows.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from _scores import base_learner, case_probabilities, case_scores, label_probabilities, rows_of
from scipy.special import logit
from sklearn.base import clone
from sklearn.multioutput import ClassifierChain

from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.decoding import LabelSets
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.thresholds import fit_link

__all__ = ["RIVALS", "Case", "Found", "nearest_observed"]

N_CHAINS = 10
SECOND_LAYERS = (0.1, 1.0, 10.0, 100.0)
PROBABILITIES = 1e-9, 1 - 1e-9


@dataclass
class Case:
    """A data set, a base learner and a seed, with the base learner's probabilities out of fold and on judged rows."""

    name: str
    base: str
    seed: int
    folder: object

    def __post_init__(self):
        scores = case_scores(self.name, self.base, self.seed, "test", self.folder)
        self.Y, self.P, self.fold, self.Y_judged, self.P_judged = case_probabilities(scores)
        self.n_labels, self.sets = self.Y.shape[1], LabelSets.from_rows(self.Y)

    def features(self):
        """X of the training rows and of the judged rows."""
        X, X_judged, _, _ = rows_of(self.name, "test", self.seed)
        return X, X_judged

    def learner(self, X):
        """The unfitted base learner."""
        return base_learner(self.base, "test", self.seed, X)


class Found(NamedTuple):
    """What a rival gives: decisions of its own on the judged rows, and probabilities there and out of fold, or None."""

    D: np.ndarray
    P_judged: np.ndarray | None = None
    P: np.ndarray | None = None
    seconds: float = 0.0


def nearest_observed(sets, D):
    """The observed set nearest to each decision in Hamming distance, of several the most frequent."""
    bonus = sets.counts / (sets.counts.sum() + 1) - sets.sizes
    nearest = [
        np.argmax(2 * (sets.indicators @ rows.T).T + bonus, axis=1) for rows in np.array_split(D, 8) if len(rows)
    ]
    return sets.indicators[np.concatenate(nearest)].toarray().astype(np.int64)


def label_powerset(case):
    """Every observed label set as one class of the base learner."""
    X, X_judged = case.features()
    number = np.unique(case.Y, axis=0, return_inverse=True)[1].ravel()
    first = np.unique(number, return_index=True)[1]
    chances = case.learner(X).fit(X, number).predict_proba(X_judged)
    indicators = case.Y[first].astype(np.float64)
    return Found(indicators[chances.argmax(axis=1)].astype(np.int64), np.clip(chances @ indicators, *PROBABILITIES))


def stacking(case):
    """A second layer of logistic regressions over all probabilities (2BR), its C chosen by log-loss out of fold."""
    tried = []
    for C in SECOND_LAYERS:
        # On logits it is no match: they lie far from those of its training where a fold has no positives of a label.
        P, P_judged = _crossed(LabelWeightedLogistic(C=C), case.P, case, case.P_judged)
        tried.append((-np.log(np.where(case.Y, P, 1 - P)).mean(), P, P_judged))
    _, P, P_judged = min(tried, key=lambda each: each[0])
    return Found((P_judged > 0.5).astype(np.int64), P_judged, P)


def classifier_chains(case):
    """Ten chains in random orders, whose probabilities are averaged."""
    X, X_judged = case.features()
    return _of_probabilities(Chains(case.learner(X), case.seed), X, case, X_judged)


def predictions_as_features(case):
    """Each label reads the probabilities of a few others, trained jointly."""
    X, X_judged = case.features()
    classifier = PredictionsAsFeaturesClassifier(case.learner(X), random_state=case.seed)
    return _of_probabilities(classifier, X, case, X_judged)


def subset_maximization(case):
    """A recurrent chain over the labels, with the settings of its class."""
    X, X_judged = case.features()
    classifier = SubsetMaximizationClassifier(random_state=case.seed).fit(X, case.Y.astype(int))
    return Found(classifier.predict(X_judged), np.clip(classifier.predict_proba(X_judged), *PROBABILITIES))


def block_coordinate_ascent(case):
    """Decisions of xcolumns for macro-F1: it sees all judged rows, though not their truth, at once."""
    try:
        from xcolumns.block_coordinate import predict_optimizing_macro_f1_score_using_bc
    except ImportError:
        print("xcolumns is not installed and is left out; pip install xcolumns, into an environment of its own.")
        return None
    Z, Z_judged = logit(case.P), logit(case.P_judged)
    P = fit_link(case.Y, Z).probabilities(Z_judged)
    return Found((predict_optimizing_macro_f1_score_using_bc(P, 0, seed=case.seed) > 0).astype(np.int64))


class Chains:
    """An ensemble of scikit-learn's `ClassifierChain`; labels of one value get their share."""

    def __init__(self, learner, seed):
        self.learner, self.seed = learner, seed

    def fit(self, X, Y):
        """Train every chain on the labels that have both values."""
        self.share = Y.mean(axis=0)
        self.varied = np.flatnonzero((self.share > 0) & (self.share < 1))
        seeds = np.random.default_rng(self.seed).integers(2**31 - 1, size=N_CHAINS)
        self.chains = [
            ClassifierChain(clone(self.learner), order="random", random_state=int(seed)).fit(X, Y[:, self.varied])
            for seed in seeds
        ]
        return self

    def predict_proba(self, X):
        """Mean probabilities (n, L)."""
        P = np.tile(self.share, (X.shape[0], 1))
        P[:, self.varied] = np.mean([chain.predict_proba(X) for chain in self.chains], axis=0)
        return P


def _of_probabilities(classifier, X, case, X_judged):
    """A rival of probabilities, which decides at 0.5 itself."""
    P, P_judged = _crossed(classifier, X, case, X_judged)
    return Found((P_judged > 0.5).astype(np.int64), P_judged, P)


def _crossed(classifier, X, case, X_judged):
    """Probabilities of a classifier out of the folds of the base learner, and on the judged rows."""
    Y, P = case.Y.astype(int), np.empty(case.Y.shape)
    for k in np.unique(case.fold):
        held = case.fold == k
        P[held] = label_probabilities(_fresh(classifier).fit(X[~held], Y[~held]), X[held])
    P_judged = label_probabilities(_fresh(classifier).fit(X, Y), X_judged)
    return np.clip(P, *PROBABILITIES), np.clip(P_judged, *PROBABILITIES)


def _fresh(classifier):
    return Chains(classifier.learner, classifier.seed) if isinstance(classifier, Chains) else clone(classifier)


class Rival(NamedTuple):
    """A rival, and where it is run: at most so many labels, or label sets, by base learner; 0 is never."""

    run: object
    most: dict
    counts_sets: bool = False

    def find(self, case):
        """`Found` with the seconds that it took, or None where the case is too large for it."""
        if (len(case.sets) if self.counts_sets else case.n_labels) > self.most.get(case.base, 0):
            return None
        start = time.process_time()
        found = self.run(case)
        return None if found is None else found._replace(seconds=time.process_time() - start)


def _everywhere(most):
    return dict.fromkeys(("logistic", "mlp", "forest"), most)


RIVALS = {
    "label powerset": Rival(label_powerset, {"logistic": 600, "mlp": 600, "forest": 200}, counts_sets=True),
    "2BR stacking": Rival(stacking, _everywhere(200)),
    "ten chains": Rival(classifier_chains, {"logistic": 60, "forest": 0}),
    "predictions as features": Rival(predictions_as_features, {"logistic": 60, "mlp": 60}),
    "xcolumns": Rival(block_coordinate_ascent, _everywhere(3_000)),
    "subset maximisation": Rival(subset_maximization, _everywhere(150)),
}
