import numpy as np
import pytest
import torch
from _cases import mlp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, Freezer, LRScheduler
from skorch.dataset import ValidSplit
from torch import nn

from sklearn_metalabel import (
    FixedThresholdsClassifier,
    LabelWeightedClassifier,
    MetaPolicyClassifier,
    TunedThresholdsClassifierCV,
)
from sklearn_metalabel.learners import LossWeights
from sklearn_metalabel.learners._skorch import SkorchLabelClassifier
from sklearn_metalabel.policies import FixedWeights

# Thresholds are not what is looked at here.
QUICK = {"prediction_policy": "shrunken", "cv": 2, "random_state": 0}


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
    assert first.training_policy_.history_["reward"].shape == (6, 1)  # four proposals, two of them to the end


def alone(given, X, Y, seed):
    """The net trained by skorch itself, after the seeds that our adapter draws."""
    with torch.random.fork_rng():
        torch.manual_seed(int(np.random.RandomState(seed).randint(np.iinfo(np.int32).max)))
        return clone(given).fit(X.astype(np.float32), Y.astype(np.float32))


class OwnCriterion(nn.Module):
    """A loss of a user's, that cannot be had entry by entry."""

    calls = 0

    def forward(self, outputs, targets):
        OwnCriterion.calls += 1
        return ((outputs - targets) ** 2).mean()


class EntryCriterion(nn.Module):
    """A loss of a user's with torch's own word for how it is reduced."""

    def __init__(self, reduction="mean", power=2):
        super().__init__()
        self.reduction, self.power = reduction, power

    def forward(self, outputs, targets):
        loss = (outputs - targets).abs() ** self.power
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()


class Sigmoid(Net):
    def forward(self, x):
        return super().forward(x).sigmoid()


def own_predictions(outputs):
    return outputs.sigmoid() / 2


LOSSES = {
    "log-loss of logits": (net(), torch.sigmoid),
    "weighted positives": (net(criterion__pos_weight=torch.tensor([9.0, 1.0, 1.0, 0.2])), torch.sigmoid),
    "sum": (net(criterion__reduction="sum"), torch.sigmoid),
    "log-loss of probabilities": (net(Sigmoid, criterion=nn.BCELoss), lambda P: P),
    "a loss of the user's": (net(Sigmoid, criterion=OwnCriterion), lambda P: P),
    "a loss of the user's by entry": (net(Sigmoid, criterion=EntryCriterion, criterion__power=3), lambda P: P),
    "a loss of logits": (net(criterion=nn.MultiLabelSoftMarginLoss), torch.sigmoid),
    "probabilities of the user's": (net(predict_nonlinearity=own_predictions), own_predictions),
}


@pytest.mark.parametrize(
    "make",
    [
        lambda base: FixedThresholdsClassifier(SkorchLabelClassifier(base, random_state=0)),
        lambda base: TunedThresholdsClassifierCV(base, **QUICK),
        lambda base: MetaPolicyClassifier(base, training_policy="uniform", **QUICK),
        lambda base: LabelWeightedClassifier(base, random_state=0),
    ],
    ids=["fixed", "tuned", "uniform", "weighted"],
)
@pytest.mark.parametrize("name", LOSSES)
def test_a_net_is_trained_as_it_is_where_no_weights_are_learned(name, make, multilabel_data):
    X, Y = multilabel_data
    given, probabilities = LOSSES[name]
    ours = make(given).fit(X, Y)
    expected = probabilities(alone(given, X, Y, ours.estimator_.random_state).forward(X.astype(np.float32)))
    assert_allclose(ours.estimator_.predict_proba(X), expected.numpy(), rtol=1e-5)
    assert "get_loss" not in vars(ours.estimator_.net_)
    assert not ours.estimator_.net_.warm_start


@pytest.mark.parametrize("policy", ["search", "shared"])
@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"a loss of the user's", "a loss of logits"}))
def test_a_nets_own_loss_is_weighted_where_weights_are_learned(name, policy, multilabel_data):
    X, Y = multilabel_data
    given, _ = LOSSES[name]
    meta = MetaPolicyClassifier(given, training_policy=policy, **QUICK).fit(X, Y)
    assert np.ptp(meta.predict_proba(X), axis=0).min() > 0.1
    assert (meta.predict(X) == Y).mean() > 0.6


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_equal_weights_are_a_factor_of_the_loss(reduction, multilabel_data):
    X, Y = multilabel_data
    given = net(Sigmoid, criterion=EntryCriterion, criterion__reduction=reduction, optimizer=torch.optim.SGD)
    doubled = LabelWeightedClassifier(clone(given).set_params(lr=0.01), label_weight=np.full(4, 1.0), random_state=0)
    run = SkorchLabelClassifier(clone(given).set_params(lr=0.005)).training_run()
    other = SkorchLabelClassifier(clone(given).set_params(lr=0.01)).training_run()
    for each, weight in ((run, 2.0), (other, 1.0)):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            each.start(X, Y)
            each.step(None, LossWeights(np.full(4, weight)))
    assert_allclose(run.predict_proba(X), other.predict_proba(X), rtol=1e-5)
    assert doubled.fit(X, Y).weights_.tolist() == [1, 1, 1, 1]


