import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sklearn_metalabel.prediction import _problem
from sklearn_metalabel.prediction._candidates import find_candidates
from sklearn_metalabel.prediction._problem import DecisionProblem
from sklearn_metalabel.thresholds import decide
from sklearn_metalabel.thresholds._criteria import CRITERIA, criterion_score

BOTH = pytest.mark.parametrize("never_empty", [False, True])


def a_problem(seed=0, n=120, L=5, sparse=False):
    """Problem, truth and calibrated logits of three folds, and their cuts."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(-1 - np.arange(L) / 3, 1.5, (n, L))
    Y, P, fold_of = rng.random((n, L)) < expit(Z), expit(Z), rng.integers(3, size=n)
    _, link = find_candidates(Y, P)
    folds = [find_candidates(Y[fold_of != k], P[fold_of != k], link)[0] for k in range(3)]
    truth = sp.csr_array(Y.astype(np.int8)) if sparse else Y
    problem = DecisionProblem.build(truth, P, fold_of, folds, link)
    cuts = np.stack([c.cuts[2] for c in folds]) + rng.normal(0, 0.1, (3, L))
    return problem, Y, link.logits(P), fold_of, cuts


def decided_whole(Z, fold_of, cuts, never_empty):
    """Decisions from all logits, fold by fold, by the public function."""
    D = np.zeros(Z.shape, dtype=bool)
    for k in range(len(cuts)):
        D[fold_of == k] = decide(expit(Z[fold_of == k]), expit(cuts[k]), never_empty=never_empty)
    return D


@BOTH
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_decisions_from_the_entries_equal_those_from_all_logits(seed, sparse, never_empty):
    problem, _, Z, fold_of, cuts = a_problem(seed, sparse=sparse)
    D = problem.decisions(problem.decide(cuts, never_empty))
    assert_array_equal(D, decided_whole(Z, fold_of, cuts, never_empty))
    assert problem.row.size < Z.size


@BOTH
@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_scores_equal_the_criteria_on_whole_matrices(name, never_empty):
    problem, Y, Z, fold_of, cuts = a_problem()
    D = decided_whole(Z, fold_of, cuts, never_empty)
    assert_allclose(problem.score(cuts, never_empty, {name: 0.5}), 0.5 * criterion_score(name, Y, D))


@BOTH
@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_gradients_equal_finite_differences(name, never_empty):
    problem, *_, cuts = a_problem()
    _, found = problem.expected_reward(cuts, never_empty, {name: 2.0})
    assert np.abs(found).max() > 1e-3
    for at in np.ndindex(cuts.shape):
        step = np.zeros_like(cuts)
        step[at] = 1e-6
        up, down = (problem.expected_reward(cuts + s * step, never_empty, {name: 2.0})[0] for s in (1, -1))
        assert_allclose(found[at], (up - down) / 2e-6, atol=1e-6)


@BOTH
@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_without_noise_the_expected_reward_is_the_score(name, never_empty, monkeypatch):
    monkeypatch.setattr(_problem, "NOISE", 1e-7)
    problem, *_, cuts = a_problem()
    expected, _ = problem.expected_reward(cuts, never_empty, {name: 1.0})
    assert_allclose(expected, problem.score(cuts, never_empty, {name: 1.0}), atol=1e-6)


@BOTH
def test_the_expected_strict_accuracy_is_the_mean_over_sampled_decisions(never_empty):
    problem, *_, cuts = a_problem(n=40)
    expected, _ = problem.expected_reward(cuts, never_empty, {"strict_accuracy": 1.0})
    rng = np.random.default_rng(0)
    margins = (problem.logits - cuts.ravel()[problem.cell]) / _problem.NOISE
    total = 0.0
    for _ in range(4000):
        D = problem.decisions(rng.random(margins.size) < expit(margins))
        if never_empty:
            # The largest of margins with Gumbel noise is a draw from their softmax.
            noisy = np.full((problem.n_rows, problem.n_labels), -np.inf)
            noisy[problem.row, problem.label] = margins + rng.gumbel(size=margins.size)
            empty = np.flatnonzero(~D.any(axis=1))
            D[empty, noisy[empty].argmax(axis=1)] = True
        total += (problem.decisions(problem.truth) == D).all(axis=1).mean()
    assert_allclose(total / 4000, expected, atol=0.005)


def test_labels_without_positives_score_nothing_in_macro_f1():
    problem, Y, *_ = a_problem()
    assert Y.any(axis=0).all()
    never = np.full((3, 5), 40.0)
    assert problem.score(never, False, {"macro_f1": 1.0}) == 0
    assert problem.score(-never, False, {"macro_f1": 1.0}) > 0
