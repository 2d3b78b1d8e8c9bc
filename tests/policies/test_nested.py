import numpy as np
import pytest
import scipy.sparse as sp
from _policy_cases import THREE, random_rows, scoring
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.policies import PredictionPolicy, ThresholdRule, as_prediction_policy
from sklearn_metalabel.policies._nested import as_columns, as_rows, fallbacks, nested_rows
from sklearn_metalabel.thresholds import OutOfFold, micromacro, odr_macro, scut

RULES = {"scut": scut, "micromacro": micromacro, "odr_macro": odr_macro}


class Noting(PredictionPolicy):
    """Notes what it is shown, and may decide for itself whether a sample gets no label."""

    def __init__(self, t=0.9, own=None):
        self.t, self.own, self.calls = t, own, []

    def find_thresholds(self, out_of_fold, scoring, random_state=None):
        self.calls.append((out_of_fold.n_samples, np.unique(out_of_fold.fold).tolist(), random_state))
        return np.full(out_of_fold.n_labels, self.t)

    def _choose(self, out_of_fold, scoring, allow_unlabeled, random_state):
        return self.find_thresholds(out_of_fold, scoring, random_state), self.own


def compare(policy, rows, given="f1_micro", allow_unlabeled="auto"):
    return nested_rows(policy, rows, scoring(given), allow_unlabeled, 0)


@pytest.mark.parametrize("given", ["f1_micro", "f1_macro", "accuracy", ("f1_samples", "f1_macro")])
@pytest.mark.parametrize("name", RULES)
def test_every_score_is_that_of_decisions_with_thresholds_from_the_other_folds(global_random_seed, given, name):
    rows, score = random_rows(global_random_seed), scoring(given)
    found = compare(ThresholdRule(name), rows, given)
    assert [(row["prediction_policy"], row["allow_unlabeled"]) for row in found] == [(name, True), (name, False)]
    Y, P, fold = rows.Y, rows.P, rows.fold
    for row in found:
        decided = np.zeros_like(Y)
        for k in range(3):
            t = RULES[name](Y[fold != k], P[fold != k])
            decided[fold == k] = decide(P[fold == k], t, row["allow_unlabeled"])
        assert row["mean_test_score"] == pytest.approx(score(Y, decided))
        for k in range(3):
            assert row[f"split{k}_test_score"] == pytest.approx(score(Y[fold == k], decided[fold == k]))


def test_a_policy_is_shown_the_rows_and_the_folds_that_it_is_not_judged_on():
    rows, policy = random_rows(), Noting()
    compare(policy, rows)
    sizes = np.bincount(rows.fold)
    assert policy.calls == [(300 - sizes[k], [j for j in range(3) if j != k], 0) for k in range(3)]


def test_a_single_fold_has_only_itself():
    rows = random_rows(n_folds=1)
    (row,) = compare(ThresholdRule("scut"), rows, "f1_macro", True)
    assert row["mean_test_score"] == scoring("f1_macro")(rows.Y, decide(rows.P, scut(rows.Y, rows.P)) > 0)


@pytest.mark.parametrize("own", [True, False])
def test_a_policy_may_decide_about_samples_without_a_label_itself(own):
    rows = random_rows()
    (row,) = compare(Noting(own=own), rows)
    assert row["allow_unlabeled"] == "auto"
    expected = scoring("f1_micro")(rows.Y, decide(rows.P, np.full(4, 0.9), own) > 0)
    assert row["mean_test_score"] == pytest.approx(expected)


@pytest.mark.parametrize("given", [True, False, np.True_])
def test_one_way_with_samples_without_a_label_is_tried_where_it_is_given(given):
    (row,) = compare(Noting(), random_rows(), allow_unlabeled=given)
    assert row["allow_unlabeled"] is bool(given)


@pytest.mark.parametrize("given", ["never", None, 0, 1.0, [True]])
def test_an_unknown_way_is_refused(given):
    with pytest.raises(ValueError, match=r'allow_unlabeled must be True, False or "auto", got'):
        fallbacks(given)


def test_sparse_truth_gives_what_dense_truth_gives():
    rows = random_rows()
    sparse = OutOfFold(sp.csr_array(rows.Y), rows.P, rows.fold)
    np.testing.assert_equal(compare(ThresholdRule("scut"), rows), compare(ThresholdRule("scut"), sparse))


def test_each_part_of_the_scoring_has_a_column_and_the_score_is_their_mean():
    def density(y_true, y_pred):
        return y_pred.mean()

    given = ("f1_micro", density, lambda a, b: 0.5, lambda a, b: 0.25)
    for row in compare(ThresholdRule("scut"), random_rows(), given):
        names = ["mean_test_f1_micro", "mean_test_density", "mean_test_<lambda>", "mean_test_<lambda>-2"]
        assert [name for name in row if name.startswith("mean_test")] == [*names, "mean_test_score"]
        assert_allclose(np.mean([row[name] for name in names]), row["mean_test_score"])


@pytest.mark.parametrize("wrong", [np.zeros(3), np.full(4, 1.5), np.full(4, np.nan)])
def test_thresholds_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="thresholds must"):
        compare(ThresholdRule(lambda Y, P: wrong), random_rows())


def a_row(score, allow_unlabeled=True, **others):
    return {"prediction_policy": "a", "allow_unlabeled": allow_unlabeled, "mean_test_score": score, **others}


def test_rows_become_columns_with_ranks_and_a_score_of_nan_is_last():
    columns = as_columns([a_row(0.5), a_row(np.nan), a_row(0.7), a_row(0.5)])
    assert columns["rank_test_score"].tolist() == [2, 4, 1, 2]
    assert columns["allow_unlabeled"].dtype == bool
    assert columns["prediction_policy"].dtype == object
    assert "proposal" not in columns


def test_what_a_row_lacks_is_nan_and_a_choice_of_its_own_is_written_so():
    columns = as_columns(
        [{"proposal": "x", **a_row(0.5, "auto", split0_test_score=0.4)}, {"proposal": "y", **a_row(1)}]
    )
    assert_array_equal(columns["split0_test_score"], [0.4, np.nan])
    assert columns["allow_unlabeled"].tolist() == ["auto", True]
    assert columns["proposal"].tolist() == ["x", "y"]


def test_columns_become_rows_again():
    rows = compare(ThresholdRule("scut"), random_rows(), THREE)
    flat = [{**row, "std_thresholds": row["std_thresholds"].mean()} for row in rows]
    assert as_rows(as_columns(rows)) == flat
    assert as_rows({}) == []


@pytest.mark.parametrize("name", ["scut", "learned"])
def test_the_spread_of_thresholds_over_folds_is_kept(name):
    rng = np.random.default_rng(0)
    P = rng.uniform(0.01, [0.9, 0.4], (300, 2))
    Y, fold = rng.random(P.shape) < P, np.arange(300) % 3
    policy = as_prediction_policy(name).fit(OutOfFold(Y, P, fold), "f1_macro", random_state=0)
    spread = policy.std_thresholds_
    assert spread.shape == (2,)
    assert (spread > 0).all()
    assert spread.mean() in policy.cv_results_["std_thresholds"]
    if name == "scut":
        apart = [scut(Y[fold != k], P[fold != k]) for k in range(3)]
        assert_allclose(spread, np.std(apart, axis=0))
