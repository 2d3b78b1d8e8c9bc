import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.metrics import f1_score

from sklearn_metalabel.rewards import SoftF1Reward


def random_case(seed, n=50, L=4):
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.01, 0.99, (n, L))
    return (rng.random((n, L)) < P**2).astype(int), P, rng.uniform(0.05, 0.95, L)


@pytest.mark.parametrize("seed", range(10))
def test_the_reward_equals_its_formula_in_torch(seed):
    Y, P, t = random_case(seed)
    y, p, cut = (torch.tensor(a, dtype=torch.float64) for a in (Y, P, t))
    q = torch.sigmoid(3.0 * (torch.logit(p) - torch.logit(cut)))
    naive = 2 * (q * y).sum(0) / (q.sum(0) + y.sum(0) + 0.25)
    assert_allclose(SoftF1Reward(sharpness=3.0, smoothing=0.25)(Y, P, t), naive.numpy(), rtol=1e-10)
    assert_allclose(SoftF1Reward(sharpness=3.0, smoothing=0.25)(Y, P.astype(np.float32), t), naive.numpy(), rtol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_infinite_sharpness_is_the_f1_score(seed):
    Y, P, t = random_case(seed)
    hard = SoftF1Reward(sharpness=float("inf"), smoothing=0.0)(Y, P, t)
    assert_allclose(hard, f1_score(Y, t < P, average=None, zero_division=0))


def test_the_soft_form_approaches_the_hard_one_as_it_sharpens():
    Y, P, t = random_case(0)
    hard = SoftF1Reward(sharpness=float("inf"))(Y, P, t)
    gaps = [np.abs(SoftF1Reward(sharpness=k)(Y, P, t) - hard).max() for k in (2, 10, 100, 1e4, 1e300)]
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3]
    assert gaps[-1] < 1e-10


def test_extreme_sharpness_and_probabilities_do_not_overflow_in_float32():
    P = np.array([[1e-30], [0.5], [1 - 1e-7]], dtype=np.float32)
    scored = SoftF1Reward(sharpness=1e300)([[0], [0], [1]], P, [[0.0], [1e-20], [0.7], [1.0]])
    assert_allclose(scored[:, 0], [2 / 4.5, 2 / 3.5, 2 / 2.5, 0], atol=1e-6)


def test_hard_decisions_are_strictly_greater():
    scored = SoftF1Reward(sharpness=float("inf"), smoothing=0.0)([[1], [1]], [[0.5], [0.6]], [0.5])
    assert_allclose(scored, 2 / 3)


def test_the_optimum_lies_inside():
    Y, P, _ = random_case(3, n=2000)
    T = np.linspace(0.001, 0.999, 99)[:, None] * np.ones((1, 4))
    best = SoftF1Reward()(Y, P, T).argmax(axis=0)
    assert ((best > 0) & (best < 98)).all()


def test_a_label_without_positives_scores_zero():
    for reward in (SoftF1Reward(), SoftF1Reward(smoothing=0.0), SoftF1Reward(float("inf"), 0.0)):
        assert_allclose(reward([[0], [0]], [[0.3], [0.6]], [[0.0], [0.5], [1.0]]), 0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sharpness": 0}, "sharpness must be"),
        ({"sharpness": np.nan}, "sharpness must be"),
        ({"sharpness": "hard"}, "sharpness must be"),
        ({"smoothing": -1}, "smoothing must be"),
        ({"smoothing": float("inf")}, "smoothing must be"),
    ],
)
def test_wrong_parameters_are_found_at_the_call(params, message):
    with pytest.raises(ValueError, match=message):
        SoftF1Reward(**params)([[1]], [[0.5]], [0.5])
