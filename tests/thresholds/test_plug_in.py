import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit

from sklearn_metalabel.thresholds import odr_micro, plug_in
from sklearn_metalabel.thresholds._calibration import calibrate
from sklearn_metalabel.thresholds._plug_in import _expected_counts, plug_in_thresholds

BALANCES = [0.0, 0.3, 0.6, 0.95]


def random_case(seed, n=2000, centre=(0.0, -1.0, -2.5, -4.0)):
    """Truth drawn from the probabilities, so these are calibrated."""
    rng = np.random.default_rng(seed)
    P = expit(rng.normal(centre, 1.2, (n, len(centre))))
    Y = (rng.random(P.shape) < P).astype(int)
    Y[0] = 1
    Y[1] = 0
    return Y, P


def expected_parts(Q, decided):
    """F and D of each label and of all together, from calibrated probabilities and decisions."""
    hits, D = (Q * decided).sum(axis=0), Q.sum(axis=0) + decided.sum(axis=0)
    return 2 * hits / D, D, 2 * hits.sum() / D.sum(), D.sum()


def expected_objective(Q, decided, balance):
    F, _, pooled_F, _ = expected_parts(Q, decided)
    return balance * F.mean() + (1 - balance) * pooled_F


def calibrated(Y, P):
    return expit(calibrate(Y, P).logits(logit(P)))


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("seed", range(5))
def test_the_thresholds_satisfy_the_closed_form_on_the_rows(seed, balance):
    Y, P = random_case(seed)
    Q = calibrated(Y, P)
    decided = plug_in(Y, P, balance=balance) < P
    F, D, pooled_F, pooled_D = expected_parts(Q, decided)
    for j in range(P.shape[1]):
        a_j, a = balance / (P.shape[1] * D[j]), (1 - balance) / pooled_D
        wanted = (a_j * F[j] + a * pooled_F) / (a_j + a) / 2
        assert 0.05 < wanted < 0.5
        # The threshold on Q lies between the lowest probability above the cut and the highest below.
        assert Q[decided[:, j], j].min(initial=1) > wanted - 0.01
        assert Q[~decided[:, j], j].max(initial=0) < wanted + 0.01


@pytest.mark.parametrize("place", [0, 7, -1])
def test_the_running_sums_count_what_is_strictly_above(place):
    counts = _expected_counts(calibrate(*random_case(0, n=60)))
    q = [counts.keys.imag[counts.keys.real == k] for k in range(4)]
    rows = [np.diff(counts.rows)[counts.keys.real == k] for k in range(4)]
    t = np.array([each[place] for each in q])
    hits, predicted = counts.above(t)
    for k in range(4):
        assert predicted[k] == sum(r for p, r in zip(q[k], rows[k], strict=True) if p > t[k])
        assert hits[k] == pytest.approx(sum(r * p for p, r in zip(q[k], rows[k], strict=True) if p > t[k]))


def test_below_all_probabilities_every_row_is_predicted():
    counts = _expected_counts(calibrate(*random_case(0, n=60)))
    hits, predicted = counts.above(np.zeros(4))
    assert_allclose(predicted, 60)
    assert_allclose(hits, counts.expected)


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("seed", range(5))
def test_no_cut_of_one_label_promises_more(seed, balance):
    Y, P = random_case(seed, n=500)
    Q = calibrated(Y, P)
    decided = plug_in(Y, P, balance=balance) < P
    reached = expected_objective(Q, decided, balance)
    for j in range(P.shape[1]):
        other = decided.copy()
        for cut in np.unique(P[:, j])[::5]:
            other[:, j] = P[:, j] > cut
            assert expected_objective(Q, other, balance) < reached + 2e-4
    assert expected_objective(Q, P > 0.5, balance) < reached - 0.01


@pytest.mark.parametrize("seed", range(5))
def test_without_macro_f1_calibrated_probabilities_are_cut_at_half_the_best_expected_micro_f1(seed):
    Y, P = random_case(seed, n=20_000)
    ordered = np.sort(P.ravel())[::-1]
    best = (2 * np.cumsum(ordered) / (ordered.sum() + np.arange(1, ordered.size + 1))).max()
    t = plug_in(Y, P, balance=0)
    assert_allclose(t[:3], best / 2, atol=0.02)
    assert_allclose(t, best / 2, atol=0.05)
    assert_allclose(odr_micro(Y, P), best / 2, atol=0.01)


