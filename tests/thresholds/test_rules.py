from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import f1_score

from sklearn_metalabel.thresholds import (
    global_threshold,
    micromacro,
    odr_macro,
    odr_micro,
    plug_in,
    scut,
    scutfbr,
    shrunken,
)
from sklearn_metalabel.thresholds._scut import _deal, _nested_fbr
from sklearn_metalabel.utils import check_thresholds

nested_never = partial(scutfbr, fbr="nested", variant=0, random_state=0)
nested_highest = partial(scutfbr, fbr="nested", variant=1, random_state=0)
RULES = [
    *(global_threshold, scut, scutfbr, odr_micro, odr_macro, micromacro, shrunken, plug_in),
    pytest.param(nested_highest, id="nested_highest"),
    pytest.param(nested_never, id="nested_never"),
]


def random_case(seed, n=40, L=5, ties=False):
    rng = np.random.default_rng(seed)
    Z = rng.normal(-1, 1.5, (n, L))
    P = 1 / (1 + np.exp(-Z))
    Y = (rng.random((n, L)) < P).astype(int)
    Y[0] = 1
    Y[1] = 0
    return Y, np.clip(np.round(P, 1), 0.1, 0.9) if ties else P


def all_cuts(p):
    """One threshold for every way to cut the scores p: none, and just under each distinct score."""
    u = np.unique(p)
    return [u[-1], *(u[1:] + u[:-1])[::-1] / 2, u[0] / 2]


def f1(y, decided, average="macro"):
    """F1 without scikit-learn's checks, which would take most of the time of these tests."""
    axis = 0 if average == "macro" else None
    hits, total = (y * decided).sum(axis), decided.sum(axis) + y.sum(axis)
    return np.mean(2 * hits / np.maximum(total, 1))


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_the_f1_of_these_tests_is_that_of_scikit_learn(average):
    Y, P = random_case(0)
    for t in (0.1, 0.5, 0.999):
        assert f1(Y, t < P, average) == pytest.approx(f1_score(Y, t < P, average=average, zero_division=0))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_scut_equals_the_loop_over_all_cuts_and_takes_the_highest_of_equals(seed, ties):
    Y, P = random_case(seed, ties=ties)
    t = scut(Y, P)
    for j in range(P.shape[1]):
        scores = [f1(Y[:, j], P[:, j] > c) for c in all_cuts(P[:, j])]
        best = all_cuts(P[:, j])[int(np.argmax(np.round(scores, 12)))]
        assert_array_equal(P[:, j] > t[j], P[:, j] > best)


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_the_global_cut_equals_the_loop_over_all_cuts(seed, ties, average):
    Y, P = random_case(seed, ties=ties)
    t = global_threshold(Y, P, average=average)
    assert len(set(t)) == 1
    scores = [f1(Y, c < P, average) for c in all_cuts(P)]
    best = all_cuts(P)[int(np.argmax(np.round(scores, 10)))]
    assert_array_equal(t < P, best < P)


@pytest.mark.parametrize("rule", [scut, scutfbr, global_threshold])
def test_of_two_equally_good_cuts_the_higher_one_is_taken(rule):
    # One prediction gives 2 / (1 + 2), all four 4 / (4 + 2).
    Y, P = np.array([[1], [0], [0], [1]]), np.array([[0.8], [0.6], [0.4], [0.2]])
    assert 0.6 < rule(Y, P)[0] < 0.8


@pytest.mark.parametrize("variant", [0, 1])
@pytest.mark.parametrize("seed", range(10))
def test_scutfbr_falls_back_exactly_where_the_best_f1_is_at_most_fbr(seed, variant):
    Y, P = random_case(seed)
    tuned = scut(Y, P)
    best = np.array([f1(Y[:, j], P[:, j] > tuned[j]) for j in range(P.shape[1])])
    fbr = float(np.median(best))
    fallback = P.max(axis=0) if variant else np.ones(P.shape[1])
    assert_array_equal(scutfbr(Y, P, fbr=fbr, variant=variant), np.where(best > fbr, tuned, fallback))
    assert_array_equal(scutfbr(Y, P, fbr=0.0, variant=variant), tuned)


def naive_cut(y, p):
    """Highest best cut of one label, as a threshold to compare p > t with, and its F1."""
    best, chosen = -1.0, None
    for t in all_cuts(p):
        score = 2 * sum(a and b for a, b in zip(y, p > t, strict=True)) / (sum(p > t) + sum(y))
        if score > best:
            best, chosen = score, t
    return chosen, best


