from dataclasses import replace

import numpy as np
import pytest
import torch

from sklearn_metalabel.learners import TorchClassifier
from sklearn_metalabel.learners._protocol import Learner
from sklearn_metalabel.learners._resolve import as_label_classifier
from sklearn_metalabel.meta._episode import Fold
from sklearn_metalabel.meta._proposals import Proposal
from sklearn_metalabel.meta._trials import TrialPlan, run_trials
from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.rewards._resolve import as_reward
from sklearn_metalabel.utils._threads import current_threads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 1))
Y = (X + RNG.normal(size=(60, 2)) > 0.5).astype(np.int8)
FOLD = Fold(X, Y, None, train=np.arange(40), held_out=np.arange(40, 60))
PLAN = TrialPlan(AveragePrecisionReward(), np.full(2, 0.5))
ONES = np.ones(2)


class Ranking(Learner):
    """Ranks as well as `quality` of the last weights says, and writes down what it was told."""

    batch_size = 10
    log = []

    def __init__(self, quality):
        self.quality = quality

    def n_updates(self, n_samples):
        return 12

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.steps = []
        self.log.append((solution, self.steps))
        self.noise = np.random.RandomState(0).normal(size=60)

    def step(self, rows, label_weight, **emphasis):
        self.steps.append(rows)
        self.signal = self.quality[label_weight[0]]
        self.solution = f"solved {label_weight[0]}"

    def predict_proba(self, X):
        Z = self.signal * X + (1 - self.signal) * self.noise[: len(X), None]
        return 1 / (1 + np.exp(-np.hstack([Z, Z])))


class Base:
    def __init__(self, quality):
        self.quality = quality

    def _clone_for_training(self, seed):
        return self

    def _learner(self):
        return Ranking(self.quality)


@pytest.fixture(autouse=True)
def log():
    Ranking.log = []
    return Ranking.log


def run(quality, scales=(1.0,), share=1.0, plan=PLAN, fold=FOLD, solution=None, **options):
    path = [Proposal(str(s), ONES, s) for s in scales]
    return run_trials(Base(quality), fold, path, plan, 3, current_threads(), share=share, solution=solution, **options)


def test_every_proposal_is_trained_on_the_same_batches(log):
    ((worse,), (better,)) = run({1.0: 0.2, 2.0: 0.9}), run({1.0: 0.2, 2.0: 0.9}, [2.0])
    (_, first), (_, second) = log
    assert len(first) == len(second) == 12
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert better.outcome.value > worse.outcome.value
    for trial in (worse, better):
        assert (trial.held_out.shape, trial.held_out.dtype) == ((20, 2), np.float32)
        assert ((trial.held_out > 0) & (trial.held_out < 1)).all()


def test_a_part_of_a_training_pays_but_holds_nothing_out(log):
    (trial,) = run({1.0: 0.5}, share=0.25)
    assert len(log[0][1]) == 3
    assert trial.held_out is None
    assert 0 < trial.outcome.value < 1
    run({1.0: 0.5}, share=1e-9)
    assert len(log[1][1]) == 1


def test_of_too_many_rows_all_are_held_in_little_space():
    fold = replace(FOLD, held_out=np.arange(40, 50), all_held_out=np.arange(40, 60))
    plan = replace(PLAN, frequency=np.array([0.3, 0.2]))
    (trial,) = run({1.0: 0.5}, plan=plan, fold=fold)
    assert trial.held_out.n_samples == 20
    assert trial.outcome.positives.sum() == Y[40:50].sum()


class Path(Ranking):
    batch_size = None

    def n_updates(self, n_samples):
        return 1


@pytest.mark.parametrize(
    ("qualities", "tried"),
    [
        ({0.1: 0.1, 0.2: 1.0, 0.3: 0.995, 0.4: 0.0, 1.0: 1.0}, 4),  # worse, but not beyond chance, then far worse
        ({0.1: 0.9, 1.0: 1.0, 2.0: 1.0, 3.0: 1.0}, 3),  # no better than the user's own
        ({0.1: 0.1, 1.0: 0.5, 2.0: 0.9, 3.0: 1.0}, 4),
    ],
)
def test_a_path_ends_when_it_does_not_pay_to_go_on(qualities, tried, log, monkeypatch):
    monkeypatch.setattr(Base, "_learner", lambda self: Path(self.quality))
    trials = run({**qualities, 1.0: qualities[1.0]}, qualities)
    assert [t.proposal.scale for t in trials] == list(qualities)[:tried]
    assert [t.solution is None for t in trials].count(False) == 1
    assert len(log) == 1


def test_a_run_starts_from_the_solution_it_is_given(log):
    run({1.0: 0.5}, solution="there")
    assert log[0][0] == "there"


def test_learners_are_kept_only_for_those_who_ask():
    assert run({1.0: 0.5})[0].learner is None
    assert run({1.0: 0.5}, plan=replace(PLAN, keep_learner=True))[0].learner is not None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_reward_that_is_no_number_is_refused(bad):
    plan = TrialPlan(as_reward(lambda Y, P, t: np.full(2, bad)), np.full(2, 0.5))
    with pytest.raises(ValueError, match="reward must be finite"):
        run({1.0: 0.5}, plan=plan)


def test_a_run_gone_on_with_is_the_run_made_at_once():
    def net(n_features, n_labels):
        return torch.nn.Sequential(torch.nn.Linear(n_features, 8), torch.nn.Dropout(), torch.nn.Linear(8, n_labels))

    base = as_label_classifier(TorchClassifier(net, batch_size=8, n_epochs=3, device="cpu"))
    options = {"base": base, "fold": FOLD, "path": [Proposal("equal", ONES)], "plan": PLAN, "seed": 3}
    options["threads"] = current_threads()
    (part,) = run_trials(**options, share=0.4, keep_begun=True)
    assert run_trials(**options, share=0.4)[0].begun is None
    assert part.begun.learner.X is None  # rows that wait take no memory
    torch.rand(5)  # the global generator moves on meanwhile
    (gone_on,), (whole,) = run_trials(**options, begun=part.begun), run_trials(**options)
    assert np.abs(gone_on.held_out - whole.held_out).max() == 0
    assert len(part.begun.learner.losses) == 15


def test_a_run_that_nobody_judges_holds_out_all_the_same():
    (trial,) = run({1.0: 0.5}, judged=False)
    assert trial.outcome is None
    assert trial.held_out.shape == (20, 2)
    fold = replace(FOLD, held_out=np.arange(40, 50), all_held_out=np.arange(40, 60))
    (trial,) = run({1.0: 0.5}, plan=replace(PLAN, frequency=np.array([0.3, 0.2])), fold=fold, judged=False)
    assert trial.held_out.n_samples == 20
