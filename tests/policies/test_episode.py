import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_multilabel_classification

from sklearn_metalabel.learners import Fold, LabelWeightedLogistic, TorchClassifier, TrainingRun
from sklearn_metalabel.policies._episode import EpisodePlan, break_even_cuts, greedy_episode, run_episode
from sklearn_metalabel.policies._reinforcement import MetaLearner, MetaSettings
from sklearn_metalabel.rewards import RatioReward, SoftF1Reward
from sklearn_metalabel.utils import current_threads

L = 5
SETTINGS = MetaSettings("shared", 8, 0.05, 2, 0.5, "label", 0.01, True, True)
PAPER = MetaSettings("gru", 8, 1e-3, 1, 1.0, "global", 0.0, True, True)


def mlp(n_features, n_labels):
    return torch.nn.Linear(n_features, n_labels)


def make_meta(settings):
    torch.manual_seed(0)
    return MetaLearner(settings, np.ones(L))


def make_plan(**changes):
    plan = {
        "reward": SoftF1Reward(),
        "n_steps": 4,
        "updates_per_step": 3,
        "update_interval": 2,
        "n_threshold_samples": 3,
        "sigma": 0.3,
        "initial_weights": np.ones(L),
        "initial_thresholds": np.full(L, 0.5),
    }
    return EpisodePlan(**{**plan, **changes})


def make_fold(held_out=True, seed=0):
    X, Y = make_multilabel_classification(120, n_classes=L, random_state=seed)
    others = np.arange(90, 120)
    rows = {"scored": others, "held_out": others} if held_out else {}
    return Fold(X, Y.astype(np.int8), None, np.arange(90), **rows)


def play(meta, base=None, fold=None, plan=None, seed=0):
    base = TorchClassifier(mlp, batch_size=32) if base is None else base
    return run_episode(meta, base, fold or make_fold(), plan or make_plan(), seed, current_threads())


class RecordingRun(TrainingRun):
    """Notes what it is asked to do."""

    batch_size = 10

    def start(self, X, Y, *, sample_weight=None, seed=0, solution=None):
        self.calls, self.n_labels, self.n = [], Y.shape[1], X.shape[0]

    def step(self, rows, weights):
        self.calls.append((rows, weights.label))

    def predict_proba(self, X):
        self.calls.append(len(X))
        return np.full((len(X), self.n_labels), 0.3)


class Recorder:
    """A base learner whose training run is at hand."""

    def training_run(self, seed=0):
        self.run = RecordingRun()
        return self.run

    @property
    def kinds(self):
        return ["score" if isinstance(call, int) else "step" for call in self.run.calls]

    @property
    def scored(self):
        return [call for call in self.run.calls if isinstance(call, int)]


def test_an_episode_trains_in_steps_and_scores_held_out_rows_after_each():
    base = Recorder()
    play(make_meta(SETTINGS), base)
    assert base.kinds == ["step", "step", "step", "score"] * 4 + ["score"]
    first_epoch = np.concatenate([call[0] for call in base.run.calls if not isinstance(call, int)][:9])
    assert_allclose(np.sort(first_epoch), np.arange(90))


def test_without_held_out_rows_the_reward_is_that_of_the_batch_just_trained_on():
    base = Recorder()
    episode = play(make_meta(PAPER), base, make_fold(held_out=False), make_plan(updates_per_step=1))
    assert base.kinds == ["step", "score"] * 4
    assert base.scored == [10] * 4
    assert episode.P is None


def test_rewards_can_be_kept_to_a_part_of_the_held_out_rows():
    base = Recorder()
    play(make_meta(SETTINGS), base, plan=make_plan(n_scored=7))
    assert base.scored == [7, 7, 7, 7, 30]


def test_every_step_is_made_under_the_weights_that_were_drawn():
    base = Recorder()
    episode = play(make_meta(SETTINGS), base, plan=make_plan(sigma=1e-9))
    weights = [call[1] for call in base.run.calls if not isinstance(call, int)]
    assert_allclose(weights[::3], episode.weights, rtol=1e-5)
    assert_allclose(weights[0], weights[2])


def test_a_run_is_kept_only_where_it_is_asked_for():
    assert play(make_meta(PAPER), Recorder()).run is None
    base = Recorder()
    assert play(make_meta(PAPER), base, plan=make_plan(keep_run=True)).run is base.run


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_reward_that_is_no_number_is_refused(bad):
    plan = make_plan(reward=lambda Y, P, t: np.full(t.shape, bad))
    with pytest.raises(ValueError, match="reward must be finite, got NaN or infinity"):
        play(make_meta(PAPER), Recorder(), plan=plan)


@pytest.mark.parametrize("settings", [SETTINGS, PAPER])
def test_an_episode_is_a_pure_function_of_its_seed(settings):
    meta = make_meta(settings)
    before, torch_state = copy.deepcopy(meta.policy_state()), torch.get_rng_state()
    one, same, other = (play(meta, seed=seed) for seed in (1, 1, 2))
    for name in ("weights", "thresholds", "rewards", "P"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.P, other.P)
    assert all(np.array_equal(before[name], meta.policy_state()[name]) for name in before)
    assert torch.equal(torch_state, torch.get_rng_state())


