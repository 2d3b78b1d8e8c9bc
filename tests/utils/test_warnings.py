import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_metalabel.utils._warnings import ConstantLabelWarning, warn_constant_labels


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_labels_with_one_value_are_named(form):
    Y = np.array([[0, 1, 0, 1], [0, 1, 1, 0]])
    with pytest.warns(ConstantLabelWarning, match=r"2 of 4 labels have one value in all training rows \(a, b\): they"):
        warn_constant_labels(form(Y), ["a", "b", "c", "d"])


def test_more_than_five_are_counted():
    with pytest.warns(ConstantLabelWarning, match=r"8 of 8 labels .*\(0, 1, 2, 3, 4 and 3 more\)"):
        warn_constant_labels(np.zeros((3, 8)), range(8))


def test_varied_labels_give_no_warning():
    warn_constant_labels(np.array([[0, 1], [1, 0]]), ["a", "b"])
