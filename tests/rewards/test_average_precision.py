import numpy as np
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import average_precision_score

from sklearn_metalabel.rewards import AveragePrecisionReward
from sklearn_metalabel.rewards import _average_precision as module

RNG = np.random.default_rng(0)
Y = RNG.random((200, 7)) < 0.2
Y[:, 3] = False
Y[:, 4] = True
P = np.clip(np.round(RNG.random((200, 7)), 1), 0.05, 0.95)  # with many ties


def expected():
    return [average_precision_score(y, p) if y.any() else 0.0 for y, p in zip(Y.T, P.T, strict=True)]


def test_it_is_the_average_precision_of_scikit_learn():
    assert_allclose(AveragePrecisionReward()(Y, P, np.full(7, 0.5)), expected())


def test_sparse_labels_and_blocks_give_the_same(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 500)
    assert_allclose(AveragePrecisionReward()(sp.csr_array(Y.astype(int)), P, np.full(7, 0.5)), expected())


def test_thresholds_play_no_part():
    rewards = AveragePrecisionReward()(Y, P, RNG.random((3, 7)))
    assert rewards.shape == (3, 7)
    assert_array_equal(rewards, rewards[[0, 0, 0]])


def test_a_better_ranking_is_worth_more():
    better = np.where(Y, 0.9, P)
    assert (AveragePrecisionReward()(Y, better, np.full(7, 0.5))[:3] > expected()[:3]).all()
