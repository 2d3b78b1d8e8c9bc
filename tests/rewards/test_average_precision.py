import numpy as np
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import average_precision_score

from sklearn_metalabel.rewards import AveragePrecisionReward, _average_precision as module

RNG = np.random.default_rng(0)
Y = RNG.random((200, 7)) < 0.2
Y[:, 3] = False
Y[:, 4] = True
P = np.clip(np.round(RNG.random((200, 7)), 1), 0.05, 0.95)  # with many ties


def expected():
    return [average_precision_score(y, p) if y.any() else 0.0 for y, p in zip(Y.T, P.T, strict=True)]


def test_it_is_the_average_precision_of_scikit_learn():
    assert_allclose(AveragePrecisionReward()(Y, P, np.full(7, 0.5)), expected(), rtol=1e-10)


def test_sparse_labels_and_blocks_give_the_same(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 500)  # two labels of 200 rows
    assert_allclose(AveragePrecisionReward()(sp.csr_array(Y.astype(int)), P, np.full(7, 0.5)), expected(), rtol=1e-10)


def test_thresholds_do_not_matter():
    rewards = AveragePrecisionReward()(Y, P, RNG.random((3, 7)))
    assert_array_equal(rewards, np.tile(rewards[0], (3, 1)))
    assert_allclose(rewards[0], expected(), rtol=1e-10)


def test_a_better_ranking_has_a_higher_reward():
    better = np.where(Y, 0.9, P)
    assert (AveragePrecisionReward()(Y, better, np.full(7, 0.5))[:3] > expected()[:3]).all()
