import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from sklearn_metalabel.utils._targets import encode_target, label_column, label_rows

Y = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1], [1, 1, 0]])


@pytest.mark.parametrize(
    "y",
    [
        Y,
        Y.tolist(),
        list(Y),
        Y.astype(bool),
        Y.astype(float),
        Y.astype(object),
        np.asfortranarray(Y),
        pd.DataFrame(Y),
        pd.DataFrame(Y, dtype="Int64"),
        pd.DataFrame(Y, dtype="boolean"),
        pl.DataFrame(Y),
        sp.csr_matrix(Y),
        sp.csc_array(Y),
        sp.coo_matrix(Y),
        sp.lil_array(Y),
        sp.dok_matrix(Y),
        sp.csr_array(Y, dtype=bool),
        sp.csr_array(Y, dtype=float),
    ],
    ids=lambda y: f"{type(y).__name__}-{getattr(y, 'dtype', '')}",
)
def test_every_container_of_zeros_and_ones_gives_the_same_matrix(y):
    encoded, target = encode_target(y, n_samples=4)
    assert isinstance(encoded, np.ndarray)
    assert encoded.dtype == np.int8
    assert encoded.flags.c_contiguous
    assert_array_equal(encoded, Y)
    assert target.kind == "multilabel"
    assert target.has_thresholds
    assert target.sparse == sp.issparse(y)
    assert_array_equal(target.classes, [[0, 1]] * 3)


def test_sparse_targets_are_left_as_they_were():
    y = sp.coo_array((np.ones(2, dtype=int), ([0, 1], [1, 1])), shape=(4, 3))
    entries = y.data.copy()
    encode_target(y)
    assert_array_equal(y.data, entries)
    explicit = sp.csr_array(Y)
    explicit.data[0] = 0
    encoded, _ = encode_target(explicit)
    assert explicit.nnz == Y.sum()
    assert encoded.sum() == Y.sum() - 1


def test_few_sparse_labels_become_dense_and_many_stay_sparse():
    assert isinstance(encode_target(sp.csr_array((2, 1000)))[0], np.ndarray)
    many = sp.random_array((5, 1001), density=0.1, random_state=0)
    many.data[:] = 1
    many.data[0] = 0
    encoded, _ = encode_target(many)
    assert encoded.format == "csr"
    assert encoded.dtype == np.int8
    assert encoded.nnz == many.nnz - 1
    for rows in (slice(None), [3, 1]):
        assert_array_equal(label_rows(encoded, rows), many.toarray()[rows])
    assert label_rows(encoded).dtype == np.float32
    assert_array_equal(label_column(encoded, 7), many.toarray()[:, 7])
    assert label_column(encoded, 7).shape == (5,)


def test_names_come_from_columns_and_are_text():
    assert encode_target(pd.DataFrame(Y, columns=["a", 5, ("b", "c")]))[1].label_names.tolist() == [
        "a",
        "5",
        "('b', 'c')",
    ]
    assert encode_target(pl.DataFrame(Y, schema=["a", "b", "c"]))[1].label_names.tolist() == ["a", "b", "c"]
    assert encode_target(Y)[1].label_names.tolist() == ["0", "1", "2"]


def decide_at_half(P):
    return P > 0.5


def test_two_classes_are_one_column():
    encoded, target = encode_target(np.array(["no", "yes", "no"]))
    assert (target.kind, target.has_thresholds) == ("binary", True)
    assert_array_equal(encoded, [[0], [1], [0]])
    assert target.label_names.tolist() == ["yes"]
    P = np.array([[0.2], [0.5], [0.7]])
    assert_allclose(target.probabilities(P), [[0.8, 0.2], [0.5, 0.5], [0.3, 0.7]])
    assert target.decode(P, decide_at_half).tolist() == ["no", "no", "yes"]
    for t in (0.0, 0.2, 0.5, 0.69, 0.7, 1.0):
        assert_array_equal(target.decision(P, t) > 0, P[:, 0] > t)
    assert_allclose(target.decision(P, 0.5), logit(P[:, 0]))


def test_more_classes_are_one_hot():
    encoded, target = encode_target([3, 1, 2, 3])
    assert (target.kind, target.has_thresholds) == ("multiclass", False)
    assert_array_equal(encoded, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    P = np.array([[0.1, 0.3, 0.2], [0.9, 0.8, 0.1]])
    assert_allclose(target.probabilities(P), P / [[0.6], [1.8]])
    assert target.decode(P, decide_at_half).tolist() == [2, 1]
    assert_array_equal(target.decision(P, 0.9).argmax(axis=1), [1, 0])


@pytest.mark.parametrize("sparse", [False, True])
def test_labels_are_decoded_by_the_decision_and_in_the_form_of_the_target(sparse):
    _, target = encode_target(sp.csr_matrix(Y) if sparse else Y)
    P = np.array([[0.4, 0.6, 0.5]])
    decoded = target.decode(P, decide_at_half)
    assert sp.issparse(decoded) == sparse
    assert decoded.dtype == np.int64
    assert_array_equal(decoded.toarray() if sparse else decoded, [[0, 1, 0]])
    assert_allclose(target.decision(P, np.array([0.3, 0.6, 0.7])), [[0.1, 0.0, -0.2]], atol=1e-12)
    assert target.probabilities(P) is P


@pytest.mark.parametrize("make", [np.asarray, np.ndarray.tolist, pd.DataFrame, sp.csr_array, lambda y: y.astype(bool)])
def test_a_single_column_of_zeros_and_ones_is_one_label(make):
    encoded, target = encode_target(make(Y[:, :1]))
    assert (target.kind, target.sparse) == ("multilabel", make is sp.csr_array)
    assert_array_equal(encoded, Y[:, :1])
    assert target.classes.tolist() == [[0, 1]]
    assert encode_target(np.zeros((3, 1)))[1].kind == "multilabel"


@pytest.mark.parametrize("values", [[1, 2, 1], [0, 2, 1], ["no", "yes", "no"]])
def test_a_single_column_of_classes_is_a_vector_with_a_warning(values):
    with pytest.warns(match="column-vector y was passed"):
        encoded, target = encode_target(np.array(values)[:, None])
    assert target.classes.tolist() == sorted(set(values))
    assert len(encoded) == 3
