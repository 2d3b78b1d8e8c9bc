"""A `fit` that was killed goes on from its finished trainings, with the bits of one that was not."""

import shutil
import signal
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from _cases import MLP, small_torch
from _killed import (
    X,
    Y,
    count_trainings,
    decided,
    estimator,
    fit_elsewhere,
    forget_trainings,
)
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.testing import assert_array_equal
from sklearn.callback import ScoringMonitor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.policies import FixedWeights, PolicySearch, SharedGRUPolicy
from sklearn_metalabel.utils import current_threads, use_threads

# Trainings of a fit, as each base learner counts them; the one that kills it; and those that are made after that.
KILLED = {
    "search": (13, 6, 10),  # paths of three scales or more: the first one is kept
    "network": (4, 3, 2),  # a fold under the policy and under equal weights, the other fold, and the last training
    "search of a network": (6, 4, 5),  # four proposals, of which two are resumed, the other fold, and the last training
    "recurrent": (5, 4, 2),  # four episodes, and the last training
    "sklearn": (16, 10, 8),  # four labels on three folds, and the last training
    "tuned": (16, 10, 8),
}


@pytest.fixture
def folder(tmp_path):
    """Where trainings are counted; a memory stands beside."""
    return str(tmp_path)


@pytest.fixture
def remembering(folder):
    """Function from a name to an estimator with a memory."""
    return lambda name, **params: estimator(name, folder, **{"memory": f"{folder}/memory", **params})


def trainings_of(clf, folder, *data, **fit_params):
    """How many trainings a fit makes."""
    forget_trainings(folder)
    clf.fit(*(data or (X, Y)), **fit_params)
    return count_trainings(folder)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("name", ["search", "recurrent", "tuned"])
def test_a_fit_that_was_killed_goes_on_in_another_process_with_the_same_bits(name, folder, remembering):
    undisturbed, (n_trainings, last, n_left) = estimator(name, folder), KILLED[name]
    assert trainings_of(undisturbed, folder) == n_trainings
    forget_trainings(folder, last)
    assert fit_elsewhere(name, folder) == -signal.SIGKILL
    assert count_trainings(folder) == last
    clf = remembering(name)
    assert trainings_of(clf, folder) == n_left
    assert_same(decided(clf), decided(undisturbed))


