"""Prediction policies count by weight: 2 is the row twice (in the same fold), and 0 the row left out."""

import numpy as np
import pytest
from _policy_cases import DEFAULT_SCORING, NAMED_SCORINGS, THREE, scoring, uncalibrated_rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import fbeta_score, make_scorer

from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import (
    PREDICTION_POLICIES,
    BestThresholds,
    FixedThresholds,
    Judge,
    LearnedThresholds,
    SCutFBRThresholds,
    ThresholdRule,
    as_prediction_policy,
)
from sklearn_metalabel.policies._candidates import calibrated_logits, nested_candidates
from sklearn_metalabel.policies._expected_score import DecisionProblem
from sklearn_metalabel.thresholds import CompactRows, OutOfFold

F2 = make_scorer(fbeta_score, beta=2, average="micro")


def weighted_mean(Y, P, sample_weight=None):
    return np.average(P, axis=0, weights=sample_weight)


def plain_mean(Y, P):
    return P.mean(axis=0)


POLICIES = {
    **{name: policy for name, policy in PREDICTION_POLICIES.items() if name != "episode"},
    "scutfbr 0.3": SCutFBRThresholds(0.3),
    "fixed": FixedThresholds(0.3),
    "a function": ThresholdRule(weighted_mean),
    "best of": BestThresholds(["half", "scut", weighted_mean, "learned"]),
}
every_policy = pytest.mark.parametrize("name", POLICIES)


def rows_and_weights(seed=0):
    """Rows, as Y, P and folds, with weights of 0 to 3 that favour some labels, and the places of as many copies."""
    held = uncalibrated_rows(seed, n=300, L=6)
    Y, P, fold = held.truth(), held.P, held.fold
    weight = np.random.default_rng(seed).integers(0, 3, 300) + Y[:, 1]
    return (Y, P, fold), weight, np.repeat(np.arange(300), weight)


def fit(name, rows, given=DEFAULT_SCORING, **options):
    policy = as_prediction_policy(POLICIES[name])
    return policy.fit(rows, given, **{"random_state": 0, **options})


def assert_same(found, expected):
    # Sums of many floats round differently in another order, and the search goes on from there.
    assert_allclose(found.thresholds_, expected.thresholds_, rtol=1e-5)
    assert found.allow_unlabeled_ == expected.allow_unlabeled_
    assert found.best_score_ == pytest.approx(expected.best_score_)


@pytest.mark.parametrize("given", [DEFAULT_SCORING, "f1_samples", F2], ids=["default", "samples", "F2"])
@pytest.mark.parametrize("name", [name for name in POLICIES if name not in ("scutfbr.0", "scutfbr.1")])
def test_a_weight_is_a_number_of_copies(name, given):
    arrays, weight, copies = rows_and_weights()
    weighted, repeated = OutOfFold(*arrays, weight), OutOfFold(*(array[copies] for array in arrays))
    assert_same(fit(name, weighted, given), fit(name, repeated, given))


@every_policy
def test_rows_of_weight_zero_change_nothing(name):
    (Y, P, fold), weight, _ = rows_and_weights()
    none, kept = weight == 0, weight > 0
    Y[none], P[none] = ~Y[none], 1 - P[none]
    found = fit(name, OutOfFold(Y, P, fold, weight))
    expected = fit(name, OutOfFold(Y[kept], P[kept], fold[kept], weight[kept]))
    assert_array_equal(found.thresholds_, expected.thresholds_)
    assert found.best_score_ == expected.best_score_


@every_policy
def test_weights_of_one_are_no_weights(name):
    (Y, P, fold), *_ = rows_and_weights()
    found, expected = (fit(name, OutOfFold(Y, P, fold, weight)) for weight in (np.ones(300), None))
    assert_array_equal(found.thresholds_, expected.thresholds_)


@every_policy
def test_weights_count_in_thresholds(name):
    arrays, *_ = rows_and_weights()
    heavy = np.where(arrays[0][:, 0], 20.0, 1.0)
    with_weights, without = (fit(name, OutOfFold(*arrays, weight)) for weight in (heavy, None))
    assert with_weights.best_score_ != without.best_score_
    if name not in ("half", "fixed"):
        assert abs(with_weights.thresholds_[0] - without.thresholds_[0]) > 0.02


@pytest.mark.parametrize("given", ["f1_macro", F2], ids=["named", "a scorer"])
def test_what_is_compared_is_scored_by_weight(given):
    (Y, P, fold), weight, _ = rows_and_weights()
    held = OutOfFold(Y, P, fold, weight)
    policy = fit("fixed", held, given, allow_unlabeled=True)
    assert policy.best_score_ == scoring(given)(held.truth(), held.P > 0.3, held.sample_weight)
    inside = held.fold == 1
    split = scoring(given)(held.truth()[inside], held.P[inside] > 0.3, held.sample_weight[inside])
    assert policy.cv_results_["split1_test_score"] == [split]


