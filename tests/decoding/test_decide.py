import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import logit

from sklearn_metalabel.decoding import SCORES, decide, decide_block, decide_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("allow_unlabeled", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_decisions_equal_the_loop(seed, allow_unlabeled, dtype, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.utils._label_arrays._ROW_BLOCK_ENTRIES", 24)
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.01, 0.7, (50, 6)).astype(dtype)
    t = rng.uniform(0.4, 0.9, 6)
    t[1] = 1.0
    naive = np.zeros(P.shape, dtype=int)
    for i, row in enumerate(P.astype(np.float64)):
        naive[i] = [p > c for p, c in zip(row, t, strict=True)]
        if not allow_unlabeled and not naive[i].any():
            margins = [logit(p) - logit(c) if c < 1 else -np.inf for p, c in zip(row, t, strict=True)]
            naive[i, int(np.argmax(margins))] = 1
    decided = decide(P, t, allow_unlabeled=allow_unlabeled)
    assert_array_equal(decided, naive)
    assert decided.dtype == np.int64
    assert (~naive.any(axis=1)).any() == allow_unlabeled


def test_the_comparison_is_strict():
    assert_array_equal(decide([[0.5, 0.5]], [0.5, np.nextafter(0.5, 0)]), [[0, 1]])


def test_a_float32_probability_is_compared_without_rounding_the_threshold():
    p = np.float32(0.1)
    assert decide(np.array([[p]]), [np.nextafter(np.float64(p), 0)]) == 1
    assert decide(np.array([[p]]), [np.float64(p)]) == 0


def test_zero_always_predicts_and_one_never():
    P = np.array([[1e-300, 1 - 1e-16]])
    assert_array_equal(decide(P, [0.0, 1.0]), [[1, 0]])


def test_the_fallback_takes_the_largest_margin_not_the_largest_probability():
    assert_array_equal(decide([[0.4, 0.1]], [0.9, 0.2], allow_unlabeled=False), [[0, 1]])


def test_ties_of_the_fallback_go_to_the_lower_index():
    assert_array_equal(decide([[0.2, 0.2, 0.2]], [0.9, 0.5, 0.5], allow_unlabeled=False), [[0, 1, 0]])


def test_the_fallback_leaves_out_labels_that_are_never_predicted_unless_all_are():
    assert_array_equal(decide([[0.99, 0.1]], [1.0, 0.9], allow_unlabeled=False), [[0, 1]])
    assert_array_equal(decide([[0.3, 0.6]], [1.0, 1.0], allow_unlabeled=False), [[0, 1]])


@pytest.mark.parametrize(
    ("P", "t", "message"),
    [
        ([[0.5, 1.0]], [0.5, 0.5], r"P must lie strictly inside \(0, 1\)"),
        ([[0.5, 0.5]], [0.5], r"thresholds must have shape \(n_labels,\) with n_labels=2"),
        ([[0.5, 0.5]], [[0.5, 0.5]], r"thresholds must have shape \(n_labels,\)"),
        ([[0.5, 0.5]], [0.5, -0.1], r"thresholds must lie in \[0, 1\]"),
    ],
)
def test_wrong_arguments_get_one_clear_sentence(P, t, message):
    with pytest.raises(ValueError, match=message):
        decide(P, t)


def test_one_threshold_stands_for_all_labels():
    P = np.random.default_rng(0).uniform(0.01, 0.99, (20, 3))
    assert_array_equal(decide(P, 0.4), decide(P, [0.4, 0.4, 0.4]))


def test_other_float_types_are_widened():
    assert_array_equal(decide(np.array([[0.25, 0.5]], dtype=np.float16), [0.2, 0.5]), [[1, 0]])


@pytest.mark.parametrize("allow_unlabeled", [False, True])
def test_scores_are_compared_in_their_own_units(allow_unlabeled, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    S, t = 20 * rng.normal(size=(30, 4)), np.array([10.0, np.inf, -5.0, 30.0])
    naive = np.zeros(S.shape, dtype=int)
    for i, row in enumerate(S):
        naive[i] = row > t
        if not allow_unlabeled and not naive[i].any():
            naive[i, int(np.argmax(row - t))] = 1
    assert_array_equal(decide_rows(S, t, allow_unlabeled, SCORES), naive)
    assert_array_equal(decide_block(S, t, allow_unlabeled, SCORES), naive == 1)
    never = np.full(4, np.inf)
    assert_array_equal(decide_rows(S, never, False, SCORES).argmax(axis=1), S.argmax(axis=1))
