import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_metalabel.utils import (
    _label_arrays,
    check_labels,
    check_pair,
    check_probabilities,
    check_thresholds,
    dense_labels,
    row_blocks,
)

Y = np.array([[1, 0, 1], [0, 0, 1]])
P = np.array([[0.9, 0.2, 0.3], [0.1, 0.4, 0.8]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_of_either_precision_are_taken_as_they_are(dtype):
    given = P.astype(dtype)
    assert check_probabilities(given) is given
    assert check_probabilities(given.astype(np.float16)).dtype == np.float64
    assert_array_equal(check_probabilities(P.tolist()), P)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([0.5, 0.5], r"non-empty array of shape \(n_samples, n_labels\), got shape \(2,\)"),
        (np.zeros((0, 3)), r"non-empty array .* got shape \(0, 3\)"),
        ([[0.0, 0.5]], r"strictly inside \(0, 1\), got values from 0.0 to 0.5; clip it first"),
        ([[0.5, 1.0]], r"strictly inside \(0, 1\), got values from 0.5 to 1.0"),
        ([[0.5, np.nan]], r"strictly inside \(0, 1\)"),
    ],
)
def test_what_are_no_probabilities_is_refused(given, match):
    with pytest.raises(ValueError, match=match):
        check_probabilities(given)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_labels_of_zeros_and_ones_are_taken_in_every_form(kind, dtype):
    found = check_labels(kind(Y.astype(dtype)), (2, 3))
    assert not sp.issparse(found) or found.format == "csc"
    assert_array_equal(found.toarray() if sp.issparse(found) else found, Y.astype(dtype))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan])
def test_other_labels_are_refused(kind, value):
    wrong = Y.astype(float if isinstance(value, float) else int)
    wrong[0, 0] = value
    with pytest.raises(ValueError, match="Y must hold only 0 and 1, got other values; encode the labels first"):
        check_labels(kind(wrong), (2, 3))
    with pytest.raises(ValueError, match=r"Y must have the shape of P, \(2, 4\), got \(2, 3\)"):
        check_labels(kind(Y), (2, 4))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_a_pair_comes_with_its_positives(kind):
    labels, probabilities, positives = check_pair(kind(Y), P)
    assert labels.shape == probabilities.shape == (2, 3)
    assert positives.tolist() == [1, 0, 2]
    assert positives.dtype == np.int64


def test_thresholds_are_one_for_each_label_or_one_for_all():
    assert_array_equal(check_thresholds([0, 0.5, 1], 3), [0.0, 0.5, 1.0])
    assert_array_equal(check_thresholds(0.3, 3), [0.3, 0.3, 0.3])
    assert check_thresholds(np.zeros((4, 3)), 3, samples=True).shape == (4, 3)


@pytest.mark.parametrize(
    ("given", "samples", "match"),
    [
        ([0.5], False, r"thresholds must have shape \(n_labels,\) with n_labels=3, got \(1,\)"),
        ([[0.5] * 3], False, r"thresholds must have shape \(n_labels,\) with n_labels=3, got \(1, 3\)"),
        ([[[0.5] * 3]], True, r"shape \(n_labels,\) or \(n_draws, n_labels\) with n_labels=3, got \(1, 1, 3\)"),
        ([0.5, 0.5, 1.1], False, r"thresholds must lie in \[0, 1\]"),
        ([0.5, 0.5, -0.1], True, r"thresholds must lie in \[0, 1\]"),
        ([0.5, 0.5, np.nan], False, r"thresholds must lie in \[0, 1\], got values outside or NaN"),
    ],
)
def test_other_thresholds_are_refused(given, samples, match):
    with pytest.raises(ValueError, match=match):
        check_thresholds(given, 3, samples=samples)


@pytest.mark.parametrize(("n", "L", "entries"), [(10, 3, 9), (10, 3, 2), (1, 1, 1), (7, 2, 1000)])
def test_blocks_cover_all_rows_in_order_and_hold_few_entries(n, L, entries, monkeypatch):
    monkeypatch.setattr(_label_arrays, "_ROW_BLOCK_ENTRIES", entries)
    blocks = list(row_blocks(n, L))
    assert_array_equal(np.concatenate([np.arange(n)[rows] for rows in blocks]), np.arange(n))
    assert max(rows.stop - rows.start for rows in blocks) <= max(1, entries // L)
    assert list(row_blocks(0, L)) == []


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix])
def test_columns_become_rows_of_truth(kind):
    found = dense_labels(kind(Y), np.array([2, 0]))
    assert_array_equal(found, [[True, True], [True, False]])
    assert found.dtype == bool
    assert found.flags.c_contiguous
