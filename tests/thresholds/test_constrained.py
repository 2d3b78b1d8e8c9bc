import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from scipy.special import expit
from scipy.stats import binom, binomtest
from sklearn.metrics import precision_score, recall_score

from sklearn_metalabel.thresholds import constrained, constrained_labels


def population(rng, n, shift=-1.0):
    """Truth and miscalibrated probabilities of one label."""
    Z = rng.normal(shift, 2, n)
    return (rng.random(n) < expit(Z)).astype(int)[:, None], expit(0.7 * Z + rng.normal(0, 0.5, n))[:, None]


@pytest.fixture(scope="module")
def everyone():
    """So many rows that their shares are the true ones."""
    Y, P = population(np.random.default_rng(0), 400_000)
    order = np.argsort(P[:, 0])
    return Y[order, 0], P[order, 0]


@pytest.mark.parametrize("n", [60, 400])
@pytest.mark.parametrize("metric", ["precision", "recall"])
def test_the_promise_is_kept_as_often_as_was_said(metric, n, everyone):
    Y, P = everyone
    above = Y.sum() - np.cumsum(Y)  # positives above each probability
    true = above / Y.sum() if metric == "recall" else above / np.maximum(np.arange(len(Y))[::-1], 1)
    rng, n_trials, broken = np.random.default_rng(1), 300, 0
    for _ in range(n_trials):
        t = constrained(*population(rng, n), metric, 0.8, confidence=0.9)[0]
        broken += t < 1 and np.interp(t, P, true) < 0.8
    # One in ten at most, but for the chance of these trials: four standard errors.
    assert broken <= 0.1 * n_trials + 4 * np.sqrt(0.09 * n_trials)


@pytest.mark.parametrize(("metric", "other"), [("precision", recall_score), ("recall", precision_score)])
def test_a_stronger_promise_costs_more_of_the_other(metric, other):
    Y, P = population(np.random.default_rng(2), 3000)
    of_other = [
        other(Y, constrained(Y, P, metric, level, confidence=confidence) < P, zero_division=1)
        for level, confidence in ((0.6, None), (0.6, 0.9), (0.6, 0.999), (0.75, 0.999))
    ]
    assert of_other == sorted(of_other, reverse=True)
    assert of_other[0] > of_other[-1]


@pytest.mark.parametrize(
    ("metric", "score", "other"),
    [("precision", precision_score, recall_score), ("recall", recall_score, precision_score)],
)
def test_without_a_confidence_it_is_the_best_cut_that_keeps_it_on_the_rows(metric, score, other, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    Y, P = population(rng, 80)
    P = P.round(2).clip(0.01, 0.99)
    t = constrained(Y, P, metric, 0.7, confidence=None)[0]
    kept = [cut for cut in (0.0, *np.unique(P)) if score(Y, cut < P, zero_division=0) >= 0.7]
    assert score(Y, t < P) >= 0.7
    best = max(recall_score(Y, cut < P) if metric == "precision" else cut for cut in kept)
    found = recall_score(Y, t < P)
    if metric == "precision":
        assert found == best
    else:
        assert_array_equal(t < P, best < P)


def test_the_bound_of_recall_is_the_exact_one():
    P = (np.arange(1, 101) / 101)[:, None]
    t = constrained(np.ones((100, 1)), P, "recall", 0.9, confidence=0.95)[0]
    n_below = int((t >= P).sum())
    assert binom.cdf(n_below, 100, 0.1) <= 0.05 < binom.cdf(n_below + 1, 100, 0.1)


def test_labels_that_cannot_keep_it_are_never_or_always_predicted():
    rng = np.random.default_rng(3)
    Y, P = (rng.random((200, 2)) < [0.02, 0.5]).astype(int), rng.uniform(0.1, 0.9, (200, 2))
    assert constrained(Y, P, "precision", 0.95).tolist() == [1, 1]
    assert constrained(Y, P, "recall", 0.99).tolist() == [0, 0]
    assert constrained(np.zeros((5, 1)), np.full((5, 1), 0.3), "precision", 0.5).tolist() == [1]
    assert constrained(np.zeros((5, 1)), np.full((5, 1), 0.3), "recall", 0.5).tolist() == [0]


def test_sparse_truth_gives_what_dense_does():
    rng = np.random.default_rng(4)
    Y, P = (rng.random((300, 3)) < 0.4).astype(int), rng.uniform(0.1, 0.9, (300, 3))
    P = np.where(Y, P**0.3, P)
    assert_array_equal(constrained(sp.csr_array(Y), P, level=0.6), constrained(Y, P, level=0.6))


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"metric": "f1"}, "metric must be"),
        ({"level": 1.0}, "level must be"),
        ({"confidence": 95}, "confidence must"),
    ],
)
def test_bad_parameters_are_refused(params, match):
    with pytest.raises(ValueError, match=match):
        constrained([[1], [0]], [[0.6], [0.4]], **params)


