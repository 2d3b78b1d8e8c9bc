import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_metalabel.prediction import learn_thresholds, pretrained_thresholds
from sklearn_metalabel.prediction._choosers import (
    CHOOSERS,
    choose_from_held_out,
    choose_thresholds,
    named_choosers,
    needs_all_probabilities,
)
from sklearn_metalabel.thresholds import decide, global_threshold, micromacro, plug_in, shrunken
from sklearn_metalabel.thresholds._criteria import criterion_score
from sklearn_metalabel.thresholds._held_out import HeldOut
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


def hold(Y, P, fold_of, n_kept=None):
    """Rows as a `HeldOut`, added fold by fold."""
    held = HeldOut(Y.mean(axis=0), n_kept)
    for k in np.unique(fold_of):
        held.add(P[fold_of == k], Y[fold_of == k], k)
    return held


def choose_held(rule, held, criterion=THREE, never_empty="auto"):
    return choose_from_held_out(rule, held, criterion=criterion, never_empty=never_empty, random_state=0)


@pytest.mark.parametrize("rule", ["policy", "pretrained"])
def test_from_rows_kept_whole_the_policies_decide_the_same(rule):
    Y, P, fold_of = a_case(n=96)
    fold_of = np.sort(fold_of)
    dense, compact = choose(rule, Y, P, fold_of), choose_held(rule, hold(Y, P, fold_of))
    assert_allclose(compact.thresholds, dense.thresholds, rtol=1e-6)
    assert (compact.name, compact.never_empty) == (dense.name, dense.never_empty)
    assert sorted(compact.results) == sorted(dense.results)


@pytest.mark.parametrize("rule", ["policy", "pretrained"])
def test_from_few_entries_of_each_row_the_policies_decide_much_the_same(rule):
    rng = np.random.default_rng(0)
    Z = rng.normal(-np.linspace(2, 5, 40), 1.5, (1500, 40))
    Y, P, fold_of = rng.random(Z.shape) < 1 / (1 + np.exp(-Z)), 1 / (1 + np.exp(-Z)), np.repeat([0, 1, 2], 500)
    dense, compact = choose(rule, Y, P, fold_of), choose_held(rule, hold(Y, P, fold_of, n_kept=12))
    assert compact.never_empty == dense.never_empty
    decided, expected = compact.thresholds < P, dense.thresholds < P
    assert (decided != expected).sum() < 0.1 * expected.sum()


@pytest.mark.parametrize(
    ("name", "rule"),
    [("global", global_threshold), ("micromacro", micromacro), ("shrunken", shrunken), ("plug_in", plug_in)],
)
def test_rules_choose_from_rows_kept_whole_what_they_choose_from_arrays(name, rule):
    Y, P, fold_of = a_case()
    found = choose_held(name, hold(Y, P, np.sort(fold_of)))
    assert_allclose(found.thresholds, rule(Y, P), rtol=0.02 if name == "plug_in" else 1e-6)
    assert list(found.results["rule"]) == [name, name]


def test_among_several_rules_the_best_on_rows_not_seen_is_taken_from_a_held_out():
    Y, P, fold_of = a_case()
    fold_of = np.sort(fold_of)
    rules = ["global", "micromacro", "shrunken"]
    dense, compact = choose(rules, Y, P, fold_of), choose_held(rules, hold(Y, P, fold_of))
    assert_allclose(compact.results["mean_test_score"], dense.results["mean_test_score"])
    assert (compact.name, compact.never_empty) == (dense.name, dense.never_empty)


@pytest.mark.parametrize(
    ("rule", "criterion"),
    [(micromacro, THREE), ("scut", THREE), (["policy", "global"], THREE), ("policy", lambda y, d: 0.0)],
)
def test_what_needs_all_probabilities_is_told_so(rule, criterion):
    Y, P, fold_of = a_case(n=30)
    assert needs_all_probabilities(rule, criterion)
    with pytest.raises(ValueError, match="leave no room for all probabilities"):
        choose_held(rule, hold(Y, P, fold_of), criterion)


def test_labels_of_one_value_are_never_or_always_predicted_from_a_held_out():
    Y, P, fold_of = a_case()
    Y[:, 0], Y[:, 2] = False, True
    for rule in ("policy", "pretrained", "micromacro"):
        assert not needs_all_probabilities(rule, "accuracy")
        t = choose_held(rule, hold(Y, P, fold_of), "accuracy").thresholds
        assert (t[0], t[2]) == (1, 0)
        assert 0 < t[1] < 1
