import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.decoding import (
    Dependence,
    LabelSets,
    SetMarginals,
    _candidate_sets,
    _set_marginals,
    codes_of_rows,
    decide,
    listed_sets,
)
from sklearn_metalabel.decoding._label_sets import distinct


def labels(n=200, n_labels=8, seed=0):
    """Labels of which the first implies the second, and the third excludes the fourth."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, n_labels)) < 2.5 / n_labels
    Y[:, 1] |= Y[:, 0]
    Y[:, 3] &= ~Y[:, 2]
    return Y


def energies(M, sets, dependence):
    """Energies (n, n_sets), one by one."""
    indicators = sets.indicators.toarray()
    return np.array([[m @ s for s in indicators] for m in M]) + dependence.count_weight * np.log(sets.counts)


def slow_decide(M, sets, dependence, may_be_empty):
    """Decisions by looking at every set of every row."""
    decided = []
    for m, of_sets in zip(M, energies(M, sets, dependence), strict=True):
        own = m > 0
        if not may_be_empty and not own.any():
            own[m.argmax()] = True
        own = closed(own, m, sets.implied, may_be_empty)
        known = [k for k in range(len(sets)) if (sets.indicators[[k]].toarray()[0] == own).all()]
        bonus = dependence.count_weight * np.log(sets.counts[known[0]]) if known else dependence.unseen
        allowed = np.where((sets.sizes > 0) | may_be_empty, of_sets, -np.inf)
        best = int(allowed.argmax())
        decided.append(sets.indicators[[best]].toarray()[0] > 0 if allowed[best] > m @ own + bonus else own)
    return np.array(decided)


def closed(own, m, implied, may_be_empty):
    """The decisions with all implied labels, or without those that imply a missing one."""
    if implied is None:
        return own
    needs = implied.toarray() > 0
    if not (needs[own].any(axis=0) & ~own).any():
        return own
    filled = own | needs[own].any(axis=0)
    pruned = own & ~(needs & ~own).any(axis=1)
    less = m @ pruned > m @ filled and (may_be_empty or pruned.any())
    return pruned if less else filled


def test_sets_are_the_distinct_rows_and_their_counts():
    Y = labels()
    sets = LabelSets.from_rows(Y)
    rows, counts = np.unique(Y, axis=0, return_counts=True)
    found = sets.find(codes_of_rows(sp.csr_array(rows)))
    assert len(sets) == len(rows)
    assert_array_equal(sets.indicators[found].toarray(), rows)
    assert_array_equal(sets.counts[found], counts)
    assert_array_equal(LabelSets.from_rows(sp.csc_array(Y)).codes, sets.codes)
    assert sets.find(codes_of_rows(sp.csr_array(np.ones((1, 8), dtype=bool)))) == [-1]


def test_weights_count_rows_several_times():
    Y, weight = labels(), np.random.default_rng(1).integers(1, 4, 200)
    by_weight, copies = LabelSets.from_rows(Y, weight), LabelSets.from_rows(np.repeat(Y, weight, axis=0))
    assert_array_equal(by_weight.codes, copies.codes)
    assert_array_equal(by_weight.counts, copies.counts)


def test_implications_are_those_that_chance_does_not_explain():
    Y = labels(400)
    implied = LabelSets.from_rows(Y).implied.toarray()
    assert implied[0, 1] == 1
    assert implied.sum() == 1
    rare = np.zeros((400, 3), dtype=bool)
    rare[:2, 0] = rare[:380, 1] = True
    assert LabelSets.from_rows(rare).implied is None


@pytest.mark.parametrize("may_be_empty", [True, False])
@pytest.mark.parametrize(("count_weight", "unseen"), [(0.0, 0.0), (0.4, -1.0), (2.0, -5.0), (0.3, np.inf)])
def test_decisions_are_those_of_the_best_set(count_weight, unseen, may_be_empty):
    sets = LabelSets.from_rows(labels())
    M = np.random.default_rng(1).normal(scale=2, size=(60, 8))
    dependence = Dependence(sets, count_weight, unseen)
    assert_array_equal(dependence.decide(M, may_be_empty), slow_decide(M, sets, dependence, may_be_empty))


def test_an_infinite_bonus_of_unseen_sets_leaves_labels_alone_but_for_implications():
    sets = LabelSets.from_rows(labels()[:, 2:])
    P = np.random.default_rng(1).uniform(0.01, 0.99, (50, 6))
    kept = Dependence(sets, 0.0, np.inf)
    seen = sets.find(codes_of_rows(sp.csr_array(P > 0.4))) >= 0
    assert_array_equal(decide(P, 0.4, dependence=kept)[~seen], decide(P, 0.4)[~seen])


@pytest.mark.parametrize("count_weight", [0.4, 0.0])
@pytest.mark.parametrize("may_be_empty", [True, False])
def test_looking_at_the_sets_of_the_best_labels_finds_the_same(monkeypatch, may_be_empty, count_weight):
    sets = LabelSets.from_rows(labels(1000, 30))
    M = np.random.default_rng(1).normal(scale=2, size=(100, 30)) - 1
    dependence = Dependence(sets, count_weight, -1.0)
    expected = dependence.decide(M, may_be_empty)
    assert (expected != Dependence(sets, count_weight, np.inf).decide(M, may_be_empty)).any()
    monkeypatch.setattr(_candidate_sets, "_FEW_ENTRIES", 0)
    assert (dependence.decide(M, may_be_empty) == expected).all(axis=1).mean() > 0.97
    monkeypatch.setattr(_candidate_sets, "_BEST_LABELS", 30)
    assert_array_equal(dependence.decide(M, may_be_empty), expected)


def test_sets_are_listed_once_under_their_two_rarest_labels():
    sets = LabelSets.from_rows(labels(500, 12))
    keys, bounds, place = sets.by_rarest_pair
    listed = sets.by_rarest_label[1]
    assert_array_equal(np.sort(listed[place]), np.flatnonzero(sets.sizes))
    frequency = sets.counts @ sets.indicators.toarray()
    assert (np.diff(frequency[np.argsort(sets.ranks)]) >= 0).all()
    for key, start, stop in zip(keys, bounds[:-1], bounds[1:], strict=True):
        for number in listed[place[start:stop]]:
            rarest = np.sort(sets.ranks[sets.labels[sets.indptr[number] : sets.indptr[number + 1]]])
            assert divmod(key, 12) == (rarest[0], rarest[min(1, rarest.size - 1)])


@pytest.mark.parametrize("may_be_empty", [True, False])
@pytest.mark.parametrize("shift", [0.0, -3.0, 3.0])
def test_sets_found_by_pairs_of_labels_are_those_of_all(monkeypatch, shift, may_be_empty):
    sets = LabelSets.from_rows(labels(1000, 20))
    M = np.random.default_rng(1).normal(scale=2, size=(200, 20)) + shift
    for count_weight, unseen in ((0.4, -1.0), (0.0, -4.0), (1.5, -1e9), (0.3, np.inf)):
        dependence = Dependence(sets, count_weight, unseen)
        expected = dependence.decide(M, may_be_empty)
        with monkeypatch.context() as small:
            small.setattr(_candidate_sets, "_FEW_ENTRIES", 0)
            small.setattr(_candidate_sets, "_BLOCK_ENTRIES", 500)
            assert_array_equal(dependence.decide(M, may_be_empty), expected)


@pytest.mark.parametrize("few", [0, 20_000])
def test_a_row_is_decided_as_among_others(monkeypatch, few):
    monkeypatch.setattr(_candidate_sets, "_FEW_ENTRIES", few)
    monkeypatch.setattr(_candidate_sets, "_BLOCK_ENTRIES", 300)
    sets = LabelSets.from_rows(labels())
    P = np.random.default_rng(1).uniform(1e-6, 1 - 1e-6, (40, 8))
    together = decide(P, 0.5, False, dependence=Dependence(sets, 0.4, -1.0))
    monkeypatch.setattr(_candidate_sets, "_BLOCK_ENTRIES", 4_000_000)
    apart = [decide(P[[i]], 0.5, False, dependence=Dependence(sets, 0.4, -1.0))[0] for i in range(40)]
    assert_array_equal(together, apart)


def test_a_child_is_never_predicted_without_its_parent():
    sets = LabelSets.from_rows(labels(400))
    P = np.random.default_rng(1).uniform(0.01, 0.99, (500, 8))
    for unseen, allowed in itertools.product((-3.0, 0.0, 50.0), (True, False)):
        D = decide(P, 0.5, allowed, dependence=Dependence(sets, 0.2, unseen))
        assert (D[:, 0] <= D[:, 1]).all()
        assert allowed or D.any(axis=1).all()


@pytest.mark.parametrize("allow_unlabeled", [True, False])
@pytest.mark.parametrize(
    "Y",
    [
        np.zeros((5, 3), dtype=bool),
        np.tile([True, False, True], (5, 1)),
        np.eye(3, dtype=bool),
        np.ones((4, 1), dtype=bool),
        np.array([[True, False], [False, True]]),
    ],
    ids=["no labels", "one set", "sets seen once", "one label", "labels that never come together"],
)
def test_few_sets_are_enough(Y, allow_unlabeled):
    P = np.random.default_rng(0).uniform(1e-12, 1 - 1e-12, (30, Y.shape[1]))
    P[:5] = [[1e-16], [1 - 1e-16], [0.5], [0.2], [0.8]]
    D = decide(P, 0.5, allow_unlabeled, dependence=Dependence(LabelSets.from_rows(Y), 0.4, -1.0))
    assert D.shape == P.shape
    assert set(np.unique(D)) <= {0, 1}
    assert allow_unlabeled or D.any(axis=1).all()


def test_labels_that_are_never_or_always_predicted_stay_so():
    sets = LabelSets.from_rows(labels())
    P = np.random.default_rng(1).uniform(0.01, 0.99, (50, 8))
    D = decide(P, [0.5, 0.5, 1.0, 0.5, 0.5, 0.5, 0.0, 0.5], dependence=Dependence(sets, 0.4, -50.0))
    assert not D[:, 2].any()
    assert D[:, 6].all()


def test_dependence_of_other_labels_is_refused():
    dependence = Dependence(LabelSets.from_rows(labels()), 0.4, -1.0)
    with pytest.raises(ValueError, match="dependence must be that of the 3 labels of P, got one of 8"):
        decide(np.full((2, 3), 0.5), 0.5, dependence=dependence)


@pytest.mark.parametrize("n_best", [2, 5, 12])
def test_the_best_are_marked_whatever_is_equal(n_best):
    energies = np.random.default_rng(0).integers(0, 6, (50, 12)).astype(np.float64)
    marks = _candidate_sets._are_best(energies, n_best)
    assert_array_equal(marks.sum(axis=1), n_best)
    for row, marked in zip(energies, marks, strict=True):
        assert_array_equal(np.sort(row[marked]), np.sort(row)[-n_best:])


def test_listed_sets_are_summed_up_the_same_way_whether_few_or_many(monkeypatch):
    sets, Z = LabelSets.from_rows(labels()), np.random.default_rng(0).normal(size=(40, 8))
    few = listed_sets(Z, sets)
    indicators = sets.indicators.toarray()
    assert_allclose(few[2][:, 0], (Z[few[0]] * indicators[few[1]]).sum(axis=1))
    for name, value in (("_BLOCK_ENTRIES", 100), ("_FEW_SETS", 0)):
        monkeypatch.setattr(_set_marginals, name, value)
        for a, b in zip(few, listed_sets(Z, sets), strict=True):
            assert_allclose(a, b)


def test_marginals_are_those_of_all_sets_where_these_are_few():
    Y = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=bool)
    sets, Z = LabelSets.from_rows(Y), np.random.default_rng(0).normal(size=(20, 3))
    w = (0.8, 0.5, -0.2)
    energy = w[0] * (Z @ sets.indicators.T.toarray()) + w[1] * np.log(sets.counts) + w[2] * sets.sizes
    chances = np.exp(energy) / np.exp(energy).sum(axis=1, keepdims=True)
    expected = chances @ sets.indicators.toarray()
    assert_allclose(SetMarginals(sets, w, 1.0).marginals(Z), expected)
    P = 1 / (1 + np.exp(-(Z - 0.3) / 2))
    mixed = SetMarginals(sets, w, 0.4, slope=2.0, intercept=0.3).correct(P)
    assert_allclose(mixed, 0.6 * P + 0.4 * expected)


def test_corrected_probabilities_stay_inside_and_rows_apart():
    sets = LabelSets.from_rows(labels())
    P = np.random.default_rng(1).uniform(2e-16, 1 - 2e-16, (30, 8))
    P[0], P[1] = 2.3e-16, 1 - 2.3e-16
    marginals = SetMarginals(sets, (2.0, 1.0, 0.5), 0.6)
    corrected = marginals.correct(P)
    assert corrected.min() > 0
    assert corrected.max() < 1
    assert_array_equal(corrected, np.concatenate([marginals.correct(P[[i]]) for i in range(30)]))


def test_pairs_tell_who_comes_together_and_who_does_not():
    dependence = Dependence(LabelSets.from_rows(labels(500)), 0.4, -1.0, label_names=np.array(list("abcdefgh")))
    pairs = dependence.pairs()
    of = {(a, b): k for k, (a, b) in enumerate(zip(pairs["label"], pairs["other"], strict=True))}
    up, out = of[("b", "a")], of.get(("c", "d"), of.get(("d", "c")))
    assert {up, out} == {0, 1}
    assert pairs["strength"][up] > 2
    assert pairs["strength"][out] < -2
    assert pairs["together"][out] == 0
    Y = labels(500)
    assert pairs["together"][up] == (Y[:, 0] & Y[:, 1]).sum()
    assert pairs["expected"][up] == pytest.approx(Y[:, 0].sum() * Y[:, 1].sum() / 500)
    assert len(pairs["label"]) == 28
    assert len(dependence.pairs(5)["label"]) == 5
    assert "28 pairs" in repr(pairs)


def test_frequent_sets_are_named():
    table = Dependence(LabelSets.from_rows(np.array([[1, 1], [1, 1], [0, 1]])), 0.5, -1.0).frequent_sets()
    assert table["labels"].tolist() == [("0", "1"), ("1",)]
    assert table["count"].tolist() == [2, 1]
    assert_allclose(table["bonus"], [0.5 * np.log(2), 0])


def three_levels():
    """Labels of which the first implies the second, and that the third, which nearly every row has."""
    rng = np.random.default_rng(0)
    Y = np.zeros((400, 4), dtype=bool)
    Y[:360, 2] = Y[:200, 1] = Y[:25, 0] = True
    Y[:, 3] = rng.random(400) < 0.5
    return Y


def test_implications_follow_from_each_other():
    pairs = LabelSets.from_rows(three_levels()).implied.toarray() > 0
    assert pairs[0, 1]
    assert pairs[1, 2]
    assert pairs[0, 2]  # not beyond chance by itself
    assert not pairs.diagonal().any()
    P = np.random.default_rng(1).uniform(0.01, 0.99, (300, 4))
    for allowed in (True, False):
        D = decide(P, 0.5, allowed, dependence=Dependence(LabelSets.from_rows(three_levels()), 0.2, 50.0))
        assert (D[:, 0] <= D[:, 1]).all()
        assert (D[:, 1] <= D[:, 2]).all()


@pytest.mark.parametrize(
    ("Y", "match"),
    [
        ([1, 0, 1], "an indicator matrix of shape"),
        (np.zeros((0, 3)), "an indicator matrix of shape"),
        (np.zeros((3, 0)), "an indicator matrix of shape"),
        ([[1, 2], [0, 1]], "must hold only 0 and 1"),
        ([[1, np.nan], [0, 1]], "must hold only 0 and 1"),
        (sp.csr_array([[2, 0], [0, 1]]), "must hold only 0 and 1"),
    ],
)
def test_rows_that_are_no_labels_are_refused(Y, match):
    with pytest.raises(ValueError, match=match):
        LabelSets.from_rows(Y)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda sets: Dependence(sets, -0.1, -1.0), "count_weight must be a finite number of at least 0, got -0.1"),
        (lambda sets: Dependence(sets, "a", -1.0), "count_weight must be a finite number of at least 0, got 'a'"),
        (lambda sets: Dependence(sets, 0.1, np.nan), "unseen must be a number, got nan"),
        (lambda sets: Dependence(sets, 0.1, -1.0, scale=0.0), "scale must be a finite number above 0, got 0.0"),
        (lambda sets: SetMarginals(sets, (1.0, 1.0), 0.5), "weights must be three finite numbers"),
        (lambda sets: SetMarginals(sets, (1.0, 1.0, 0.0), 1.5), r"mixing must be a number in \[0, 1\], got 1.5"),
    ],
)
def test_numbers_that_are_none_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make(LabelSets.from_rows(labels()))


@pytest.mark.parametrize("make", [lambda Y: Dependence(Y, 0.1, -1.0), lambda Y: SetMarginals(Y, (1.0, 1.0, 0.0), 0.5)])
def test_rows_in_place_of_label_sets_are_refused(make):
    with pytest.raises(TypeError, match=r"sets must be LabelSets, got ndarray; make them by LabelSets.from_rows\(Y\)"):
        make(labels())


@pytest.mark.parametrize("numbers", [[], [0], [5, 0, 5, 2, 2], list(range(9, -1, -1))])
def test_distinct_numbers_are_those_of_numpy(numbers):
    numbers = np.array(numbers, dtype=np.int64)
    assert_array_equal(distinct(numbers), np.unique(numbers))
