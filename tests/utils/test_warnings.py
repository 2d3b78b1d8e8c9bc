import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from sklearn_metalabel import ConstantLabelWarning, UnreachableThresholdWarning
from sklearn_metalabel.utils import warn_constant_labels, warn_sigmoid, warn_unreachable_thresholds


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


def test_labels_out_of_reach_are_named_and_many_are_counted():
    with pytest.warns(UnreachableThresholdWarning, match=r"1 of 3 labels have a threshold above .* \(b\): their"):
        warn_unreachable_thresholds([True, False, True], ["a", "b", "c"])
    with pytest.warns(UnreachableThresholdWarning, match=r"7 of 7 labels .*\(0, 1, 2, 3, 4 and 2 more\)"):
        warn_unreachable_thresholds(np.zeros(7, dtype=bool), range(7))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # pytest is told to ignore this warning
        warn_unreachable_thresholds([True, True], ["a", "b"])


@pytest.mark.parametrize("raised", [False, True])
def test_outputs_that_look_like_probabilities_are_told_of(raised):
    outputs = np.linspace(0, 1, 100).reshape(25, 4)
    with pytest.warns(UserWarning, match="as if they were probabilities, and logits are expected"):
        warn_sigmoid(outputs, raised)
    for logits in (outputs - 0.01, outputs + 0.01, outputs[:24]):  # so few may be so by chance
        warn_sigmoid(logits, raised)


def test_a_loss_that_raises_logits_may_raise_them_above_one_half():
    warn_sigmoid(np.full((25, 4), 0.2), raised=True)
    with pytest.warns(UserWarning, match="as if they were probabilities"):
        warn_sigmoid(np.full((25, 4), 0.2), raised=False)
