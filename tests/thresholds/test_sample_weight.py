"""Every rule counts weighted rows: a weight of 2 is the row twice, and of 0 the row left out."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sklearn_metalabel.thresholds import (
    CompactRows,
    OutOfFold,
    fit_link,
    global_of,
    global_threshold,
    micromacro,
    micromacro_of,
    odr_macro,
    odr_micro,
    order_entries,
    pcut,
    plug_in,
    scut,
    scutfbr,
    shrunken,
    shrunken_of,
)
from sklearn_metalabel.thresholds._calibration import calibrate
from sklearn_metalabel.thresholds._scut import _fold_scores, _nested_fbr

# Rules whose thresholds are computed from sums of floats, which round differently in another order.
ROUNDED = {"plug_in", "shrunken"}
# Rules that compare counts with a number of positives or with a prior: a weight of 3 for all is not a weight of 1.
COUNTING = {"plug_in", "shrunken"}
RULES = {
    "scut": scut,
    "scutfbr": partial(scutfbr, fbr=0.4),
    "scutfbr.0": partial(scutfbr, fbr=0.4, variant=0),
    "odr_micro": odr_micro,
    "odr_macro": odr_macro,
    "global": global_threshold,
    "global macro": partial(global_threshold, average="macro"),
    "micromacro": micromacro,
    "shrunken": shrunken,
    "shrunken 0": partial(shrunken, kappa=0),
    "shrunken inf": partial(shrunken, kappa=np.inf),
    "plug_in": plug_in,
    "pcut": lambda Y, P, sample_weight=None: pcut(Y, P[:50], sample_weight=sample_weight),
}
every_rule = pytest.mark.parametrize("name", RULES)


def case(seed=0, n=200, n_labels=6, ties=True):
    """Truth and probabilities that rank it; the last label has no negatives, the one before no positives."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, n_labels)) < np.geomspace(0.5, 0.03, n_labels)
    Y[:, -1], Y[:, -2] = True, False
    P = expit(rng.normal(-1, 1, Y.shape) + 2 * Y)
    return Y.astype(int), P.round(2).clip(0.01, 0.99) if ties else P


def assert_same(name, found, expected):
    if name in ROUNDED:
        assert_allclose(found, expected, rtol=1e-6)
    else:
        assert_array_equal(found, expected)


@every_rule
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("seed", range(3))
def test_a_weight_is_a_number_of_copies(seed, kind, name):
    (Y, P), weight = case(seed), np.random.default_rng(seed).integers(0, 4, 200)
    rows = np.repeat(np.arange(200), weight)
    copies = RULES[name](Y[rows], P[rows]) if name != "pcut" else pcut(Y[rows], P[:50])
    assert_same(name, RULES[name](kind(Y), P, sample_weight=weight), copies)


@every_rule
def test_rows_of_weight_zero_are_left_out_whatever_they_say(name):
    Y, P = case()
    wrong = np.arange(200) % 3 == 0
    Y[wrong], P[wrong] = 1 - Y[wrong], np.random.default_rng(1).uniform(0.01, 0.99, P[wrong].shape)
    found = RULES[name](Y, P, sample_weight=np.where(wrong, 0, 0.3))
    expected = RULES[name](Y[~wrong], P[~wrong], sample_weight=np.full((~wrong).sum(), 0.3))
    if name == "pcut":
        expected = pcut(Y[~wrong], P[:50])
    assert_array_equal(found, expected)


@every_rule
def test_the_scale_of_weights_matters_only_to_rules_that_count(name):
    Y, P = case()
    found = [RULES[name](Y, P, sample_weight=weight) for weight in (None, np.ones(200), np.full(200, 3.0))]
    assert_array_equal(found[1], found[0])
    if name in COUNTING:
        assert abs(found[2] - found[0]).max() > 1e-4
    else:
        assert_array_equal(found[2], found[0])  # sums of threes are exact


@every_rule
def test_two_halves_are_a_whole(name):
    Y, P = case()
    if name == "pcut":
        pytest.skip("its batch is not weighted")
    found = RULES[name](np.tile(Y, (2, 1)), np.tile(P, (2, 1)), sample_weight=np.full(400, 0.5))
    # Quantiles for the bins of plug_in lie between other rows.
    assert_allclose(found, RULES[name](Y, P), rtol=0.02 if name == "plug_in" else 1e-12)


@pytest.mark.parametrize("variant", [0, 1])
def test_nested_fbr_counts_copies_in_the_same_fold(variant):
    Y, P = case(n=120)
    weight, fold = np.random.default_rng(0).integers(1, 4, 120), np.arange(120) % 3
    rows, varied = np.repeat(np.arange(120), weight), np.arange(4)
    found = _nested_fbr(Y, P, weight.astype(float), varied, variant, fold)
    assert_array_equal(found, _nested_fbr(Y[rows], P[rows], None, varied, variant, fold[rows]))


