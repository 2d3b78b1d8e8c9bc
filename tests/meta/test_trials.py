from dataclasses import replace

import numpy as np
import pytest

from sklearn_metalabel.learners._protocol import Learner
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

    def n_updates(self, n_instances):
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


def run(quality, paths, plan=PLAN, solution=None):
    return run_trials(Base(quality), FOLD, paths, plan, 3, current_threads(), solution)


def alone(*scales):
    return [[Proposal(str(s), ONES, s)] for s in scales]


def test_every_proposal_is_trained_on_the_same_batches(log):
    trials = run({1.0: 0.2, 2.0: 0.9}, alone(1.0, 2.0))
    assert [t.proposal.scale for t in trials] == [1.0, 2.0]
    (_, first), (_, second) = log
    assert len(first) == len(second) == 12
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert trials[1].outcome.value > trials[0].outcome.value
    assert all(t.held_out.dtype == np.float32 and t.held_out.shape == (20, 2) for t in trials)
    assert all(((t.held_out > 0) & (t.held_out < 1)).all() for t in trials)


def test_a_race_trains_only_its_winner_to_the_end(log):
    trials = run({1.0: 0.0, 2.0: 1.0, 3.0: 0.1}, alone(1.0, 2.0, 3.0), replace(PLAN, race=True))
    assert [len(steps) for _, steps in log] == [4, 12, 4]
    assert [t.held_out is None for t in trials] == [True, False, True]


def test_the_first_of_a_race_stays_ahead_of_what_is_no_better(log):
    run({1.0: 0.5, 2.0: 0.5}, alone(1.0, 2.0), replace(PLAN, race=True))
    assert [len(steps) for _, steps in log] == [12, 4]


class Path(Ranking):
    batch_size = None

    def n_updates(self, n_instances):
        return 1


def test_a_path_ends_when_it_gets_worse_beyond_chance(log, monkeypatch):
    monkeypatch.setattr(Base, "_learner", lambda self: Path(self.quality))
    qualities = {1.0: 0.1, 2.0: 1.0, 3.0: 0.995, 4.0: 0.0, 5.0: 1.0}
    trials = run(qualities, [[Proposal(str(s), ONES, s) for s in qualities]])
    assert [t.proposal.scale for t in trials] == [1.0, 2.0, 3.0, 4.0]
    assert [t.solution for t in trials] == [None, "solved 2.0", None, None]
    assert len(log) == 1


def test_a_run_starts_from_the_solution_it_is_given(log):
    run({1.0: 0.5}, alone(1.0), solution="there")
    assert log[0][0] == "there"


def test_learners_are_kept_only_for_those_who_ask():
    assert run({1.0: 0.5}, alone(1.0))[0].learner is None
    assert run({1.0: 0.5}, alone(1.0), replace(PLAN, keep_learner=True))[0].learner is not None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_reward_that_is_no_number_is_refused(bad):
    plan = TrialPlan(as_reward(lambda Y, P, t: np.full(2, bad)), np.full(2, 0.5))
    with pytest.raises(ValueError, match="reward must be finite"):
        run({1.0: 0.5}, alone(1.0), plan)
