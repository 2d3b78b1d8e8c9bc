import numpy as np
import pytest
import scipy.sparse as sp
import torch
from _cases import MLP, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression, SGDClassifier
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel.learners import (
    Fold,
    LabelWeightedLogistic,
    LabelwiseClassifier,
    LossWeights,
    TrainingRun,
    train_classifier,
)
from sklearn_metalabel.learners._labelwise import PartialFitRun
from sklearn_metalabel.learners._linear import LogisticRun
from sklearn_metalabel.learners._native import NativeLabelClassifier
from sklearn_metalabel.learners._skorch import SkorchLabelClassifier, SkorchRun
from sklearn_metalabel.learners._torch_run import TorchRun
from sklearn_metalabel.learners._training_run import BatchSampler, RefitRun

WEIGHTS = LossWeights(np.array([2.0, 1.0, 0.5, 0.5]))


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


def steady_sgd():
    return SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05, random_state=0)


def skorch_net():
    params = {"module__n_features": 8, "module__n_labels": 4, "optimizer": torch.optim.Adam, "lr": 0.03}
    return NeuralNet(MLP, nn.BCEWithLogitsLoss, max_epochs=8, batch_size=32, train_split=None, verbose=0, **params)


# The classifier, the kind of its runs, their batch size, and the updates of a full training on 80 rows.
CASES = {
    "logistic": (LabelWeightedLogistic(), LogisticRun, None, 1),
    "refit": (LabelwiseClassifier(LogisticRegression()), RefitRun, None, 1),
    "incremental": (
        LabelwiseClassifier(steady_sgd(), incremental=True, batch_size=30, n_epochs=2),
        PartialFitRun,
        30,
        6,
    ),
    "torch": (small_torch(), TorchRun, 32, 24),
    "skorch": (SkorchLabelClassifier(skorch_net()), SkorchRun, None, 8),
}
by_case = pytest.mark.parametrize("case", CASES)