def test_an_episode_returns_a_meta_learner_that_learned():
    meta = make_meta(SETTINGS)
    learned = play(meta).meta.policy_state()
    assert any(not np.array_equal(learned[name], value) for name, value in meta.policy_state().items())


def test_the_record_has_one_row_a_step():
    episode = play(make_meta(SETTINGS))
    assert episode.weights.shape == episode.thresholds.shape == episode.anchors.shape == (4, L)
    assert episode.features.shape == (4, L, 4)
    assert episode.rewards.shape == episode.baselines.shape == (4,)
    assert episode.P.shape == (30, L)
    assert_allclose(episode.weights.mean(axis=1), 1, rtol=1e-5)


def test_the_paper_policy_is_open_loop():
    """The greedy episode proposes the same whatever the data and the classifier: it has nowhere to see them."""
    meta = make_meta(PAPER)
    for head in (meta.policy.weight_head, meta.policy.threshold_head):
        torch.nn.init.normal_(head.weight)
    fixed = MetaLearner(MetaSettings("gru", 8, 1e-30, 1, 1.0, "global", 0.0, True, True), np.ones(L))
    fixed.load_policy_state(meta.policy_state())
    played = [
        play(fixed, fold=make_fold(seed=seed), plan=make_plan(reward=RatioReward(), updates_per_step=1), base=base)
        for seed, base in [(0, None), (1, None), (1, Recorder()), (1, LabelWeightedLogistic())]
    ]
    weights, thresholds = greedy_episode(fixed, 4, np.ones(L), np.full(L, 0.5))
    for episode in played:
        assert_allclose(episode.weights, weights, rtol=1e-5)
        assert_allclose(episode.thresholds, thresholds, rtol=1e-5)
    assert np.ptp(weights[-1]) > 0.1


def test_the_shared_policy_is_closed_loop():
    meta = make_meta(SETTINGS)
    torch.nn.init.normal_(meta.policy.weight_head.weight)
    one, other = (play(meta, fold=make_fold(seed=seed)) for seed in (0, 1))
    assert abs(one.weights[-1] - other.weights[-1]).max() > 1e-2


def test_the_literal_reward_diverges_and_the_bounded_ones_do_not():
    largest = {}
    for name, reward in {"literal": RatioReward(clip=None), "clamped": RatioReward(), "f1": SoftF1Reward()}.items():
        meta = make_meta(MetaSettings("gru", 8, 0.3, 1, 1.0, "global", 0.0, False, True))
        rewards = []
        for seed in range(10):
            plan = make_plan(reward=reward, n_threshold_samples=1, updates_per_step=1)
            episode = play(meta, LabelWeightedLogistic(), make_fold(held_out=False), plan, seed)
            meta = episode.meta
            rewards.append(np.abs(episode.rewards).max())
        largest[name] = max(rewards)
    assert largest["literal"] > 1e3
    assert largest["clamped"] <= 19
    assert largest["f1"] <= 1


@pytest.mark.parametrize("seed", range(5))
def test_break_even_cuts_let_as_many_pass_as_are_positive(seed):
    rng = np.random.default_rng(seed)
    Z, positives = rng.normal(size=(40, 6)), np.array([0, 1, 5, 39, 40, 17])
    cuts = break_even_cuts(Z, positives)
    assert_allclose((Z > cuts).sum(axis=0), positives)


def test_greedy_episodes_start_from_the_given_policies():
    meta = make_meta(PAPER)
    torch.nn.init.normal_(meta.policy.weight_head.weight)
    neutral, _ = greedy_episode(meta, 3, np.ones(L), np.full(L, 0.5))
    other, _ = greedy_episode(meta, 3, np.array([3.0, 0.5, 0.5, 0.5, 0.5]), np.full(L, 0.9))
    assert not np.allclose(neutral[0], other[0], atol=1e-6)


def test_the_policy_sees_the_outcomes_of_the_held_out_rows_in_the_step_before():
    fold = make_fold()
    fold.Y[fold.scored[:2]] = [[0], [1]]
    episode = play(make_meta(SETTINGS), Recorder(), fold)
    scored = np.log(0.3 / 0.7)
    assert_allclose(episode.anchors[0], 0)
    assert_allclose(episode.anchors[1:], scored)
    assert_allclose(episode.features[0, :, 1:], 0)
    assert_allclose(episode.features[1:, :, 1:3], scored / 4)
    assert (episode.features[1:, :, 3] > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_break_even_cuts_count_copies(seed):
    rng = np.random.default_rng(seed)
    Z, Y, weight = rng.normal(size=(40, 5)), rng.random((40, 5)) < 0.3, rng.integers(1, 4, 40)
    Y[:, 3], Y[:, 4] = True, False
    copies = np.repeat(np.arange(40), weight)
    found = break_even_cuts(Z, (weight @ Y).astype(float), weight.astype(float))
    assert_allclose(found, break_even_cuts(Z[copies], Y[copies].sum(axis=0)))
