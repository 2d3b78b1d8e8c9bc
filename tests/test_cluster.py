"""Fits on a cluster give the bits of fits without one; the cluster is Dask's, of processes on this machine."""

import logging
import os
import threading
from pathlib import Path

import joblib
import pytest
from _footprints import Dropped, Footprint
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.baselines import PredictionsAsFeaturesClassifier
from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.learners import LabelwiseClassifier, TorchClassifier
from sklearn_metalabel.policies import PolicySearch, SharedGRUPolicy
from sklearn_metalabel.utils import current_threads, use_threads

distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")

pytestmark = pytest.mark.no_cover
X, Y = make_hierarchical_multilabel(240, 20, n_labels=6, n_levels=2, random_state=0)
N_WORKERS = 2
BASES = {
    "linear": None,
    "torch": TorchClassifier(Dropped, n_epochs=2, device="cpu"),
    "labelwise": LogisticRegression(),
}


@pytest.fixture(scope="module")
def client():
    """A client of a cluster with two processes."""
    options = {"n_workers": N_WORKERS, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(processes=True, silence_logs=logging.ERROR, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def footprint(tmp_path):
    return Footprint(str(tmp_path))


def fit_on_cluster(classifier, seconds=60, **options):
    """The classifier fitted on the cluster; fails where that takes too long, as it does where tasks lock."""
    fitted, errors = clone(classifier), []

    def fit():
        try:
            with joblib.parallel_config("dask", **options):
                fitted.fit(X, Y)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive()
    for error in errors:
        raise error
    return fitted


def assert_same_bits(one, other):
    assert_array_equal(one.weights_, other.weights_)
    assert_array_equal(one.thresholds_, other.thresholds_)
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    history, expected = one.training_policy_.history_, other.training_policy_.history_
    assert history.keys() == expected.keys()
    for name, values in history.items():
        assert_array_equal(values, expected[name], err_msg=name)


POLICIES = {
    "search": lambda reward: PolicySearch(reward),
    "shared": lambda reward: SharedGRUPolicy(reward=reward, n_episodes=4, n_steps=2),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("base", BASES)
def test_training_runs_on_a_cluster_give_the_bits_of_a_fit_without(base, policy, client, tmp_path):
    here, there = (Footprint(str(tmp_path / name)) for name in ("here", "there"))
    for footprint in (here, there):
        Path(footprint.folder).mkdir()
    # Four folds are more than the workers: tasks that wait for tasks of their own would lock.
    one, other = (
        MetaPolicyClassifier(BASES[base], training_policy=POLICIES[policy](reward), cv=4, random_state=0)
        for reward in (here, there)
    )
    assert_same_bits(one.fit(X, Y), fit_on_cluster(other))
    assert here.processes() == {os.getpid()}
    assert there.processes() == set(client.run(os.getpid).values())


def test_defaults_on_a_cluster_give_the_bits_of_a_fit_without(client):
    classifier = MetaPolicyClassifier(random_state=0)

    assert_same_bits(clone(classifier).fit(X, Y), fit_on_cluster(classifier))


@pytest.mark.parametrize(
    "classifier",
    [
        TunedThresholdsClassifierCV(random_state=0),
        MetaPolicyClassifier(training_policy="uniform", random_state=0),
        LabelwiseClassifier(LogisticRegression(), random_state=0),
        PredictionsAsFeaturesClassifier(LogisticRegression(), random_state=0),
    ],
    ids=lambda classifier: type(classifier).__name__,
)
def test_classifiers_with_jobs_give_the_bits_of_a_fit_without_a_cluster(classifier, client):
    here, there = clone(classifier).fit(X, Y), fit_on_cluster(classifier)

    assert_array_equal(here.predict_proba(X), there.predict_proba(X))


def test_workers_use_the_thread_counts_of_the_caller(client, footprint):
    count = 1 + max(max(counts.values()) for counts in client.run(current_threads).values())
    with use_threads({"torch": count, "blas": count}):
        expected = current_threads()
        classifier = MetaPolicyClassifier(training_policy=SharedGRUPolicy(reward=footprint), random_state=0)
        here = clone(classifier).fit(X, Y)
        there = fit_on_cluster(classifier)

    assert footprint.processes() > {os.getpid()}
    assert footprint.threads() == [expected]
    assert_same_bits(here, there)
    assert all(max(counts.values()) < count for counts in client.run(current_threads).values())


def test_data_are_sent_once_for_all_folds_and_not_at_all_where_scattered(client, monkeypatch):
    sent, scatter = [], client.scatter

    def spy(data, **options):
        sent.append(data)
        return scatter(data, **options)

    monkeypatch.setattr(client, "scatter", spy)
    # Three folds, one round.
    policy = SharedGRUPolicy(n_episodes=3, n_steps=2)
    classifier = MetaPolicyClassifier(training_policy=policy, cv=3, random_state=0)
    fit_on_cluster(classifier)
    assert sum(data is X for data in sent) == 1
    sent.clear()
    fit_on_cluster(classifier, scatter=[X])
    assert not any(data is X for data in sent)
    assert sum(isinstance(data, list) and data[0] is X for data in sent) == 1