def test_a_loss_that_cannot_be_weighted_is_refused_by_name_and_called_as_it_is_elsewhere(multilabel_data):
    given, _ = LOSSES["a loss of the user's"]
    for estimator in (
        LabelWeightedClassifier(given, label_weight=[1, 2, 3, 4]),
        MetaPolicyClassifier(given, training_policy="shared"),
        MetaPolicyClassifier(given, training_policy=FixedWeights("frequency")),
    ):
        with pytest.raises(ValueError, match="criterion OwnCriterion of the skorch net cannot be weighted by label"):
            estimator.fit(*multilabel_data)
    OwnCriterion.calls = 0
    MetaPolicyClassifier(given, cv=2).fit(*multilabel_data)
    assert OwnCriterion.calls == 2 * 5 * 2 + 5 * 4  # batches: two halves of the rows, then all of them
    one_per_row = net(criterion=nn.CrossEntropyLoss)
    with pytest.raises(ValueError, match=r"CrossEntropyLoss .* gives a loss of shape \(20,\) for \(20, 4\)"):
        LabelWeightedClassifier(one_per_row, label_weight=[1, 2, 3, 4]).fit(*multilabel_data)


class Noting(Callback):
    """Notes epochs by training."""

    trainings = []

    def on_train_begin(self, net, **kwargs):
        Noting.trainings.append(["begin"])

    def on_epoch_end(self, net, **kwargs):
        Noting.trainings[-1].append("epoch")

    def on_train_end(self, net, **kwargs):
        Noting.trainings[-1].append("end")


@pytest.mark.parametrize("policy", ["uniform", "search", "shared"])
def test_epochs_and_callbacks_happen_in_every_training(policy, multilabel_data):
    Noting.trainings = []
    meta = MetaPolicyClassifier(net(callbacks=[Noting()]), training_policy=policy, **QUICK)
    meta.fit(*multilabel_data)
    # Of a search, two of four proposals are given up after a part of their training.
    n_trainings = {"uniform": 2, "search": 3, "shared": getattr(meta.training_policy_, "n_episodes_", 0)}[policy] + 1
    given_up = 2 if policy == "search" else 0
    happened = [event for training in Noting.trainings for event in training]
    assert happened.count("begin") == n_trainings + given_up
    assert happened.count("epoch") == 5 * n_trainings + given_up
    assert happened.count("end") == n_trainings


@pytest.mark.parametrize("policy", ["uniform", "search", "shared"])
def test_callbacks_that_end_freeze_schedule_and_restore_do_so_in_every_training(policy, multilabel_data, tmp_path):
    X, Y = multilabel_data
    split = {"train_split": ValidSplit(4), "max_epochs": 6}

    def fitted(*callbacks, **params):
        base = net(callbacks=list(callbacks), **{**split, **params})
        return MetaPolicyClassifier(base, training_policy=policy, **QUICK).fit(X, Y).estimator_.net_

    assert len(fitted(EarlyStopping(patience=2, threshold=0.9)).history) == 3
    initial, frozen = net(Frozen), fitted(Freezer("inner.0.weight"), module=Frozen)
    name = "inner.0.weight"
    assert torch.equal(frozen.module_.state_dict()[name], initial.initialize().module_.state_dict()[name])
    rates = [row["event_lr"] for row in fitted(LRScheduler("StepLR", step_size=1, gamma=0.5), lr=0.04).history]
    assert_allclose(rates, 0.04 * 0.5 ** np.arange(6))
    best = fitted(Checkpoint(dirname=tmp_path, load_best=True), lr=0.5, optimizer=torch.optim.SGD)
    inputs, targets = X.astype(np.float32), torch.from_numpy(Y.astype(np.float32))
    valid = slice(0, 20)  # the first of the four parts is held out
    loss = nn.BCEWithLogitsLoss()(best.forward(inputs[valid]), targets[valid]).item()
    assert loss == pytest.approx(min(best.history[:, "valid_loss"]), rel=0.2) or policy != "uniform"


class Frozen(Net):
    """Starts from the same numbers each time."""

    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.inner[0].weight.copy_(torch.linspace(-1, 1, self.inner[0].weight.numel()).reshape(16, 8))


def test_a_run_to_its_end_is_the_training_of_the_net(multilabel_data):
    X, Y = multilabel_data
    given = net(train_split=ValidSplit(4))
    run = SkorchLabelClassifier(given).training_run()
    seed = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        run.start(X, Y)
        for _ in range(run.n_updates(80)):
            run.step(None, LossWeights.uniform(4))
    trained = SkorchLabelClassifier(given, random_state=0)
    trained._fit_labels(X, Y, weights=LossWeights.uniform(4))
    assert_array_equal(run.predict_proba(X), trained._label_probabilities(X))
    P = run.predict_proba(X)
    run.step(None, LossWeights.uniform(4))  # the training has ended
    assert_array_equal(run.predict_proba(X), P)


