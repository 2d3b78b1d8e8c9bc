from dataclasses import replace

import numpy as np
import pytest
import torch
from _policy_cases import DropoutNet, RankingBase, RankingPath, network
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.learners import Fold, LabelWeightedLogistic, LossWeights
from sklearn_metalabel.policies import _trials
from sklearn_metalabel.policies._proposals import Proposal
from sklearn_metalabel.policies._trials import TrialPlan, run_trials
from sklearn_metalabel.rewards import AveragePrecisionReward, as_reward
from sklearn_metalabel.utils import current_threads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 1))
Y = (X + RNG.normal(size=(60, 2)) > 0.5).astype(np.int8)
FOLD = Fold(X, Y, None, train=np.arange(40), held_out=np.arange(40, 60))
MANY = replace(FOLD, held_out=np.arange(40, 50), all_held_out=np.arange(40, 60))
PLAN = TrialPlan(AveragePrecisionReward())
COMPACT = replace(PLAN, frequency=np.array([0.3, 0.2]))


def run(base, scales=(1.0,), plan=PLAN, fold=FOLD, **options):
    path = [Proposal(f"scale {s:g}", LossWeights(np.full(2, s)), s) for s in scales]
    return run_trials(base, fold, path, plan, 3, current_threads(), **options)


def test_every_proposal_is_trained_on_the_same_batches():
    base = RankingBase({1.0: 0.2, 2.0: 0.9})
    (worse,), (better,) = run(base), run(base, [2.0])
    (_, first), (_, second) = base.log
    assert len(first) == len(second) == 12
    for one, other in zip(first, second, strict=True):
        assert_array_equal(one, other)
    assert better.outcome.value > worse.outcome.value
    for trial in (worse, better):
        assert (trial.held_out.P.shape, trial.held_out.P.dtype) == ((20, 2), np.float32)
        assert_array_equal(trial.held_out.truth(), Y[40:])
        assert ((trial.held_out.P > 0) & (trial.held_out.P < 1)).all()


def test_a_part_of_a_training_is_scored_but_holds_nothing_out():
    base = RankingBase({1.0: 0.5})
    (trial,) = run(base, share=0.25)
    assert len(base.log[0][1]) == 3
    assert trial.held_out is None
    assert 0 < trial.outcome.value < 1
    run(base, share=1e-9)
    assert len(base.log[1][1]) == 1


def test_of_too_many_rows_all_are_held_in_little_space_and_a_part_is_judged(monkeypatch):
    (trial,) = run(RankingBase({1.0: 0.5}), plan=COMPACT, fold=MANY)
    assert trial.compact.n_samples == 20
    assert not trial.compact.is_complete
    assert trial.outcome.positives.sum() == Y[40:50].sum()
    assert_array_equal(trial.held_out.truth(), Y[40:50])
    monkeypatch.setattr(_trials, "_LEAST_BLOCK", 4)
    monkeypatch.setattr(_trials, "_JUDGED_ENTRIES", 12)
    (fewer,) = run(RankingBase({1.0: 0.5}), plan=COMPACT, fold=MANY)
    assert_array_equal(fewer.held_out.P, trial.held_out.P[:6])


def test_blocks_of_compact_rows_add_up_to_all(monkeypatch):
    (whole,) = run(RankingBase({1.0: 1.0}), plan=COMPACT, fold=MANY)
    monkeypatch.setattr(_trials, "_LEAST_BLOCK", 3)
    monkeypatch.setattr(_trials, "_BLOCK_ENTRIES", 1)
    (blocks,) = run(RankingBase({1.0: 1.0}), plan=COMPACT, fold=MANY)
    for one, other in zip(whole.compact.compact.entries(), blocks.compact.compact.entries(), strict=True):
        assert_array_equal(one, other)


def test_rows_that_are_predicted_in_blocks_are_those_predicted_at_once(monkeypatch):
    base = LabelWeightedLogistic()
    (whole,) = run(base)
    monkeypatch.setattr(_trials, "_LEAST_BLOCK", 7)
    monkeypatch.setattr(_trials, "_BLOCK_ENTRIES", 1)
    (blocks,) = run(base)
    assert_allclose(blocks.held_out.P, whole.held_out.P, rtol=1e-6)
    assert blocks.held_out.P.dtype == np.float32


@pytest.mark.parametrize(
    ("qualities", "tried"),
    [
        ({0.1: 0.1, 1.0: 1.0, 3.0: 0.995, 4.0: 0.0, 5.0: 1.0}, 4),  # worse, but not beyond chance, then far worse
        ({0.1: 0.9, 1.0: 1.0, 2.0: 1.0, 3.0: 1.0}, 4),  # as good as the user's own
        ({0.1: 0.1, 1.0: 0.5, 2.0: 0.9, 3.0: 1.0}, 4),
        ({0.1: 1.0, 0.5: 0.0, 0.7: 0.0, 1.0: 0.0, 2.0: 1.0}, 4),  # never before the user's own, but then at once
    ],
)
def test_a_path_goes_on_to_the_users_own_scale_and_further_while_it_is_not_worse_beyond_chance(qualities, tried):
    base = RankingBase(qualities, RankingPath)
    trials = run(base, qualities)
    assert [trial.proposal.scale for trial in trials] == list(qualities)[:tried]
    assert len(base.log) == 1  # one run, each proposal from the last solution
    values = [trial.outcome.value for trial in trials]
    kept = [trial.solution is not None for trial in trials]
    # The best one and the user's own may be taken, and start others.
    assert kept == [k == np.argmax(values) or scale == 1 for k, scale in enumerate(list(qualities)[:tried])]


def test_a_run_starts_from_the_solution_it_is_given():
    base = RankingBase({1.0: 0.5})
    (trial,) = run(base, solution="there")
    assert base.log[0][0] == "there"
    assert trial.solution == "solved 1"


def test_runs_are_kept_only_for_those_who_ask():
    assert run(RankingBase({1.0: 0.5}))[0].run is None
    assert run(RankingBase({1.0: 0.5}), plan=replace(PLAN, keep_run=True))[0].run is not None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_reward_that_is_no_number_is_refused(bad):
    plan = TrialPlan(as_reward(lambda Y, P, t: np.full(2, bad)))
    with pytest.raises(ValueError, match="reward must be finite"):
        run(RankingBase({1.0: 0.5}), plan=plan)


def test_a_resumed_run_is_the_run_made_at_once():
    base = network(DropoutNet, batch_size=8, n_epochs=3)
    (part,) = run(base, share=0.4, may_resume=True)
    assert run(base, share=0.4)[0].paused is None
    assert part.paused.run.X is None  # rows that wait take no memory
    torch.rand(5)  # the global generator moves on meanwhile
    (resumed,), (whole,) = run(base, resumed=part.paused), run(base)
    # The same calls on arrays of the same shape.
    assert_array_equal(resumed.held_out.P, whole.held_out.P)
    assert len(part.paused.run.losses) == 15


def test_a_run_leaves_torchs_generator_as_it_was():
    before = torch.get_rng_state()
    run(network(DropoutNet, batch_size=8, n_epochs=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_that_is_not_scored_holds_out_all_the_same():
    (trial,) = run(RankingBase({1.0: 0.5}), scored=False)
    assert trial.outcome is None
    assert trial.held_out.n_samples == 20
    (trial,) = run(RankingBase({1.0: 0.5}), plan=COMPACT, fold=MANY, scored=False)
    assert (trial.held_out, trial.compact.n_samples) == (None, 20)
