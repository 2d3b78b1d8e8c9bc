from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.thresholds import decide, micromacro, scut, shrunken
from sklearn_metalabel.thresholds._compare import compare, function_name
from sklearn_metalabel.thresholds._criteria import criterion_score


def a_case(seed=0, n=300, L=4, n_folds=3):
    rng = np.random.default_rng(seed)
    P = rng.beta(1, 3, size=(n, L)).clip(1e-6, 1 - 1e-6)
    return rng.random((n, L)) < P, P, rng.integers(n_folds, size=n)


def open_chooser(rule):
    return lambda Y, P, fold_of: (rule(Y, P), None)


def fixed(t, never_empty=None):
    return lambda Y, P, fold_of: (np.full(P.shape[1], t), never_empty)


CHOOSERS = {"scut": open_chooser(scut), "micromacro": open_chooser(micromacro), "shrunken": open_chooser(shrunken)}
RULES = {"scut": scut, "micromacro": micromacro, "shrunken": shrunken}


@pytest.mark.parametrize("criterion", ["micro_f1", "macro_f1", "strict_accuracy", ("samples_f1", "macro_f1")])
def test_every_score_is_that_of_decisions_with_thresholds_from_the_other_folds(global_random_seed, criterion):
    Y, P, fold_of = a_case(global_random_seed)
    found = compare(CHOOSERS, Y, P, fold_of, criterion=criterion)
    assert found.results["rule"].tolist() == [name for name in RULES for _ in range(2)]
    assert found.results["never_empty"].tolist() == [False, True] * 3
    for i, (name, fallback) in enumerate(zip(found.results["rule"], found.results["never_empty"], strict=True)):
        decided = np.zeros_like(Y)
        for k in range(3):
            t = RULES[name](Y[fold_of != k], P[fold_of != k])
            decided[fold_of == k] = decide(P[fold_of == k], t, never_empty=fallback)
        assert found.results["mean_test_score"][i] == pytest.approx(criterion_score(criterion, Y, decided))
        for k in range(3):
            expected = criterion_score(criterion, Y[fold_of == k], decided[fold_of == k])
            assert found.results[f"split{k}_test_score"][i] == pytest.approx(expected)


def test_the_best_row_is_computed_anew_from_all_rows(global_random_seed):
    Y, P, fold_of = a_case(global_random_seed)
    found = compare(CHOOSERS, Y, P, fold_of, criterion="macro_f1")
    best = int(np.argmax(found.results["mean_test_score"]))
    assert found.results["rank_test_score"][best] == 1
    assert (found.name, found.never_empty) == (found.results["rule"][best], found.results["never_empty"][best])
    assert_array_equal(found.thresholds, RULES[found.name](Y, P))


def test_a_chooser_gets_the_rows_and_the_folds_that_it_is_not_judged_on():
    Y, P, fold_of = a_case()
    calls = []

    def note(Y, P, fold_of):
        calls.append((len(Y), len(P), np.unique(fold_of).tolist()))
        return np.full(P.shape[1], 0.5), None

    compare({"note": note}, Y, P, fold_of, criterion="micro_f1")
    sizes = np.bincount(fold_of)
    expected = [(300 - sizes[k],) * 2 + ([j for j in range(3) if j != k],) for k in range(3)]
    assert calls == [*expected, (300, 300, [0, 1, 2])]


def test_a_single_fold_has_only_itself():
    Y, P, _ = a_case()
    found = compare({"scut": open_chooser(scut)}, Y, P, np.zeros(300, int), criterion="macro_f1", never_empty=False)
    expected = criterion_score("macro_f1", Y, decide(P, scut(Y, P)).astype(bool))
    assert found.results["mean_test_score"] == pytest.approx([expected])


@pytest.mark.parametrize("own", [True, False])
def test_a_chooser_may_decide_about_empty_instances_itself(own):
    Y, P, fold_of = a_case()
    found = compare({"own": fixed(0.9, own)}, Y, P, fold_of, criterion="micro_f1")
    assert found.results["never_empty"].tolist() == ["auto"]
    assert found.never_empty is own
    expected = criterion_score("micro_f1", Y, decide(P, np.full(4, 0.9), never_empty=own).astype(bool))
    assert found.results["mean_test_score"] == pytest.approx([expected])


@pytest.mark.parametrize("given", [True, False])
def test_one_way_with_empty_instances_is_tried_where_it_is_given(given):
    Y, P, fold_of = a_case()
    found = compare({"a": fixed(0.9), "b": fixed(0.8)}, Y, P, fold_of, criterion="micro_f1", never_empty=given)
    assert found.results["never_empty"].tolist() == [given, given]
    assert found.never_empty is given


def test_of_equal_scores_the_first_wins_and_nan_is_last():
    Y, P, fold_of = a_case()
    tie = compare({"b": fixed(0.3), "a": fixed(0.3)}, Y, P, fold_of, criterion="micro_f1", never_empty=False)
    assert tie.name == "b"
    assert tie.results["rank_test_score"].tolist() == [1, 1]

    def sometimes_nan(y_true, y_pred):
        return np.nan if y_pred.all() else -y_pred.mean()

    found = compare({"all": fixed(0.0), "few": fixed(0.5)}, Y, P, fold_of, criterion=sometimes_nan, never_empty=False)
    assert found.name == "few"
    assert found.results["rank_test_score"].tolist() == [2, 1]


def test_sparse_truth_gives_what_dense_truth_gives():
    Y, P, fold_of = a_case()
    dense, sparse = (compare(CHOOSERS, each, P, fold_of, criterion="macro_f1") for each in (Y, sp.csr_array(Y)))
    assert_array_equal(dense.thresholds, sparse.thresholds)
    assert_array_equal(dense.results["mean_test_score"], sparse.results["mean_test_score"])


def test_each_part_of_the_criterion_has_a_column_and_the_score_is_their_mean():
    Y, P, fold_of = a_case()

    def density(y_true, y_pred):
        return y_pred.mean()

    criterion = ("micro_f1", density, lambda a, b: 0.5, lambda a, b: 0.25)
    results = compare(CHOOSERS, Y, P, fold_of, criterion=criterion).results
    names = ["mean_test_micro_f1", "mean_test_density", "mean_test_<lambda>", "mean_test_<lambda>-2"]
    assert [name for name in results if name.startswith("mean_test")] == [*names, "mean_test_score"]
    assert_allclose(np.mean([results[name] for name in names], axis=0), results["mean_test_score"])
    assert {len(column) for column in results.values()} == {6}


def test_thresholds_of_the_wrong_shape_are_refused():
    Y, P, fold_of = a_case()
    with pytest.raises(ValueError, match=r"thresholds must have shape \(n_labels,\) with n_labels=4"):
        compare({"bad": lambda Y, P, fold_of: (np.zeros(3), None)}, Y, P, fold_of, criterion="micro_f1")


def test_functions_partials_and_objects_have_names():
    assert function_name(scut) == "scut"
    assert function_name(partial(scut)) == "scut"

    class Rule:
        def __call__(self, Y, P):
            return np.full(P.shape[1], 0.5)

    assert function_name(Rule()) == "Rule"