@pytest.mark.parametrize("policy", ["uniform", "shared"])
def test_an_interrupt_by_hand_ends_the_fit_and_leaves_the_estimator(policy, multilabel_data):
    X, Y = multilabel_data
    meta = MetaPolicyClassifier(net(), training_policy=policy, **QUICK).fit(X, Y)
    P, before = meta.predict_proba(X), dict(vars(meta))
    meta.set_params(estimator__module=Interrupted)
    with pytest.raises(KeyboardInterrupt):
        meta.fit(X, Y)
    assert vars(meta) == before
    assert_array_equal(meta.predict_proba(X), P)


class Interrupted(Net):
    def forward(self, x):
        raise KeyboardInterrupt


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


def test_a_step_is_an_epoch_of_the_weighted_loss(multilabel_data):
    X, Y = multilabel_data
    sgd = {"optimizer": torch.optim.SGD, "lr": 0.5, "batch_size": -1}
    run, weights = started(X, Y, **sgd), np.array([2.0, 1.0, 0.5, 0.5])
    before = {name: value.detach().numpy().copy() for name, value in run.net.module_.named_parameters()}
    logits = run.net.module_(torch.from_numpy(X.astype(np.float32)))
    target = torch.from_numpy(Y.astype(np.float32))
    loss = nn.BCEWithLogitsLoss(weight=torch.tensor(weights, dtype=torch.float32))(logits, target)
    gradients = torch.autograd.grad(loss, list(run.net.module_.parameters()))
    run.step(None, LossWeights(weights))
    for (name, value), gradient in zip(run.net.module_.named_parameters(), gradients, strict=True):
        assert_allclose(value.detach().numpy(), before[name] - 0.5 * gradient.numpy(), atol=1e-6)


@pytest.mark.parametrize("emphasis", [{"positive": np.array([9.0, 4.0, 1.0, 2.0])}, {"focus": 2.0}])
def test_probabilities_are_corrected_for_what_the_loss_weighed(emphasis, multilabel_data):
    X, Y = multilabel_data
    run, weights = started(X, Y), LossWeights(np.ones(4), **emphasis)
    run.step(None, weights)
    classifier = SkorchLabelClassifier(net(), random_state=0)
    classifier._fit_labels(X, Y, weights=weights)
    for P, trained in ((run.predict_proba(X), run.net), (classifier._label_probabilities(X), classifier.net_)):
        raw = trained.forward(X.astype(np.float32)).sigmoid().numpy()
        positive = emphasis.get("positive", np.ones(4))
        negative = np.maximum(raw - 0.05, 0.1) ** emphasis.get("focus", 0.0)
        odds = raw / (1 - raw) * negative / positive
        assert_allclose(P, odds / (1 + odds), atol=1e-6)


def test_an_update_is_an_epoch(multilabel_data):
    run = started(*multilabel_data)
    assert (run.batch_size, run.n_updates(80)) == (None, 5)
    run.step(None, LossWeights.uniform(4))
    assert [len(row["batches"]) for row in run.net.history] == [4]


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
    wrong = net(Sigmoid, module__n_outputs=3, criterion=Lenient)
    for make in (LabelWeightedClassifier, MetaPolicyClassifier, FixedThresholdsClassifier):
        with pytest.raises(ValueError, match=r"one output for each row and label, in shape \(\d+, 4\), got \(\d+, 3\)"):
            make(wrong).fit(*multilabel_data)
    outside = net(predict_nonlinearity=torch.exp)
    with pytest.raises(ValueError, match=r"probabilities must lie in \[0, 1\], got values from"):
        FixedThresholdsClassifier(outside).fit(*multilabel_data).predict(multilabel_data[0])


class Lenient(nn.Module):
    def forward(self, outputs, targets):
        return outputs.mean()


@pytest.mark.parametrize("policy", ["uniform", "search", "shared"])
def test_a_diverging_net_is_caught_at_the_epoch(policy, multilabel_data):
    diverging = net(optimizer=torch.optim.SGD, lr=1e30)
    with pytest.raises(ValueError, match=r"training loss became (nan|inf) in epoch \d+.*lr=1e\+30"):
        MetaPolicyClassifier(diverging, training_policy=policy).fit(*multilabel_data)


@pytest.mark.parametrize("make", [LabelWeightedClassifier, MetaPolicyClassifier])
def test_sample_weights_are_refused(make, multilabel_data):
    with pytest.raises(ValueError, match="skorch net takes no sample_weight"):
        make(net()).fit(*multilabel_data, sample_weight=np.ones(80))


def test_the_net_given_stays_untouched(multilabel_data):
    given = net()
    MetaPolicyClassifier(given, training_policy="uniform", cv=2).fit(*multilabel_data)
    assert not hasattr(given, "module_")
