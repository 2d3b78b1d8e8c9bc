from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from sklearn_metalabel.utils import as_numbers, shown


@pytest.mark.parametrize("value", [np.ones((3, 3)), pd.DataFrame({"a": [1, 2]}), "a\nb", list(range(1000))])
def test_a_value_is_shown_on_one_short_line(value):
    line = shown(value)
    assert "\n" not in line
    assert 0 < len(line) <= 80


@pytest.mark.parametrize("value", ["half", 0.5, None, [1, 2], "x" * 78])
def test_what_is_short_is_shown_whole(value):
    assert shown(value) == repr(value)


def test_what_is_long_ends_in_dots():
    assert shown("x" * 79) == f"'{'x' * 76}..."


@pytest.mark.parametrize(
    "values", [[1, 2], (True, False), np.float32([0.5, 2]), pd.Series([1, 0]), [Decimal("0.5"), 1]]
)
def test_numbers_of_any_kind_become_floats(values):
    numbers = as_numbers(values, "values")
    assert numbers.dtype == np.float64
    assert_array_equal(numbers, [float(value) for value in values])


def test_numbers_of_the_type_asked_for_are_not_copied():
    values = np.ones(3, dtype=np.float32)
    assert as_numbers(values, "values", dtype=np.float32) is values


@pytest.mark.parametrize(
    "values", ["half", ["0.5"], 1j, [[1], [1, 2]], object(), {}, sp.csr_array([[1.0]]), np.array("2020", dtype="M8[D]")]
)
def test_what_is_no_array_of_numbers_is_refused_by_name(values):
    with pytest.raises(
        ValueError, match=r"^weights must be a dense array of real numbers, got .*; pass numbers alone\.$"
    ):
        as_numbers(values, "weights")
