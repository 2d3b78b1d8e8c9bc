import numpy as np
import pytest

from sklearn_metalabel.prediction import learn_thresholds, pretrained_thresholds
from sklearn_metalabel.prediction._choosers import CHOOSERS, choose_thresholds, named_choosers
from sklearn_metalabel.thresholds import decide, micromacro
from sklearn_metalabel.thresholds._criteria import criterion_score
from sklearn_metalabel.thresholds._resolve import RULES

THREE = ("strict_accuracy", "micro_f1", "macro_f1")


def a_case(seed=0, n=400, L=4):
    rng = np.random.default_rng(seed)
    P = rng.beta(1, 3, size=(n, L)).astype(np.float32).clip(1e-6, 1 - 1e-6)
    return rng.random((n, L)) < P, P, np.arange(n) % 3


def choose(rule, Y, P, fold_of, criterion=THREE, never_empty="auto"):
    options = {"criterion": criterion, "never_empty": never_empty, "random_state": 0}
    return choose_thresholds(rule, Y, P, fold_of, **options)


def test_every_rule_and_both_policies_have_a_name():
    assert set(CHOOSERS) == {"policy", "pretrained", *RULES}


@pytest.mark.parametrize("rule", ["policy", "pretrained"])
def test_a_policy_alone_is_asked_once_and_not_compared(rule):
    Y, P, fold_of = a_case()
    found = choose(rule, Y, P, fold_of)
    if rule == "policy":
        expected = learn_thresholds(Y, P, fold_of, criterion=THREE, random_state=0)
    else:
        expected = pretrained_thresholds(Y, P, criterion=THREE)
    assert np.array_equal(found.thresholds, expected[0])
    assert (found.name, found.never_empty) == (rule, expected[1])
    assert sorted(found.results) == ["never_empty", "rank_test_score", "rule"]


@pytest.mark.parametrize("criterion", ["micro_f1", "macro_f1", "strict_accuracy", "samples_f1"])
def test_among_several_the_best_on_rows_not_seen_is_taken(criterion):
    Y, P, fold_of = a_case()
    found = choose(["policy", "half", micromacro], Y, P, fold_of, criterion, never_empty=False)
    decided = np.zeros_like(Y)
    for k in range(3):
        t = micromacro(Y[fold_of != k], P[fold_of != k])
        decided[fold_of == k] = decide(P[fold_of == k], t)
    scores = dict(zip(found.results["rule"], found.results["mean_test_score"], strict=True))
    assert sorted(scores) == ["half", "micromacro", "policy"]
    assert scores["micromacro"] == pytest.approx(criterion_score(criterion, Y, decided))
    assert scores[found.name] == max(scores.values())


def test_the_fallback_of_a_single_rule_is_compared():
    rng = np.random.default_rng(0)
    Y = np.eye(4, dtype=bool)[rng.integers(4, size=300)]
    P = np.clip(0.2 + 0.15 * Y + 0.1 * rng.random((300, 4)), 0, 1).astype(np.float32)
    found = choose("half", Y, P, np.arange(300) % 3, "strict_accuracy")
    assert found.never_empty
    assert not choose("half", Y, P, np.arange(300) % 3, "strict_accuracy", never_empty=False).never_empty
    assert len(found.results["rule"]) == 2


@pytest.mark.parametrize(("rule", "match"), [([], "at least one rule"), (["best"], "must be one of"), (3, "must be")])
def test_unknown_rules_are_refused(rule, match):
    with pytest.raises(ValueError, match=match):
        named_choosers(rule)
