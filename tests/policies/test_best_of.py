import numpy as np
import pytest
from _policy_cases import NAMED_SCORINGS, THREE, compact, random_rows, scoring, uncalibrated_rows
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.policies import (
    BestThresholds,
    EpisodeThresholds,
    FixedThresholds,
    LearnedThresholds,
    ShrunkenThresholds,
    ThresholdRule,
)
from sklearn_metalabel.thresholds import micromacro


def never(Y, P):
    return np.ones(P.shape[1])


@pytest.mark.parametrize("given", NAMED_SCORINGS)
def test_among_several_the_best_on_rows_not_seen_is_taken(given):
    rows = random_rows(n=400)
    best = BestThresholds(["learned", "half", micromacro]).fit(rows, given, allow_unlabeled=True, random_state=0)
    scores = dict(zip(best.cv_results_["prediction_policy"], best.cv_results_["mean_test_score"], strict=True))
    assert list(scores) == ["learned", "half", "micromacro"]
    decided = np.zeros(rows.Y.shape, dtype=bool)
    for k in range(3):
        others, own = rows.take(rows.fold != k), rows.fold == k
        decided[own] = decide(rows.P[own], micromacro(others.Y, others.P))
    assert scores["micromacro"] == pytest.approx(scoring(given)(rows.Y, decided))
    assert scores[best.best_policy_.name] == max(scores.values()) == best.best_score_


def test_the_best_policy_is_fitted_on_all_rows():
    rows = uncalibrated_rows()
    best = BestThresholds([never, ShrunkenThresholds(3)]).fit(rows)
    alone = ShrunkenThresholds(3).fit(rows)
    assert type(best.best_policy_) is ShrunkenThresholds
    for fitted in (best, best.best_policy_):
        assert_array_equal(fitted.thresholds_, alone.thresholds_)
        assert (fitted.allow_unlabeled_, fitted.best_score_) == (alone.allow_unlabeled_, alone.best_score_)
    assert_array_equal(best.predict(rows.P), alone.predict(rows.P))


def test_of_equal_scores_the_first_wins_and_nan_is_last():
    rows = random_rows()
    tie = BestThresholds([FixedThresholds(0.3), FixedThresholds(0.3)]).fit(rows, allow_unlabeled=True)
    assert tie.cv_results_["prediction_policy"].tolist() == ["fixed", "fixed-2"]
    assert tie.cv_results_["rank_test_score"].tolist() == [1, 1]

    def sometimes_nan(y_true, y_pred):
        return np.nan if y_pred.all() else -y_pred.mean()

    best = BestThresholds([FixedThresholds(0.0), FixedThresholds(0.5)]).fit(rows, sometimes_nan, allow_unlabeled=True)
    assert best.thresholds_.tolist() == [0.5] * 4
    assert best.cv_results_["rank_test_score"].tolist() == [2, 1]


def test_each_policy_has_a_row_for_each_way_with_samples_without_a_label():
    best = BestThresholds(["half", "learned", "half"]).fit(random_rows())
    table = zip(best.cv_results_["prediction_policy"], best.cv_results_["allow_unlabeled"], strict=True)
    halves = [("half", True), ("half", False)], [("half-2", True), ("half-2", False)]
    assert list(table) == [*halves[0], ("learned", "auto"), *halves[1]]


def test_a_learned_policy_that_is_best_decides_about_samples_without_a_label_itself():
    rows = uncalibrated_rows()
    best = BestThresholds([never, "learned"]).fit(rows, random_state=0)
    alone = LearnedThresholds().fit(rows, random_state=0)
    assert_array_equal(best.thresholds_, alone.thresholds_)
    assert best.allow_unlabeled_ == alone.allow_unlabeled_


def test_the_best_of_several_may_be_one_of_several():
    rows = random_rows()
    inner = BestThresholds(["half", "scut"])
    best = BestThresholds([inner, "micromacro"]).fit(rows, allow_unlabeled=True)
    assert best.cv_results_["prediction_policy"].tolist() == ["best of several"] * 2 + ["micromacro"]
    assert_allclose(
        best.cv_results_["mean_test_score"][:2],
        inner.fit(rows, allow_unlabeled=True).cv_results_["mean_test_score"],
    )
    assert_array_equal(inner.find_thresholds(rows, THREE), inner.fit(rows).thresholds_)


def test_compact_rows_choose_as_all_rows_do():
    rows = random_rows(n=400)
    rows = rows.take(np.argsort(rows.fold, kind="stable"))
    names = ["global", "micromacro", "shrunken"]
    assert not BestThresholds(names).needs_all_probabilities(THREE)
    dense, few = BestThresholds(names).fit(rows), BestThresholds(names).fit(compact(rows))
    # The same entries, in sums of another order.
    assert_allclose(few.cv_results_["mean_test_score"], dense.cv_results_["mean_test_score"])
    assert (few.best_policy_.name, few.allow_unlabeled_) == (dense.best_policy_.name, dense.allow_unlabeled_)
    assert BestThresholds(["global", "scut"]).needs_all_probabilities(THREE)
    with pytest.raises(ValueError, match="too many to keep all probabilities"):
        BestThresholds(["global", "scut"]).fit(compact(rows))


def test_the_policies_given_are_left_alone():
    policy = ThresholdRule("scut")
    best = BestThresholds([policy]).fit(random_rows())
    assert vars(policy) == {"rule": "scut", "dependence": False}
    assert best.best_policy_ is not policy


@pytest.mark.parametrize("wrong", [[], (), "half", None, ThresholdRule()])
def test_nothing_to_compare_is_refused(wrong):
    with pytest.raises(ValueError, match="prediction_policy must name at least one policy, got"):
        BestThresholds(wrong).fit(random_rows(n=30))


@pytest.mark.parametrize("wrong", ["episode", EpisodeThresholds()])
def test_what_finds_no_thresholds_is_refused(wrong):
    with pytest.raises(ValueError, match="'episode' cannot be compared.*: it finds no thresholds on out-of-fold rows"):
        BestThresholds(["half", wrong]).check()


def test_what_is_no_policy_is_refused():
    with pytest.raises(ValueError, match="prediction_policy must be None, one of .* got 'best'"):
        BestThresholds(["half", "best"]).check()
    with pytest.raises(TypeError, match="prediction_policy must be None, one of .* got 3 of type int"):
        BestThresholds([3]).check()
    with pytest.raises(ValueError, match="kappa must be"):
        BestThresholds([ShrunkenThresholds(-1)]).check()


def test_without_rows_it_says_what_to_do():
    with pytest.raises(ValueError, match="best of several needs held-out rows, and cv=None holds none out"):
        BestThresholds(["half"]).fit(None)