def costs_of(Y, P, t, miss_cost):
    """Mean cost of a sample of one label."""
    D = t < P
    return ((D & (Y == 0)).sum() + miss_cost * (~D & (Y == 1)).sum()) / len(Y)


@pytest.mark.parametrize("miss_cost", [0.5, 1.0, 5.0])
def test_without_a_confidence_cost_is_kept_by_the_best_recall_on_the_rows(miss_cost, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    Y, P = population(rng, 80)
    P = P.round(2).clip(0.01, 0.99)
    most = 0.3 * max(miss_cost, 1)
    t = constrained(Y, P, "cost", most, confidence=None, miss_cost=miss_cost)[0]
    kept = [cut for cut in (0.0, *np.unique(P)) if costs_of(Y, P, cut, miss_cost) <= most]
    assert costs_of(Y, P, t, miss_cost) <= most
    assert recall_score(Y, t < P) == max(recall_score(Y, cut < P) for cut in kept)


def test_a_cost_is_kept_with_its_confidence():
    Y, P = population(np.random.default_rng(0), 200_000)
    cuts = np.linspace(0.001, 0.999, 400)
    true = np.array([costs_of(Y, P, cut, 3.0) for cut in cuts])
    rng, n_trials, broken, kept = np.random.default_rng(1), 300, 0, 0
    for _ in range(n_trials):
        sample = population(rng, 400)
        found, can = constrained_labels(*sample, "cost", 0.6, 0.9, 3.0)
        kept += can[0]
        broken += can[0] and np.interp(found[0], cuts, true) > 0.6
    assert kept > n_trials / 2
    assert broken <= 0.1 * n_trials + 4 * np.sqrt(0.09 * n_trials)


def test_a_cost_that_cannot_be_kept_is_the_least_on_the_rows():
    rng = np.random.default_rng(3)
    Y, P = (rng.random((200, 1)) < 0.5).astype(int), rng.uniform(0.1, 0.9, (200, 1))
    (t,), (kept,) = constrained_labels(Y, P, "cost", 0.01, 0.95, 2.0)
    assert not kept
    least = min(costs_of(Y, P, cut, 2.0) for cut in (0.0, *np.unique(P), 1.0))
    assert costs_of(Y, P, t, 2.0) <= least + 0.05


@pytest.mark.parametrize("params", [{"level": 0.0}, {"level": "a"}, {"miss_cost": 0}, {"miss_cost": np.inf}])
def test_a_bad_cost_is_refused(params):
    with pytest.raises(ValueError, match="must be a number above 0"):
        constrained([[1], [0]], [[0.6], [0.4]], "cost", **{"level": 2.0, **params})


def test_the_bound_of_cost_is_the_exact_one(global_random_seed):
    Y, P = population(np.random.default_rng(global_random_seed), 300)
    (t,), (kept,) = constrained_labels(Y, P, "cost", 0.7, 0.9, 2.0)
    assert kept
    D = t < P
    errors = (D & (Y == 0)).sum(), (~D & (Y == 1)).sum()
    level = 1 - 2 * 0.1 / 40  # of an interval, whose upper end is passed by chance half as often
    high = [binomtest(int(k), 300).proportion_ci(level, "exact").high for k in errors]
    assert high[0] + 2 * high[1] <= 0.7
