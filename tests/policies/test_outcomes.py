import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.policies._outcomes import Outcome, is_beaten, scale_of_labels
from sklearn_metalabel.rewards import AveragePrecisionReward

RNG = np.random.default_rng(0)
L = 12
COUNTS = RNG.integers(2, 9, (20, L))


def outcome(rewards, noise=0.01, counts=COUNTS, seed=0):
    """An outcome whose parts scatter around the rewards (L,)."""
    parts = rewards + np.random.default_rng(seed).normal(0, noise, counts.shape)
    return Outcome(np.asarray(rewards, dtype=float), parts, counts.sum(axis=0), counts)


def test_an_outcome_scores_all_rows_and_their_parts():
    Y = RNG.random((60, 3)) < 0.3
    P = RNG.uniform(0.01, 0.99, (60, 3))
    found = Outcome.of(Y, P, AveragePrecisionReward())
    assert_allclose(found.rewards, AveragePrecisionReward()(Y, P, np.full((1, 3), 0.5))[0])
    assert found.parts.shape == found.positives_of_parts.shape == (10, 3)
    assert np.array_equal(found.positives_of_parts.sum(axis=0), Y.sum(axis=0))


def test_the_value_is_half_by_label_and_half_by_positive():
    counts = np.array([[1, 3, 0]])
    found = Outcome(np.array([0.2, 0.6, 0.9]), np.zeros((1, 3)), counts.sum(axis=0), counts)
    assert_allclose(found.value, (np.mean([0.2, 0.6]) + (0.2 * 1 + 0.6 * 3) / 4) / 2)


def test_folds_are_pooled_by_their_positives():
    first = Outcome(np.array([0.5]), np.zeros((2, 1)), np.array([1]), np.array([[1], [0]]))
    second = Outcome(np.array([0.8]), np.zeros((2, 1)), np.array([3]), np.array([[1], [2]]))
    pooled = Outcome.pooled([first, second])
    assert_allclose(pooled.rewards, [(0.5 + 3 * 0.8) / 4])
    assert pooled.parts.shape == (4, 1)


def test_a_gain_counts_only_beyond_its_error():
    base = outcome(np.full(L, 0.5))
    gain, error = outcome(np.full(L, 0.6), seed=1).gain_over(base)
    assert_allclose(gain, 0.1)
    assert 0 < error < 0.01
    assert base.gain_over(base) == (0, 0)
    assert is_beaten(base, outcome(np.full(L, 0.6), seed=1))
    assert not is_beaten(base, outcome(np.full(L, 0.51), noise=0.5, seed=1))
    assert not is_beaten(base, outcome(np.full(L, 0.4), seed=1))
    assert not is_beaten(base, base)


def test_the_scale_that_is_best_for_all_is_taken():
    tried = [outcome(np.full(L, value), noise=0.001, seed=k) for k, value in enumerate((0.5, 0.7, 0.6))]
    assert scale_of_labels(tried, neutral=0).tolist() == [1] * L


def test_the_given_scale_stays_where_nothing_beats_it_beyond_chance():
    tried = [outcome(np.full(L, 0.5)), outcome(np.full(L, 0.502), noise=0.5, seed=1)]
    assert scale_of_labels(tried, neutral=0).tolist() == [0] * L
    assert scale_of_labels(tried, neutral=None).tolist() == [1] * L


def test_labels_depart_where_their_own_rewards_say_so():
    odd = np.arange(L) % 2 == 1
    tried = [outcome(np.where(odd, 0.3, 0.6), seed=1), outcome(np.where(odd, 0.6, 0.55), seed=2)]
    assert np.array_equal(scale_of_labels(tried, neutral=0) == 1, odd)


@pytest.mark.parametrize("seed", range(4))
def test_labels_do_not_follow_noise(seed):
    tried = []
    for k in range(3):
        parts = np.random.default_rng((seed, k)).normal(0.5, 0.3, COUNTS.shape)
        seen = (parts * COUNTS).sum(axis=0) / COUNTS.sum(axis=0)
        tried.append(Outcome(seen, parts, COUNTS.sum(axis=0), COUNTS))
    assert len(np.unique(scale_of_labels(tried, neutral=1))) == 1


def test_labels_without_positives_follow_the_others():
    counts = COUNTS.copy()
    counts[:, 0] = 0
    tried = [outcome(np.full(L, value), noise=0.001, counts=counts, seed=k) for k, value in enumerate((0.5, 0.7))]
    assert scale_of_labels(tried, neutral=0).tolist() == [1] * L