@pytest.mark.parametrize("n_kept", [None, 3])
def test_compact_rows_count_copies(n_kept):
    (Y, P, fold), weight, _ = rows_and_weights()
    weight = weight + 1
    copies = np.repeat(np.arange(300), weight)
    frequency = Y[copies].mean(axis=0)
    held = []
    for rows, weights in ((slice(None), weight.astype(float)), (copies, None)):
        compact = CompactRows(frequency, n_kept)
        compact.add(P[rows], Y[rows], fold[rows], weights)
        held.append(OutOfFold.from_compact(compact))
    for name in ("learned", "micromacro", "plug_in"):
        assert_same(*(fit(name, each) for each in held))


@pytest.mark.parametrize("name", ["a function", "best of"])
def test_a_function_without_sample_weight_is_refused_where_weights_differ(name):
    (Y, P, fold), weight, _ = rows_and_weights()
    policy = ThresholdRule(plain_mean) if name == "a function" else BestThresholds(["half", plain_mean])
    with pytest.raises(ValueError, match="prediction_policy='plain_mean' takes no sample_weight, and the weights"):
        policy.fit(OutOfFold(Y, P, fold, weight))
    equal = OutOfFold(Y, P, fold, 3 * (weight > 0))
    assert_array_equal(ThresholdRule(plain_mean).fit(equal).thresholds_, P[weight > 0].mean(axis=0))


def test_one_label_prefers_half_by_weight():
    rng = np.random.default_rng(0)
    Z = rng.normal(0, 2, (400, 1))
    Y, P, fold = rng.random(Z.shape) < expit(Z), expit(Z - 0.8), np.arange(400) % 3
    weight = rng.integers(1, 6, 400)
    copies = np.repeat(np.arange(400), weight)
    accuracy = Scoring.resolve("accuracy")
    policies = []
    for held in (OutOfFold(Y, P, fold, weight), OutOfFold(Y[copies], P[copies], fold[copies])):
        policies.append(ThresholdRule("global").fit(held, accuracy, allow_unlabeled=True).prefer_half(held, accuracy))
    assert_same(*policies)
    assert policies[0].cv_results_["prediction_policy"].tolist() == ["global", "half"]


def test_the_judge_weights_rows():
    arrays, weight, copies = rows_and_weights()
    weighted, repeated = OutOfFold(*arrays, weight), OutOfFold(*(array[copies] for array in arrays))
    for has_thresholds in (True, False):
        judge = Judge(LearnedThresholds(), THREE, has_thresholds=has_thresholds)
        for row, other in zip(judge.rows("", weighted), judge.rows("", repeated), strict=True):
            assert row == pytest.approx(other)


@pytest.mark.parametrize("always_label", [False, True])
@pytest.mark.parametrize("name", NAMED_SCORINGS)
@pytest.mark.parametrize("share", [None, 0.5])
def test_gradients_of_weighted_scores_equal_finite_differences(name, share, always_label, monkeypatch):
    if share is not None:
        monkeypatch.setattr("sklearn_metalabel.policies._expected_score._PART_ENTRIES", 200)
        monkeypatch.setattr("sklearn_metalabel.policies._expected_score._PART_ROWS", 100)
    (Y, P, fold), *_ = rows_and_weights()
    held = OutOfFold(Y, P, fold, np.random.default_rng(0).uniform(0.2, 3, 300))
    _, link, folds = nested_candidates(held, fold)
    problem = DecisionProblem.build(Y, P, fold, folds, link, held.sample_weight)
    cuts = np.stack([candidates.cuts[2] for candidates in folds])
    decided = problem.decisions(problem.decide(cuts, always_label))
    assert_allclose(problem.score(cuts, always_label, {name: 1.0}), scoring(name)(Y, decided, held.sample_weight))
    assert_array_equal(calibrated_logits(link, P)[problem.row, problem.label], problem.logits)
    if share is not None:
        problem = problem.part(cuts, always_label, np.random.RandomState(0))
        assert problem.factor > 1
    _, found = problem.expected_score(cuts, always_label, {name: 2.0})
    for at in np.ndindex(cuts.shape):
        step = np.zeros_like(cuts)
        step[at] = 1e-6
        up, down = (problem.expected_score(cuts + s * step, always_label, {name: 2.0})[0] for s in (1, -1))
        assert_allclose(found[at], (up - down) / 2e-6, atol=1e-6)
