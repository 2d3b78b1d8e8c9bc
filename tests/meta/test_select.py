import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from sklearn_metalabel.meta._select import select_thresholds
from sklearn_metalabel.thresholds import decide, micromacro
from sklearn_metalabel.thresholds._criteria import criterion_score


def a_case(seed=0, n=400, L=4):
    rng = np.random.default_rng(seed)
    P = rng.beta(1, 3, size=(n, L)).astype(np.float32).clip(1e-6, 1 - 1e-6)
    return rng.random((n, L)) < P, P, np.arange(n) % 3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("criterion", ["micro_f1", "macro_f1", "strict_accuracy", "samples_f1"])
def test_the_choice_is_never_worse_than_a_rule_on_rows_the_rule_did_not_see(seed, criterion):
    Y, P, fold_of = a_case(seed)
    found = select_thresholds(Y, P, fold_of, np.full(4, 0.9), criterion=criterion, never_empty=False)
    decided = np.zeros_like(Y)
    for k in range(3):
        t = micromacro(Y[fold_of != k], P[fold_of != k])
        decided[fold_of == k] = decide(P[fold_of == k], t)
    assert found.scores["micromacro", False] == pytest.approx(criterion_score(criterion, Y, decided))
    assert found.scores[found.name, found.never_empty] == max(found.scores.values())


def test_good_thresholds_of_the_policy_are_kept():
    Y, P, fold_of = a_case()
    P = np.where(Y, 0.3, 0.2).astype(np.float32) + 0.05 * P
    best = np.full(4, 0.275)
    found = select_thresholds(Y, P, fold_of, best, criterion="macro_f1", never_empty=False)
    assert found.name == "policy"
    assert np.array_equal(found.thresholds, best)


def test_every_instance_gets_a_label_where_all_have_one():
    rng = np.random.default_rng(0)
    Y = np.eye(4, dtype=bool)[rng.integers(4, size=300)]
    P = np.clip(0.2 + 0.15 * Y + 0.1 * rng.random((300, 4)), 0, 1).astype(np.float32)
    fold_of = np.arange(300) % 3
    chosen = select_thresholds(Y, P, fold_of, np.full(4, 0.5), criterion="strict_accuracy")
    forced = select_thresholds(Y, P, fold_of, np.full(4, 0.5), criterion="strict_accuracy", never_empty=False)
    assert chosen.never_empty
    assert not forced.never_empty


def test_empty_instances_stay_empty_where_many_are():
    rng = np.random.default_rng(0)
    Y = rng.random((300, 4)) < 0.1
    P = np.where(Y, 0.9, 0.1 * rng.random((300, 4)) + 0.01).astype(np.float32)
    found = select_thresholds(Y, P, np.arange(300) % 3, np.full(4, 0.5), criterion="strict_accuracy")
    assert not found.never_empty


@pytest.mark.parametrize("seed", range(5))
def test_criteria_equal_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    Y, D = rng.random((2, 50, 6)) < 0.3
    for average in ("micro", "macro", "samples"):
        ours = criterion_score(f"{average}_f1", Y, D)
        assert ours == pytest.approx(f1_score(Y, D, average=average, zero_division=0))
    assert criterion_score("strict_accuracy", Y, D) == accuracy_score(Y, D)
    both = criterion_score(("micro_f1", accuracy_score), Y, D)
    assert both == pytest.approx((f1_score(Y, D, average="micro") + accuracy_score(Y, D)) / 2)


def test_a_criterion_may_be_any_function():
    Y, P, fold_of = a_case()
    found = select_thresholds(
        Y, P, fold_of, np.full(4, 0.5), criterion=lambda y_true, y_pred: -y_pred.mean(), never_empty=False
    )
    assert found.scores[found.name, False] == max(found.scores.values())
