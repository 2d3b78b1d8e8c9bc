import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from sklearn_metalabel.learners._label_weight import resolve_label_weight

Y = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 0, 0]])
NAMES = ["/a", "/a/b", "/a/b/c"]


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(
    ("given", "weights"),
    [
        ("uniform", [1, 1, 1]),
        ("hierarchy", [1, 2, 3]),
        ("frequency", [4**-0.25, 2**-0.25, 1]),
        ([2, 1, 1], [2, 1, 1]),
        (lambda Y: Y.sum(axis=0) + 1, [5, 3, 1]),
    ],
)
def test_weights_by_name_array_or_function_have_mean_one(given, weights, form):
    assert_allclose(resolve_label_weight(given, form(Y), NAMES), np.divide(weights, np.mean(weights)))


def test_depth_may_come_from_a_hierarchy():
    assert_allclose(resolve_label_weight("hierarchy", Y, ["x", "y", "z"], {"y": "x", "z": "x"}), [0.6, 1.2, 1.2])


def test_wrong_weights_are_named_as_the_parameter_is():
    with pytest.raises(ValueError, match="anchor must have one weight for each of the 3 labels"):
        resolve_label_weight([1, 2], Y, NAMES, name="anchor")