@pytest.mark.parametrize("name", KILLED)
def test_a_fit_that_was_interrupted_goes_on_with_the_same_bits(name, folder, remembering):
    undisturbed, (_, last, n_left) = estimator(name, folder).fit(X, Y), KILLED[name]
    clf = remembering(name)
    forget_trainings(folder, last, by=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")
    assert trainings_of(clf, folder) == n_left
    assert_same(decided(clf), decided(undisturbed))


def test_a_killed_worker_leaves_what_others_have_finished(folder, remembering):
    undisturbed, clf = estimator("tuned", folder).fit(X, Y), remembering("tuned", n_jobs=2)
    forget_trainings(folder, last=11)
    with pytest.raises(TerminatedWorkerError):
        clf.fit(X, Y)
    assert not hasattr(clf, "classes_")
    assert trainings_of(clf, folder) < KILLED["tuned"][0]
    assert_same(decided(clf), decided(undisturbed))


@pytest.mark.parametrize("name", KILLED)
def test_a_fit_that_is_done_trains_nothing_again(name, folder, remembering):
    undisturbed = decided(estimator(name, folder).fit(X, Y))
    first, again, two = remembering(name), remembering(name), remembering(name, n_jobs=2)
    assert [trainings_of(clf, folder) for clf in (first, again, two)] == [KILLED[name][0], 0, 0]
    for clf in (first, again, two):
        assert_same(decided(clf), undisturbed)


def test_a_process_that_has_used_another_folder_writes_what_new_workers_find(folder, remembering):
    remembering("search", memory=f"{folder}/other").fit(X, Y)
    assert trainings_of(remembering("search"), folder) == KILLED["search"][0]
    joblib.externals.loky.get_reusable_executor().shutdown()
    assert trainings_of(remembering("search", n_jobs=2), folder) == 0


def changed(data, value=0.5):
    data = data.copy()
    data[0, 0] = value
    return data


ONES = np.ones(len(X))
OTHERS = {
    "other features": lambda clf: (clf, changed(X), Y),
    "other labels": lambda clf: (clf, X, changed(Y, 1 - Y[0, 0])),
    "features of another type": lambda clf: (clf, X.astype(np.float32), Y),
    "features in another order of memory": lambda clf: (clf, np.asfortranarray(X), Y),
    "sparse features": lambda clf: (clf, sp.csr_array(X), Y),
    "weights of samples": lambda clf: (clf, X, Y, {"sample_weight": changed(ONES[:, None])[:, 0]}),
    "another parameter of the base learner": lambda clf: (clf.set_params(estimator__C=0.5), X, Y),
    "another seed": lambda clf: (clf.set_params(random_state=1), X, Y),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", ["search", "tuned"])
def test_another_fit_is_trained_as_if_there_were_no_memory(name, other, folder, remembering):
    remembering(name).fit(X, Y)
    clf, *data = OTHERS[other](remembering(name))
    *data, fit_params = data if len(data) == 3 else (*data, {})
    n_trainings = trainings_of(clf, folder, *data, **fit_params)
    found, of_all = decided(clf), 4 if (name, other) == ("tuned", "another seed") else 0  # its last part has no seed
    assert trainings_of(clf.set_params(memory=None), folder, *data, **fit_params) == n_trainings + of_all
    assert_same(decided(clf), found)


def test_other_weights_rewards_threads_and_starts_are_other_trainings(folder, remembering):
    clf = remembering("sklearn", training_policy=PolicySearch())
    assert trainings_of(clf, folder) == 16
    assert trainings_of(clf.set_params(training_policy=FixedWeights([2.0, 1, 1, 1])), folder) == 16
    with use_threads({**current_threads(), "blas": 2}):
        assert trainings_of(clf, folder) == 16
    recurrent = remembering("recurrent")
    assert trainings_of(recurrent, folder) == 5
    assert trainings_of(recurrent.set_params(training_policy__reward="hamming_margin"), folder) == 5
    assert trainings_of(recurrent.set_params(warm_start=True), folder) == 5
    assert trainings_of(remembering("recurrent"), folder) == 0


def test_what_no_training_depends_on_makes_none(folder, remembering):
    remembering("search").fit(X, Y)
    others = [{"scoring": "f1_macro"}, {"prediction_policy": "half"}, {"allow_unlabeled": False}, {"verbose": 1}]
    assert [trainings_of(remembering("search", **params), folder) for params in others] == [0, 0, 0, 0]
    assert trainings_of(remembering("search"), folder, X.copy(), pd.DataFrame(Y)) == 0


class OnlyCache:
    """The least that has the interface of joblib's Memory; it keeps what it is told under the key of the call."""

    def __init__(self):
        self.kept = {}

    def cache(self, function):
        def cached(call):
            if repr(call) not in self.kept:
                self.kept[repr(call)] = function(call)
            return self.kept[repr(call)]

        return cached


def test_any_object_that_caches_is_a_memory(folder, remembering):
    plain, memory = estimator("search", folder).fit(X, Y), OnlyCache()
    clf = remembering("search", memory=memory).fit(X, Y)
    assert len(memory.kept) == 5
    assert trainings_of(clf, folder) == 0
    assert_same(decided(clf), decided(plain))
    assert trainings_of(clf.set_params(memory=joblib.Memory(None), random_state=None), folder) > 0


@pytest.mark.parametrize("name", ["search", "tuned"])
def test_the_folder_may_be_deleted_after_the_fit(name, folder, remembering):
    memory = joblib.Memory(f"{folder}/memory", mmap_mode="r", verbose=0)
    clf = remembering(name, memory=memory).fit(X, Y).fit(X, Y)
    before = decided(clf)
    shutil.rmtree(f"{folder}/memory")
    assert_same(decided(clf), before)
    assert not isinstance(np.asanyarray(clf.thresholds_).base, np.memmap)


def test_without_a_memory_nothing_is_hashed(folder, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.utils._memory.stable_hash", None)
    for name in ("search", "tuned"):
        estimator(name, folder).fit(X, Y)


def test_trainings_that_are_not_made_again_are_reported(remembering, capsys):
    reported = []
    for _ in range(2):
        remembering("search", verbose=1).fit(X, Y)
        reported.append([line.partition("]")[2] for line in capsys.readouterr().out.splitlines()])
    assert len(reported[0]) == 4
    assert reported[0] == reported[1]


@pytest.mark.parametrize("name", ["search", "network", "recurrent", "sklearn"])
def test_callbacks_score_trainings_that_are_not_made_again(name, folder, remembering):
    scored = []
    for _ in range(2):
        monitor = ScoringMonitor(scoring="f1_macro")
        n_trainings = trainings_of(remembering(name).set_callbacks(monitor), folder)
        scored.append([{**row} for row in monitor.get_logs().data])
    assert n_trainings == (name in ("network", "recurrent"))  # a module that predicts is made too
    assert repr(scored[0]) == repr(scored[1])
    largest = max(path.stat().st_size for path in Path(folder).rglob("output.pkl"))
    assert largest < 100_000


def test_screened_trainings_are_kept_without_the_runs_that_wait(folder, remembering, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.policies._search.MANY_ROWS", 80)
    plain, clf = estimator("search of a network", folder).fit(X, Y), remembering("search of a network")
    forget_trainings(folder, last=5, by=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, Y)
    clf.fit(X, Y)
    assert_same(decided(clf), decided(plain))


@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_a_memory_that_cannot_work_is_refused(make, folder):
    for value in (3, 1.5, True, []):
        with pytest.raises(InvalidParameterError, match="'memory' parameter.* must be None, .*'str' or .*'cache'"):
            make(memory=value, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="random_state=None draws other seeds in every fit; set random_state=0"):
        make(memory=folder).fit(X, Y)
    (Path(folder) / "file").write_text("")
    with pytest.raises(ValueError, match="memory='.*file' must be a folder that can be written to: .*file"):
        make(memory=f"{folder}/file", random_state=0).fit(X, Y)


def test_a_fitted_classifier_has_no_trainings_to_keep(folder):
    clf = TunedThresholdsClassifierCV(LogisticRegression(), cv="prefit", refit=False, memory=folder, random_state=0)
    with pytest.raises(ValueError, match='cv="prefit" trains nothing that memory could keep; set memory=None'):
        clf.fit(X, Y)


class LogsTo:
    """Holds an open file, and lets itself be cloned."""

    def __init__(self, file):
        self.file = file

    def __call__(self, Y, P, thresholds):
        return P.mean(axis=0)

    def __deepcopy__(self, memo):
        return self


def lambda_in_a_pipeline():
    return make_pipeline(FunctionTransformer(lambda Z: Z), LogisticRegression())


@pytest.mark.parametrize(
    ("make", "params", "match"),
    [
        (MetaPolicyClassifier, {"estimator": lambda n_features, n_labels: MLP(n_features, n_labels)}, "estimator=<"),
        (
            MetaPolicyClassifier,
            {"estimator": small_torch(lambda n_features, n_labels: MLP(n_features, n_labels))},
            "estimator__module=<function <lambda>",
        ),
        (
            MetaPolicyClassifier,
            {"training_policy": PolicySearch(reward=lambda Y, P, t: P.mean(axis=0))},
            "training_policy__reward=<function <lambda>",
        ),
        (
            MetaPolicyClassifier,
            {"training_policy": SharedGRUPolicy(reward=lambda Y, P, t: P.mean(axis=0))},
            "training_policy__reward=<function <lambda>",
        ),
        (
            TunedThresholdsClassifierCV,
            {"estimator": lambda_in_a_pipeline()},
            "estimator__functiontransformer__func=<function lambda_in_a_pipeline",
        ),
    ],
)
def test_what_has_no_hash_is_refused_by_name_before_anything_is_trained(make, params, match, folder, monkeypatch):
    monkeypatch.setattr(LogisticRegression, "fit", None)
    monkeypatch.setattr("sklearn_metalabel.learners._linear.fit_logistic", None)
    with pytest.raises(TypeError, match=f"hash of all that it depends on, and {match}.* has none; .*memory=None"):
        make(**params, memory=folder, random_state=0).fit(X, Y)


def test_an_open_file_has_no_hash(folder, tmp_path):
    with (tmp_path / "log").open("w") as file:
        search = MetaPolicyClassifier(training_policy=PolicySearch(reward=LogsTo(file)), memory=folder, random_state=0)
        with pytest.raises(TypeError, match="training_policy__reward=<.* has none; pass what can be pickled"):
            search.fit(X, Y)
        tuned = TunedThresholdsClassifierCV(small_torch(LogsTo(file)), memory=folder, random_state=0)
        with pytest.raises(TypeError, match="estimator__module=<.* has none; pass what can be pickled"):
            tuned.fit(X, Y)


def test_functions_that_no_training_sees_may_have_no_hash(folder, remembering):
    weights = FixedWeights(lambda Y: np.arange(1.0, 5))
    clf = remembering("search", training_policy=weights, prediction_policy=lambda Y, P: np.median(P, axis=0))
    assert [trainings_of(clf, folder) for _ in range(2)] == [4, 0]
