import numpy as np
import pytest
from _policy_cases import THREE, compact, random_rows, scoring
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.policies import (
    EpisodeThresholds,
    FixedThresholds,
    PlugInThresholds,
    SCutFBRThresholds,
    ShrunkenThresholds,
    ThresholdRule,
)
from sklearn_metalabel.thresholds import (
    OutOfFold,
    global_threshold,
    micromacro,
    odr_macro,
    odr_micro,
    plug_in,
    scut,
    scutfbr,
    shrunken,
)


def zeros(Y, P):
    return np.zeros(P.shape[1])


RULES = {
    "global": (ThresholdRule("global"), global_threshold),
    "scut": (ThresholdRule("scut"), scut),
    "odr_micro": (ThresholdRule("odr_micro"), odr_micro),
    "odr_macro": (ThresholdRule("odr_macro"), odr_macro),
    "micromacro": (ThresholdRule(), micromacro),
    "zeros": (ThresholdRule(zeros), zeros),
    "shrunken": (ShrunkenThresholds(), shrunken),
    "shrunken 1": (ShrunkenThresholds(1), lambda Y, P: shrunken(Y, P, 1)),
    "shrunken inf": (ShrunkenThresholds(np.inf), lambda Y, P: shrunken(Y, P, np.inf)),
    "plug_in": (PlugInThresholds(), plug_in),
    "plug_in 0.2": (PlugInThresholds(0.2), lambda Y, P: plug_in(Y, P, 0.2)),
    "scutfbr.1": (SCutFBRThresholds(), lambda Y, P: scutfbr(Y, P, "nested", 1, random_state=0)),
    "scutfbr.0 0.3": (SCutFBRThresholds(0.3, variant=0), lambda Y, P: scutfbr(Y, P, 0.3, 0)),
    "scutfbr.0": (SCutFBRThresholds(variant=0, n_folds=2), lambda Y, P: scutfbr(Y, P, "nested", 0, 2, random_state=0)),
}


@pytest.mark.parametrize("name", RULES)
def test_the_thresholds_are_those_of_the_rule_on_all_rows(name, global_random_seed):
    policy, rule = RULES[name]
    rows = random_rows(global_random_seed)
    assert policy.name == name
    assert_array_equal(policy.fit(rows).thresholds_, rule(rows.Y, rows.P))
    assert_array_equal(policy.find_thresholds(rows, THREE), rule(rows.Y, rows.P))


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_scored_by_what_it_decides_on_folds_it_did_not_see(name):
    policy, rule = RULES[name]
    rows = random_rows()
    policy.fit(rows, "f1_macro", allow_unlabeled=True)
    decided = np.zeros(rows.Y.shape, dtype=bool)
    for k in range(3):
        others, own = rows.take(rows.fold != k), rows.fold == k
        decided[own] = decide(rows.P[own], rule(others.Y, others.P))
    assert policy.best_score_ == pytest.approx(scoring("f1_macro")(rows.Y, decided))


def test_half_is_never_or_always_for_labels_of_one_value():
    Y = np.array([[1, 0, 0], [1, 0, 1]])
    assert ThresholdRule("half").fit(OutOfFold(Y, np.full((2, 3), 0.7))).thresholds_.tolist() == [0.0, 1.0, 0.5]


def test_the_folds_of_the_fallback_are_those_asked_for():
    rows = random_rows(n=60, L=30)
    found = [SCutFBRThresholds(n_folds=k).fit(rows).thresholds_ for k in (2, 6)]
    assert not np.array_equal(*found)
    for k, t in zip((2, 6), found, strict=True):
        assert_array_equal(t, scutfbr(rows.Y, rows.P, "nested", n_folds=k, random_state=0))


COMPACT = {
    "global": (ThresholdRule("global"), global_threshold),
    "micromacro": (ThresholdRule(), micromacro),
    "shrunken": (ShrunkenThresholds(), shrunken),
    "plug_in": (PlugInThresholds(), plug_in),
    "plug_in 0.3": (PlugInThresholds(0.3), lambda Y, P: plug_in(Y, P, 0.3)),
}


@pytest.mark.parametrize("name", COMPACT)
def test_rules_find_on_compact_rows_what_they_find_on_all(name):
    policy, rule = COMPACT[name]
    rows = random_rows(n=400)
    rows = rows.take(np.argsort(rows.fold, kind="stable"))
    dense = type(policy)(**policy.get_params()).fit(rows)
    few = policy.fit(compact(rows))
    # The plug-in rule reads a calibration in bins.
    assert_allclose(few.thresholds_, rule(rows.Y, rows.P), rtol=0.02 if name.startswith("plug_in") else 1e-6)
    assert few.cv_results_["prediction_policy"].tolist() == [name, name]
    assert few.cv_results_["allow_unlabeled"].tolist() == dense.cv_results_["allow_unlabeled"].tolist()
    assert_allclose(few.cv_results_["mean_test_score"], dense.cv_results_["mean_test_score"], atol=0.01)
    assert not policy.needs_all_probabilities(THREE)


