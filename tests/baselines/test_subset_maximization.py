import copy
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from _cases import MLP, SMALL_DECODER, mlp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from sklearn_metalabel import ConstantLabelWarning
from sklearn_metalabel.baselines import SubsetMaximizationClassifier
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.nn import TextCNN


def small(module=None, **params):
    return SubsetMaximizationClassifier(module, **{**SMALL_DECODER, "device": "cpu", "random_state": 0, **params})


# Enough for 600 rows, at a third of the updates.
LARGE_STEPS = {"lr": 0.1, "batch_size": 64, "n_epochs": 10}


def exclusive_sets(seed, n=1000):
    """Two features; the first says which three label sets are possible, with probabilities .4, .3 and .3."""
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 2)
    sets = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 1], [1, 1, 0], [0, 1, 1]]])
    return X, sets[(X[:, 0] > 0).astype(int), rng.choice(3, size=n, p=[0.4, 0.3, 0.3])]


def test_it_predicts_sets_that_independent_labels_never_form(global_random_seed):
    X, Y = exclusive_sets(global_random_seed)
    train, test = slice(0, 600), slice(600, None)
    independent = LabelWeightedLogistic().fit(X[train], Y[train])
    joint = small(**LARGE_STEPS).fit(X[train], Y[train])
    assert independent.score(X[test], Y[test]) < 0.15
    assert joint.score(X[test], Y[test]) > 0.33


def parity(seed, n=1000):
    """Two labels that the features give, under noise, and a third that is one where exactly one of them is.

    No linear function of the features says anything about the third: one must read the other two.
    """
    rng = np.random.RandomState(seed)
    X = rng.randn(n, 4)
    first, second = (X[:, :2] + rng.randn(n, 2) * 0.7 > 0).astype(int).T
    return X, np.column_stack([first, second, first ^ second])


def test_a_label_that_is_the_parity_of_two_others_is_always_in_accord_with_them(global_random_seed):
    X, Y = parity(global_random_seed)
    joint, independent = (c.fit(X[:600], Y[:600]) for c in (small(**LARGE_STEPS), LabelWeightedLogistic()))
    together, alone = (c.predict(X[600:]) for c in (joint, independent))
    assert_array_equal(together[:, 0] ^ together[:, 1], together[:, 2])
    assert (alone[:, 0] ^ alone[:, 1] != alone[:, 2]).mean() > 0.3
    assert joint.score(X[600:], Y[600:]) > independent.score(X[600:], Y[600:]) + 0.1


def test_the_most_probable_set_has_more_hits_than_one_favoured_for_its_length():
    rng = np.random.RandomState(0)
    X = rng.randn(1000, 2)
    Y = np.array([[1, 0, 0], [0, 1, 1]])[(rng.rand(1000) < 0.45).astype(int)]
    joint = small(n_epochs=5).fit(X[:600], Y[:600])
    assert joint.predict(X).sum(axis=1).mean() > 1.8
    assert joint.set_params(length_penalty=0.0).predict(X).sum(axis=1).mean() < 1.2
    assert joint.score(X[600:], Y[600:]) > 0.5


def test_probabilities_and_margins_agree_with_the_predicted_sets(multilabel_data):
    X, Y = multilabel_data
    classifier = small().fit(X, Y)
    P, predicted, margins = classifier.predict_proba(X), classifier.predict(X), classifier.decision_function(X)
    assert ((P > 0) & (P < 1)).all()
    assert_allclose(margins, np.where(predicted == 1, P, P - 1))
    assert (P[predicted == 1].mean() - P[predicted == 0].mean()) > 0.5


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_have_the_probabilities_of_the_first_step(n_classes):
    rng = np.random.RandomState(0)
    X = rng.randn(200, 3)
    y = np.array(["a", "b", "c"])[:n_classes][(X @ rng.randn(3, n_classes)).argmax(axis=1)]
    classifier = small(beam_width=1).fit(X, y)
    assert classifier.max_labels_ == 1
    P = classifier.predict_proba(X)
    assert_allclose(P.sum(axis=1), 1)
    assert_array_equal(classifier.predict(X), classifier.classes_[P.argmax(axis=1)])
    assert_allclose(clone(classifier).set_params(beam_width=4).fit(X, y).predict_proba(X), P)
    assert classifier.score(X, y) > 0.85


@pytest.mark.parametrize(
    ("order", "expected"),
    [("frequent", [2, 1, 3, 0]), ("rare", [0, 1, 3, 2]), ("hierarchy", [2, 1, 3, 0]), ([3, 1, 0, 2], [3, 1, 0, 2])],
)
def test_the_order_is_resolved_and_kept(order, expected):
    rng = np.random.RandomState(0)
    X, Y = rng.randn(40, 2), np.zeros((40, 4), dtype=int)
    for j, count in enumerate([4, 8, 12, 8]):
        Y[j : j + count, j] = 1
    assert small(order=order, n_epochs=1).fit(X, Y).label_order_.tolist() == expected


