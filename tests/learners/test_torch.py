import copy
import functools

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from _cases import MLP, mlp, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch import nn

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.learners import LossWeights, TorchClassifier
from sklearn_metalabel.learners._training_run import BatchSampler


def by_hand(module, X, Y, *, loss, seed, lr=0.03, batch_size=32, n_epochs=8):
    """Train `module` by the loop that everybody writes, on the batches that this seed gives; returns the losses."""
    optimizer, losses = torch.optim.Adam(module.parameters(), lr=lr, fused=True), []
    sample = BatchSampler(len(X), batch_size, np.random.RandomState(seed))
    x, y = torch.tensor(X, dtype=torch.float32), torch.tensor(Y, dtype=torch.float32)
    for _ in range(n_epochs * -(-len(X) // batch_size)):
        rows = torch.from_numpy(sample())
        value = loss(module(x[rows]), y[rows])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def seed_of(random_state):
    """The seed that a fit with this random state draws."""
    return int(np.random.RandomState(random_state).randint(np.iinfo(np.int32).max))


def assert_same_state(classifier, module):
    assert classifier.state_.keys() == module.state_dict().keys()
    for name, value in module.state_dict().items():
        assert_array_equal(classifier.state_[name], value.numpy())


def test_uniform_weights_train_exactly_as_a_loop_around_torch(multilabel_data, global_random_seed):
    X, Y = multilabel_data
    classifier = small_torch(random_state=global_random_seed).fit(X, Y)
    seed = seed_of(global_random_seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = mlp(8, 4)
        losses = by_hand(module, X, Y, loss=nn.BCEWithLogitsLoss(), seed=seed)
    assert_same_state(classifier, module)
    assert_array_equal(classifier.loss_curve_, np.reshape(losses, (8, -1)).mean(axis=1))
    with torch.no_grad():
        expected = torch.sigmoid(module(torch.tensor(X, dtype=torch.float32))).numpy()
    assert_allclose(classifier.predict_proba(X), expected, rtol=1e-5)


def test_weights_train_exactly_as_a_loop_with_a_weighted_loss(multilabel_data):
    X, Y = multilabel_data
    weights = torch.tensor([2.0, 1.0, 0.5, 0.25])
    classifier = small_torch(random_state=0).fit(X, Y, label_weight=weights.tolist())
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(0))
        module = mlp(8, 4)
        by_hand(module, X, Y, loss=nn.BCEWithLogitsLoss(weight=weights), seed=seed_of(0))
    assert_same_state(classifier, module)


def test_sample_weights_follow_their_rows_through_shuffled_batches(multilabel_data):
    X, Y = multilabel_data
    keep = np.arange(len(X)) % 2 == 0
    flipped = np.where(keep[:, None], Y, 1 - Y)
    classifier = small_torch(random_state=0, n_epochs=30).fit(X, flipped, sample_weight=keep.astype(float))
    assert classifier.score(X[keep], Y[keep]) > 0.8


@pytest.mark.parametrize("size", [(3, 1), (7, 5), (50, 30)])
def test_one_row_is_predicted_as_in_a_batch_up_to_rounding(size):
    d, L = size
    rng = np.random.RandomState(0)
    X, Y = rng.randn(150, d), rng.randint(0, 2, (150, L))
    classifier = small_torch(n_epochs=1, random_state=0).fit(X, Y if L > 1 else Y.ravel())
    P = classifier.predict_proba(X)
    for i in [0, 1, 31, 63, 64, 127, 149]:
        assert_allclose(classifier.predict_proba(X[[i]])[0], P[i], rtol=1e-5)
    assert_allclose(classifier.predict_proba(X[::-1])[::-1], P, rtol=1e-5)


class WordBag(nn.Module):
    """Mean of word vectors; notes the type of its input."""

    seen = set()

    def __init__(self, n_labels, n_words=20):
        super().__init__()
        self.vectors = nn.Embedding(n_words, 8)
        self.out = nn.Linear(8, n_labels)

    def forward(self, x):
        self.seen.add(x.dtype)
        return self.out(self.vectors(x).mean(dim=1))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.float64])
def test_word_numbers_go_to_an_embedding_as_int64(dtype):
    rng = np.random.RandomState(0)
    X = rng.randint(0, 20, (60, 5)).astype(dtype)
    Y = np.column_stack([(X == k).any(axis=1) for k in range(3)]).astype(int)
    WordBag.seen.clear()
    small_torch(WordBag, n_epochs=1).fit(X, Y).predict(X)
    run = small_torch(WordBag).training_run()
    run.start(X, Y)
    run.step(np.arange(9), LossWeights.uniform(3))
    run.predict_proba(X)
    assert {torch.int64} == WordBag.seen


def test_whole_numbers_go_to_other_modules_as_float32(multilabel_data):
    X, Y = multilabel_data
    whole = X.round().astype(int)
    first, second = (small_torch(random_state=0).fit(each, Y).predict_proba(each) for each in (whole, 1.0 * whole))
    assert_array_equal(first, second)


