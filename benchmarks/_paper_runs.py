"""The trainings behind the rows of the paper's tables, each kept in a cache folder once it is done.

A run is a function (task, data, seed, device) that returns arrays; what it does with the test split is to predict it.
Rows that share a training, such as the rules for thresholds, share a run.
"""

import os
import pickle
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _scores import rotated_training_prior
from sklearn.model_selection import GroupKFold

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import TorchClassifier, resolve_label_weight
from sklearn_metalabel.model_selection import MultilabelStratifiedKFold
from sklearn_metalabel.policies import LearnedThresholds, PretrainedPolicy, SharedGRUPolicy
from sklearn_metalabel.thresholds import OutOfFold

__all__ = ["N_STARTS", "RUNS", "anchor_weights", "kept", "learned_thresholds", "trained_under"]

# Raise the number of a run when its result would be another one: earlier results are not read then.
VERSIONS = {"shared": 3, "pretrained": 4, "default": 7, "paper": 2}
# Chosen on a fifth of the training documents of Reuters, where three times the learning rate did worse.
SUBSET = {"lr": 1e-3, "batch_size": 32}
N_FOLDS = 3
N_STARTS = 10


def plain(task, data, seed, device):
    """The base learner on all rows, every label with the same weight."""
    return _probabilities(LabelWeightedClassifier(task.base(seed, device)), data)


def hierarchy_aware(task, data, seed, device):
    """The base learner with the depth of each label for its weight."""
    clf = LabelWeightedClassifier(task.base(seed, device), label_weight="hierarchy", hierarchy=data.parents)
    return _probabilities(clf, data)


def folds(task, data, seed, device, label_weight="uniform"):
    """Out-of-fold probabilities of the base learner, which rules for thresholds are given."""
    P, fold_of = np.zeros(data.Y.shape, dtype=np.float32), np.zeros(len(data.Y), dtype=np.int8)
    start = time.perf_counter()
    for k, (train, held_out) in enumerate(splits_of(data, N_FOLDS, seed)):
        parents = data.parents if label_weight == "hierarchy" else None
        clf = LabelWeightedClassifier(task.base(seed, device), label_weight=label_weight, hierarchy=parents)
        P[held_out] = clf.fit(data.X[train], frame(data, train)).predict_proba(data.X[held_out])
        fold_of[held_out] = k
    return {"P": P, "fold_of": fold_of, "seconds": time.perf_counter() - start}


def predictions_as_features(task, data, seed, device):
    """Each label after the labels it depends on, all trained together."""
    given = {"structure": "hierarchy", "hierarchy": data.parents} if task.has_hierarchy else {}
    clf = PredictionsAsFeaturesClassifier(task.base(seed, device), **given, random_state=seed)
    return _probabilities(clf, data)


def subset_maximization(task, data, seed, device):
    """The recurrent classifier chain, reading samples with the base learner's network."""
    base = task.base(seed, device)
    params = base.get_params(deep=False) if isinstance(base, TorchClassifier) else {}
    encoder = {name: value for name, value in params.items() if name.startswith(("module", "optimizer"))}
    clf = SubsetMaximizationClassifier(
        **encoder, **SUBSET, n_epochs=task.subset_epochs, device=device, random_state=seed
    )
    seconds = _fit(clf, data)
    return {"D_test": clf.predict(data.X_test).astype(bool), "seconds": seconds}


def anchors(task, data, seed, device):
    """Out-of-fold scores of the named label weights: which of them the policy departs from.

    Thresholds are learned on one half of the training rows and judged on the other, both ways.
    """
    halves = splits_of(data, 2, seed)
    names = ["uniform", "frequency", "hierarchy"] if task.has_hierarchy else ["uniform", "frequency"]
    scores, start = [], time.perf_counter()
    for name in names:
        same = kept("folds", task, data, seed, device) if name == "uniform" else folds(task, data, seed, device, name)
        P = same["P"].astype(float)
        scores.append(np.mean([half_score(task, data.Y, P, same["fold_of"], *half) for half in halves]))
    return {"names": names, "scores": scores, "seconds": time.perf_counter() - start}


def splits_of(data, n_folds, seed):
    """Folds of the training rows: by document where the rows have one, else with the same share of every label."""
    if data.groups is None:
        return list(MultilabelStratifiedKFold(n_folds, shuffle=True, random_state=seed).split(data.X, data.Y))
    return list(GroupKFold(n_folds, shuffle=True, random_state=seed).split(data.X, data.Y, data.groups))


def half_score(task, Y, P, fold_of, chosen_on, judged_on):
    """Mean of the table's metrics on some rows, at thresholds learned on others."""
    D = learned_thresholds(task, Y[chosen_on], P[chosen_on], fold_of[chosen_on]).predict(P[judged_on])
    return np.mean([metric(Y[judged_on], D) for metric in task.metrics.values()])


