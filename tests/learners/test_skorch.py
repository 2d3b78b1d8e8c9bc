import numpy as np
import pytest
import torch
from _cases import mlp
from numpy.testing import assert_allclose, assert_array_equal
from skorch import NeuralNet
from torch import nn

from sklearn_metalabel import LabelWeightedClassifier, MetaPolicyClassifier
from sklearn_metalabel.learners import LossWeights
from sklearn_metalabel.learners._skorch import SkorchLabelClassifier


class Net(nn.Module):
    def __init__(self, n_outputs=4, n_features=8):
        super().__init__()
        self.inner = mlp(n_features, n_outputs)

    def forward(self, x):
        return self.inner(x)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.vectors = nn.Embedding(20, 4)

    def forward(self, x):
        return self.vectors(x).mean(dim=1)


def net(module=Net, **params):
    defaults = {"criterion": nn.BCEWithLogitsLoss, "optimizer": torch.optim.Adam, "lr": 0.03, "max_epochs": 5}
    return NeuralNet(module, **{**defaults, "batch_size": 20, "train_split": None, "verbose": 0, **params})


def test_a_skorch_net_goes_into_a_meta_policy(multilabel_data):
    X, Y = multilabel_data
    first, second = (MetaPolicyClassifier(net(), random_state=0).fit(X, Y) for _ in range(2))
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert ((first.predict_proba(X) > 0.5) == Y).mean() > 0.7
    assert first.training_policy_.history_["reward"].shape == (12, 1)  # four proposals on three folds


def test_weights_of_one_train_as_skorch_itself(multilabel_data):
    X, Y = multilabel_data
    ours = LabelWeightedClassifier(net(iterator_train__shuffle=False), random_state=0).fit(X, Y)
    seed = ours.estimator_.random_state
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.RandomState(seed).randint(np.iinfo(np.int32).max)))
        alone = net(iterator_train__shuffle=False).fit(X.astype(np.float32), Y.astype(np.float32))
    logits = alone.forward(X.astype(np.float32)).numpy()
    assert_allclose(ours.predict_proba(X), 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert "get_loss" not in vars(ours.estimator_.net_)


def test_a_heavy_label_is_learned_first(multilabel_data):
    X, Y = multilabel_data
    losses = []
    for weights in ([100.0, 1, 1, 1], [1.0, 100, 100, 100]):
        fitted = LabelWeightedClassifier(net(optimizer=torch.optim.SGD), label_weight=weights, random_state=0).fit(X, Y)
        P = fitted.predict_proba(X)[:, 0]
        losses.append(-np.log(np.where(Y[:, 0], P, 1 - P)).mean())
    assert losses[0] < losses[1]


def started(X, Y, **params):
    run = SkorchLabelClassifier(net(**params)).training_run()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        run.start(X, Y)
    return run


def test_a_step_is_the_weighted_loss_of_the_batch(multilabel_data):
    X, Y = multilabel_data
    run, weights, rows = started(X, Y), np.array([2.0, 1.0, 0.5, 0.5]), np.array([4, 2, 9])
    P = run.predict_proba(X[rows])
    expected = -(weights * np.log(np.where(Y[rows], P, 1 - P))).mean()
    assert run.step(rows, LossWeights(weights)) == pytest.approx(expected, rel=1e-4)
    assert not np.array_equal(run.predict_proba(X[rows]), P)


@pytest.mark.parametrize("emphasis", [{"positive": np.array([9.0, 4.0, 1.0, 2.0])}, {"focus": 2.0}])
def test_probabilities_are_corrected_for_what_the_loss_weighed(emphasis, multilabel_data):
    X, Y = multilabel_data
    run, weights = started(X, Y), LossWeights(np.ones(4), **emphasis)
    run.step(np.arange(20), weights)
    classifier = SkorchLabelClassifier(net(), random_state=0)
    classifier._fit_labels(X, Y, weights=weights)
    for P, trained in ((run.predict_proba(X), run.net), (classifier._label_probabilities(X), classifier.net_)):
        raw = trained.forward(X.astype(np.float32)).sigmoid().numpy()
        positive = emphasis.get("positive", np.ones(4))
        negative = np.maximum(raw - 0.05, 0.1) ** emphasis.get("focus", 0.0)
        odds = raw / (1 - raw) * negative / positive
        assert_allclose(P, odds / (1 + odds), atol=1e-6)


def test_updates_and_batches_are_those_of_the_net(multilabel_data):
    run = started(*multilabel_data)
    assert (run.batch_size, run.n_updates(80), run.n_updates(81)) == (20, 20, 25)
    whole = started(*multilabel_data, batch_size=-1)
    assert (whole.batch_size, whole.n_updates(80)) == (None, 5)
    assert whole.step(None, LossWeights.uniform(4)) > whole.step(None, LossWeights.uniform(4))


def test_whole_numbers_go_to_a_linear_module_as_floats_and_to_an_embedding_as_int64(multilabel_data):
    X, Y = multilabel_data
    whole = X.round().astype(int)
    P, same = (LabelWeightedClassifier(net(), random_state=0).fit(x, Y).predict_proba(x) for x in (whole, 1.0 * whole))
    assert_array_equal(same, P)
    words = np.random.RandomState(0).randint(0, 20, (80, 3))
    assert LabelWeightedClassifier(net(Words)).fit(words, Y).predict(words).shape == Y.shape


def test_extreme_logits_give_probabilities_inside_without_a_warning(multilabel_data):
    X, Y = multilabel_data
    fitted = LabelWeightedClassifier(net(), random_state=0).fit(X, Y)
    P = fitted.predict_proba(X * 1e6)
    assert P.min() > 0
    assert P.max() < 1


def test_a_module_that_does_not_fit_is_named(multilabel_data):
    match = r"must return logits of shape \(batch, n_labels\) = \(\d+, 4\), got \(\d+, 3\)"
    with pytest.raises(ValueError, match=match):
        LabelWeightedClassifier(net(module__n_outputs=3)).fit(*multilabel_data)
    with pytest.raises(ValueError, match=match):
        MetaPolicyClassifier(net(module__n_outputs=3)).fit(*multilabel_data)


def test_a_diverging_net_is_caught_at_the_step(multilabel_data):
    diverging = net(optimizer=torch.optim.SGD, lr=1e30)
    with pytest.raises(ValueError, match=r"training loss became (nan|inf) at update \d+.*lr=1e\+30"):
        MetaPolicyClassifier(diverging).fit(*multilabel_data)


@pytest.mark.parametrize("make", [LabelWeightedClassifier, MetaPolicyClassifier])
def test_sample_weights_are_refused(make, multilabel_data):
    with pytest.raises(ValueError, match="skorch net takes no sample_weight"):
        make(net()).fit(*multilabel_data, sample_weight=np.ones(80))


def test_the_net_given_stays_untouched(multilabel_data):
    given = net()
    MetaPolicyClassifier(given, training_policy="uniform", cv=2).fit(*multilabel_data)
    assert not hasattr(given, "module_")
