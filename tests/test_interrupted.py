"""An interrupted `fit` leaves the estimator as it was."""

from functools import wraps

import pytest
import torch
from _cases import SMALL_DECODER, SMALL_GRU, small_torch
from _killed import CountedLogistic, X, Y, forget_trainings
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier, SubsetMaximizationClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier
from sklearn_metalabel.policies import SharedGRUPolicy
from sklearn_metalabel.utils._hash import stable_hash

UPDATE, FIT = (torch.Tensor, "backward"), (LogisticRegression, "fit")
LINEAR = (LabelWeightedLogistic, "_fit_labels")
# How thresholds are found does not matter here, and takes as long as the trainings.
QUICK = {"prediction_policy": "half", "random_state": 0}
EPISODES = {"training_policy": SharedGRUPolicy(**SMALL_GRU), "cv": 2, **QUICK}
# An estimator, what it calls again and again in `fit`, and the call that is interrupted.
INTERRUPTED = [
    (MetaPolicyClassifier(**QUICK), LINEAR, 7),
    (MetaPolicyClassifier(**QUICK, warm_start=True), LINEAR, 3),
    (MetaPolicyClassifier(LogisticRegression(), **QUICK), FIT, 5),
    (MetaPolicyClassifier(small_torch(n_epochs=2), **EPISODES), UPDATE, 9),
    (MetaPolicyClassifier(small_torch(n_epochs=2), **EPISODES, warm_start=True), UPDATE, 2),
    (TunedThresholdsClassifierCV(LogisticRegression(), **QUICK), FIT, 5),
    (FixedThresholdsClassifier(LogisticRegression()), FIT, 2),
    (LabelWeightedClassifier(LogisticRegression()), FIT, 2),
    (LabelWeightedClassifier(small_torch(n_epochs=2), random_state=0), UPDATE, 2),
    (LabelWeightedLogistic(), LINEAR, 1),
    (LabelwiseClassifier(LogisticRegression()), FIT, 2),
    (small_torch(n_epochs=2, random_state=0), UPDATE, 2),
    (PredictionsAsFeaturesClassifier(LogisticRegression(), structure="chain"), FIT, 2),
    (PredictionsAsFeaturesClassifier(LogisticRegression()), FIT, 2),
    (SubsetMaximizationClassifier(**{**SMALL_DECODER, "n_epochs": 2}, random_state=0), UPDATE, 2),
]


def assert_is_as_it_was(clf, before, predicted):
    assert vars(clf).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(clf).items())
    assert_array_equal(clf.predict(X), predicted)


def interrupt(monkeypatch, place, at, error):
    """Let a function raise an error in the call of this number."""
    owner, name = place
    function, left = getattr(owner, name), [at]

    @wraps(function)
    def interrupted(*args, **kwargs):
        left[0] -= 1
        if not left[0]:
            raise error
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, interrupted)


@pytest.mark.parametrize("error", [KeyboardInterrupt, TerminatedWorkerError])
@pytest.mark.parametrize(("estimator", "place", "at"), INTERRUPTED)
def test_an_interrupted_fit_leaves_the_estimator_as_it_was(estimator, place, at, error, monkeypatch):
    fitted, unfitted = clone(estimator).fit(X, Y), clone(estimator)
    before, predicted, content = dict(vars(fitted)), fitted.predict(X), stable_hash(vars(fitted))
    for clf in (fitted, unfitted):
        with monkeypatch.context() as patch:
            interrupt(patch, place, at, error)
            with pytest.raises(error):
                clf.fit(X[:, :5], Y[:, :3])  # other features and labels, of which no trace must be left
    assert stable_hash(vars(fitted)) == content
    assert_is_as_it_was(fitted, before, predicted)
    assert vars(unfitted).keys() == vars(clone(estimator)).keys()


@pytest.mark.parametrize(
    "make",
    [
        lambda base: MetaPolicyClassifier(base, n_jobs=2, **QUICK),
        lambda base: FixedThresholdsClassifier(LabelwiseClassifier(base, n_jobs=2)),
    ],
    ids=["meta", "fixed"],
)
def test_a_killed_worker_leaves_the_estimator_as_it_was(make, tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.policies._workers.cpu_count", lambda: 2)
    clf = make(CountedLogistic(folder=str(tmp_path))).fit(X, Y)
    before, predicted, content = dict(vars(clf)), clf.predict(X), stable_hash(vars(clf))
    forget_trainings(tmp_path, last=2)
    with pytest.raises(TerminatedWorkerError):
        clf.fit(X[:, :5], Y[:, :3])
    assert stable_hash(vars(clf)) == content
    assert_is_as_it_was(clf, before, predicted)