def test_a_hierarchy_and_a_seed_decide_the_other_orders(multilabel_data):
    X, Y = multilabel_data
    order = small(order="hierarchy", hierarchy=[3, 0, 1, -1], n_epochs=1).fit(X, Y).label_order_
    assert order.tolist() == [3, 0, 1, 2]
    orders = [small(order="random", n_epochs=1, random_state=seed).fit(X, Y).label_order_ for seed in (0, 0, 1, 2)]
    assert_array_equal(orders[0], orders[1])
    assert len({tuple(each) for each in orders}) > 1
    with pytest.raises(ValueError, match="order must name each label index from 0 to 3 once"):
        small(order=[0, 1, 2]).fit(X, Y)


@pytest.mark.parametrize("order", ["rare", "random"])
def test_every_order_learns(order, multilabel_data):
    X, Y = multilabel_data
    assert small(order=order, n_epochs=20).fit(X, Y).score(X, Y) > 0.7


@pytest.mark.parametrize("max_labels", [1, 2, None, 10**9])
def test_no_set_is_larger_than_the_largest(max_labels, multilabel_data):
    X, Y = multilabel_data
    Y = np.maximum(Y, (X[:, :1] > -1) * [[1, 1, 1, 0]])
    classifier = small(max_labels=max_labels).fit(X, Y)
    assert classifier.max_labels_ == min(max_labels or 4, 4)
    assert classifier.predict(X).sum(axis=1).max() == classifier.max_labels_


def test_labels_with_one_value_are_predicted_as_they_are_and_named_once(multilabel_data):
    X, Y = multilabel_data
    Y = np.column_stack([Y[:, 0], np.zeros(80, dtype=int), np.ones(80, dtype=int), Y[:, 1]])
    with pytest.warns(
        ConstantLabelWarning, match=r"2 of 4 labels have one value in all training rows \(1, 2\)"
    ) as seen:
        classifier = small().fit(X, Y)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert set(classifier.label_order_) == {0, 3}
    assert_array_equal(classifier.predict(X)[:, 1:3], [[0, 1]] * 80)
    assert (classifier.predict_proba(X)[:, 1] < 1e-6).all()
    assert (classifier.predict_proba(X)[:, 2] > 1 - 1e-6).all()
    without = small().fit(X, Y[:, [0, 3]])
    assert_array_equal(classifier.predict_proba(X)[:, [0, 3]], without.predict_proba(X))


def test_labels_that_never_vary_leave_nothing_to_learn(multilabel_data):
    X, _ = multilabel_data
    Y = np.tile([0, 1, 0], (80, 1))
    with pytest.warns(ConstantLabelWarning):
        classifier = small().fit(X, Y)
    assert classifier.label_order_.size == 0
    assert_array_equal(classifier.predict(X), Y)


def test_rows_without_labels_are_learned():
    rng = np.random.RandomState(0)
    X = rng.randn(200, 2)
    Y = (X > 0).astype(int) * (X[:, :1] > -0.5)
    classifier = small(n_epochs=15).fit(X, Y)
    empty = Y.sum(axis=1) == 0
    assert empty.sum() > 50
    assert (classifier.predict(X[empty]).sum(axis=1) == 0).mean() > 0.8


def test_sample_weights_follow_their_rows(multilabel_data):
    X, Y = multilabel_data
    keep = np.arange(len(X)) % 2 == 0
    flipped = np.where(keep[:, None], Y, 1 - Y)
    classifier = small(n_epochs=30).fit(X, flipped, sample_weight=keep.astype(float))
    assert classifier.score(X[keep], Y[keep]) > 0.8
    ones = small().fit(X, Y, sample_weight=np.ones(len(X)))
    assert_array_equal(ones.predict_proba(X), small().fit(X, Y).predict_proba(X))
    with pytest.raises(TypeError, match=r"fit got unexpected arguments \['label_weight'\]; it takes sample_weight"):
        classifier.fit(X, Y, label_weight=[1, 1, 1, 1])


def encoder(n_features, n_labels):
    return mlp(n_features, n_labels, hidden=7)


def test_any_module_is_an_encoder_and_an_instance_is_never_touched(multilabel_data):
    X, Y = multilabel_data
    by_class = small(MLP, module__hidden=7).fit(X, Y)
    assert by_class.state_["encoder.0.weight"].shape == (7, 8)
    assert by_class.state_["encoder.2.weight"].shape == (16, 7)
    assert_array_equal(small(encoder).fit(X, Y).predict_proba(X), by_class.predict_proba(X))
    sample = mlp(8, 16)
    before = copy.deepcopy(sample.state_dict())
    assert small(sample).fit(X, Y).score(X, Y) > 0.3
    assert all(torch.equal(value, before[name]) for name, value in sample.state_dict().items())
    with pytest.raises(ValueError, match=r"\(batch, hidden_size\) = \(27, 16\), got \(27, 5\); give its last layer"):
        small(mlp(8, 5)).fit(X, Y)
    with pytest.raises(TypeError, match="module must be a torch.nn.Module"):
        small(lambda: "no module").fit(X, Y)


