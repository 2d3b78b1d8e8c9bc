import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sklearn_metalabel.decoding import PROBABILITIES, SCORES, decide, decide_rows
from sklearn_metalabel.thresholds import micromacro
from sklearn_metalabel.thresholds._link import LogisticLink, fit_link


def a_case(seed=0, n=2000, L=4, slope=0.02, intercept=-1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    S = (50 * rng.normal(size=(n, L)) + 10).astype(dtype)
    return rng.random((n, L)) < expit(slope * S + intercept), S


def test_the_link_that_made_the_labels_is_found(global_random_seed):
    link = fit_link(*a_case(global_random_seed, n=20_000))
    assert link.slope == pytest.approx(0.02, rel=0.05)
    assert link.intercept == pytest.approx(-1, abs=0.05)


def test_many_entries_are_sampled_to_the_same_link(monkeypatch):
    Y, S = a_case(n=20_000)
    whole = fit_link(Y, S)
    monkeypatch.setattr("sklearn_metalabel.thresholds._link._SAMPLE_ENTRIES", 20_000)
    sampled = fit_link(Y, S)
    assert sampled != whole
    assert_allclose([sampled.slope, sampled.intercept], [whole.slope, whole.intercept], rtol=0.1)


@pytest.mark.parametrize("case", ["separable", "reversed", "constant", "no positives", "all positives"])
def test_the_slope_stays_positive_and_finite(case):
    Y, S = a_case(n=50)
    if case == "constant":
        S = np.full(S.shape, 3.0)
    Y = {"separable": S > 0, "reversed": S < 0, "no positives": Y & False, "all positives": Y | True}.get(case, Y)
    link = fit_link(Y, S)
    assert 0 < link.slope < np.inf
    assert np.isfinite(link.intercept)
    P = link.probabilities(S)
    assert ((P > 0) & (P < 1)).all()
    assert_array_equal(np.argsort(P[:, 0], kind="stable"), np.argsort(S[:, 0], kind="stable"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_on_the_way_back_decide_the_same(global_random_seed, dtype):
    Y, S = a_case(global_random_seed, n=300, dtype=dtype)
    link = fit_link(Y, S)
    P = link.probabilities(S)
    # A value itself, the highest, the lowest, and a cut between two.
    t = np.array([P[7, 0], P[:, 1].max(), P[:, 2].min(), micromacro(Y, P)[3]])
    back = link.score_thresholds(t, S, P)
    assert_array_equal(S > back, P > t)
    assert_array_equal(decide_rows(S, back, True, SCORES), decide(P, t))


def test_never_and_always_become_infinite():
    Y, S = a_case(n=30)
    link = fit_link(Y, S)
    back = link.score_thresholds(np.array([1.0, 0.0, 0.5, 0.5]), S, link.probabilities(S))
    assert back[:2].tolist() == [np.inf, -np.inf]
    assert np.isfinite(back[2:]).all()


def test_the_fallback_picks_the_same_label_from_scores_and_from_probabilities(global_random_seed):
    Y, S = a_case(global_random_seed, n=300)
    link = LogisticLink(0.02, -1.0)
    P = link.probabilities(S)
    for t in (np.full(4, 0.95), np.array([0.99, 1.0, 0.9, 0.95]), np.ones(4)):
        back = link.score_thresholds(t, S, P)
        from_scores = decide_rows(S, back, False, SCORES)
        assert (from_scores.sum(axis=1) > 0).all()
        # Thresholds go back to any point between two scores, and the nearest label may then be another one.
        moved = np.where(np.isfinite(back), expit(0.02 * back - 1.0), t)
        assert_array_equal(from_scores, decide_rows(P, moved, False, PROBABILITIES))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_the_way_back_from_logits_and_probabilities_follow_them(dtype):
    _, S = a_case(n=30, dtype=dtype)
    before, link = S.copy(), LogisticLink(0.5, -1.0)
    assert link.logits(S).dtype == link.probabilities(S).dtype == np.float64
    assert_allclose(link.scores(link.logits(S)), S, rtol=1e-12)
    assert_allclose(link.probabilities(S), expit(link.logits(S)), atol=1e-12)
    assert_array_equal(S, before)
    extreme = link.probabilities(np.array([[-1e9, 1e9]]))
    assert ((extreme > 0) & (extreme < 1)).all()