def start(run, X, Y, **options):
    """Start a run with the torch parameters of one seed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        run.start(X, Y, seed=0, **options)
    return run


def started(case, X, Y, **options):
    return start(CASES[case][0].training_run(seed=0), X, Y, **options)


def make_steps(run, n_samples, n_steps, weights=WEIGHTS):
    """Make steps on batches of the size of the run, drawn by one seed."""
    sample = run.batches(n_samples, np.random.RandomState(0))
    for _ in range(n_steps):
        run.step(sample(), weights)


@by_case
def test_every_base_learner_has_a_run_of_its_own_kind(case, multilabel_data):
    classifier, kind, batch_size, n_updates = CASES[case]
    run = classifier.training_run(seed=0)
    assert type(run) is kind
    assert isinstance(run, TrainingRun)
    assert run.classifier is not classifier
    assert (run.batch_size, run.n_updates(80)) == (batch_size, n_updates)
    assert run.emphases == ({"positive", "focus"} if case in ("torch", "skorch") else set())
    assert (len(run.scales) > 1) == (case == "logistic")
    assert run.device == (torch.device("cpu") if case in ("torch", "skorch") else None)


@by_case
def test_a_run_draws_the_batches_of_its_size(case, multilabel_data):
    run = started(case, *multilabel_data)
    sample = run.batches(60, np.random.RandomState(0))
    expected = BatchSampler(60, run.batch_size, np.random.RandomState(0))
    for _ in range(3):
        assert_array_equal(sample(), expected())


@by_case
def test_a_full_run_is_what_a_training_of_the_classifier_is(case, multilabel_data):
    X, Y = multilabel_data
    classifier, _, _, n_updates = CASES[case]
    run = started(case, X, Y)
    make_steps(run, len(X), 3 * n_updates)
    P = run.predict_proba(X)
    assert P.shape == Y.shape
    assert ((P > 0) & (P < 1)).all()
    fitted = train_classifier(classifier, X, Y, WEIGHTS)._label_probabilities(X)
    assert np.corrcoef(P.ravel(), fitted.ravel())[0, 1] > 0.85
    assert not hasattr(classifier, "classes_")


@by_case
def test_a_start_forgets_what_was_learned(case, multilabel_data):
    X, Y = multilabel_data
    run, results = CASES[case][0].training_run(seed=0), []
    for _ in range(2):
        start(run, X, Y)
        make_steps(run, 80, 1)
        results.append(run.predict_proba(X))
    assert_array_equal(*results)


@by_case
def test_weights_may_change_from_step_to_step(case, multilabel_data):
    X, Y = multilabel_data
    heavy = LossWeights(np.array([20.0, 1.0, 1.0, 1.0]))
    results = []
    for second in (WEIGHTS, heavy):
        run = started(case, X, Y)
        make_steps(run, 80, 1)
        make_steps(run, 80, 3, second)
        results.append(run.predict_proba(X))
    assert np.abs(results[0][:, 0] - results[1][:, 0]).max() > 1e-3


@by_case
def test_some_training_rows_are_predicted_as_by_their_features(case, multilabel_data):
    X, Y = multilabel_data
    run, rows = started(case, X, Y), np.array([7, 3, 50])
    make_steps(run, 80, 2)
    assert_allclose(run.predict_rows(X, rows), run.predict_proba(X[rows]), rtol=1e-6)
    assert_allclose(run.predict_rows(X, None), run.predict_proba(X), rtol=1e-6)


@by_case
def test_rows_that_were_released_are_attached_again_and_nothing_is_lost(case, multilabel_data):
    X, Y = multilabel_data
    weight = None if case == "skorch" else np.linspace(0.5, 2, 80)
    results = []
    for pauses in (False, True):
        run = started(case, X, Y, sample_weight=weight)
        sample = run.batches(80, np.random.RandomState(0))
        for _ in range(4):
            run.step(sample(), WEIGHTS)
            if pauses:
                run.release()
                assert run.X is run.Y is run.sample_weight is None
                run.attach(X, Y, weight)
        results.append(run.predict_proba(X))
    assert_array_equal(*results)


@by_case
def test_the_rows_that_were_attached_are_trained_on_from_then_on(case, multilabel_data):
    X, Y = multilabel_data
    run = started(case, X, Y)
    make_steps(run, 80, 1)
    run.attach(X, 1 - Y)
    make_steps(run, 80, 4 * CASES[case][3])
    P = run.predict_proba(X)
    assert ((P > 0.5) == Y).mean() < 0.4


@by_case
def test_another_run_starts_from_a_checkpoint_where_there_is_one(case, multilabel_data):
    X, Y = multilabel_data
    first = started(case, X, Y)
    make_steps(first, 80, 1)
    solution = first.checkpoint()
    assert (solution is not None) == (case == "logistic")
    warm, cold = started(case, X, Y, solution=solution), started(case, X, Y)
    for run in (warm, cold):
        make_steps(run, 80, 1)
    if solution is None:
        assert_array_equal(warm.predict_proba(X), cold.predict_proba(X))
    else:
        assert warm.classifier.n_newton_.sum() < cold.classifier.n_newton_.sum()
        assert_allclose(warm.predict_proba(X), cold.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("case", ["logistic", "refit", "incremental", "torch"])
def test_a_row_without_weight_is_as_if_it_were_not_there(case, multilabel_data):
    X, Y = multilabel_data
    keep = np.arange(80) % 2 == 0
    run = started(case, X, np.where(keep[:, None], Y, 1 - Y), sample_weight=keep.astype(float))
    make_steps(run, 80, 3 * CASES[case][3])
    P = run.predict_proba(X[keep])
    assert ((P > 0.5) == Y[keep]).mean() > 0.75


@pytest.mark.parametrize("case", ["logistic", "refit", "torch"])  # scikit-learn's SGD treats sparse rows otherwise
def test_a_run_takes_the_training_data_of_a_fold_sparse_as_dense(case, multilabel_data):
    X, Y = multilabel_data
    train, results = np.arange(5, 75), []
    for form in (np.asarray, sp.csr_array):
        fold = Fold(form(X), form(Y.astype(np.int8)), None, train)
        run = CASES[case][0].training_run(seed=0)
        x, y, weight = fold.training_data()
        start(run, x, y, sample_weight=weight)
        make_steps(run, len(train), 2)
        results.append(run.predict_proba(x))
    assert_allclose(*results, atol=1e-3)


def test_the_seed_of_a_run_is_the_classifiers_own_where_it_has_one():
    assert small_torch().training_run(seed=7).classifier.random_state == 7
    assert small_torch(random_state=3).training_run(seed=7).classifier.random_state == 3


def test_a_native_estimator_is_refitted():
    assert type(NativeLabelClassifier(LogisticRegression()).training_run()) is RefitRun


class Frequencies(TrainingRun):
    """The smallest run there can be: the weighted share of positives."""

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.attach(X, Y, sample_weight)

    def step(self, rows, weights):
        self.share = np.clip(self.Y.mean(axis=0) * weights.label / weights.label.max(), 0.01, 0.99)

    def predict_proba(self, X):
        return np.tile(self.share, (len(X), 1))


def test_three_methods_make_a_run(multilabel_data):
    X, Y = multilabel_data
    run = Frequencies()
    run.start(X, Y)
    make_steps(run, 80, run.n_updates(80))
    assert_array_equal(run.predict_rows(X, np.arange(3)), run.predict_proba(X[:3]))
    assert run.checkpoint() is None
    assert (run.batch_size, run.scales, run.emphases, run.device) == (None, (), frozenset(), None)
    with pytest.raises(TypeError, match="abstract method"):
        TrainingRun()