def test_sparse_rows_train_as_dense_ones_bit_for_bit(multilabel_data):
    X, Y = multilabel_data
    X = np.where(np.abs(X) > 1, X, 0)
    dense, sparse = (small_torch(random_state=0).fit(each, Y) for each in (X, sp.csr_array(X)))
    for name, value in dense.state_.items():
        assert_array_equal(sparse.state_[name], value)
    assert_array_equal(sparse.predict_proba(sp.csr_array(X)), dense.predict_proba(X))


def test_many_sparse_labels_train_as_dense_ones():
    rng = np.random.RandomState(0)
    X, Y = rng.randn(40, 3), (rng.rand(40, 1001) < 0.5).astype(int)
    dense, sparse = (small_torch(n_epochs=1, random_state=0).fit(X, each) for each in (Y, sp.csr_array(Y)))
    assert_array_equal(sparse.predict_proba(X), dense.predict_proba(X))
    assert sp.issparse(sparse.predict(X))


def test_a_class_a_factory_a_partial_and_an_instance_train_alike(multilabel_data):
    X, Y = multilabel_data
    P = small_torch(MLP, random_state=0).fit(X, Y).predict_proba(X)
    for module in (mlp, functools.partial(mlp, n_features=8), lambda: mlp(8, 4)):
        assert_array_equal(small_torch(module, random_state=0).fit(X, Y).predict_proba(X), P)
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(0))
        sample = mlp(8, 4)
    assert small_torch(sample, random_state=0).fit(X, Y).predict_proba(X) == pytest.approx(P, abs=0.2)


def test_parameters_reach_the_module_and_the_optimizer(multilabel_data, monkeypatch):
    X, Y = multilabel_data
    given = {}

    class Noted(torch.optim.SGD):
        def __init__(self, params, **kwargs):
            given.update(kwargs)
            super().__init__(params, **kwargs)

    classifier = small_torch(module__hidden=3, optimizer=Noted, optimizer__momentum=0.5).fit(X, Y)
    assert given == {"lr": 0.03, "momentum": 0.5}
    assert classifier.state_["0.bias"].shape == (3,)
    assert clone(classifier).get_params()["module__hidden"] == 3


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adadelta", "rmsprop", "sgd"])
def test_every_optimizer_learns(optimizer, multilabel_data):
    lr = {"adadelta": 1.0, "sgd": 0.5}.get(optimizer, 0.03)
    curve = small_torch(optimizer=optimizer, lr=lr, random_state=0).fit(*multilabel_data).loss_curve_
    assert curve[-1] < curve[0] - 0.02


def frozen_first_layer(n_features, n_labels):
    module = mlp(n_features, n_labels)
    module[0].requires_grad_(False)
    return module


def test_frozen_parameters_stay_as_they_are(multilabel_data):
    X, Y = multilabel_data
    classifier = small_torch(frozen_first_layer, random_state=0).fit(X, Y)
    untrained = small_torch(frozen_first_layer, lr=1e-12, random_state=0).fit(X, Y)
    assert_array_equal(classifier.state_["0.weight"], untrained.state_["0.weight"])
    assert not np.allclose(classifier.state_["2.weight"], untrained.state_["2.weight"])


def test_predictions_change_nothing_and_follow_a_new_fit(multilabel_data):
    X, Y = multilabel_data
    classifier = small_torch(random_state=0).fit(X, Y)
    before = dict(vars(classifier))
    first = classifier.predict_proba(X)
    assert vars(classifier) == before
    classifier.set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(classifier.predict_proba(X), first)
    assert_array_equal(copy.deepcopy(classifier).predict_proba(X), classifier.predict_proba(X))


def test_read_only_and_memory_mapped_rows_are_taken(multilabel_data):
    X, Y = multilabel_data
    expected = small_torch(random_state=0).fit(X, Y).predict_proba(X)
    X32 = X.astype(np.float32)
    X32.flags.writeable = False
    Y.flags.writeable = False
    assert_allclose(small_torch(random_state=0).fit(X32, Y).predict_proba(X32), expected, rtol=1e-4)


def test_the_loss_curve_has_a_value_for_each_epoch_and_falls(multilabel_data):
    curve = small_torch(n_epochs=12, random_state=0).fit(*multilabel_data).loss_curve_
    assert curve.shape == (12,)
    assert curve[-1] < curve[0]


