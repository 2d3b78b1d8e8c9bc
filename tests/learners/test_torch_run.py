import copy
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from _cases import small_torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from sklearn_metalabel.learners import LossWeights, TorchClassifier
from sklearn_metalabel.learners._torch_run import InputConverter, _of_full_precision
from sklearn_metalabel.learners._training_run import BatchSampler
from sklearn_metalabel.nn import MLP


def started(classifier, X, Y, **kwargs):
    run = classifier.training_run()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        run.start(X, Y, **kwargs)
    return run


def gradients(classifier, X, Y, label_weight, **kwargs):
    """Change of a plain gradient step of length 1, by parameter."""
    run = started(classifier, X, Y, **kwargs)
    before = {name: value.clone() for name, value in run.module.state_dict().items()}
    run.step(np.arange(len(X)), LossWeights(np.asarray(label_weight, dtype=float)))
    return {name: (before[name] - value).numpy() for name, value in run.module.state_dict().items()}


def plain_sgd():
    return small_torch(optimizer="sgd", lr=1.0)


def test_twice_the_weight_is_twice_the_gradient_of_that_label_alone(multilabel_data):
    X, Y = multilabel_data
    once, twice = (gradients(plain_sgd(), X, Y, w) for w in ([1, 1, 1, 1], [1, 2, 1, 1]))
    assert_allclose(twice["2.weight"][1], 2 * once["2.weight"][1], rtol=1e-4, atol=1e-6)
    assert_array_equal(twice["2.weight"][[0, 2, 3]], once["2.weight"][[0, 2, 3]])


def test_twice_the_sample_weight_is_the_row_twice(multilabel_data):
    X, Y = multilabel_data
    weight = np.ones(len(X))
    weight[:10] = 2
    weighted = gradients(plain_sgd(), X, Y, np.ones(4), sample_weight=weight)
    repeated = gradients(plain_sgd(), np.r_[X, X[:10]], np.r_[Y, Y[:10]], np.ones(4))
    for name, value in weighted.items():
        assert_allclose(value * len(X), repeated[name] * (len(X) + 10), rtol=1e-3, atol=1e-5)


