import numpy as np
import pytest
import torch
from _cases import small_torch
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression, SGDClassifier

from sklearn_metalabel.learners import LabelWeightedLogistic, LabelwiseClassifier
from sklearn_metalabel.learners._native import NativeLabelClassifier
from sklearn_metalabel.learners._protocol import BatchSampler, Learner, RefitLearner


def test_every_row_comes_once_an_epoch(global_random_seed):
    sample = BatchSampler(10, 4, np.random.RandomState(global_random_seed))
    epochs = [np.concatenate([sample() for _ in range(3)]) for _ in range(5)]
    assert all(sorted(rows) == list(range(10)) for rows in epochs)
    assert len({tuple(rows) for rows in epochs}) == 5


@pytest.mark.parametrize(("n", "batch_size", "sizes"), [(10, 4, {3, 4}), (9, 4, {3}), (3, 4, {3}), (65, 64, {32, 33})])
def test_the_batches_of_an_epoch_are_of_even_size(n, batch_size, sizes):
    sample = BatchSampler(n, batch_size, np.random.RandomState(0))
    n_batches = -(-n // batch_size)
    for _ in range(3):
        found = [len(sample()) for _ in range(n_batches)]
        assert (set(found), sum(found)) == (sizes, n)


def test_the_order_hangs_on_the_generator_alone():
    first, second = (BatchSampler(10, 4, np.random.RandomState(3)) for _ in range(2))
    for _ in range(7):
        assert_array_equal(first(), second())


def test_no_batch_size_is_all_rows():
    assert BatchSampler(10, None, np.random.RandomState(0))() is None


def test_an_epoch_is_announced_before_its_first_batch_and_in_order(global_random_seed):
    epochs = []
    sample = BatchSampler(10, 4, np.random.RandomState(global_random_seed), on_epoch=epochs.append)
    plain = BatchSampler(10, 4, np.random.RandomState(global_random_seed))
    for k in range(6):
        rows = sample()
        assert len(epochs) == k // 3 + 1
        assert rows is epochs[-1][k % 3]
        assert_array_equal(rows, plain())


@pytest.mark.parametrize("case", ["logistic", "incremental", "torch"])
def test_a_learner_draws_the_batches_of_its_size(case, multilabel_data):
    learner = LEARNERS[case][0]._clone_for_training(0)._learner()
    learner.start(*multilabel_data)
    sample = learner.batches(60, np.random.RandomState(0))
    expected = BatchSampler(60, learner.batch_size, np.random.RandomState(0))
    for _ in range(3):
        assert_array_equal(sample(), expected())


def steady_sgd():
    return SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05, random_state=0)


LEARNERS = {
    "logistic": (LabelWeightedLogistic(), None, 1),
    "refit": (LabelwiseClassifier(LogisticRegression()), None, 1),
    "incremental": (LabelwiseClassifier(steady_sgd(), batch_size=30, n_epochs=2), 30, 6),
    "torch": (small_torch(), 32, 24),
}


@pytest.mark.parametrize("case", LEARNERS)
def test_a_full_run_of_the_learner_is_what_fit_does(case, multilabel_data):
    X, Y = multilabel_data
    classifier, batch_size, n_updates = LEARNERS[case]
    classifier = classifier._clone_for_training(0)
    learner = classifier._learner()
    assert isinstance(learner, Learner)
    assert (learner.batch_size, learner.n_updates(len(X))) == (batch_size, n_updates)
    weights = np.array([2.0, 1.0, 0.5, 0.5])
    learner.start(X, Y, seed=0)
    sample = BatchSampler(len(X), learner.batch_size, np.random.RandomState(0))
    for _ in range(3 * n_updates):
        learner.step(sample(), weights)
    P = learner.predict_proba(X)
    assert P.shape == Y.shape
    assert ((P > 0) & (P < 1)).all()
    fitted = classifier.fit(X, Y, label_weight=weights).predict_proba(X)
    assert np.corrcoef(P.ravel(), fitted.ravel())[0, 1] > 0.85


def test_a_start_forgets_what_was_learned(multilabel_data):
    X, Y = multilabel_data
    for classifier, *_ in LEARNERS.values():
        learner, results = classifier._clone_for_training(0)._learner(), []
        for _ in range(2):
            with torch.random.fork_rng():
                torch.manual_seed(0)
                learner.start(X, Y, seed=0)
            learner.step(None if learner.batch_size is None else np.arange(40), np.ones(4))
            results.append(learner.predict_proba(X))
        assert_array_equal(*results)


def test_a_native_estimator_is_refitted():
    assert isinstance(NativeLabelClassifier(LogisticRegression())._learner(), RefitLearner)
