import numpy as np
import pytest
import scipy.sparse as sp
from _policy_cases import NAMED_SCORINGS, compact as compact_rows, scoring
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.policies import _expected_score
from sklearn_metalabel.policies._candidates import calibrated_logits, nested_candidates
from sklearn_metalabel.policies._expected_score import DecisionProblem
from sklearn_metalabel.thresholds import OutOfFold

BOTH = pytest.mark.parametrize("always_label", [False, True])


def a_problem(seed=0, n=120, L=5, sparse=False):
    """Problem, truth and calibrated logits of three folds, and their cuts."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(-1 - np.arange(L) / 3, 1.5, (n, L))
    Y, P, fold_of = rng.random((n, L)) < expit(Z), expit(Z), rng.integers(3, size=n)
    truth = sp.csr_array(Y.astype(np.int8)) if sparse else Y
    _, link, folds = nested_candidates(OutOfFold(truth, P, fold_of), fold_of)
    problem = DecisionProblem.build(truth, P, fold_of, folds, link)
    cuts = np.stack([c.cuts[2] for c in folds]) + rng.normal(0, 0.1, (3, L))
    return problem, Y, calibrated_logits(link, P), fold_of, cuts


def a_compact_problem(seed=0, n=300, L=24, n_kept=5):
    """Problem of rows of which little is kept, that of all entries, and cuts low enough to reach what is not kept."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(-1 - np.arange(L) / 8, 1.5, (n, L))
    Y, P, fold_of = rng.random((n, L)) < expit(Z), expit(Z), rng.integers(3, size=n)
    held = compact_rows(OutOfFold(Y, P, fold_of), n_kept)
    Y, P, fold_of = (array[np.argsort(fold_of, kind="stable")] for array in (Y, P, fold_of))
    _, link, folds = nested_candidates(held, fold_of)
    compact = DecisionProblem.from_compact(held.compact, fold_of, folds, link)
    whole = DecisionProblem.build(Y, P, fold_of, folds, link)
    return compact, whole, np.stack([c.cuts[2] for c in folds]) - 1.0


def decided_whole(Z, fold_of, cuts, always_label):
    """Decisions from all logits, fold by fold, by the public function."""
    D = np.zeros(Z.shape, dtype=bool)
    for k in range(len(cuts)):
        D[fold_of == k] = decide(expit(Z[fold_of == k]), expit(cuts[k]), not always_label)
    return D


@BOTH
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_decisions_from_the_entries_equal_those_from_all_logits(seed, sparse, always_label):
    problem, _, Z, fold_of, cuts = a_problem(seed, sparse=sparse)
    D = problem.decisions(problem.decide(cuts, always_label))
    assert_array_equal(D, decided_whole(Z, fold_of, cuts, always_label))
    assert problem.row.size < Z.size


@BOTH
@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_scores_equal_the_named_ones_on_whole_matrices(name, always_label):
    problem, Y, Z, fold_of, cuts = a_problem()
    D = decided_whole(Z, fold_of, cuts, always_label)
    assert_allclose(problem.score(cuts, always_label, {name: 0.5}), 0.5 * scoring(name)(Y, D))


@BOTH
@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_gradients_equal_finite_differences(name, always_label):
    problem, *_, cuts = a_problem()
    _, found = problem.expected_score(cuts, always_label, {name: 2.0})
    assert np.abs(found).max() > 1e-3
    for at in np.ndindex(cuts.shape):
        step = np.zeros_like(cuts)
        step[at] = 1e-6
        up, down = (problem.expected_score(cuts + s * step, always_label, {name: 2.0})[0] for s in (1, -1))
        assert_allclose(found[at], (up - down) / 2e-6, atol=1e-6)


@BOTH
@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_without_noise_the_expected_score_is_the_score_itself(name, always_label, monkeypatch):
    monkeypatch.setattr(_expected_score, "NOISE", 1e-7)
    problem, *_, cuts = a_problem()
    expected, _ = problem.expected_score(cuts, always_label, {name: 1.0})
    assert_allclose(expected, problem.score(cuts, always_label, {name: 1.0}), atol=1e-6)


@BOTH
def test_the_expected_accuracy_is_the_mean_over_sampled_decisions(always_label):
    problem, *_, cuts = a_problem(n=40)
    expected, _ = problem.expected_score(cuts, always_label, {"accuracy": 1.0})
    rng = np.random.default_rng(0)
    margins = (problem.logits - cuts.ravel()[problem.cell]) / _expected_score.NOISE
    total = 0.0
    for _ in range(2000):
        D = problem.decisions(rng.random(margins.size) < expit(margins))
        if always_label:
            # The largest of margins with Gumbel noise is a draw from their softmax.
            noisy = np.full((problem.n_rows, problem.n_labels), -np.inf)
            noisy[problem.row, problem.label] = margins + rng.gumbel(size=margins.size)
            empty = np.flatnonzero(~D.any(axis=1))
            D[empty, noisy[empty].argmax(axis=1)] = True
        total += (problem.decisions(problem.truth) == D).all(axis=1).mean()
    assert_allclose(total / 2000, expected, atol=0.005)


