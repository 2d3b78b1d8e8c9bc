import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.decoding import LabelSets, alone
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import _set_chances
from sklearn_metalabel.policies._set_chances import SetChances, SetProblem

NAMES = ["accuracy", "f1_micro", "f1_macro", "f1_samples"]


def parts(weighted=False, n=60, n_labels=5):
    """Two folds of rows whose labels hang together, looked up at cuts of 0."""
    rng = np.random.default_rng(0)
    Y = rng.random((2 * n, n_labels)) < 0.4
    Y[:, 1] |= Y[:, 0]
    Z = rng.normal(size=Y.shape) + 1.5 * Y - 1
    weight = rng.uniform(0.5, 2, 2 * n) if weighted else None
    found = []
    for inside in (slice(0, n), slice(n, 2 * n)):
        others = np.delete(np.arange(2 * n), np.arange(2 * n)[inside])
        sets = LabelSets.from_rows(Y[others])
        of_rows = None if weight is None else weight[inside]
        found.append(SetChances(Z[inside], Y[inside], of_rows, sets, True, (np.zeros(n_labels), 0.3, -0.5)))
    return found


def problem(parts):
    """These rows with what was looked up first."""
    return SetProblem(parts, [part.near_start for part in parts])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_value(name, weighted):
    given, weights = problem(parts(weighted)), {name: 0.7}
    cuts, own, step = np.stack([np.full(5, 0.1), np.full(5, -0.2)]), np.array([0.3, -0.5]), 1e-6
    _, by_cut, by_own = given.expected_score(cuts, *own, weights)
    for k in range(2):
        for j in range(5):
            moved = step * ((np.arange(10) == 5 * k + j).reshape(2, 5))
            high, low = (given.expected_score(cuts + sign * moved, *own, weights)[0] for sign in (1, -1))
            assert by_cut[k][j] == pytest.approx((high - low) / 2 / step, abs=1e-6)
    for m in range(2):
        high, low = (given.expected_score(cuts, *(own + s * step * (np.arange(2) == m)), weights)[0] for s in (1, -1))
        assert by_own[m] == pytest.approx((high - low) / 2 / step, abs=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_without_noise_the_value_is_the_score_of_the_decisions(monkeypatch, weighted):
    monkeypatch.setattr(_set_chances, "_NOISE", 1e-4)
    given, cuts = parts(weighted), np.zeros((2, 5))
    Y = np.concatenate([part.Y for part in given])
    D = np.zeros(Y.shape, dtype=bool)
    together = problem(given)
    for c in np.flatnonzero(together.chances(cuts, 0.3, -0.5) > 0.5):
        D[together.row[c], together.labels[[c]].indices % 5] = True
    weight = np.concatenate([part.weight for part in given]) if weighted else None
    for name in NAMES:
        value, _, _ = together.expected_score(cuts, 0.3, -0.5, {name: 1.0})
        assert value == pytest.approx(Scoring.resolve(name)(Y, D, weight), abs=1e-9)


def test_chances_sum_to_one_and_the_own_decision_is_among_the_candidates():
    for part in parts():
        near = part.near_start
        chances = problem([part]).chances(np.zeros((1, 5)), 0.3, -0.5)
        assert_allclose(np.bincount(near.row, chances), 1.0)
        own = alone(part.Z, True, part.sets.implied)
        for i in range(len(own)):
            listed = [set(near.labels[[c]].indices.tolist()) for c in np.flatnonzero(near.row == i)]
            assert len(listed) == len({frozenset(each) for each in listed})
            far = near.logits[near.row == i].max() - (part.Z[i] * own[i]).sum() > 3
            assert far or set(np.flatnonzero(own[i])) in listed


def test_folds_are_together_what_they_are_one_by_one():
    given, cuts = parts(True), np.stack([np.full(5, 0.1), np.full(5, -0.2)])
    together = problem(given).chances(cuts, 0.3, -0.5)
    apart = [problem([part]).chances(cuts[[k]], 0.3, -0.5) for k, part in enumerate(given)]
    assert_allclose(together, np.concatenate(apart))