def test_labels_of_one_value_are_never_or_always_predicted_from_compact_rows():
    rows = random_rows()
    Y = rows.truth()
    Y[:, 0], Y[:, 2] = False, True
    t = ThresholdRule().fit(compact(OutOfFold(Y, rows.P, rows.fold)), "accuracy").thresholds_
    assert (t[0], t[2]) == (1, 0)
    assert 0 < t[1] < 1


@pytest.mark.parametrize(
    ("policy", "given"),
    [
        (ThresholdRule("scut"), THREE),
        (ThresholdRule(micromacro), THREE),
        (ShrunkenThresholds(3), THREE),
        (PlugInThresholds(0.5), THREE),
        (SCutFBRThresholds(), THREE),
        (FixedThresholds(), THREE),
        (ThresholdRule(), scoring(lambda y, d: 0.0)),
    ],
)
def test_what_needs_all_probabilities_says_so(policy, given):
    assert policy.needs_all_probabilities(given)
    with pytest.raises(ValueError, match="30 rows of 4 labels are too many to keep all probabilities"):
        policy.fit(compact(random_rows(n=30)), given)


@pytest.mark.parametrize("given", [0.3, [0.0, 0.2, 0.9, 1.0]])
def test_fixed_thresholds_are_kept_as_they_are(given):
    rows = random_rows()
    Y = rows.truth()
    Y[:, 0] = False
    rows = OutOfFold(Y, rows.P, rows.fold)
    policy = FixedThresholds(given).fit(rows, allow_unlabeled=True)
    assert_array_equal(policy.thresholds_, np.broadcast_to(given, 4))
    assert policy.best_score_ == pytest.approx(THREE(Y, decide(rows.P, np.broadcast_to(given, 4)) > 0))
    alone = FixedThresholds(given).fit(None, proposed=np.full(4, 0.5))
    assert_array_equal(alone.thresholds_, policy.thresholds_)
    assert (alone.allow_unlabeled_, alone.best_score_, alone.cv_results_) == (True, None, {})


def test_fixed_thresholds_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="thresholds must have shape"):
        FixedThresholds([0.5, 0.5]).fit(random_rows())
    with pytest.raises(ValueError, match="thresholds must have shape"):
        FixedThresholds([0.5, 0.5]).fit(None, proposed=np.full(3, 0.5))


@pytest.mark.parametrize(("given", "kept"), [("auto", True), (True, True), (False, False)])
def test_episode_thresholds_are_those_proposed_whatever_the_rows(given, kept):
    for rows in (None, random_rows(L=2)):
        policy = EpisodeThresholds().fit(rows, proposed=[0.3, 0.6], allow_unlabeled=given)
        assert_array_equal(policy.thresholds_, [0.3, 0.6])
        assert (policy.allow_unlabeled_, policy.best_score_, policy.cv_results_) == (kept, None, {})


def test_episode_thresholds_without_an_episode_are_refused():
    with pytest.raises(ValueError, match="takes the thresholds that a recurrent training policy ends with"):
        EpisodeThresholds().fit(random_rows())


WRONG = [
    (ThresholdRule("best"), "rule must be one of .* or a function"),
    (ThresholdRule(3), "rule must be one of .* got 3"),
    (ThresholdRule("shrunken"), "rule must be one of"),
    (ShrunkenThresholds(-1), r"kappa must be a number in \[0, inf\], got -1; the default is 10"),
    (ShrunkenThresholds("ten"), "kappa must be"),
    (ShrunkenThresholds(np.nan), "kappa must be"),
    (PlugInThresholds(0.96), r"balance must be a number in \[0, 0.95\], got 0.96; the default is 0.6"),
    (PlugInThresholds("half"), "balance must be"),
    (PlugInThresholds(np.nan), "balance must be"),
    (SCutFBRThresholds(2.0), "fbr must be"),
    (SCutFBRThresholds("best"), "fbr must be"),
    (SCutFBRThresholds(variant=2), "variant must be"),
    (SCutFBRThresholds(n_folds=1), "n_folds must be"),
    (FixedThresholds(1.5), r"thresholds must .*\[0, 1\]"),
    (FixedThresholds([0.5, -0.1]), r"thresholds must .*\[0, 1\]"),
    (FixedThresholds([[0.5, 0.5]]), "thresholds must have shape"),
    (FixedThresholds(np.nan), "thresholds must"),
    (FixedThresholds("half"), "thresholds must be a dense array of real numbers, got 'half'"),
]


@pytest.mark.parametrize(("policy", "match"), WRONG, ids=[repr(policy) for policy, _ in WRONG])
def test_a_parameter_that_is_not_as_described_is_refused_by_name(policy, match):
    with pytest.raises(ValueError, match=match):
        policy.check()
    with pytest.raises(ValueError, match=match):
        policy.fit(random_rows(n=30))


EDGES = [
    *(ShrunkenThresholds(0), ShrunkenThresholds(np.inf), PlugInThresholds(0), PlugInThresholds(0.95)),
    *(FixedThresholds(0), FixedThresholds(1), SCutFBRThresholds(0), SCutFBRThresholds(1.0, n_folds=2)),
]


@pytest.mark.parametrize("policy", EDGES, ids=repr)
def test_the_ends_of_an_interval_are_taken(policy):
    policy.check()