def learned_thresholds(task, Y, P, fold_of):
    """The learned prediction policy, fitted on out-of-fold rows."""
    return LearnedThresholds().fit(OutOfFold(Y, P, fold_of), task.scoring, random_state=0)


def anchor_weights(task, data, device):
    """Weights of the anchor whose out-of-fold scores are best."""
    found = kept("anchors", task, data, 0, device)
    name = str(found["names"][found["scores"].argmax()])
    return resolve_label_weight(name, data.Y, data.label_names, data.parents)


def shared(task, data, seed, device):
    """The method: weights and thresholds learned, by the recurrent policy that sees held-out rows.

    Weights depart from the anchor whose out-of-fold scores are best.
    """
    cv = N_FOLDS if data.groups is None else splits_of(data, N_FOLDS, seed)
    policy = SharedGRUPolicy(anchor=anchor_weights(task, data, device))
    options = {"training_policy": policy, "cv": cv, "scoring": task.scoring, "random_state": seed}
    clf = MetaPolicyClassifier(task.base(seed, device), **options)
    return {**_policies(clf, data), **_ends(clf)}


def pretrained(task, data, seed, device):
    """The same by the policy that comes trained, here on sets of other sources, and nothing else."""
    return _policies(_by_pretrained(task, data, seed, device, fallback=False), data)


def default(task, data, seed, device):
    """`MetaPolicyClassifier` with its defaults; of a network the policy was trained on sets of other sources."""
    return _policies(_by_pretrained(task, data, seed, device), data)


def _by_pretrained(task, data, seed, device, **params):
    """A network with the policy that comes trained; of other base learners the default."""
    base, cv = task.base(seed, device), N_FOLDS if data.groups is None else splits_of(data, N_FOLDS, seed)
    is_network = isinstance(base, TorchClassifier)
    policy = PretrainedPolicy(prior=rotated_training_prior(task.reported), **params) if is_network else None
    return MetaPolicyClassifier(base, training_policy=policy, cv=cv, scoring=task.scoring, random_state=seed)


def paper(task, data, seed, device):
    """The paper's Algorithm 1."""
    clf = MetaPolicyClassifier.from_paper(task.base(seed, device), random_state=seed)
    return {**_policies(clf, data), **_ends(clf)}


TRAININGS = (
    plain,
    folds,
    anchors,
    shared,
    pretrained,
    default,
    paper,
    hierarchy_aware,
    predictions_as_features,
    subset_maximization,
)
RUNS = {training.__name__: training for training in TRAININGS}


def trained_under(weights, task, data, seed, device):
    """The base learner under given weights."""
    return _probabilities(LabelWeightedClassifier(task.base(seed, device), label_weight=weights), data)


def kept(name, task, data, seed, device, run=None):
    """Arrays of a run: from the cache folder, or computed (by `run`, or by the run of that name) and left there."""
    version = VERSIONS.get(name.partition("-start")[0], 1)
    path = cache_folder() / f"{task.name}-{name}-{seed}-{version}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        found = (run or RUNS[name])(task, data, seed, device)
        partial = path.with_suffix(f".{os.getpid()}.tmp.npz")
        np.savez(partial, **found)
        partial.rename(path)
    with np.load(path) as archive:
        return dict(archive)


def cache_folder():
    """Where runs are kept: outside the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "sklearn-metalabel", "paper")


def _policies(clf, data):
    """What a meta-learner decides, and what it learned."""
    seconds = _fit(clf, data)
    return {
        "P_test": clf.estimator_.predict_proba(data.X_test).astype(np.float32),
        "D_test": clf.predict(data.X_test).astype(bool),
        "weights": clf.weights_,
        "prediction_policy": np.frombuffer(pickle.dumps(clf.prediction_policy_), dtype=np.uint8),
        "allow_unlabeled": clf.allow_unlabeled_,
        "seconds": seconds,
    }


def _ends(clf):
    """Where the greedy episode of a recurrent policy ends from random starts."""
    policy = clf.training_policy_
    ends = [policy.greedy_episode("random", "random", random_state=start) for start in range(N_STARTS)]
    return {
        "end_weights": np.stack([end.weights[-1] for end in ends]),
        "end_thresholds": np.stack([end.thresholds[-1] for end in ends]),
    }


def _probabilities(clf, data):
    """Probabilities of the test rows."""
    seconds = _fit(clf, data)
    return {"P_test": clf.predict_proba(data.X_test).astype(np.float32), "seconds": seconds}


def _fit(clf, data):
    """Fit on the training split; returns the seconds it took."""
    start = time.perf_counter()
    clf.fit(data.X, frame(data))
    return time.perf_counter() - start


def frame(data, rows=slice(None)):
    """The target of some training rows, with the names of the labels."""
    return pd.DataFrame(data.Y[rows], columns=data.label_names)
