import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from _cases import MLP, small_torch
from _worker_cases import Wide
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import average_precision_score, f1_score, jaccard_score, log_loss
from torch import nn

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LossWeights
from sklearn_metalabel.learners._early_stopping import count_training_rows
from sklearn_metalabel.policies import PolicySearch

X, Y = make_multilabel_classification(240, n_features=8, n_classes=4, n_labels=2, random_state=3)
X = (X - X.mean(axis=0)) / X.std(axis=0)
UNKNOWN = np.where(np.random.default_rng(0).random(Y.shape) < 0.2, np.nan, Y)


class Parts(Wide):
    """The same network for two inputs."""

    def __init__(self, n_labels):
        super().__init__(8, n_labels)

    def forward(self, first, second):
        return super().forward(torch.cat([first, second], dim=1))


def stopping(module=Wide, **params):
    """A network that learns too much in 40 epochs of large steps."""
    options = {"n_epochs": 40, "early_stopping": True, "validation_fraction": 0.25, "lr": 0.1, "random_state": 0}
    return small_torch(module, **{**options, **params})


class Course:
    """A training run that is taken to its end, and what it was after each epoch."""

    def __init__(self, classifier, X, Y, seed=0, weights=None, **options):
        self.run = classifier.training_run(seed)
        weights = LossWeights.uniform(Y.shape[1]) if weights is None else weights
        self.states, self.seen = [], set()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.run.start(X, Y, seed=seed, **options)
            sample = self.run.batches(len(Y), np.random.RandomState(seed))
            n_epochs = classifier.n_epochs
            for _ in range(n_epochs):
                for _ in range(self.run.n_updates(len(Y)) // n_epochs):
                    rows = sample()
                    self.seen |= set(rows.tolist())
                    self.run.step(rows, weights)
                self.states.append(copy.deepcopy(self.run.module.state_dict()))
                if self.run.finished:
                    break
        self.stopping = self.run.epochs.stopping


def assert_same_state(state, other):
    for name, value in state.items():
        assert torch.equal(value, other[name])


def test_validation_rows_are_a_stratified_share_that_is_never_trained_on():
    course = Course(stopping(), X, Y)
    train, rows = course.stopping.train, course.stopping.rows
    assert len(rows) == 60
    assert sorted([*train, *rows]) == list(range(240))
    assert course.seen == set(train.tolist())
    assert np.abs(Y[rows].sum(axis=0) - Y.sum(axis=0) / 4).max() <= 1
    assert course.run.n_updates(240) == 40 * -(-180 // 32)


def test_the_training_ends_after_so_many_epochs_without_a_gain_and_keeps_the_best():
    for patience in (1, 2, 5):
        course = Course(stopping(n_iter_no_change=patience, tol=1e-3), X, Y)
        scores, best, waited = course.stopping.scores, -np.inf, 0
        for epoch, score in enumerate(scores, start=1):
            assert waited < patience
            waited = 0 if score >= best + 1e-3 else waited + 1
            best = max(best, score)
            assert (epoch == len(scores)) == (waited == patience)
        assert len(scores) < 40
        assert course.stopping.best_epoch == 1 + int(np.argmax(scores))
        assert course.run.finished
        if course.stopping.best_epoch < len(scores):
            best_state = course.states[course.stopping.best_epoch - 1]
            assert_same_state(course.run.module.state_dict(), best_state)


def test_a_training_that_gains_to_the_end_is_finished_after_its_epochs_with_the_best():
    course = Course(stopping(n_epochs=3, lr=0.01), X, Y)
    assert len(course.states) == course.stopping.best_epoch == 3
    assert course.run.finished


def test_steps_of_a_finished_training_change_nothing():
    course = Course(stopping(n_iter_no_change=1), X, Y)
    before = copy.deepcopy(course.run.module.state_dict())
    P = course.run.predict_proba(X)
    assert course.run.step(np.arange(9), LossWeights.uniform(4)) is None
    assert_same_state(course.run.module.state_dict(), before)
    assert_array_equal(course.run.predict_rows(X, np.arange(9)), P[:9])


def probabilities(state, rows):
    module = MLP(8, 4, 32)
    module.load_state_dict(state)
    with torch.no_grad():
        return torch.sigmoid(module(torch.tensor(X[rows], dtype=torch.float32)).double()).numpy()


SCORES = {
    "loss": lambda y, P: -np.mean([log_loss(y[:, j], P[:, j]) for j in range(4)]),
    "average_precision": average_precision_score,
    "f1_micro": lambda y, P: f1_score(y, P > 0.5, average="micro"),
    "jaccard_macro": lambda y, P: jaccard_score(y, P > 0.5, average="macro"),
}


@pytest.mark.parametrize("scoring", SCORES)
def test_scores_are_those_that_scikit_learn_computes_on_the_validation_rows(scoring):
    course = Course(stopping(scoring=scoring, n_epochs=4), X, Y)
    rows = course.stopping.rows
    expected = [SCORES[scoring](Y[rows], probabilities(state, rows)) for state in course.states[:3]]
    assert_allclose(course.stopping.scores[:3], expected, rtol=1e-5)


def test_a_function_of_decisions_scores():
    by_name, by_function = (
        stopping(scoring=scoring, n_epochs=4).fit(X, Y).validation_scores_
        for scoring in ("accuracy", lambda y, decided: (y == decided).all(axis=1).mean())
    )
    assert_array_equal(by_name, by_function)


def test_unknown_entries_and_weights_count_in_the_validation_loss():
    weight = np.random.default_rng(1).integers(0, 3, size=len(X)).astype(float)
    encoded = np.where(np.isnan(UNKNOWN), -1, UNKNOWN).astype(np.int8)
    course = Course(stopping(n_epochs=2), X, encoded, sample_weight=weight)
    rows = course.stopping.rows
    y, P = encoded[rows], probabilities(course.states[0], rows)
    counts = weight[rows, None] * (y >= 0)
    losses = -np.log(np.where(y > 0, P, 1 - P))
    assert_allclose(course.stopping.scores[0], -(losses * counts).sum() / counts.sum(), rtol=1e-5)


def test_the_validation_loss_of_many_rows_is_computed_in_parts(monkeypatch):
    whole = stopping(n_epochs=2).fit(X, UNKNOWN).validation_scores_
    monkeypatch.setattr("sklearn_metalabel.learners._early_stopping._BLOCK_ENTRIES", 28)
    assert_allclose(stopping(n_epochs=2).fit(X, UNKNOWN).validation_scores_, whole, rtol=1e-6)


def test_the_validation_loss_does_not_weight_labels_and_corrects_for_an_emphasis():
    for weights in (LossWeights(np.array([9.0, 1, 1, 0.1])), LossWeights(np.ones(4), np.array([9.0, 1, 1, 4]))):
        course = Course(stopping(n_epochs=3), X, Y, weights=weights)
        state, rows = course.states[0], course.stopping.rows
        P = probabilities(state, rows)
        odds = P / (1 - P) / (1 if weights.positive is None else weights.positive)
        assert_allclose(course.stopping.scores[0], SCORES["loss"](Y[rows], odds / (1 + odds)), rtol=1e-5)


@pytest.mark.parametrize("loss", ["asymmetric", "focal", "distribution_balanced"])
def test_the_validation_loss_is_that_of_the_training(loss):
    course = Course(stopping(loss=loss, n_epochs=2), X, Y)
    rows, run = course.stopping.rows, course.run
    P = probabilities(course.states[0], rows)
    expected = run.loss(torch.from_numpy(np.log(P / (1 - P))), torch.from_numpy(Y[rows]).float(), torch.ones(4))
    assert_allclose(course.stopping.scores[0], -float(expected), rtol=1e-4)


@pytest.mark.parametrize("scoring", ["loss", "average_precision", "f1_macro"])
@pytest.mark.parametrize("labels", [Y, UNKNOWN], ids=["known", "unknown"])
def test_sparse_rows_and_labels_and_several_inputs_stop_alike(scoring, labels):
    weight = np.random.default_rng(1).integers(0, 3, size=len(X)).astype(float)
    dense = stopping(scoring=scoring).fit(X, labels, sample_weight=weight)
    sparse = stopping(scoring=scoring).fit(sp.csr_array(X), sp.csr_array(labels), sample_weight=weight)
    parts = stopping(Parts, scoring=scoring)
    parts.fit({"first": X[:, :3], "second": X[:, 3:]}, labels, sample_weight=weight)
    for other in (sparse, parts):
        assert_array_equal(other.validation_scores_, dense.validation_scores_)
        for name, value in dense.state_.items():
            assert_array_equal(other.state_[name], value)


def test_modules_that_take_sparse_rows_are_validated_on_them():
    class Sparse(nn.Module):
        accepts_sparse, seen = True, set()

        def __init__(self, n_features, n_labels):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(n_features, n_labels))

        def forward(self, x):
            self.seen.add((self.training, x.is_sparse))
            return torch.sparse.mm(x, self.weight)

    clf = stopping(Sparse)
    assert clf.fit(sp.csr_array(X), Y).n_epochs_ == len(clf.validation_scores_)
    assert Sparse.seen == {(True, True), (False, True)}


@pytest.mark.parametrize(
    "y", [Y[:, 0], Y[:, 0] + Y[:, 1], np.array(["a", "b"])[Y[:, 1]]], ids=["0/1", "three", "names"]
)
def test_classes_stop_too(y):
    for scoring in ("loss", "average_precision", "f1_macro"):
        clf = stopping(scoring=scoring).fit(X, y)
        assert clf.n_epochs_ < 40
        assert clf.score(X, y) > 0.6


def test_fitted_attributes_say_what_was_done():
    clf = stopping().fit(X, Y)
    assert clf.validation_scores_.shape == clf.loss_curve_.shape == (clf.n_epochs_,)
    assert clf.best_epoch_ == clf.validation_scores_.argmax() + 1 < clf.n_epochs_ < 40
    plain = stopping(early_stopping=False, validation_fraction=0.1).fit(X, Y)
    assert (plain.n_epochs_, plain.validation_scores_, plain.best_epoch_) == (40, None, None)
    assert_array_equal(clone(clf).fit(X, Y).predict_proba(X), clf.predict_proba(X))
    assert b"torch" not in pickle.dumps({k: v for k, v in vars(clf).items() if k.endswith("_")})


@pytest.mark.parametrize("policy", ["uniform", "search", "shared", "gru"])
def test_every_training_run_of_a_policy_stops_by_itself_for_any_number_of_jobs(policy):
    base = stopping(random_state=None, n_iter_no_change=2)
    one, two = (
        MetaPolicyClassifier(base, training_policy=policy, cv=2, n_jobs=n, random_state=0).fit(X, Y) for n in (1, 2)
    )
    assert one.estimator_.best_epoch_ < one.estimator_.n_epochs_ < 40
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_the_run_of_a_policy_is_the_fit_of_the_network(monkeypatch):
    base = stopping(random_state=5)
    run = base.training_run(0)
    seed = int(np.random.RandomState(5).randint(np.iinfo(np.int32).max))
    course = Course(base, X, Y, seed=seed)
    assert not hasattr(run, "epochs")
    fitted = base.fit(X, Y)
    assert course.stopping.scores == fitted.validation_scores_.tolist()
    assert_array_equal(fitted.predict_proba(X).astype(np.float32), course.run.predict_proba(X))


def test_a_run_that_is_paused_stops_as_one_that_is_not(monkeypatch):
    whole = MetaPolicyClassifier(stopping(), training_policy=PolicySearch(n_folds="auto"), random_state=0)
    monkeypatch.setattr("sklearn_metalabel.policies._search.MANY_ROWS", 100)
    monkeypatch.setattr("sklearn_metalabel.policies._search.SCREENING_SHARE_OF_MANY", 0.05)
    paused, again = (clone(whole).set_params(n_jobs=n).fit(X, Y) for n in (1, 2))  # two jobs train from the beginning
    assert_array_equal(paused.training_policy_.history_["reward"], again.training_policy_.history_["reward"])
    assert_array_equal(paused.predict_proba(X), again.predict_proba(X))


def test_thresholds_are_tuned_over_a_network_that_stops():
    clf = TunedThresholdsClassifierCV(stopping(random_state=None), cv=2, random_state=0).fit(X, Y)
    assert clf.estimator_.best_epoch_ < 40


def test_what_cannot_be_validated_is_refused():
    with pytest.raises(ValueError, match=r"validation_fraction=0.9 leaves no row of 2 to train on"):
        stopping(validation_fraction=0.9).fit(X[:2], np.array([[0, 1], [1, 0]]))
    with pytest.raises(ValueError, match="validation rows of positive sample_weight"):
        stopping(validation_fraction=0.01).fit(X, Y, sample_weight=(np.arange(240) == 0).astype(float))
    rare = (np.arange(240)[:, None] == np.arange(4)).astype(int)  # too rare for a share of three rows
    with pytest.raises(ValueError, match="needs validation rows that have a label"):
        stopping(scoring="average_precision", validation_fraction=0.01).fit(X, rare)
    with pytest.raises(ValueError, match='scoring must be "loss", "average_precision", or .* got .roc_auc'):
        stopping(scoring="roc_auc").fit(X, Y)
    with pytest.raises(ValueError, match="cannot score label sets: ZeroDivisionError"):
        stopping(scoring=lambda y, decided: 1 / 0).fit(X, Y)
    with pytest.raises(ValueError, match="The validation score is NaN"):
        stopping(scoring=lambda y, decided: float("nan")).fit(X, Y)


@pytest.mark.parametrize(("n", "fraction", "expected"), [(10, 0.1, 9), (11, 0.1, 9), (2, 0.5, 1), (30, 0.1, 27)])
def test_sizes_are_those_of_scikit_learn(n, fraction, expected):
    assert count_training_rows(n, fraction) == expected
