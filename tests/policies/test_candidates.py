import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit

from sklearn_metalabel.policies import _candidates
from sklearn_metalabel.policies._candidates import (
    CANDIDATES,
    calibrated_logits,
    nested_candidates,
    probability_thresholds,
)
from sklearn_metalabel.thresholds import (
    LogisticLink,
    OutOfFold,
    global_threshold,
    micromacro,
    order_entries,
    shrunken,
)


def held_out(seed=0, n=300, L=6):
    rng = np.random.default_rng(seed)
    Z = rng.normal(-1 - np.arange(L) / 2, 1.5, (n, L))
    return rng.random((n, L)) < expit(Z), expit(0.5 * Z + 0.3)


def find_candidates(Y, P, link=None):
    """Candidates and link of rows of one fold."""
    folds = np.zeros(len(P), dtype=int)
    return _candidates.find_candidates(order_entries(OutOfFold(Y, P, folds), folds), link)


def test_the_link_finds_the_scale_and_the_shift_of_all_labels_together():
    Y, P = held_out(n=20_000)
    _, link = find_candidates(Y, P)
    assert_allclose([link.slope, link.intercept], [2, -0.6], atol=0.1)


def test_thresholds_and_logits_of_the_link_are_inverse():
    link, t = LogisticLink(1.7, -0.4), np.array([1e-6, 0.2, 0.999])
    assert_allclose(probability_thresholds(link, calibrated_logits(link, t)), t, rtol=1e-9)


def test_thresholds_of_far_cuts_stay_inside():
    t = probability_thresholds(LogisticLink(0.01, 0.0), np.array([-30.0, 30.0]))
    assert ((t > 0) & (t < 1)).all()


@pytest.mark.parametrize(
    ("name", "rule"), [("global", global_threshold), ("micromacro", micromacro), ("shrunken", shrunken)]
)
def test_candidates_cut_where_their_rules_cut(name, rule):
    Y, P = held_out()
    candidates, link = find_candidates(Y, P)
    cut = candidates.cuts[CANDIDATES.index(rule.__name__.removesuffix("_threshold"))]
    assert_array_equal(calibrated_logits(link, P) > cut, rule(Y, P) < P)


def test_one_half_is_the_zero_of_the_calibrated_logits():
    Y, P = held_out()
    candidates, link = find_candidates(Y, P)
    assert_array_equal(candidates.cuts[CANDIDATES.index("half")], 0)
    assert_allclose(probability_thresholds(link, np.zeros(1)), expit(-link.intercept / link.slope))


def test_labels_of_one_value_have_the_same_cut_in_all_candidates():
    Y, P = held_out()
    Y[:, 1], Y[:, 4] = False, True
    candidates, link = find_candidates(Y, P)
    assert_array_equal(candidates.varied, [True, False, True, True, False, True])
    assert (candidates.cuts[:, 1] > calibrated_logits(link, P[:, 1]).max()).all()
    assert (candidates.cuts[:, 4] < calibrated_logits(link, P[:, 4]).min()).all()


def test_sparse_truth_gives_the_same():
    Y, P = held_out()
    dense, sparse = (find_candidates(truth, P)[0] for truth in (Y, sp.csr_array(Y.astype(np.int8))))
    assert_allclose(dense.cuts, sparse.cuts, rtol=1e-12)


def test_a_given_link_is_used():
    Y, P = held_out()
    link = LogisticLink(1.0, 0.0)
    candidates, used = find_candidates(Y, P, link)
    assert used is link
    assert_allclose(candidates.cuts[1], logit(global_threshold(Y, P)))


@pytest.mark.parametrize("seed", range(5))
def test_candidates_without_a_fold_are_nearly_those_of_its_absence(seed):
    Y, P = held_out(seed)
    fold_of = np.random.default_rng(seed).integers(3, size=len(Y))
    _, link, folds = nested_candidates(OutOfFold(Y, P, fold_of), fold_of)
    for k, nested in enumerate(folds):
        alone, _ = find_candidates(Y[fold_of != k], P[fold_of != k], link)
        assert_allclose(nested.cuts[:4], alone.cuts[:4], atol=0.01)
        assert_allclose(nested.cuts[4:], alone.cuts[4:], atol=0.05)
        assert_array_equal(nested.varied, alone.varied)


def test_of_rows_kept_whole_the_rules_are_exact_without_a_fold_too():
    Y, P = held_out(n=90)
    fold_of = np.arange(90) % 3
    _, link, folds = nested_candidates(OutOfFold(Y, P, fold_of), fold_of)
    for k, nested in enumerate(folds):
        others = Y[fold_of != k], P[fold_of != k]
        for cut, rule in zip(nested.cuts[1:4], (global_threshold, micromacro, shrunken), strict=True):
            assert_array_equal(cut, calibrated_logits(link, rule(*others)))