def test_a_step_of_the_run_is_a_step_written_by_hand(multilabel_data):
    X, Y = multilabel_data
    run = started(small_torch(), X, Y)
    twin = copy.deepcopy(run.module)
    optimizer = torch.optim.Adam(twin.parameters(), lr=0.03, fused=True)
    for rows in (np.array([3, 1, 7]), np.array([0, 2])):
        weights = np.array([0.5, 2.0, 1.0, 0.5])
        loss = nn.functional.binary_cross_entropy_with_logits(
            twin(torch.tensor(X[rows], dtype=torch.float32)),
            torch.tensor(Y[rows], dtype=torch.float32),
            weight=torch.tensor(weights, dtype=torch.float32),
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert run.step(rows, LossWeights(weights)) == loss.item()
    for a, b in zip(run.module.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def with_dropout(n_features, n_labels):
    return nn.Sequential(nn.BatchNorm1d(n_features), nn.Dropout(0.5), nn.Linear(n_features, n_labels))


def test_dropout_and_batch_statistics_are_off_in_predictions_and_on_in_every_step(multilabel_data):
    X, Y = multilabel_data
    classifier = small_torch(with_dropout, random_state=0).fit(X, Y)
    assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(X))
    assert classifier.state_["0.num_batches_tracked"] == 8 * 3
    run = started(small_torch(with_dropout), X, Y)
    run.predict_proba(X)
    run.step(np.arange(10), LossWeights.uniform(4))
    assert run.module.training
    assert run.module[0].num_batches_tracked == 1


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_of_the_last_step_are_predicted_as_any_others(sparse, multilabel_data):
    X, Y = multilabel_data
    X = sp.csr_matrix(X) if sparse else X
    run = small_torch(batch_size=30).training_run()
    run.start(X, Y)
    first, last = np.arange(30), np.arange(30, 60)
    assert_array_equal(run.predict_rows(X, first), run.predict_proba(X[first]))
    for rows in (first, last):
        run.step(rows, LossWeights.uniform(4))
    for rows in (first, last):
        assert_array_equal(run.predict_rows(X, rows), run.predict_proba(X[rows]))
    assert_array_equal(run.predict_rows(X, None), run.predict_proba(X))
    run.attach(2 * X, Y)
    assert_array_equal(run.predict_rows(2 * X, last), run.predict_proba(2 * X[last]))


def test_the_optimiser_of_a_custom_class_is_left_alone(multilabel_data):
    classifier = small_torch(optimizer=torch.optim.Adam)
    assert started(classifier, *multilabel_data).optimizer.defaults["fused"] is None


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_updates_are_fused_unless_other_kernels_are_asked_for(optimizer, multilabel_data):
    cases = [({}, True), ({"optimizer__fused": False}, False), ({"optimizer__foreach": True}, None)]
    for params, expected in cases:
        run = started(small_torch(optimizer=optimizer, **params), *multilabel_data)
        assert run.optimizer.defaults["fused"] is expected


def test_fused_updates_are_the_others_up_to_rounding(multilabel_data):
    states = [
        small_torch(random_state=0, optimizer__fused=fused).fit(*multilabel_data).state_ for fused in (True, False)
    ]
    for name, value in states[0].items():
        assert_allclose(value, states[1][name], rtol=1e-3, atol=1e-5)


class SparseGradients(nn.Sequential):
    """Mean of word vectors whose gradients are sparse, which fused kernels refuse."""

    def __init__(self, n_labels, n_tokens):
        super().__init__(nn.EmbeddingBag(n_tokens, 8, sparse=True), nn.Linear(8, n_labels))


def test_sparse_gradients_are_updated_by_the_kernels_that_take_them():
    rng = np.random.RandomState(0)
    X = rng.randint(0, 20, (60, 5))
    Y = np.column_stack([(X == k).any(axis=1) for k in range(3)]).astype(int)
    curve = small_torch(SparseGradients, optimizer="sgd", lr=1.0, random_state=0).fit(X, Y).loss_curve_
    assert curve[-1] < curve[0]


def test_a_step_asks_the_device_for_nothing(multilabel_data, monkeypatch):
    X, Y = multilabel_data
    run = started(small_torch(), X, Y, sample_weight=np.ones(len(X)))

    def wait(tensor, *args):
        raise AssertionError("waits for the device")

    for name in ("item", "tolist", "cpu", "numpy", "__float__", "__bool__"):
        monkeypatch.setattr(torch.Tensor, name, wait)
    sample = run.batches(len(X), np.random.RandomState(0))
    for _ in range(10):
        run.step(sample(), LossWeights.uniform(4))
    monkeypatch.undo()
    run.check()
    assert len(run.losses) == 10


def make_steps(run, n_steps):
    for _ in range(n_steps):
        run.step(np.arange(5), LossWeights.uniform(4))


def nan_from(update):
    """A module whose logits are NaN from this update on."""

    class Failing(nn.Linear):
        n_calls = 0

        def forward(self, x):
            type(self).n_calls += 1
            return super().forward(x) * (float("nan") if self.n_calls >= update else 1.0)

    return lambda n_features, n_labels: Failing(n_features, n_labels)


@pytest.mark.parametrize("update", [1, 7, 64, 65, 130])
def test_the_update_where_the_loss_was_lost_is_named_whenever_it_is_found(update, multilabel_data):
    X, Y = multilabel_data
    match = rf"loss became nan at update {update}: lower the learning rate \(lr=0.03\)"
    with pytest.raises(ValueError, match=match):
        small_torch(nan_from(update), n_epochs=50).fit(X, Y)
    with pytest.raises(ValueError, match=match):
        make_steps(started(small_torch(nan_from(update)), X, Y), 200)


@pytest.mark.parametrize("look", ["check", "predict_proba", "predict_rows"])
def test_a_lost_loss_is_found_before_anything_is_predicted(look, multilabel_data):
    X, Y = multilabel_data
    run, rows = started(small_torch(nan_from(3)), X, Y), np.arange(5)
    make_steps(run, 4)
    arguments = {"check": (), "predict_proba": (X,), "predict_rows": (X, rows)}[look]
    with pytest.raises(ValueError, match="loss became nan at update 3"):
        getattr(run, look)(*arguments)


def test_batches_drawn_by_the_run_train_as_those_of_any_sampler(multilabel_data):
    X, Y = multilabel_data
    results = []
    for own in (True, False):
        run, rng = started(small_torch(), X, Y, sample_weight=np.arange(len(X)) / 40), np.random.RandomState(0)
        sample = run.batches(len(X), rng) if own else BatchSampler(len(X), run.batch_size, rng)
        for _ in range(7):
            run.step(sample(), LossWeights.uniform(4))
        run.check()
        results.append((run.losses, run.predict_proba(X)))
    assert results[0][0] == results[1][0]
    assert_array_equal(results[0][1], results[1][1])


def test_the_rows_of_an_epoch_are_moved_together_and_others_may_come_between(multilabel_data):
    X, Y = multilabel_data
    run = started(small_torch(), X, Y)
    sample, others = run.batches(len(X), np.random.RandomState(0)), np.array([5, 3])
    for _ in range(2 * -(-len(X) // 32)):
        rows = sample()
        assert_array_equal(run._index(others), others)
        index = run._index(rows)
        assert_array_equal(index, rows)
        assert index.untyped_storage().data_ptr() == run._index.order.untyped_storage().data_ptr()
        assert_array_equal(run._index(rows), rows)


def test_weights_that_are_changed_in_place_are_seen(multilabel_data):
    X, Y = multilabel_data
    for dtype in (np.float32, np.float64):
        run, twin = (started(small_torch(), X, Y) for _ in range(2))
        weights, rows = np.ones(4, dtype=dtype), np.arange(20)
        run.step(rows, LossWeights(weights))
        twin.step(rows, LossWeights.uniform(4))
        weights[1] = 3.0
        assert run.step(rows, LossWeights(weights)) == twin.step(rows, LossWeights(np.array([1.0, 3.0, 1.0, 1.0])))
        assert run.step(rows, LossWeights(weights)) != twin.step(rows, LossWeights.uniform(4))


def test_weights_of_positives_that_are_changed_in_place_are_seen(multilabel_data):
    X, Y = multilabel_data
    run, twin = (started(small_torch(), X, Y) for _ in range(2))
    positive, rows = np.ones(4), np.arange(20)
    for changed in (1.0, 5.0):
        positive[1] = changed
        same = LossWeights(np.ones(4), positive=np.array([1.0, changed, 1.0, 1.0]))
        assert run.step(rows, LossWeights(np.ones(4), positive=positive)) == twin.step(rows, same)
    assert run.step(rows, LossWeights.uniform(4)) == twin.step(rows, LossWeights.uniform(4))
    assert_array_equal(run.predict_proba(X), twin.predict_proba(X))


class Noted(MLP):
    """Notes whether its batches are sparse."""

    seen = set()

    def forward(self, x):
        self.seen.add(x.is_sparse)
        if x.is_sparse:
            row, column = x.indices()
            assert (torch.diff(row * x.shape[1] + column) > 0).all()  # in order, none twice
        return super().forward(x)


class Refusing(Noted):
    """The same network, for dense batches alone."""

    accepts_sparse = False


def sparse_rows(X):
    """X with most entries left out, dense and sparse: one row empty, entries in two halves, columns in no order."""
    X = np.where(np.abs(X) > 1, X, 0)
    X[3] = 0
    half = sp.csr_array(X / 2)
    spans = list(pairwise(half.indptr))
    columns, values = (np.concatenate([np.tile(a[i:j][::-1], 2) for i, j in spans]) for a in (half.indices, half.data))
    return X, sp.csr_array((values, columns, 2 * half.indptr), shape=X.shape)


@pytest.mark.parametrize(("module", "handed"), [(Noted, True), (Refusing, False)])
def test_sparse_batches_go_to_modules_that_take_them_and_give_the_same(module, handed, multilabel_data):
    X, Y = multilabel_data
    X, sparse = sparse_rows(X)
    params = {"module__hidden": 16, "random_state": 0}
    dense = small_torch(module, **params).fit(X, Y)
    Noted.seen.clear()
    classifier = small_torch(module, **params).fit(sparse, Y)
    P = classifier.predict_proba(sparse)
    assert Noted.seen == {handed}
    assert not sparse.has_canonical_format
    assert_allclose(P, dense.predict_proba(X), rtol=1e-3)
    for name, value in dense.state_.items():
        assert_allclose(classifier.state_[name], value, rtol=1e-3, atol=1e-4)
    assert_allclose(classifier.predict_proba(sparse[[5]])[0], P[5], rtol=1e-5)


def test_half_precision_is_near_the_whole_and_leaves_nothing_switched_on(multilabel_data):
    X, Y = multilabel_data
    whole, half, again = (small_torch(precision=p, random_state=0).fit(X, Y) for p in ("float32", *2 * ("bfloat16",)))
    P = half.predict_proba(X)
    assert P.dtype == np.float64
    assert all(value.dtype == np.float32 for value in half.state_.values())
    assert not np.array_equal(P, whole.predict_proba(X))
    assert_allclose(P, whole.predict_proba(X), atol=0.05)
    assert_array_equal(P, again.predict_proba(X))
    assert not torch.is_autocast_enabled("cpu")
    run = started(small_torch(precision="bfloat16"), X, Y)
    assert run.step(np.arange(9), LossWeights.uniform(4)).dtype == torch.float32


def test_an_unknown_precision_is_refused(multilabel_data):
    with pytest.raises(ValueError, match="'precision' parameter of TorchClassifier must be a str among"):
        TorchClassifier(MLP, precision="float16").fit(*multilabel_data)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_takes_half_precision_sparse_batches_and_every_loss(multilabel_data):
    X, Y = multilabel_data
    _, sparse = sparse_rows(X)
    for params in ({"precision": "bfloat16"}, {"loss": "asymmetric"}, {"loss": "distribution_balanced"}):
        for given in (X, sparse):
            on_cpu, on_gpu = (small_torch(MLP, device=d, random_state=0, **params) for d in ("cpu", "cuda"))
            P = on_gpu.fit(given, Y).predict_proba(given)
            assert_allclose(P, on_cpu.fit(given, Y).predict_proba(given), atol=0.05)


def test_an_apple_gpu_is_given_no_doubles_and_no_sparse_rows(monkeypatch):
    with pytest.raises(ValueError, match='parameters are float64, which MPS does not know; set device="cpu"'):
        _of_full_precision(nn.Linear(2, 2).double(), torch.device("mps"))
    monkeypatch.setattr("sklearn_metalabel.learners._torch_run._to_tensor", lambda *args: "dense")
    module, rows = MLP(3, 2), sp.csr_array(np.eye(3))
    assert InputConverter(module, torch.device("cpu"), False)(rows).is_sparse
    assert InputConverter(module, torch.device("mps"), False)(rows) == "dense"
