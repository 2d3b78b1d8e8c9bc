import numpy as np
import scipy.sparse as sp
from numpy.testing import assert_allclose
from scipy.special import logit

from sklearn_metalabel.policies._label_descriptors import (
    mean_log_odds,
    scaled_co_occurrence,
    scaled_log_frequency,
)
from sklearn_metalabel.utils import as_certain_negatives

RNG = np.random.default_rng(0)
Y, P = RNG.random((40, 3)) < 0.4, RNG.uniform(0.05, 0.95, (40, 3))


def test_means_are_those_of_positives_and_of_negatives():
    of_positives, of_negatives = mean_log_odds(Y, P, logit(P))
    for j in range(3):
        assert_allclose(4 * of_positives[j], logit(P[Y[:, j], j]).mean())
        assert_allclose(4 * of_negatives[j], logit(P[~Y[:, j], j]).mean())


def test_weights_count_as_repetitions():
    weight = RNG.integers(1, 4, 40)
    rows = np.repeat(np.arange(40), weight)
    repeated = mean_log_odds(Y[rows], P[rows], logit(P[rows]))
    assert_allclose(mean_log_odds(Y, P, logit(P), weight.astype(float)), repeated)


def test_what_is_not_known_is_left_out():
    labels = np.where(np.arange(40)[:, None] < 10, -1, Y).astype(np.int8)
    known, Q = as_certain_negatives(labels, P)
    assert_allclose(mean_log_odds(known > 0, Q, logit(Q)), mean_log_odds(Y[10:], P[10:], logit(P[10:])))


def test_labels_of_one_value_have_numbers_too():
    for constant in (np.zeros((5, 1), dtype=bool), np.ones((5, 1), dtype=bool)):
        assert np.isfinite(mean_log_odds(constant, np.full((5, 1), 0.3), logit(np.full((5, 1), 0.3)))).all()


def test_frequencies_are_scaled_so_that_one_in_fifty_five_is_zero():
    assert_allclose(scaled_log_frequency(np.array([999.0]), 1_000 * np.exp(4)), [0.0], atol=1e-12)
    assert_allclose(scaled_log_frequency(np.array([9.0, 99.0]), 100), (np.log([0.1, 1.0]) + 4) / 2)


def test_labels_that_come_with_others_are_told_from_those_that_come_alone():
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 1, 1], [-1, 0, 1]], dtype=np.int8)
    others = [1 / 2, 3 / 3, 2 / 3]
    positives = (labels > 0).sum(axis=0)
    assert_allclose(scaled_co_occurrence(labels, positives), np.log1p(others) - 1)
    known = np.where(labels > 0, labels, 0)
    assert_allclose(scaled_co_occurrence(sp.csr_array(known), positives), np.log1p(others) - 1)
    rows, weight = [0, 1, 1, 1, 2, 3, 4], np.array([1.0, 3.0, 1.0, 1.0, 1.0])
    repeated = scaled_co_occurrence(labels[rows], (labels[rows] > 0).sum(axis=0))
    assert_allclose(scaled_co_occurrence(labels, weight @ known, weight), repeated)
    assert_allclose(scaled_co_occurrence(np.zeros((4, 2), dtype=np.int8), np.zeros(2)), [-1.0, -1.0])