def test_labels_without_positives_score_nothing_in_f1_macro():
    problem, Y, *_ = a_problem()
    assert Y.any(axis=0).all()
    never = np.full((3, 5), 40.0)
    assert problem.score(never, False, {"f1_macro": 1.0}) == 0
    assert problem.score(-never, False, {"f1_macro": 1.0}) > 0


@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_gradients_count_the_entries_left_out(name):
    problem, _, cuts = a_compact_problem()
    assert problem.binned.counts.sum() > 100
    _, found = problem.expected_score(cuts, False, {name: 2.0})
    for at in [(0, 0), (1, 5), (2, 11), (0, 20)]:
        step = np.zeros_like(cuts)
        step[at] = 1e-6
        up, down = (problem.expected_score(cuts + s * step, False, {name: 2.0})[0] for s in (1, -1))
        assert_allclose(found[at], (up - down) / 2e-6, atol=1e-6)
    without = DecisionProblem(
        problem.n_rows,
        problem.n_labels,
        [problem.row, problem.label, problem.cell // problem.n_labels, problem.logits, problem.truth],
    )
    assert np.abs(without.expected_score(cuts, False, {name: 2.0})[1] - found).max() > 1e-3


@pytest.mark.parametrize("name", ["f1_micro", "f1_macro"])
@pytest.mark.parametrize("seed", range(3))
def test_false_positives_among_the_entries_left_out_count(name, seed):
    compact, whole, cuts = a_compact_problem(seed)
    for method in ("score", "expected_score"):
        few, all_of_them = (getattr(p, method)(cuts, False, {name: 1.0}) for p in (compact, whole))
        if method == "expected_score":
            few, all_of_them = few[0], all_of_them[0]
        assert_allclose(few, all_of_them, atol=0.01)
    compact.binned = _expected_score._NOTHING
    assert compact.score(cuts, False, {name: 1.0}) > whole.score(cuts, False, {name: 1.0}) + 0.02


@pytest.mark.parametrize("n_rows", [300, 40])
def test_rows_kept_whole_make_the_same_problem(n_rows):
    rng = np.random.default_rng(0)
    Z = rng.normal(-1 - np.arange(9) / 2, 1.5, (300, 9))
    Y, P, fold_of = rng.random(Z.shape) < expit(Z), expit(Z), rng.integers(3, size=300)
    fold_of = np.sort(fold_of)
    held = compact_rows(OutOfFold(Y, P, fold_of))
    _, link, folds = nested_candidates(held, fold_of)
    drawn = np.zeros(300, dtype=bool)
    drawn[rng.permutation(300)[:n_rows]] = True
    compact = DecisionProblem.from_compact(held.compact, fold_of, folds, link, drawn)
    whole = DecisionProblem.build(Y[drawn], P[drawn], fold_of[drawn], folds, link)
    for name in ("row", "label", "cell", "logits", "truth"):
        assert_array_equal(getattr(compact, name), getattr(whole, name))


@BOTH
@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_entries_nearby_are_enough(name, always_label):
    problem, *_, cuts = a_problem(n=400, L=12)
    cuts += 1.0
    near = problem.near(cuts)
    assert near.row.size < 0.85 * problem.row.size
    for found, expected in zip(
        near.expected_score(cuts, always_label, {name: 1.0}),
        problem.expected_score(cuts, always_label, {name: 1.0}),
        strict=True,
    ):
        assert_allclose(found, expected, atol=1e-5)


@BOTH
@pytest.mark.parametrize("name", ["f1_micro", "f1_macro"])
def test_a_part_of_the_rows_is_completed_to_the_counts_of_all(name, always_label, monkeypatch):
    problem, *_, cuts = a_problem(n=400)
    monkeypatch.setattr(_expected_score, "_PART_ENTRIES", 100)
    monkeypatch.setattr(_expected_score, "_PART_ROWS", 10)
    part = problem.part(cuts, always_label, np.random.RandomState(0))
    assert part.row.size < problem.row.size / 2
    expected, _ = problem.expected_score(cuts, always_label, {name: 1.0})
    assert_allclose(part.expected_score(cuts, always_label, {name: 1.0})[0], expected)
    assert_allclose(part.near(cuts).expected_score(cuts, always_label, {name: 1.0})[0], expected, rtol=1e-4)


@BOTH
@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_gradients_of_parts_are_right_on_average(name, always_label, monkeypatch):
    problem, *_, cuts = a_problem(n=400)
    expected, gradient = problem.expected_score(cuts, always_label, {name: 1.0})
    monkeypatch.setattr(_expected_score, "_PART_ENTRIES", problem.row.size / 4)
    monkeypatch.setattr(_expected_score, "_PART_ROWS", 1)
    rng = np.random.RandomState(0)
    parts = [problem.part(cuts, always_label, rng).expected_score(cuts, always_label, {name: 1.0}) for _ in range(150)]
    values, gradients = zip(*parts, strict=True)
    assert_allclose(np.mean(values), expected, rtol=0.02)
    error = np.std(gradients, axis=0) / np.sqrt(len(gradients))
    assert np.all(np.abs(np.mean(gradients, axis=0) - gradient) < 4.5 * error + 1e-9)


def test_few_entries_are_all_looked_at():
    problem, *_, cuts = a_problem()
    assert problem.part(cuts, False, np.random.RandomState(0)) is problem
