from dataclasses import replace

import numpy as np
import pytest
from _policy_cases import NAMED_SCORINGS, THREE, compact, random_rows, scoring, uncalibrated_rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from sklearn_metalabel.policies import LearnedThresholds, _threshold_search
from sklearn_metalabel.policies._candidates import CANDIDATES
from sklearn_metalabel.policies._mixture import N_OUTPUTS
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.thresholds import OutOfFold, global_threshold, micromacro, plug_in, shrunken

ZEROS = np.zeros((N_OUTPUTS, 2))


@pytest.mark.parametrize("always_label", [False, True])
@pytest.mark.parametrize("name", NAMED_SCORINGS)
def test_the_search_improves_what_it_ascends(name, always_label):
    search = ThresholdSearch(uncalibrated_rows())
    end = search.ascend(ZEROS, always_label, scoring(name), 25, 0)
    expected = [
        search.nested.expected_score(_threshold_search._all_cuts(p, search.folds), always_label, {name: 1.0})[0]
        for p in (ZEROS, end)
    ]
    assert expected[1] > expected[0] + 1e-4


def test_few_rows_keep_the_policy_near_its_start(monkeypatch):
    search, far = ThresholdSearch(uncalibrated_rows(n=60)), []
    for penalty in (_threshold_search._PENALTY, 0.0):
        monkeypatch.setattr(_threshold_search, "_PENALTY", penalty)
        far.append(np.abs(search.ascend(ZEROS, False, scoring("f1_macro"), 25, 0)).mean())
    assert far[0] < 0.5 * far[1]


def test_the_prior_is_where_the_search_starts():
    search = ThresholdSearch(uncalibrated_rows())
    start = search.start(THREE)
    assert_array_equal(search.ascend(start, False, THREE, 0, 0), start)
    assert np.abs(start).max() > 0.1


def test_the_best_of_the_policies_sampled_for_a_function_is_taken():
    def share(y_true, y_pred):
        return -abs(y_pred.mean() - 0.5)

    search = ThresholdSearch(uncalibrated_rows())
    start = search.start(THREE)
    end = search.ascend(start, False, scoring(share), 0, 0)
    before, after = (search.scores(p, False, scoring(share))["share"] for p in (start, end))
    assert after > before + 0.05


@pytest.mark.parametrize(
    ("name", "rule"),
    [("global", global_threshold), ("micromacro", micromacro), ("shrunken", shrunken), ("plug_in 0.6", plug_in)],
)
def test_candidates_are_rules(name, rule):
    rows = random_rows()
    found = ThresholdSearch(rows).candidate_thresholds(CANDIDATES.index(name))
    # The plug-in rule reads a calibration in bins.
    assert_allclose(found, rule(rows.Y, rows.P), rtol=0.02 if name.startswith("plug_in") else 1e-6)


def test_where_every_row_is_a_fold_several_share_the_cuts_of_the_rules():
    rows = uncalibrated_rows(n=200)
    search = ThresholdSearch(OutOfFold(rows.Y, rows.P, np.arange(200)))
    assert len(search.folds) == 10
    assert [candidates.calibration.n_samples for candidates in search.folds] == [180] * 10
    t = search.thresholds(search.start(scoring("f1_macro")))
    assert ((t > 0) & (t < 1)).all()


def test_very_many_rows_are_sampled_for_the_search_alone(monkeypatch):
    rows = uncalibrated_rows(n=4000)

    def learn():
        # Fresh rows: the search on them is kept.
        fresh = OutOfFold(rows.Y, rows.P, rows.fold)
        return LearnedThresholds().fit(fresh, THREE, random_state=0).thresholds_

    whole = learn()
    monkeypatch.setattr(_threshold_search, "_SEARCH_ENTRIES", 8_000)
    first, second = learn(), learn()
    assert_array_equal(first, second)
    assert not np.array_equal(first, whole)
    assert_allclose(first, whole, atol=0.1)  # a quarter of the rows


def test_a_few_thousand_rows_are_enough_for_the_search(monkeypatch):
    rows = uncalibrated_rows(n=4000)
    assert ThresholdSearch(rows).nested.n_rows == 4000
    monkeypatch.setattr(_threshold_search, "_ENOUGH_ROWS", 1000)
    search, whole = ThresholdSearch(OutOfFold(rows.Y, rows.P, rows.fold)), ThresholdSearch(rows)
    assert search.nested.n_rows == 1000
    for few, all_rows in zip([search.candidates, *search.folds], [whole.candidates, *whole.folds], strict=True):
        assert_array_equal(few.cuts, all_rows.cuts)
    # Many labels need more rows.
    for name, value, n_rows in (("_OF_LABEL", 250, 250 * rows.n_labels), ("", 3000, 3000)):
        monkeypatch.setattr(_threshold_search, f"_ENOUGH_ROWS{name}", value)
        assert ThresholdSearch(OutOfFold(rows.Y, rows.P, rows.fold)).nested.n_rows == n_rows


def test_very_many_compact_rows_are_sampled_too(monkeypatch):
    rows = uncalibrated_rows(n=2000)
    monkeypatch.setattr(_threshold_search, "_LEAST_ROWS", 50)
    monkeypatch.setattr(_threshold_search, "_SEARCH_ENTRIES_COMPACT", 4_000)
    search = ThresholdSearch(compact(rows))
    assert search.nested.n_rows == 4_000 * 2000 // (2000 * 8)
    assert ThresholdSearch(compact(uncalibrated_rows(n=50))).nested.n_rows == 50


def test_the_search_on_rows_is_made_once():
    rows = uncalibrated_rows(n=60)
    assert ThresholdSearch.of(rows) is ThresholdSearch.of(rows)
    assert ThresholdSearch.of(rows.take(rows.fold == 0)) is not ThresholdSearch.of(rows)


@pytest.mark.parametrize("nested", [True, False])
def test_labels_are_preferred_where_they_score_better(nested):
    search = ThresholdSearch(uncalibrated_rows())
    start = search.start(THREE)
    problem, folds = (search.nested, search.folds) if nested else (search._whole, [search.steady])
    cuts = _threshold_search._all_cuts(start, folds)
    without, filled = (problem.score(cuts, always, {"accuracy": 1.0}) for always in (False, True))
    assert search.prefers_labels(start, scoring("accuracy"), nested=nested) == (filled > without)


def test_cuts_of_all_rows_that_lie_far_from_those_of_the_folds_are_brought_near():
    search = ThresholdSearch(random_rows())
    own, of_folds = search.candidates.cuts, np.stack([candidates.cuts for candidates in search.folds])
    assert_array_equal(search.steady.cuts, own)
    turned = own.copy()
    turned[2, 1], turned[3, 0] = -30, 30
    search = ThresholdSearch(random_rows())
    search.candidates = replace(search.candidates, cuts=turned)
    low, high = of_folds.min(axis=0), of_folds.max(axis=0)
    expected = own.copy()
    expected[2, 1] = (2 * low - high - 0.5)[2, 1]
    expected[3, 0] = (2 * high - low + 0.5)[3, 0]
    assert_allclose(search.steady.cuts, expected)
    assert_array_equal(search.candidate_thresholds(0), ThresholdSearch(random_rows()).candidate_thresholds(0))
    parameters = np.zeros((N_OUTPUTS, 2))
    parameters[2, 0] = 1e3  # the third rule alone
    assert_allclose(logit(search.thresholds(parameters)[1]), search.link.scores(expected[2, 1]))
