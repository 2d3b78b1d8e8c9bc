"""Base learners that count their trainings in a folder, and kill their process where a file there says so.

Workers and processes of their own import them from here.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from _cases import MLP, small_torch
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression

import sklearn_metalabel
from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.policies import SharedGRUPolicy

X, Y = make_multilabel_classification(n_samples=120, n_features=8, n_classes=4, n_labels=2, random_state=1)
X = (X - X.mean(axis=0)) / X.std(axis=0)


def note_training(folder):
    """Count one more training, and die at the one that is to be the last."""
    if folder is None:
        return
    counted, last = Path(folder) / "trainings", Path(folder) / "last"
    with counted.open("a") as file:
        file.write("x")
    if last.exists() and count_trainings(folder) >= int(last.read_text().split()[0]):
        by = last.read_text().split()[1]
        last.unlink()
        if by == "KeyboardInterrupt":
            raise KeyboardInterrupt
        os.kill(os.getpid(), signal.SIGKILL)


def count_trainings(folder):
    counted = Path(folder) / "trainings"
    return counted.stat().st_size if counted.exists() else 0


def forget_trainings(folder, last=None, by=signal.SIGKILL):
    """Count from 0 on; `last` is the number of the training that kills its process, or is interrupted by hand."""
    (Path(folder) / "trainings").unlink(missing_ok=True)
    if last is not None:
        (Path(folder) / "last").write_text(f"{last} {getattr(by, '__name__', by)}")


class CountedLinear(LabelWeightedLogistic):
    def __init__(self, C=1.0, *, fit_intercept=True, tol=None, folder=None):
        super().__init__(C, fit_intercept=fit_intercept, tol=tol)
        self.folder = folder

    def _fit_labels(self, X, Y, **options):
        note_training(self.folder)
        super()._fit_labels(X, Y, **options)


class CountedLogistic(LogisticRegression):
    """It is fitted for each label."""

    def __init__(self, C=1.0, *, folder=None):
        super().__init__(C=C)
        self.folder = folder

    def fit(self, X, y, sample_weight=None):
        note_training(self.folder)
        return super().fit(X, y, sample_weight)


class CountedMLP(MLP):
    def __init__(self, n_features, n_labels, folder=None):
        note_training(folder)
        super().__init__(n_features, n_labels)


def estimator(name, folder, **params):
    """An estimator whose base learner counts its trainings, with a rule that reads all that it keeps."""
    params = {"prediction_policy": "episode" if name == "recurrent" else "shrunken", "random_state": 0, **params}
    network = small_torch(CountedMLP, module__folder=folder, n_epochs=2)
    episodes = SharedGRUPolicy(n_episodes=4, n_steps=2, hidden_size=4)
    return {
        "search": lambda: MetaPolicyClassifier(CountedLinear(folder=folder), **params),
        "network": lambda: MetaPolicyClassifier(network, cv=2, **params),
        "search of a network": lambda: MetaPolicyClassifier(network, training_policy="search", cv=2, **params),
        "recurrent": lambda: MetaPolicyClassifier(network, training_policy=episodes, cv=2, **params),
        "sklearn": lambda: MetaPolicyClassifier(CountedLogistic(folder=folder), **params),
        "tuned": lambda: TunedThresholdsClassifierCV(CountedLogistic(folder=folder), **params),
    }[name]()


def decided(clf):
    """Arrays by name: what a fit decides."""
    names = [name for name in ("weights_", "positive_weights_", "thresholds_") if hasattr(clf, name)]
    return {**{name: getattr(clf, name) for name in names}, "P": clf.predict_proba(X), "D": clf.predict(X)}


def fit_elsewhere(name, folder):
    """Fit in a process of its own, as an estimator with a memory; returns its exit code."""
    paths = [Path(__file__).parent, Path(sklearn_metalabel.__file__).parents[1]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    code = f"from _killed import *; estimator({name!r}, {folder!r}, memory={folder + '/memory'!r}).fit(X, Y)"
    return subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=False).returncode
