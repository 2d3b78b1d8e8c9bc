import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.utils._probabilities import clip_probabilities, to_logits, to_probabilities


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_move_inside_and_the_rest_stays(dtype):
    P = np.array([0, 0.25, 1], dtype=dtype)
    clipped = clip_probabilities(P)
    assert clipped is P
    assert clipped.dtype == dtype
    assert 0 < clipped[0] < 1e-6
    assert clipped[1] == 0.25
    assert 1 - 1e-6 < clipped[2] < 1


def test_what_is_read_only_or_no_float_is_copied():
    P = np.array([0.0, 1.0])
    P.flags.writeable = False
    assert (clip_probabilities(P) > 0).all()
    assert_array_equal(P, [0, 1])
    assert clip_probabilities([0, 1]).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_and_probabilities_are_inverse(dtype):
    Z = np.linspace(-10, 10, 41).astype(dtype)
    P = to_probabilities(Z)
    assert P.dtype == dtype
    assert_allclose(to_logits(P), Z, atol=1e-2 if dtype == np.float32 else 1e-9)


def test_infinite_logits_and_certain_probabilities_stay_finite():
    P = to_probabilities(np.array([-np.inf, -1e5, 1e5, np.inf], dtype=np.float32))
    assert ((P > 0) & (P < 1)).all()
    assert np.isfinite(to_logits(np.array([0.0, 1.0]))).all()


def test_a_probability_does_not_depend_on_its_place():
    Z = np.random.RandomState(0).randn(100).astype(np.float32)
    P = to_probabilities(Z)
    assert all(to_probabilities(Z[i : i + 1])[0] == P[i] for i in range(100))
