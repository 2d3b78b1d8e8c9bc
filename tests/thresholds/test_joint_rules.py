import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import f1_score

from sklearn_metalabel.thresholds import (
    CompactRows,
    OutOfFold,
    global_of,
    global_threshold,
    micromacro,
    micromacro_of,
    order_entries,
    scut,
    shrunken,
    shrunken_of,
)
from sklearn_metalabel.thresholds._cuts import cut_thresholds


def random_case(seed, n=40, L=6, ties=False):
    rng = np.random.default_rng(seed)
    Z = rng.normal(-np.arange(L) / 2, 1.5, (n, L))
    P = 1 / (1 + np.exp(-Z))
    Y = (rng.random((n, L)) < P).astype(int)
    Y[0] = 1
    Y[1] = 0
    P = np.clip(np.round(P, 1), 0.1, 0.9) if ties else P
    return Y[:, ::-1], P[:, ::-1]


def compact(Y, P, n_kept=None):
    """The rows in compact form; of as few labels as here, `n_kept` None keeps all."""
    rows = CompactRows(Y.mean(axis=0), n_kept)
    rows.add(P, Y)
    return OutOfFold.from_compact(rows)


def micromacro_on(out_of_fold):
    ordered = order_entries(out_of_fold, np.zeros(out_of_fold.n_samples, dtype=int))
    return micromacro_of(ordered, ordered.cuts())


def shrunken_on(out_of_fold, kappa=10.0):
    ordered = order_entries(out_of_fold, np.zeros(out_of_fold.n_samples, dtype=int))
    return shrunken_of(ordered, ordered.cuts(), ordered.pool(), kappa)


def global_on(out_of_fold):
    ordered = order_entries(out_of_fold, np.zeros(out_of_fold.n_samples, dtype=int))
    return global_of(ordered, ordered.pool())


# A rule on arrays, and on the entries of out-of-fold rows in either form.
MICROMACRO = {
    "arrays": micromacro,
    "complete": lambda Y, P: micromacro_on(OutOfFold(Y, P)),
    "compact": lambda Y, P: micromacro_on(compact(Y, P)),
}
SHRUNKEN = {
    "arrays": shrunken,
    "complete": lambda Y, P, kappa: shrunken_on(OutOfFold(Y, P), kappa),
    "compact": lambda Y, P, kappa: shrunken_on(compact(Y, P), kappa),
}
ALL = [(global_threshold, global_on), (micromacro, micromacro_on), (shrunken, shrunken_on)]


def cuts_from_above(p):
    """Decisions of every cut of the scores p, from none to all."""
    return [p > np.inf, *(p >= u for u in np.unique(p)[::-1])]


def naive_micromacro(Y, P):
    """Decisions of Lin and Lin's rule, transcribed."""
    decided = np.zeros(P.shape, dtype=bool)
    tp = predicted = truth = 0
    order = sorted(range(P.shape[1]), key=lambda j: (-Y[:, j].sum(), j))
    for place, j in enumerate(order, start=1):
        y, best = Y[:, j], -1.0
        truth += y.sum()
        for cut in cuts_from_above(P[:, j]):
            hits = (y & cut).sum()
            own = 2 * hits / (cut.sum() + y.sum())
            micro = 2 * (tp + hits) / (predicted + cut.sum() + truth)
            if own / place + micro > best:
                best, decided[:, j] = own / place + micro, cut
        tp += (y & decided[:, j]).sum()
        predicted += decided[:, j].sum()
    return decided


