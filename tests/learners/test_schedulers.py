import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from _cases import MLP, small_torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch.optim import lr_scheduler

from sklearn_metalabel import MetaPolicyClassifier
from sklearn_metalabel.learners import LossWeights

N_EPOCHS, N_BATCHES = 6, 3  # of the 80 rows of multilabel_data


class Rates(torch.optim.SGD):
    """Notes the learning rate of each update."""

    seen = []

    def step(self, closure=None):
        self.seen.append(self.param_groups[0]["lr"])
        return super().step(closure)


def rates(data, scheduler, lr=0.1, **params):
    """The learning rates of all updates of a fit."""
    Rates.seen.clear()
    options = {"n_epochs": N_EPOCHS, "optimizer": Rates, "lr": lr, "random_state": 0}
    small_torch(MLP, scheduler=scheduler, **{**options, **params}).fit(*data)
    return np.array(Rates.seen)


def by_torch(scheduler, per_update, lr=0.1, **params):
    """Those of a loop around torch's scheduler."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=lr)
    made, seen = scheduler(optimizer, **params), []
    for update in range(N_EPOCHS * N_BATCHES):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (per_update and update < N_EPOCHS * N_BATCHES - 1) or (
            not per_update and update % N_BATCHES == N_BATCHES - 1
        ):
            made.step()
    return np.array(seen)


TOTAL = N_EPOCHS * N_BATCHES
CASES = {
    "step": ("step", {"step_size": 2, "gamma": 0.5}, lr_scheduler.StepLR, False, {}),
    "exponential": ("exponential", {"gamma": 0.5}, lr_scheduler.ExponentialLR, False, {}),
    "one_cycle": ("one_cycle", {}, lr_scheduler.OneCycleLR, True, {"max_lr": 0.1, "total_steps": TOTAL}),
    "one_cycle by epochs": (
        "one_cycle",
        {"epochs": 8, "steps_per_epoch": 4, "max_lr": 0.3},
        lr_scheduler.OneCycleLR,
        True,
        {},
    ),
    "a class": (lr_scheduler.CosineAnnealingLR, {}, lr_scheduler.CosineAnnealingLR, False, {"T_max": N_EPOCHS}),
    "a class of updates": (
        lr_scheduler.CyclicLR,
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4},
        lr_scheduler.CyclicLR,
        True,
        {},
    ),
    "a partial": (partial(lr_scheduler.StepLR, step_size=1), {}, lr_scheduler.StepLR, False, {"step_size": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_learning_rates_are_those_of_torch(name, multilabel_data):
    scheduler, given, of_torch, per_update, known = CASES[name]
    found = rates(multilabel_data, scheduler, **{f"scheduler__{key}": value for key, value in given.items()})
    assert_allclose(found, by_torch(of_torch, per_update, **known, **given), rtol=1e-12)
    assert len(set(found)) > 1


def test_no_scheduler_leaves_the_learning_rate(multilabel_data):
    assert_array_equal(rates(multilabel_data, None), np.full(TOTAL, 0.1))


@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_linear_and_cosine_rise_and_fall_to_nothing(warmup, multilabel_data):
    n = round(warmup * TOTAL)
    left = 1 - np.arange(TOTAL - n) / (TOTAL - n)
    rise = np.arange(1, n + 1) / max(n, 1)
    for name, fall in (("linear", left), ("cosine", (1 + np.cos(np.pi * (1 - left))) / 2)):
        assert_allclose(rates(multilabel_data, name, scheduler__warmup=warmup), 0.1 * np.r_[rise, fall], rtol=1e-12)


def test_a_function_is_told_what_it_asks_for_and_counts_updates_where_it_asks_for_them(multilabel_data):
    told = {}

    def of_updates(optimizer, n_updates, n_epochs, power=1.0):
        told.update(n_updates=n_updates, n_epochs=n_epochs, power=power)
        return lr_scheduler.PolynomialLR(optimizer, n_updates, power)

    found = rates(multilabel_data, of_updates, scheduler__power=2.0)
    assert told == {"n_updates": TOTAL, "n_epochs": N_EPOCHS, "power": 2.0}
    assert_allclose(found, 0.1 * (1 - np.arange(TOTAL) / TOTAL) ** 2)
    of_epochs = rates(multilabel_data, lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.5))
    assert_allclose(of_epochs, 0.1 * 0.5 ** (np.arange(TOTAL) // N_BATCHES))


@pytest.mark.parametrize(
    ("stopping", "values"),
    [
        ({}, lambda clf: clf.loss_curve_),
        ({"early_stopping": True}, lambda clf: -clf.validation_scores_),
        ({"early_stopping": True, "scoring": "f1_macro"}, lambda clf: -clf.validation_scores_),
    ],
    ids=["training loss", "validation loss", "validation score"],
)
def test_a_plateau_is_looked_for_in_what_is_scored(stopping, values, multilabel_data):
    options = {"n_epochs": 15, "lr": 0.5, "scheduler__patience": 1, "scheduler__threshold_mode": "abs"}
    options["scheduler__threshold"] = 0.03
    options |= {"n_iter_no_change": 15} if stopping else {}
    Rates.seen.clear()
    clf = small_torch(MLP, optimizer=Rates, scheduler="plateau", random_state=0, **options, **stopping)
    clf.fit(*multilabel_data)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    twin, expected = lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, threshold=0.03, threshold_mode="abs"), []
    for value in values(clf):
        expected.append(optimizer.param_groups[0]["lr"])
        twin.step(value)
    assert_allclose(np.reshape(Rates.seen, (15, -1))[:, 0], expected)
    assert len(set(expected)) > 1


def test_the_rate_stays_where_a_policy_trains_beyond_the_last_epoch(multilabel_data):
    X, Y = multilabel_data
    run = small_torch(MLP, n_epochs=1, scheduler="one_cycle").training_run()
    run.start(X, Y)
    sample = run.batches(80, np.random.RandomState(0))
    for _ in range(9):
        run.step(sample(), LossWeights.uniform(4))
    assert run.optimizer.param_groups[0]["lr"] == pytest.approx(0.03 / 25 / 1e4)


def test_policies_train_networks_whose_rate_changes(multilabel_data):
    X, Y = multilabel_data
    base = small_torch(MLP, scheduler="cosine", scheduler__warmup=0.2)
    for policy in ("search", "shared"):
        meta = MetaPolicyClassifier(base, training_policy=policy, cv=2, random_state=0)
        P = meta.fit(X, Y).predict_proba(X)
        assert_array_equal(clone(meta).set_params(n_jobs=2).fit(X, Y).predict_proba(X), P)


def test_a_run_with_a_scheduler_is_pickled_for_its_predictions(multilabel_data):
    X, Y = multilabel_data
    run = small_torch(MLP, scheduler="linear").training_run()
    run.start(X, Y)
    run.step(np.arange(9), LossWeights.uniform(4))
    assert_array_equal(pickle.loads(pickle.dumps(run)).predict_proba(X), run.predict_proba(X))
    assert copy.deepcopy(run.classifier).scheduler == "linear"


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"scheduler": "cosin"}, ValueError, r"scheduler must be None, one of \['cosine', .* got 'cosin'"),
        ({"scheduler": "step"}, TypeError, "scheduler step cannot be made: missing a required argument: 'step_size'"),
        ({"scheduler": "cosine", "scheduler__gamma": 1}, TypeError, r"parameters are \['n_updates', 'warmup'\]"),
        ({"scheduler__gamma": 1}, ValueError, "scheduler=None takes no parameters, got scheduler__gamma"),
        ({"scheduler": lambda optimizer: 3}, TypeError, "must give a scheduler .* which gave a int"),
        ({"scheduler": lr_scheduler.StepLR}, TypeError, "scheduler StepLR cannot be made"),
        ({"scheduler": "linear", "scheduler__warmup": 1.0}, ValueError, r"share of the updates in \[0, 1\), got 1.0"),
    ],
)
def test_what_is_no_scheduler_is_refused(params, error, match, multilabel_data):
    with pytest.raises(error, match=match):
        small_torch(MLP, **params).fit(*multilabel_data)
