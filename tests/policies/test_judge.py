import numpy as np
import pytest
from _policy_cases import THREE, random_rows, scoring, single_label_rows
from sklearn.metrics import accuracy_score, f1_score

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.policies import BestThresholds, FixedThresholds, Judge, LearnedThresholds, ThresholdRule
from sklearn_metalabel.policies._judge import best_score
from sklearn_metalabel.thresholds import OutOfFold, scut


def class_rows(n=120, n_classes=3, seed=0):
    """Rows of classes: indicator columns, and probabilities that sum to 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n)
    P = rng.dirichlet(np.ones(n_classes), size=n) + 0.5 * np.eye(n_classes)[y]
    return y, OutOfFold(np.eye(n_classes)[y], P / P.sum(axis=1, keepdims=True), np.arange(n) % 3)


def test_labels_are_judged_after_thresholds_from_the_other_folds():
    rows = random_rows()
    found = Judge(ThresholdRule("scut"), scoring("f1_macro")).rows("scale 1", rows)
    assert [(row["proposal"], row["prediction_policy"], row["allow_unlabeled"]) for row in found] == [
        ("scale 1", "scut", True),
        ("scale 1", "scut", False),
    ]
    decided = np.zeros(rows.Y.shape, dtype=bool)
    for k in range(3):
        others, own = rows.take(rows.fold != k), rows.fold == k
        decided[own] = decide(rows.P[own], scut(others.Y, others.P))
    assert found[0]["mean_test_score"] == pytest.approx(f1_score(rows.Y, decided, average="macro"))


@pytest.mark.parametrize("given", [True, False])
def test_only_what_the_user_allows_is_judged(given):
    (row,) = Judge(FixedThresholds(0.3), THREE, given).rows("equal", single_label_rows())
    assert row["allow_unlabeled"] is given


def test_several_policies_have_rows_each_and_the_learned_one_stands_for_itself_as_it_comes():
    rows = random_rows()
    found = Judge(BestThresholds(["half", "scut"]), THREE).rows("equal", rows)
    assert [row["prediction_policy"] for row in found] == ["half", "half", "scut", "scut"]
    found = Judge(LearnedThresholds(), THREE).rows("equal", rows)
    assert [row["prediction_policy"] for row in found] == ["pretrained", "pretrained"]


def test_a_better_ranking_gets_a_better_judgement():
    rows = random_rows()
    noisy = OutOfFold(rows.Y, np.random.default_rng(1).permuted(rows.P, axis=0), rows.fold)
    judge = Judge(LearnedThresholds(), THREE)
    assert best_score(judge.rows("good", rows)) > best_score(judge.rows("bad", noisy)) + 0.05


def test_of_several_classes_the_most_probable_is_judged():
    y, rows = class_rows()
    (row,) = Judge(FixedThresholds(0.99), scoring(("accuracy", "f1_macro")), has_thresholds=False).rows("equal", rows)
    predicted = rows.P.argmax(axis=1)
    parts = accuracy_score(y, predicted), f1_score(y, predicted, average="macro")
    assert (row["proposal"], row["prediction_policy"], row["allow_unlabeled"]) == (
        "equal",
        "most probable class",
        False,
    )
    assert (row["mean_test_accuracy"], row["mean_test_f1_macro"]) == pytest.approx(parts)
    assert row["mean_test_score"] == pytest.approx(np.mean(parts))


def test_of_two_classes_the_more_probable_is_judged():
    rng = np.random.default_rng(0)
    P = rng.uniform(0.01, 0.99, (200, 1))
    y = rng.random((200, 1)) < P
    (row,) = Judge(FixedThresholds(0.99), scoring(("accuracy", "f1_micro")), has_thresholds=False).rows(
        "equal", OutOfFold(y, P)
    )
    assert row["mean_test_accuracy"] == pytest.approx(accuracy_score(y, P > 0.5))
    assert row["mean_test_f1_micro"] == pytest.approx(f1_score(y.ravel(), P.ravel() > 0.5))


def test_compact_rows_are_enough_where_the_policy_says_so():
    assert not Judge(ThresholdRule(), THREE).needs_all_probabilities()
    assert Judge(ThresholdRule("scut"), THREE).needs_all_probabilities()
    assert Judge(ThresholdRule(), THREE, has_thresholds=False).needs_all_probabilities()
    assert Judge(ThresholdRule(), scoring(lambda y, d: 0.0)).needs_all_probabilities()


def test_a_score_of_nan_is_worst():
    assert best_score([{"mean_test_score": np.nan}, {"mean_test_score": -3.0}]) == -3.0
    assert best_score([{"mean_test_score": np.nan}]) == -np.inf