def test_frequent_labels_lean_to_the_common_f1_and_rare_ones_to_their_own():
    rng = np.random.default_rng(0)
    Z = np.hstack([rng.normal(0.5, 0.7, (20_000, 6)), rng.normal(-6, 1, (20_000, 6))])
    P = expit(Z)
    Y = (rng.random(P.shape) < P).astype(int)
    Q = calibrated(Y, P)
    found = calibrate(Y, P)
    t = expit(found.logits(logit(plug_in(Y, P, balance=0.8))))
    F, _, pooled_F, _ = expected_parts(Q, t < Q)
    assert (F[6:] < 0.15).all()
    assert pooled_F > 0.6
    lean = (t - pooled_F / 2) / (F / 2 - pooled_F / 2)
    assert (lean[6:] > 0.9).all()
    assert (np.abs(t[:6] - pooled_F / 2) < 0.01).all()
    assert (t[6:] < 0.1).all()


def test_a_higher_share_of_macro_f1_predicts_rare_labels_more_often():
    Y, P = random_case(0)
    predicted = [(plug_in(Y, P, balance=balance)[3] < P[:, 3]).sum() for balance in BALANCES]
    assert predicted == sorted(predicted)
    assert predicted[-1] > 1.5 * max(predicted[0], 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_balances_from_one_calibration_equal_one_at_a_time(dtype):
    Y, P = random_case(1)
    Y[:, 1], P = 0, P.astype(dtype)
    together = plug_in_thresholds(calibrate(Y, P), BALANCES)
    assert together.shape == (4, 4)
    assert together.dtype == np.float64
    for t, balance in zip(together, BALANCES, strict=True):
        assert_array_equal(t, plug_in(sp.csr_array(Y), P, balance=balance))
    assert (np.diff(together[:, [0, 2, 3]], axis=0) != 0).all()
    assert plug_in_thresholds(calibrate(Y, P), []).shape == (0, 4)


def test_probabilities_that_are_too_high_are_calibrated_away():
    Y, P = random_case(0, n=20_000)
    t = plug_in(Y, P)
    shifted = expit(2 * logit(P) + 1)
    assert_allclose(logit(plug_in(Y, shifted)), 2 * logit(t) + 1, atol=0.1)


def test_an_uninformative_classifier_should_predict_everything():
    Y = np.zeros((100, 2), dtype=int)
    Y[:7] = 1
    P = np.full(Y.shape, 0.07)
    for balance in BALANCES:
        t = plug_in(Y, P, balance=balance)
        assert ((t > 0) & (t < P)).all()


@pytest.mark.parametrize("balance", BALANCES)
def test_labels_of_one_value_are_constant_and_the_certain_ones_count(balance):
    Y, P = random_case(3)
    one = np.ones((len(Y), 1), dtype=int)
    both = plug_in(np.hstack([Y, 0 * one, one]), np.hstack([P, 0.3 * one, 0.3 * one]), balance=balance)
    assert_array_equal(both[4:], [1, 0])
    decided = np.hstack([both[:4] < P, one])
    Q = np.hstack([calibrated(Y, P), one])
    F, D, pooled_F, pooled_D = expected_parts(Q, decided)
    a_j, a = balance / (5 * D[0]), (1 - balance) / pooled_D
    on_q = expit(calibrate(Y, P).logits(logit(both[:4])))[0]
    assert on_q == pytest.approx((a_j * F[0] + a * pooled_F) / (a_j + a) / 2, abs=2e-3)
    assert_array_equal(plug_in(np.zeros((3, 1)), np.full((3, 1), 0.2), balance=balance), [1])
    assert_array_equal(plug_in(np.ones((3, 1)), np.full((3, 1), 0.2), balance=balance), [0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_labels", [1, 4])
def test_a_perfect_classifier_of_extreme_confidence_is_followed(n_labels, dtype):
    Y = (np.arange(120)[:, None] % np.arange(2, 2 + n_labels) == 0).astype(int)
    P = np.where(Y == 1, 1 - 1e-7, 1e-7).astype(dtype)
    for balance in BALANCES:
        t = plug_in(Y, P, balance=balance)
        assert_array_equal(t < P, Y == 1)


def test_a_classifier_that_is_confident_and_wrong_leaves_thresholds_inside():
    Y = (np.arange(120)[:, None] % [2, 3, 40] == 0).astype(int)
    P = np.where(Y == 1, 1e-7, 1 - 1e-7)
    for balance in BALANCES:
        t = plug_in(Y, P, balance=balance)
        assert ((t > 0) & (t < 1)).all()


def test_a_single_positive_among_weak_probabilities_is_handled():
    rng = np.random.default_rng(0)
    P = rng.uniform(1e-7, 1e-5, (1000, 3))
    Y = np.zeros(P.shape, dtype=int)
    Y[5] = 1
    for balance in BALANCES:
        t = plug_in(Y, P, balance=balance)
        assert ((t > 0) & (t < 1)).all()


@pytest.mark.parametrize("balance", [-0.1, 0.96, 1, np.nan, "macro", None])
def test_a_balance_outside_gets_one_clear_sentence(balance):
    with pytest.raises(ValueError, match=r"balance must be a number in \[0, 0.95\], got"):
        plug_in(*random_case(0, n=20), balance=balance)