def test_a_text_network_encodes_word_numbers():
    rng = np.random.RandomState(0)
    X = rng.randint(2, 20, (150, 5))
    Y = np.column_stack([(X == k).any(axis=1) for k in (2, 3)])
    Y = np.column_stack([Y, ~Y.any(axis=1)]).astype(int)
    sizes = {"module__embedding_dim": 8, "module__n_filters": 8, "module__dropout": 0.0}
    classifier = small(TextCNN, n_epochs=25, **sizes).fit(X, Y)
    assert classifier.state_["encoder.words.table.weight"].shape == (20, 8)
    assert classifier.score(X, Y) > 0.9


def test_parameters_reach_the_optimizer_and_others_are_refused(multilabel_data):
    X, Y = multilabel_data
    plain, decayed = (small(optimizer="adamw", optimizer__weight_decay=d).fit(X, Y) for d in (0.0, 3.0))
    norms = [sum((value**2).sum() for value in each.state_.values()) for each in (plain, decayed)]
    assert norms[1] < 0.5 * norms[0]
    with pytest.raises(ValueError, match="optimizer must be one of"):
        small(optimizer="adm").fit(X, Y)
    with pytest.raises(TypeError, match="SubsetMaximizationClassifier has no parameter 'hidden'"):
        small(hidden=3).fit(X, Y)


def test_a_grid_search_goes_over_own_and_routed_parameters(multilabel_data):
    X, Y = multilabel_data
    grid = {"beam_width": [1, 3], "module__hidden": [2, 20]}
    search = GridSearchCV(small(MLP, n_epochs=3), grid, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_the_loss_curve_is_the_likelihood_of_the_training_sets_and_falls(multilabel_data):
    X, Y = multilabel_data
    curve = small(n_epochs=12).fit(X, Y).loss_curve_
    assert curve.shape == (12,)
    assert 0 < curve[-1] < 0.5 * curve[0] < np.log(2**4)


def test_a_learning_rate_that_is_too_large_is_named(multilabel_data):
    X, Y = multilabel_data
    with pytest.raises(ValueError, match=r"training loss became \w+: lower the learning rate \(lr=1e\+38\)"):
        small(optimizer="sgd", lr=1e38, clip_norm=None).fit(X, Y)


def test_predictions_change_nothing_and_follow_a_later_fit(multilabel_data):
    X, Y = multilabel_data
    classifier = small().fit(X, Y)
    before, first = dict(vars(classifier)), classifier.predict_proba(X)
    assert vars(classifier) == before
    assert_array_equal(copy.deepcopy(classifier).predict_proba(X), first)
    classifier.set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(classifier.predict_proba(X), first)


def test_many_sparse_labels_train_as_dense_ones():
    rng = np.random.RandomState(0)
    X, Y = rng.randn(40, 3), (rng.rand(40, 1001) < 0.003).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantLabelWarning)
        dense, sparse = (small(n_epochs=1).fit(X, each) for each in (Y, sp.csr_array(Y)))
    assert_array_equal(sparse.predict_proba(X), dense.predict_proba(X))
    assert sp.issparse(sparse.predict(X))


def test_nothing_is_predicted_before_fit(multilabel_data):
    X, _ = multilabel_data
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(small(), method)(X)


@pytest.mark.parametrize(
    "params",
    [
        {"order": "alphabetical"},
        {"hidden_size": 0},
        {"embedding_dim": 0},
        {"beam_width": 0},
        {"length_penalty": -1.0},
        {"max_labels": 0},
        {"clip_norm": 0.0},
        {"lr": 0.0},
        {"n_epochs": 0},
        {"module": "mlp"},
    ],
)
def test_parameters_out_of_range_are_named(params, multilabel_data):
    [name] = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SubsetMaximizationClassifier must be"):
        small(**params).fit(*multilabel_data)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_trains_nearly_as_the_cpu_and_keeps_nothing_there(multilabel_data):
    X, Y = multilabel_data
    on_cpu, on_gpu = (small(device=name).fit(X, Y) for name in ("cpu", "cuda"))
    assert on_gpu.device_ == "cuda"
    assert_allclose(on_gpu.loss_curve_, on_cpu.loss_curve_, rtol=0.05)
    # cuDNN's recurrent layers compute with fewer bits than the CPU (TF32).
    assert_allclose(copy.deepcopy(on_gpu).set_params(device="cpu").predict_proba(X), on_gpu.predict_proba(X), atol=2e-3)
