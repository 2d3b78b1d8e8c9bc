import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sklearn_metalabel.thresholds import CompactRows, OutOfFold


def random_case(seed=0, n=60, L=7, dtype=np.float64):
    """Truth with a label without positives, probabilities, and folds 0, 1 and 2."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(-np.arange(L) / 2, 1.5, (n, L))
    Y = rng.random((n, L)) < expit(Z)
    Y[:, 3] = False
    return Y, expit(Z).astype(dtype), rng.integers(3, size=n)


def compact(Y, P, fold, n_kept=None):
    rows = CompactRows(Y.mean(axis=0), n_kept)
    rows.add(P, Y, fold)
    return OutOfFold.from_compact(rows)


FORMS = {"complete": OutOfFold, "compact": compact}
by_form = pytest.mark.parametrize("form", FORMS)


@by_form
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_interface_for_rows_in_either_form(form, dtype):
    Y, P, fold = random_case(dtype=dtype)
    rows = FORMS[form](Y, P, fold)
    assert (rows.n_samples, rows.n_labels, rows.is_complete) == (60, 7, form == "complete")
    assert_array_equal(rows.fold, fold)
    row, label, values, hits = rows.compact.entries()
    assert_array_equal(values, P[row, label])
    assert_array_equal(hits, Y[row, label])
    assert_array_equal(rows.compact.fold_of, fold)
    assert_array_equal(rows.highest(), P.max(axis=0).astype(np.float64))
    assert rows.highest().dtype == np.float64


@pytest.mark.parametrize(
    "kind", [np.asarray, sp.csr_array, sp.csc_matrix, sp.coo_array, lambda Y: Y.astype(int).tolist()]
)
def test_every_kind_of_truth_is_taken(kind):
    Y, P, fold = random_case()
    rows = OutOfFold(kind(Y), P.tolist(), fold.tolist())
    assert_array_equal(rows.truth(), Y)
    assert rows.truth().dtype == bool
    assert_array_equal(rows.P, P)
    assert not sp.issparse(rows.Y) or rows.Y.format == "csr"
    part = rows.take(fold == 1)
    assert_array_equal(part.truth(), Y[fold == 1])


def test_without_folds_all_rows_are_of_one():
    Y, P, _ = random_case()
    assert_array_equal(OutOfFold(Y, P).fold, np.zeros(60))


@pytest.mark.parametrize("rows", [np.array([4, 1, 9]), np.arange(60) > 50], ids=["numbers", "mask"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_a_part_of_the_rows_keeps_their_truth_probabilities_and_folds(kind, rows):
    Y, P, fold = random_case()
    part = OutOfFold(kind(Y), P, fold).take(rows)
    assert_array_equal(part.truth(), Y[rows])
    assert_array_equal(part.P, P[rows])
    assert_array_equal(part.fold, fold[rows])
    assert (part.n_samples, part.n_labels, part.is_complete) == (len(P[rows]), 7, True)


@by_form
def test_parts_one_after_the_other_become_folds(form):
    Y, P, _ = random_case()
    bounds = [slice(0, 25), slice(25, 26), slice(26, 60)]
    joint = OutOfFold.concatenate([FORMS[form](Y[part], P[part], np.zeros(len(P[part]), int)) for part in bounds])
    assert_array_equal(joint.fold, np.repeat([0, 1, 2], [25, 1, 34]))
    assert (joint.n_samples, joint.n_labels, joint.is_complete) == (60, 7, form == "complete")
    row, label, values, hits = joint.compact.entries()
    assert_array_equal(values, P[row, label])
    assert_array_equal(hits, Y[row, label])
    if form == "complete":
        assert_array_equal(joint.P, P)
        assert_array_equal(joint.truth(), Y)


def test_sparse_parts_stay_sparse():
    Y, P, _ = random_case()
    joint = OutOfFold.concatenate([OutOfFold(sp.csc_array(Y[part]), P[part]) for part in (slice(20), slice(20, 60))])
    assert joint.Y.format == "csr"
    assert_array_equal(joint.truth(), Y)


def test_of_entries_left_out_the_highest_is_known_to_the_width_of_a_bin():
    Y, P, fold = random_case(n=300)
    rows = compact(Y, P, fold, n_kept=1)
    _, label, values, _ = rows.compact.entries()
    kept = np.zeros(7)
    np.maximum.at(kept, label, values)
    exact, found = P.max(axis=0), rows.highest()
    assert (kept < exact).any()
    assert_allclose(found / (1 - found), exact / (1 - exact), rtol=0.2)


@pytest.mark.parametrize("ask", [lambda r: r.Y, lambda r: r.P, lambda r: r.truth(), lambda r: r.take(np.arange(3))])
def test_what_compact_rows_cannot_give_is_refused_with_what_can_be_used(ask):
    with pytest.raises(ValueError, match=r"60 rows of 7 labels are too many .*; use LearnedThresholds, or a rule by"):
        ask(compact(*random_case()))


@pytest.mark.parametrize(
    ("Y", "P", "fold", "match"),
    [
        ([[1, 0]], [[0.5, 1.0]], None, r"P must lie strictly inside \(0, 1\), got values from 0.5 to 1.0"),
        ([[1, 0]], [[0.5, np.nan]], None, r"P must lie strictly inside \(0, 1\)"),
        ([[1, 0]], [0.5, 0.5], None, r"P must be a non-empty array of shape \(n_samples, n_labels\), got shape \(2,\)"),
        ([[1, 0, 1]], [[0.5, 0.5]], None, r"Y must have the shape of P, \(1, 2\), got \(1, 3\)"),
        ([[1, 2]], [[0.5, 0.5]], None, "Y must hold only 0 and 1"),
        ([[1, 0]], [[0.5, 0.5]], [0, 1], r"fold must have shape \(1,\), one fold for each row of P, got shape \(2,\)"),
        ([[1, 0]], [[0.5, 0.5]], 0, r"fold must have shape \(1,\).* got shape \(\); leave it out"),
    ],
)
def test_what_does_not_fit_gets_one_clear_sentence(Y, P, fold, match):
    with pytest.raises(ValueError, match=match):
        OutOfFold(Y, P, fold)