@pytest.mark.parametrize("variant", [0, 1])
def test_scores_of_a_fold_count_copies(variant):
    Y, P = case(n=60)
    weight, order = np.random.default_rng(0).integers(1, 4, 60), np.argsort(-P[:, 0], kind="stable")
    hits, scores, aside = Y[order, 0] == 1, P[order, 0], order % 3 == 0
    copies = np.repeat(np.arange(60), weight[order])
    found = _fold_scores(hits[None], scores[None], weight[order][None].astype(float), aside[None], variant)
    expected = _fold_scores(hits[None, copies], scores[None, copies], None, aside[None, copies], variant)
    assert_allclose(found, expected, rtol=1e-12)


def test_nested_fbr_leaves_out_rows_of_weight_zero():
    Y, P = case()
    wrong = np.arange(200) % 4 == 0
    options = {"fbr": "nested", "random_state": 0}
    found = scutfbr(np.where(wrong[:, None], 1 - Y, Y), P, sample_weight=(~wrong).astype(float), **options)
    assert_array_equal(found, scutfbr(Y[~wrong], P[~wrong], **options))


def test_calibration_counts_copies():
    (Y, P), weight = case(ties=False), np.random.default_rng(0).integers(0, 4, 200)
    rows = np.repeat(np.arange(200), weight)
    weighted, copies = calibrate(Y, P, weight), calibrate(Y[rows], P[rows])
    assert_allclose(weighted.intercept, copies.intercept, rtol=1e-6)
    assert_allclose(weighted.slope, copies.slope, rtol=1e-6)
    assert weighted.n_samples == weight.sum()


def test_the_link_counts_copies():
    (Y, P), weight = case(), np.random.default_rng(0).integers(0, 4, 200)
    S, rows = 3 * P - 1, np.repeat(np.arange(200), weight)
    weighted, copies = fit_link(Y == 1, S, weight), fit_link(Y[rows] == 1, S[rows])
    assert_allclose([weighted.slope, weighted.intercept], [copies.slope, copies.intercept], rtol=1e-5)


@pytest.mark.parametrize("n_kept", [None, 2])
def test_compact_rows_count_copies(n_kept):
    (Y, P), weight = case(n=2000), np.random.default_rng(0).integers(1, 4, 2000)
    rows, fold = np.repeat(np.arange(2000), weight), np.arange(2000) % 3
    weighted, copies = (ordered(*each, n_kept) for each in ((Y, P, fold, weight), (Y[rows], P[rows], fold[rows], None)))
    left, n_left = (weight * (fold != 1)).sum(), (fold[rows] != 1).sum()
    for part in (weighted, weighted.without(1, left, left / weight.sum())):
        same = copies if part is weighted else copies.without(1, n_left, n_left / rows.size)
        assert_array_equal(part.positives, same.positives)
        assert_array_equal(micromacro_of(part, part.cuts()), micromacro_of(same, same.cuts()))
        assert_array_equal(global_of(part, part.pool()), global_of(same, same.pool()))
        shrunk = [shrunken_of(each, each.cuts(), each.pool()) for each in (part, same)]
        assert_allclose(*shrunk, rtol=1e-12)
        assert_allclose(part.histogram().logits, same.histogram().logits, rtol=1e-9)


def ordered(Y, P, fold, weight, n_kept):
    """Entries of complete rows, or of rows that keep few each."""
    if n_kept is None:
        return order_entries(OutOfFold(Y, P, fold, weight), fold)
    compact = CompactRows(np.average(Y, axis=0, weights=weight), n_kept)
    compact.add(P, Y, fold, None if weight is None else weight.astype(float))
    return order_entries(OutOfFold.from_compact(compact), fold)


def test_tiny_weights_keep_no_more_entries_than_weights_of_one():
    Y, P = case(n=5000)
    Y = Y * (np.arange(5000) % 10 == 0)[:, None]
    kept = [OutOfFold(Y, P, None, weight).compact.entries()[0].size for weight in (None, np.full(5000, 1 / 5000))]
    assert kept[0] < Y.size / 2
    assert_allclose(*kept, rtol=0.05)


def test_rows_of_weight_zero_are_no_part_of_out_of_fold_rows():
    Y, P = case()
    weight = np.arange(200) % 4
    rows = OutOfFold(Y, P, np.arange(200) % 3, weight)
    assert (rows.n_samples, rows.total_weight) == (150, weight.sum())
    assert_array_equal(rows.sample_weight, weight[weight > 0])
    part = rows.take(rows.fold == 0)
    assert_array_equal(part.sample_weight, weight[(weight > 0) & (np.arange(200) % 3 == 0)])
    both = OutOfFold.concatenate([rows, OutOfFold(Y, P)])
    assert_array_equal(both.sample_weight, np.r_[weight[weight > 0], np.ones(200)])
    assert OutOfFold.concatenate([OutOfFold(Y, P)]).sample_weight is None
    assert OutOfFold(Y, P, sample_weight=np.ones(200)).sample_weight is None


@every_rule
@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (np.ones(3), r"sample_weight.shape == \(3,\), expected \(200,\)"),
        (-np.ones(200), "not negative"),
        (np.zeros(200), "above 0 for at least one row"),
        (np.full(200, np.nan), "finite"),
    ],
)
def test_weights_that_are_none_are_refused(weight, match, name):
    Y, P = case()
    with pytest.raises(ValueError, match=match):
        RULES[name](Y, P, sample_weight=weight)
    with pytest.raises(ValueError, match=match):
        OutOfFold(Y, P, sample_weight=weight)