def test_the_device_that_was_used_is_kept_as_text(multilabel_data):
    classifier = small_torch(device=torch.device("cpu"), n_epochs=1).fit(*multilabel_data)
    assert classifier.device_ == "cpu"
    assert isinstance(classifier.state_["0.weight"], np.ndarray)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_trains_nearly_as_the_cpu_and_keeps_nothing_there(multilabel_data):
    X, Y = multilabel_data
    states = torch.get_rng_state(), torch.cuda.get_rng_state()
    on_cpu, on_gpu = (small_torch(device=name, random_state=0).fit(X, Y) for name in ("cpu", "cuda"))
    assert torch.equal(states[0], torch.get_rng_state())
    assert torch.equal(states[1], torch.cuda.get_rng_state())
    assert on_gpu.device_ == "cuda"
    assert_allclose(on_gpu.predict_proba(X), on_cpu.predict_proba(X), atol=1e-2)
    assert_array_equal(clone(on_gpu).fit(X, Y).predict_proba(X), on_gpu.predict_proba(X))
    assert_allclose(copy.deepcopy(on_gpu).set_params(device="cpu").predict_proba(X), on_gpu.predict_proba(X), atol=1e-5)
    with pytest.raises(ValueError, match="several training runs on one GPU"):
        MetaPolicyClassifier(small_torch(device="cuda"), n_jobs=2).fit(X, Y)
    MetaPolicyClassifier(small_torch(device="cuda"), training_policy="uniform").fit(X, Y).predict(X)


def test_a_shallow_look_at_the_parameters_includes_the_routed_ones():
    classifier = TorchClassifier(mlp, module__hidden=3)
    assert classifier.get_params(deep=False)["module__hidden"] == 3
    assert "module__hidden=3" in repr(classifier)


def test_the_trained_module_is_rebuilt_on_demand_and_may_be_changed(multilabel_data):
    X, Y = multilabel_data
    classifier = small_torch(random_state=0)
    assert not hasattr(classifier, "module_")
    P = classifier.fit(X, Y).predict_proba(X)
    module = classifier.module_
    assert not module.training
    with torch.no_grad():
        assert_allclose(torch.sigmoid(module(torch.tensor(X, dtype=torch.float32))).numpy(), P, rtol=1e-5)
        module[0].weight.zero_()
    assert_array_equal(classifier.predict_proba(X), P)
    assert "module_" not in vars(classifier)
    meta = MetaPolicyClassifier(small_torch(), training_policy="uniform", random_state=0).fit(X, Y)
    assert isinstance(meta.estimator_.module_, MLP)


class WithSigmoid(nn.Sequential):
    def __init__(self, n_features, n_labels):
        super().__init__(nn.Linear(n_features, n_labels), nn.Sigmoid())


@pytest.mark.parametrize(
    "make", [lambda net: net, LabelWeightedClassifier, lambda net: MetaPolicyClassifier(net, cv=2, random_state=0)]
)
def test_a_sigmoid_too_many_is_told_of_once(make, multilabel_data):
    X, Y = multilabel_data
    with pytest.warns(UserWarning, match=r"All outputs of the module lie in \[0, 1\].*take a last sigmoid") as caught:
        make(small_torch(WithSigmoid)).fit(X, Y)
    assert len(caught) == 1
    assert caught[0].filename == __file__


class Noted:
    """A callback that notes the tasks and what the estimator of each predicts; it may end a training."""

    def __init__(self, X, last=None):
        self.X, self.last, self.seen, self.predicted, self.y = X, last, [], [], None

    def setup(self, estimator, context):
        self.seen.append("setup")

    def teardown(self, estimator, context):
        self.seen.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.seen.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.seen.append(f"end {context.task_name} {context.task_id}")
        self.predicted.append(fitted_estimator.predict_proba(self.X))
        self.y = y
        return context.task_name == "epoch" and context.task_id == self.last


def test_epochs_are_tasks_of_callbacks_which_change_nothing(multilabel_data):
    X, Y = multilabel_data
    noted = Noted(X)
    plain = small_torch(n_epochs=2, random_state=0).fit(X, Y)
    watched = small_torch(n_epochs=2, random_state=0).set_callbacks(noted).fit(X, Y)
    epochs = [f"{what} epoch {k}" for k in range(2) for what in ("begin", "end")]
    assert noted.seen == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    assert_array_equal(watched.predict_proba(X), plain.predict_proba(X))
    assert_array_equal(noted.predicted[0], small_torch(n_epochs=1, random_state=0).fit(X, Y).predict_proba(X))
    assert_array_equal(noted.predicted[2], plain.predict_proba(X))
    assert_array_equal(noted.y, Y)
    assert not [name for name in vars(watched) if "callback" in name and name != "_skl_callbacks"]


@pytest.mark.parametrize("y", ["ab", "abc"])
def test_callbacks_are_given_the_classes(y, multilabel_data):
    X, _ = multilabel_data
    noted, y = Noted(X), np.resize(list(y), len(X))
    small_torch(n_epochs=1).set_callbacks(noted).fit(X, y)
    assert_array_equal(noted.y, y)


def test_a_callback_can_end_the_epochs(multilabel_data):
    X, Y = multilabel_data
    for stopping in (False, True):
        clf = small_torch(n_epochs=9, early_stopping=stopping, random_state=0).set_callbacks(Noted(X, last=2)).fit(X, Y)
        assert clf.n_epochs_ == len(clf.loss_curve_) == 3
    assert clf.best_epoch_ == clf.validation_scores_.argmax() + 1