def naive_fbr(y, p, variant, n_folds, random_state):
    """The nested choice of fbr for one label, transcribed."""
    n = len(y)
    order = list(np.random.RandomState(random_state).permutation(n))
    sums = dict.fromkeys([k / 10 for k in range(1, 9)], 0)
    for f in range(n_folds):
        aside = order[f * n // n_folds : (f + 1) * n // n_folds]
        others = [i for i in range(n) if i not in aside]
        if not y[others].any():
            continue
        tuned, score = naive_cut(y[others], p[others])
        tuned = 0.0 if y[others].all() else tuned
        for fbr in sums:
            t = tuned if score > fbr else (p[others].max() if variant == 1 else 1.0)
            hits = sum(y[i] and p[i] > t for i in aside)
            size = sum(p[i] > t for i in aside) + sum(y[aside])
            sums[fbr] += Fraction(int(2 * hits), int(size)) if size else 0
    best = max(sums.values())
    return max(fbr for fbr in sums if sums[fbr] == best) if best else 0.1


def weak_case(seed, n, ties):
    """Labels from well to badly predicted, and rare ones among them."""
    rng = np.random.default_rng(seed)
    L = 8
    Y = (rng.random((n, L)) < np.linspace(0.5, 0.04, L)).astype(int)
    Y[0], Y[1] = 1, 0
    P = 1 / (1 + np.exp(-(rng.normal(0, 1, (n, L)) + Y * np.tile([0.3, 1.5], L // 2))))
    return Y, np.clip(np.round(P, 1), 0.1, 0.9) if ties else P


@pytest.mark.parametrize("n_folds", [2, 3])
@pytest.mark.parametrize("variant", [0, 1])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_nested_scutfbr_equals_its_transcription(seed, ties, variant, n_folds, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.utils._label_arrays._ROW_BLOCK_ENTRIES", 100)
    Y, P = weak_case(seed, n=40, ties=ties)
    t = scutfbr(Y, P, fbr="nested", variant=variant, n_folds=n_folds, random_state=seed)
    chosen = [naive_fbr(Y[:, j], P[:, j], variant, n_folds, seed) for j in range(P.shape[1])]
    assert len(set(chosen)) > 1
    for j, fbr in enumerate(chosen):
        assert t[j] == scutfbr(Y[:, [j]], P[:, [j]], fbr=fbr, variant=variant)[0]


@pytest.mark.parametrize("variant", [0, 1])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_nested_fbr_itself_is_that_of_the_transcription(seed, ties, variant):
    Y, P = weak_case(seed, n=40, ties=ties)
    varied = np.flatnonzero(Y.any(axis=0) & ~Y.all(axis=0))
    found = _nested_fbr(Y, P, None, varied, variant, _deal(len(Y), 3, np.random.RandomState(seed)))
    assert_array_equal(found, [naive_fbr(Y[:, j], P[:, j], variant, 3, seed) for j in range(P.shape[1])])


def test_nested_scutfbr_gives_up_labels_that_are_noise_only():
    rng = np.random.default_rng(0)
    P = rng.uniform(0.01, 0.99, (600, 40))
    Y = (rng.random(P.shape) < 0.02).astype(int)
    Y[:, 0] = P[:, 0] > 0.9
    t = scutfbr(Y, P, fbr="nested", variant=0, random_state=0)
    assert 0.85 < t[0] < 0.91
    assert (scut(Y, P) < 1).all()
    assert (t[1:] == 1).sum() >= 5


def test_the_folds_of_nested_scutfbr_follow_the_random_state():
    Y, P = weak_case(0, n=60, ties=False)
    nested = partial(scutfbr, Y, P, fbr="nested")
    assert_array_equal(nested(random_state=3), nested(random_state=np.random.RandomState(3)))
    assert len({tuple(nested(random_state=seed)) for seed in range(10)}) > 1


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_odr_is_half_of_the_best_f1(seed, ties):
    Y, P = random_case(seed, ties=ties)
    pooled = max(f1(Y, c < P, "micro") for c in all_cuts(P))
    assert_allclose(odr_micro(Y, P), pooled / 2)
    own = [max(f1(Y[:, j], P[:, j] > c) for c in all_cuts(P[:, j])) for j in range(P.shape[1])]
    assert_allclose(odr_macro(Y, P), np.array(own) / 2)


def test_on_calibrated_probabilities_odr_is_the_threshold_of_the_best_f1():
    # Uniform probabilities: F(t) = (1 - t^2) / (3/2 - t), best at t = (3 - sqrt(5)) / 2, where F = 2 t.
    rng = np.random.default_rng(0)
    P = rng.uniform(1e-9, 1 - 1e-9, (200_000, 1))
    Y = rng.random(P.shape) < P
    exact = (3 - np.sqrt(5)) / 2
    assert_allclose(odr_macro(Y, P), exact, atol=0.003)
    assert_allclose(odr_micro(Y, P), exact, atol=0.003)
    assert_allclose(scut(Y, P), exact, atol=0.03)


@pytest.mark.parametrize("rule", [odr_micro, odr_macro, scut, global_threshold])
def test_an_uninformative_classifier_should_predict_everything(rule):
    Y = np.zeros((100, 2), dtype=int)
    Y[:7] = 1
    P = np.full(Y.shape, 0.07)
    assert (rule(Y, P) < P).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_and_boolean_truth_give_the_same_thresholds(rule, dtype):
    Y, P = random_case(0)
    P = P.astype(dtype)
    t = rule(Y, P)
    assert t.shape == (5,)
    assert t.dtype == np.float64
    kinds = (sp.csr_matrix, sp.csc_array, sp.coo_array, lambda Y: Y.astype(bool), lambda Y: Y.astype(float))
    for other in (kind(Y) for kind in kinds):
        assert_array_equal(rule(other, P), t)


# The fallback of nested_never, the last one, is 1.
@pytest.mark.parametrize("rule", RULES[:-1])
@pytest.mark.parametrize("ties", [False, True])
def test_labels_with_both_values_get_thresholds_strictly_inside(rule, ties):
    for seed in range(10):
        t = rule(*random_case(seed, ties=ties))
        assert ((t > 0) & (t < 1)).all()


@pytest.mark.parametrize("rule", RULES)
def test_a_label_without_positives_is_never_predicted_and_changes_no_other(rule):
    Y, P = random_case(1)
    rng = np.random.default_rng(0)
    wider = np.hstack([P, rng.uniform(0.1, 0.9, (len(P), 1))])
    t = rule(np.hstack([Y, np.zeros((len(Y), 1), dtype=int)]), wider)
    assert t[-1] == 1.0
    assert_array_equal(t[:-1], rule(Y, P))
    assert_array_equal(rule(np.zeros_like(Y), P), 1.0)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [1, 2, 3, 60])
def test_of_few_rows_too_every_rule_gives_thresholds_that_keep_to_labels_of_one_value(rule, n):
    Y, P = random_case(0, n=60)
    Y, P = Y[:n].copy(), P[:n]
    Y[:, 3], Y[:, 4] = 0, 1
    t = check_thresholds(rule(Y, P), 5)
    assert t[3] == 1
    assert t[4] < P[:, 4].max() or rule in (global_threshold, odr_micro)


@pytest.mark.parametrize("rule", [scut, scutfbr, nested_never, odr_macro, micromacro, shrunken, plug_in])
def test_a_label_without_negatives_is_always_predicted(rule):
    Y, P = random_case(1)
    Y[:, 2] = 1
    assert rule(Y, P)[2] == 0.0


@pytest.mark.parametrize("rule", RULES)
def test_the_arguments_are_left_as_they_were(rule):
    Y, P = random_case(2)
    before = Y.copy(), P.copy()
    Y.setflags(write=False)
    P.setflags(write=False)
    rule(Y, P)
    assert_array_equal(Y, before[0])
    assert_array_equal(P, before[1])


@pytest.mark.parametrize("rule", RULES)
def test_wrong_arguments_get_one_clear_sentence(rule):
    with pytest.raises(ValueError, match=r"P must lie strictly inside \(0, 1\), got values from 0.2 to 1.0"):
        rule([[0, 1]], [[0.2, 1.0]])
    with pytest.raises(ValueError, match=r"Y must have the shape of P, \(1, 2\), got \(1, 3\)"):
        rule([[0, 1, 0]], [[0.2, 0.9]])
    with pytest.raises(ValueError, match="Y must hold only 0 and 1"):
        rule([[0, 3]], [[0.2, 0.9]])
    with pytest.raises(ValueError, match="non-empty"):
        rule(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda Y, P: global_threshold(Y, P, average="samples"), 'average must be "micro" or "macro"'),
        (lambda Y, P: scutfbr(Y, P, fbr=1.5), "fbr must be a number"),
        (lambda Y, P: scutfbr(Y, P, fbr=None), "fbr must be a number"),
        (lambda Y, P: scutfbr(Y, P, fbr="tuned"), 'fbr must be a number in .* or "nested"'),
        (lambda Y, P: scutfbr(Y, P, fbr="nested", n_folds=1), "n_folds must be an integer of at least 2"),
        (lambda Y, P: scutfbr(Y, P, fbr="nested", n_folds=2.5), "n_folds must be an integer of at least 2"),
        (lambda Y, P: scutfbr(Y, P, variant=2), "variant must be 0"),
        (lambda Y, P: shrunken(Y, P, kappa=-1), "kappa must be a number"),
        (lambda Y, P: shrunken(Y, P, kappa=np.nan), "kappa must be a number"),
        (lambda Y, P: shrunken(Y, P, kappa="much"), "kappa must be a number"),
    ],
)
def test_wrong_options_get_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(*random_case(0))