@pytest.mark.parametrize("form", MICROMACRO)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_micromacro_equals_its_transcription(seed, ties, form, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.thresholds._ordered._BLOCK_ENTRIES", 100)
    Y, P = random_case(seed, ties=ties)
    assert_array_equal(MICROMACRO[form](Y, P) < P, naive_micromacro(Y, P))


def test_micromacro_gives_up_a_label_that_would_cost_the_others_too_much():
    rng = np.random.default_rng(0)
    n = 2000
    Y = np.zeros((n, 2), dtype=int)
    Y[: n // 2, 0] = 1
    Y[:2, 1] = 1
    P = np.where(Y == 1, 0.9, 0.1) + rng.uniform(-0.05, 0.05, Y.shape)
    P[:2, 1] = 0.02
    alone, joint = scut(Y, P), micromacro(Y, P)
    assert (P[:, 1] > alone[1]).all()
    assert joint[1] == P[:, 1].max()
    assert_array_equal(P[:, 0] > joint[0], Y[:, 0] == 1)


def objective(Y, P, j, t, kappa):
    """Shrunken F1 of label j at threshold t, by counting."""
    share = kappa / Y.sum()
    tp = (Y[:, j] * (P[:, j] > t)).sum() + share * (Y * (t < P)).sum()
    predicted = (P[:, j] > t).sum() + share * (t < P).sum()
    return 2 * tp / (predicted + Y[:, j].sum() + kappa)


def midpoint(a, b):
    """Midway between two probabilities on the logit scale."""
    return 1 / (1 + np.sqrt((1 / a - 1) * (1 / b - 1)))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_shrunken_is_best_among_all_cuts_of_the_label_and_of_the_pool(seed, ties, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.thresholds._ordered._BLOCK_ENTRIES", 100)
    Y, P = random_case(seed, ties=ties)
    everywhere = np.unique(P)
    for kappa in (0.3, 3, 10.0, 300):
        found = [rule(Y, P, kappa=kappa) for rule in SHRUNKEN.values()]
        for j in range(P.shape[1]):
            candidates = []
            for scores in (np.unique(P[:, j]), everywhere):
                candidates += [scores[-1], scores[0] * (1 - 1e-12), *midpoint(scores[1:], scores[:-1])]
            best = max(objective(Y, P, j, c, kappa) for c in candidates)
            for t in found:
                assert_allclose(objective(Y, P, j, t[j], kappa), best, rtol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_shrunken_without_strength_is_scut(seed, ties):
    Y, P = random_case(seed, ties=ties)
    assert_array_equal(shrunken(Y, P, kappa=0), scut(Y, P))
    for rule in SHRUNKEN.values():
        assert_array_equal(rule(Y, P, kappa=1e-300) < P, scut(Y, P) < P)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_shrunken_with_all_strength_is_the_global_cut(seed, ties):
    Y, P = random_case(seed, ties=ties)
    common = global_threshold(Y, P)
    assert_array_equal(shrunken(Y, P, kappa=float("inf")), common)
    best = f1_score(Y, common < P, average="micro")
    for rule in SHRUNKEN.values():
        for t in np.unique(rule(Y, P, kappa=1e9)):
            assert f1_score(Y, t < P, average="micro") == pytest.approx(best, rel=1e-6)


def test_shrunken_pulls_rare_labels_more_than_frequent_ones():
    rng = np.random.default_rng(0)
    n = 4000
    centre = np.array([-1.0, -1.0, -6.5])
    Z = rng.normal(centre, 1.5, (n, 3))
    Y = (rng.random(Z.shape) < 1 / (1 + np.exp(-Z))).astype(int)
    P = 1 / (1 + np.exp(-(Z - 1.5)))
    P[:, 1] = 1 / (1 + np.exp(-(Z[:, 1] + 1.5)))
    common = global_threshold(Y, P)
    gap = lambda t: np.abs(np.log(t / (1 - t)) - np.log(common / (1 - common)))  # noqa: E731
    left = gap(shrunken(Y, P, kappa=20)) / gap(scut(Y, P))
    assert Y[:, 2].sum() < 60
    assert left[2] < 0.7 * min(left[0], left[1])


@pytest.mark.parametrize("form", SHRUNKEN)
def test_a_pool_with_more_positives_than_shared_cuts_still_tries_the_best_cut(form, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.thresholds._joint_rules._POOLED_CUTS", 3)
    Y, P = random_case(0, n=300)
    best = f1_score(Y, global_threshold(Y, P) < P, average="micro")
    for t in np.unique(SHRUNKEN[form](Y, P, kappa=1e9)):
        assert f1_score(Y, t < P, average="micro") == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("form", SHRUNKEN)
@pytest.mark.parametrize("seed", range(10))
def test_no_cut_of_the_label_is_better_when_the_pool_offers_few(seed, form, monkeypatch):
    monkeypatch.setattr("sklearn_metalabel.thresholds._joint_rules._POOLED_CUTS", 1)
    monkeypatch.setattr("sklearn_metalabel.thresholds._ordered._BLOCK_ENTRIES", 200)
    Y, P = random_case(seed, n=90)
    for kappa in (0.3, 3, 30.0):
        t = SHRUNKEN[form](Y, P, kappa=kappa)
        for j in range(P.shape[1]):
            best = max(objective(Y, P, j, c, kappa) for c in cut_thresholds(P[:, j][None, np.argsort(-P[:, j])])[0])
            assert objective(Y, P, j, t[j], kappa) >= best - 1e-12


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(10))
def test_rules_on_entries_of_whole_rows_are_those_on_arrays_bit_for_bit(seed, dtype, ties, monkeypatch):
    rng = np.random.default_rng(seed)
    n, L = int(rng.integers(1, 150)), int(rng.integers(4, 15))
    monkeypatch.setattr("sklearn_metalabel.thresholds._ordered._BLOCK_ENTRIES", 3 * n)
    Z = rng.normal(-5 * rng.random(L), 2, (n, L))
    P = expit(Z).round(1).clip(0.05, 0.95).astype(dtype) if ties else expit(Z).astype(dtype)
    Y = rng.random((n, L)) < expit(Z)
    Y[:, 1], Y[:, 2], Y[0] = False, True, False
    Y[0, 2] = True
    for rule, rule_on in ALL:
        assert_array_equal(rule_on(compact(Y, P)), rule(Y, P))


def test_without_any_positive_nothing_is_predicted():
    Y, P = np.zeros((5, 3), dtype=bool), np.full((5, 3), 0.4)
    for rule, rule_on in ALL:
        for t in (rule(Y, P), rule_on(compact(Y, P)), rule_on(OutOfFold(Y, P))):
            assert_array_equal(t, np.ones(3))


@pytest.mark.parametrize("seed", range(5))
def test_with_few_entries_kept_hardly_a_decision_differs(seed):
    rng = np.random.default_rng(seed)
    Z = rng.normal(-np.linspace(2, 6, 60), 1.5, (2000, 60))
    Y, P = rng.random(Z.shape) < expit(Z), expit(Z)
    for rule, rule_on in ALL:
        expected = rule(Y, P) < P
        assert expected.sum() > Y.sum() / 4
        for rows in (compact(Y, P, n_kept=16), OutOfFold(Y, P)):
            assert rows.compact.left_out.sum() > P.size / 4
            assert ((rule_on(rows) < P) != expected).sum() < 0.02 * expected.sum()


def test_labels_in_blocks_give_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    Z = rng.normal(-np.linspace(1, 4, 9), 1.5, (200, 9))
    Y, P = rng.random(Z.shape) < expit(Z), expit(Z)
    whole = [(rule(Y, P), rule_on(compact(Y, P))) for rule, rule_on in ALL]
    monkeypatch.setattr("sklearn_metalabel.thresholds._joint_rules._BLOCK_ENTRIES", 1500)
    monkeypatch.setattr("sklearn_metalabel.thresholds._ordered._BLOCK_ENTRIES", 500)
    for (rule, rule_on), (on_arrays, on_entries) in zip(ALL, whole, strict=True):
        assert_array_equal(rule(Y, P), on_arrays)
        assert_array_equal(rule_on(compact(Y, P)), on_entries)
