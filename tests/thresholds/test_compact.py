import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sklearn_metalabel.thresholds import _compact
from sklearn_metalabel.thresholds._compact import BIN_PROBABILITIES, CompactRows
from sklearn_metalabel.utils import _label_arrays

N_KEPT = 6


def rows(seed=0, n=150, L=40, dtype=np.float32):
    """Truth with a label without positives, one without negatives, and a row without labels; probabilities."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(-np.linspace(1, 6, L), 1.5, (n, L))
    Y = rng.random((n, L)) < expit(Z)
    Y[:, 3], Y[:, 7] = False, True
    Y[2] = np.arange(L) == 7
    return Y, expit(Z).astype(dtype)


def hold(Y, P, sizes=None, n_kept=N_KEPT):
    held, start = CompactRows(Y.mean(axis=0), n_kept), 0
    for size in sizes or [len(P)]:
        held.add(P[start : start + size], Y[start : start + size], fold=np.arange(start, start + size) % 3)
        start += size
    return held


def assert_equal_rows(held, other):
    for mine, its in zip((*held.entries(), held.fold_of), (*other.entries(), other.fold_of), strict=True):
        assert_array_equal(mine, its)
    assert_array_equal(held.left_out, other.left_out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_labels_are_kept_whole(dtype):
    Y, P = rows(L=12, dtype=dtype)
    held = hold(Y, P, n_kept=None)
    row, label, values, hits = held.entries()
    assert_array_equal(values.reshape(P.shape), P)
    assert_array_equal(hits.reshape(P.shape), Y)
    assert_array_equal(row * 12 + label, np.arange(P.size))
    assert (values.dtype, held.left_out.sum(), held.n_samples) == (dtype, 0, len(Y))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix])
@pytest.mark.parametrize("seed", range(3))
def test_of_rows_that_are_all_there_labels_keep_their_best_entries(seed, kind, monkeypatch):
    monkeypatch.setattr(_compact, "_LEAST_OF_LABEL", 10)
    Y, P = rows(seed, n=400)
    held = CompactRows.from_dense(kind(Y), P, np.arange(len(Y)) % 3)
    row, label, values, hits = held.entries()
    assert (np.diff(row) >= 0).all()
    assert_array_equal(values, P[row, label])
    assert_array_equal(hits, Y[row, label])
    assert hits.sum() == Y.sum()
    assert_array_equal(np.bincount(label, minlength=40) + held.left_out.sum(axis=1), len(P))
    assert values.size < P.size / 2
    for j in range(40):
        others = np.sort(P[~Y[:, j], j])[::-1]
        kept = np.sort(values[(label == j) & ~hits])[::-1]
        assert_array_equal(kept, others[: kept.size])
        assert len(P) == kept.size + Y[:, j].sum() or kept.size >= 10


def test_of_few_rows_that_are_all_there_nothing_is_left_out():
    Y, P = rows(n=90)
    held = CompactRows.from_dense(Y, P, np.zeros(90, dtype=int))
    assert held.left_out.sum() == 0
    assert held.entries()[2].size == P.size


@pytest.mark.parametrize("seed", range(5))
def test_a_row_keeps_its_positives_and_the_most_promising_of_the_others(seed):
    Y, P = rows(seed)
    row, label, values, hits = hold(Y, P).entries()
    frequency = Y.mean(axis=0)
    frequency = np.maximum(frequency, frequency[frequency > 0].min())
    promise = P / (1 - P) / np.sqrt(frequency)
    for i in range(len(Y)):
        expected = set(np.argsort(promise[i])[-N_KEPT:]) | set(np.flatnonzero(Y[i]))
        assert set(label[row == i]) == expected
    assert_array_equal(values, P[row, label])
    assert_array_equal(hits, Y[row, label])
    assert hits.sum() == Y.sum()


def test_what_is_left_out_is_counted_in_bins_no_wider_than_a_quarter_of_a_power_of_two():
    Y, P = rows()
    held = hold(Y, P)
    row, label, *_ = held.entries()
    beside = np.ones(P.shape, dtype=bool)
    beside[row, label] = False
    assert_array_equal(held.left_out.sum(axis=1), beside.sum(axis=0))
    assert beside.sum() > P.size / 2
    for j in range(P.shape[1]):
        counted = np.repeat(BIN_PROBABILITIES, held.left_out[j])
        ratio = np.sort(P[beside[:, j], j]) * (1 - counted) / (counted * (1 - np.sort(P[beside[:, j], j])))
        assert np.abs(np.log2(ratio)).max(initial=0) < 0.25


def test_blocks_parts_and_the_kind_of_truth_do_not_matter(monkeypatch):
    Y, P = rows()
    whole = hold(Y, P)
    assert_equal_rows(hold(Y, P, [40, 1, 109]), whole)
    assert_equal_rows(hold(sp.csr_array(Y.astype(np.int8)), P, [40, 110]), whole)
    first, second = CompactRows(Y.mean(axis=0), N_KEPT), CompactRows(Y.mean(axis=0), N_KEPT)
    first.add(P[:60], Y[:60], np.arange(60) % 3)
    second.add(P[60:], Y[60:], np.arange(60, 150) % 3)
    joint = CompactRows.concatenate([first, second])
    assert_equal_rows(joint, whole)
    assert (first.n_samples, joint.n_samples) == (60, 150)
    assert first.left_out.sum() < joint.left_out.sum()
    monkeypatch.setattr(_label_arrays, "_ROW_BLOCK_ENTRIES", 100)
    monkeypatch.setattr(_compact, "_LABELS_PER_BLOCK", 7)
    monkeypatch.setattr(_compact, "_ROWS_PER_BLOCK", 64)
    assert_equal_rows(hold(Y, P), whole)


def test_it_survives_a_pickle():
    Y, P = rows()
    held = hold(Y, P, [50, 100])
    assert_equal_rows(pickle.loads(pickle.dumps(held)), held)


@pytest.mark.parametrize(("n_labels", "per_row", "expected"), [(10, 2.0, 10), (64, 2.0, 50), (128, 16.0, 80)])
def test_rows_of_more_labels_keep_more_entries(n_labels, per_row, expected):
    assert CompactRows(np.full(n_labels, per_row / n_labels)).n_kept == expected


def test_the_ends_of_the_scale_have_bins_too():
    P = np.array([[1e-30, 1e-9, 0.5, 1 - 1e-9, 0.9]])
    held = CompactRows(np.full(5, 0.2), n_kept=1)
    held.add(P, np.zeros((1, 5), dtype=int))
    assert_array_equal(held.left_out.sum(axis=1), [1, 1, 1, 0, 1])
    assert_array_equal(held.left_out[0], held.left_out[1])


def test_counts_beside_add_entries_to_a_share_of_what_was_left_out():
    Y, P = rows()
    held = hold(Y, P)
    counts = held.counts_beside(np.array([5, 5]), np.array([0.3, 0.3]), share=0.5)
    assert_allclose(counts.sum(), 0.5 * held.left_out.sum() + 2)
    assert (counts - 0.5 * held.left_out)[5].max() == 2


@pytest.mark.parametrize("n_kept", [None, 2, N_KEPT])
def test_the_highest_probability_of_a_label_is_known_to_the_width_of_a_bin(n_kept):
    Y, P = rows(dtype=np.float64)
    held = hold(Y, P, [50, 100], n_kept=n_kept)
    highest, exact = held.highest(), P.max(axis=0)
    ratio = highest / (1 - highest) * (1 - exact) / exact
    assert np.abs(np.log2(ratio)).max() < 0.25
    _, label, values, _ = held.entries()
    kept_whole = np.isin(np.arange(40), label[values == exact[label]])
    assert kept_whole.any()
    assert (highest[kept_whole] >= exact[kept_whole]).all()
    if n_kept == 2:
        assert not kept_whole.all()


def test_parts_may_be_given_their_folds():
    Y, P = rows()
    joint = CompactRows.concatenate([hold(Y, P, [100, 50]), hold(Y, P)], folds=[4, 2])
    assert_array_equal(joint.fold_of, np.repeat([4, 2], 150))


def test_parts_of_other_labels_are_refused():
    with pytest.raises(ValueError, match="parts must agree in their labels, got 41 beside 40"):
        CompactRows.concatenate([CompactRows(np.full(40, 0.1)), CompactRows(np.full(41, 0.1))])
