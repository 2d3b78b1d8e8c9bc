import numpy as np
import pytest

from sklearn_metalabel.nn import MLP, AttentiveBiLSTM, TextCNN
from sklearn_metalabel.nn._sizes import as_sizes, check_dropout, check_sizes


@pytest.mark.parametrize("size", [0, -1, 1.0, "3", None, True])
def test_a_size_that_is_no_positive_integer_is_refused_by_name(size):
    with pytest.raises(ValueError, match=f"hidden must be a positive integer, got {size!r}"):
        check_sizes(n_labels=1, hidden=size)


def test_sizes_are_integers_of_any_kind():
    assert as_sizes("widths", [1, np.int64(3)]) == (1, 3)
    assert as_sizes("widths", np.array([2, 4])) == (2, 4)
    assert as_sizes("widths", ()) == ()


@pytest.mark.parametrize("sizes", [3, "34", b"34", None])
def test_what_is_no_sequence_of_sizes_is_refused(sizes):
    with pytest.raises(ValueError, match=f"widths must be a sequence of positive integers, got {sizes!r}"):
        as_sizes("widths", sizes)


@pytest.mark.parametrize("dropout", [-0.1, 1.1, np.nan, "0.5", None])
def test_a_dropout_that_is_no_share_is_refused(dropout):
    with pytest.raises(ValueError, match=r"dropout must be a number in \[0, 1\], got"):
        check_dropout(dropout)


@pytest.mark.parametrize("dropout", [0, 1, 0.5, np.float32(0.5)])
def test_any_share_may_be_dropped(dropout):
    check_dropout(dropout)


@pytest.mark.parametrize("max_norm", [0, -1.0, np.nan, "3"])
def test_a_bound_of_the_norm_that_is_none_is_refused(max_norm):
    with pytest.raises(ValueError, match="max_norm must be None or a number above 0"):
        TextCNN(3, n_tokens=5, max_norm=max_norm)


@pytest.mark.parametrize("make", [lambda: MLP(0, 3), lambda: TextCNN(0, 5), lambda: AttentiveBiLSTM(10, 0, 5)])
def test_every_network_checks_its_sizes(make):
    with pytest.raises(ValueError, match="must be a positive integer, got 0"):
        make()
