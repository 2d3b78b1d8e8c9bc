import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import fbeta_score, jaccard_score

from sklearn_metalabel.decoding import LabelSets
from sklearn_metalabel.metrics import Scoring
from sklearn_metalabel.policies import (
    LearnedThresholds,
    PlugInThresholds,
    SCutFBRThresholds,
    ShrunkenThresholds,
    ThresholdRule,
    _dependence_search,
    as_prediction_policy,
)
from sklearn_metalabel.policies._dependence_search import _gain, _influences
from sklearn_metalabel.policies._prior import dependence_start
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.thresholds import CompactRows, OutOfFold

NAMES = ["accuracy", "f1_micro", "f1_macro", "f1_samples"]
DEPENDENT = [
    LearnedThresholds(),
    LearnedThresholds(0),
    ThresholdRule("micromacro", dependence="auto"),
    ShrunkenThresholds(dependence="auto"),
    PlugInThresholds(dependence="auto"),
    SCutFBRThresholds(0.1, dependence="auto"),
]


def one_of_each_pair(n=400, seed=0):
    """Held-out rows with one label of each of four pairs, of which probabilities say too little."""
    rng = np.random.default_rng(seed)
    first = rng.random((n, 4)) < 0.4
    Y = np.empty((n, 8), dtype=bool)
    Y[:, ::2], Y[:, 1::2] = first, ~first
    Z = 1.2 * (2 * Y - 1) + rng.normal(scale=1.5, size=Y.shape)
    return OutOfFold(Y, 1 / (1 + np.exp(-Z)), np.arange(n) % 3)


def apart(n=400, seed=0):
    """Held-out rows whose labels have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    P = rng.uniform(0.02, [0.9, 0.6, 0.5, 0.4, 0.4], (n, 5))
    return OutOfFold(rng.random(P.shape) < P, P, np.arange(n) % 3)


@pytest.mark.parametrize("policy", DEPENDENT, ids=lambda policy: policy.name)
def test_dependence_pays_where_labels_hang_together(policy):
    rows, fresh = one_of_each_pair(), one_of_each_pair(seed=1)
    policy = type(policy)(**policy.get_params()).fit(rows, random_state=0)
    alone = type(policy)(**{**policy.get_params(), "dependence": False}).fit(rows, random_state=0)
    scores = [Scoring.resolve("accuracy")(fresh.Y, each.predict(fresh.P) != 0) for each in (policy, alone)]
    assert scores[0] > scores[1] + 0.1
    assert policy.dependence_ is not None
    assert alone.dependence_ is None
    assert policy.best_score_ > alone.best_score_
    D = policy.predict(fresh.P)
    assert (D[:, ::2] + D[:, 1::2] == 1).mean() > 0.8


@pytest.fixture(scope="module")
def of_independent_labels():
    """Policies that were fitted to other rows each, whose labels have nothing to do with each other."""
    return [LearnedThresholds().fit(apart(seed=seed), random_state=0) for seed in range(10)]


def test_labels_that_are_independent_are_mostly_kept_apart(of_independent_labels):
    assert sum(policy.dependence_ is None for policy in of_independent_labels) >= 8


def test_probabilities_of_independent_labels_are_mostly_left_as_they_are(of_independent_labels):
    assert sum(policy.marginals_ is None for policy in of_independent_labels) >= 8


def test_dependence_can_be_asked_for_and_says_what_it_gains():
    policy = LearnedThresholds(dependence=True).fit(apart(), random_state=0)
    gain, error = policy.dependence_gain_
    assert policy.dependence_ is not None
    assert error > 0
    assert gain < error
    assert LearnedThresholds(dependence=False).fit(apart(), random_state=0).dependence_gain_ is None
    row = policy.cv_results_["prediction_policy"].tolist().index("learned with label sets")
    assert policy.cv_results_["mean_test_score"][row] == policy.best_score_


@pytest.mark.parametrize("name", NAMES)
def test_the_influence_of_rows_is_that_of_their_weight(name):
    rng = np.random.default_rng(0)
    Y, D, w = rng.random((40, 4)) < 0.4, rng.random((40, 4)) < 0.4, rng.uniform(0.5, 2, 40)
    score, influence = _influences({name: 1.0}, Y, D, w)
    scoring, step = Scoring.resolve(name), 1e-6
    assert score == pytest.approx(scoring(Y, D, w))
    for i in range(0, 40, 7):
        moved = scoring(Y, D, w + step * (np.arange(40) == i))
        assert influence[i] / w.sum() == pytest.approx((moved - score) / step, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_errors_in_closed_form_are_those_of_the_jackknife(name):
    rng = np.random.default_rng(0)
    Y = rng.random((2000, 4)) < 0.4
    D, other = (Y ^ (rng.random(Y.shape) < share) for share in (0.1, 0.2))
    scoring = Scoring.resolve(name)
    as_function = Scoring({name: lambda y, d: scoring(y != 0, d != 0)})
    (gain, error), (again, by_jackknife) = (_gain(each, Y, D, other, None) for each in (scoring, as_function))
    assert gain == pytest.approx(again)
    assert error == pytest.approx(by_jackknife, rel=0.5)


def f2(y_true, y_pred):
    return fbeta_score(y_true, y_pred, beta=2, average="macro", zero_division=0)


@pytest.mark.parametrize("scoring", [f2, ["accuracy", "jaccard_samples"], "accuracy"])
def test_any_scoring_decides_whether_dependence_pays(scoring):
    rows, fresh = one_of_each_pair(), one_of_each_pair(seed=1)
    policy = LearnedThresholds().fit(rows, scoring, random_state=0)
    gain, error = policy.dependence_gain_
    assert (policy.dependence_ is not None) == (gain > error)
    assert scoring is f2 or gain > error
    alone = LearnedThresholds(dependence=False).fit(rows, scoring, random_state=0)
    scores = [jaccard_score(fresh.Y, each.predict(fresh.P), average="samples") for each in (policy, alone)]
    assert scores[0] > scores[1] - 0.02


@pytest.mark.parametrize("policy", [LearnedThresholds(), ThresholdRule("scut", dependence=True)])
def test_weight_two_is_a_row_twice(policy):
    rows = one_of_each_pair(300)
    weight = np.random.default_rng(1).integers(1, 3, 300).astype(float)
    copies = np.repeat(np.arange(300), weight.astype(int))
    by_weight = OutOfFold(rows.Y, rows.P, rows.fold, weight)
    twice = OutOfFold(rows.Y[copies], rows.P[copies], rows.fold[copies])
    a, b = (type(policy)(**policy.get_params()).fit(each, random_state=0) for each in (by_weight, twice))
    assert a.dependence_.count_weight == pytest.approx(b.dependence_.count_weight, rel=1e-2)
    assert a.dependence_.unseen == pytest.approx(b.dependence_.unseen, rel=1e-2)
    assert_allclose(a.thresholds_, b.thresholds_, rtol=2e-2)
    assert (a.predict(rows.P) == b.predict(rows.P)).mean() > 0.995


def test_without_steps_dependence_is_where_the_package_starts():
    policy = LearnedThresholds(0, dependence=True).fit(one_of_each_pair(), "accuracy", random_state=0)
    count_weight, unseen, *_ = dependence_start({"accuracy": 1.0})
    assert (policy.dependence_.count_weight, policy.dependence_.unseen) == (count_weight, unseen)


@pytest.mark.parametrize("ruined", ["without each fold", "on all folds"])
def test_where_the_search_does_harm_dependence_is_where_the_package_starts(ruined, monkeypatch):
    ascend = _dependence_search._ascend

    def astray(parts, *arguments):
        point = ascend(parts, *arguments)
        if (len(parts) == 3) != (ruined == "on all folds"):
            return point
        parameters = point.parameters.copy()
        parameters[-1, 0] += 40  # nothing passes such cuts
        return point._replace(parameters=parameters)

    rows = one_of_each_pair()
    expected = LearnedThresholds(0, dependence=True).fit(rows, "accuracy", random_state=0).dependence_
    learned = LearnedThresholds().fit(rows, "accuracy", random_state=0)
    assert learned.dependence_.count_weight != expected.count_weight
    monkeypatch.setattr(_dependence_search, "_ascend", astray)
    kept = LearnedThresholds().fit(rows, "accuracy", random_state=0)
    assert (kept.dependence_.count_weight, kept.dependence_.unseen) == (expected.count_weight, expected.unseen)
    assert kept.best_score_ > 0.5
    assert kept.dependence_gain_[0] > 0


def test_the_same_seed_gives_the_same_numbers():
    first, second = (LearnedThresholds().fit(one_of_each_pair(), random_state=0) for _ in range(2))
    assert_array_equal(first.thresholds_, second.thresholds_)
    assert first.dependence_.unseen == second.dependence_.unseen


def test_rows_that_are_not_complete_or_not_known_keep_labels_apart():
    rows = one_of_each_pair()
    compact = OutOfFold.from_compact(CompactRows.from_dense(rows.Y, rows.P, rows.fold))
    assert LearnedThresholds().fit(compact, random_state=0).dependence_ is None
    assert LearnedThresholds(dependence=True).needs_all_probabilities(Scoring.resolve("accuracy"))
    assert not LearnedThresholds().needs_all_probabilities(Scoring.resolve("accuracy"))
    gaps = rows.Y.astype(float)
    gaps[3, 2] = np.nan
    assert LearnedThresholds().fit(OutOfFold(gaps, rows.P, rows.fold), random_state=0).dependence_ is None


@pytest.mark.parametrize("policy", [*DEPENDENT[:3], as_prediction_policy(["learned", "scut"])], ids=lambda p: p.name)
@pytest.mark.parametrize(
    "Y",
    [
        np.zeros((12, 3)),
        np.ones((12, 3)),
        np.tile([1, 0, 1], (12, 1)),
        np.eye(12)[:, :3],
        np.arange(24).reshape(12, 2) % 2,
    ],
    ids=["no labels", "all labels", "one set", "sets seen once", "two labels"],
)
def test_few_rows_with_few_sets_are_enough(policy, Y):
    P = np.random.default_rng(0).uniform(0.01, 0.99, Y.shape)
    fitted = type(policy)(**policy.get_params(deep=False)).fit(OutOfFold(Y, P, np.arange(12) % 3), random_state=0)
    assert fitted.predict(P).shape == Y.shape


@pytest.mark.parametrize("given", ["yes", None, 1, 0.5, "sets"])
@pytest.mark.parametrize("make", [LearnedThresholds, ThresholdRule, ShrunkenThresholds, PlugInThresholds])
def test_other_values_are_refused(make, given):
    with pytest.raises(ValueError, match='dependence must be True, False or "auto", got'):
        make(dependence=given).fit(apart())


def test_marginals_make_probabilities_better_or_are_left_out():
    rows, fresh = one_of_each_pair(), one_of_each_pair(seed=1)
    marginals = LearnedThresholds().fit(rows, random_state=0).marginals_
    better = marginals.correct(fresh.P)

    def log_loss(P):
        return -np.log(np.where(fresh.Y, P, 1 - P)).mean()

    assert log_loss(better) < log_loss(fresh.P) - 0.02
    assert LearnedThresholds(dependence=False).fit(rows, random_state=0).marginals_ is None


@pytest.mark.parametrize("make", [LearnedThresholds, ThresholdRule])
def test_dependence_that_is_asked_for_and_cannot_be_had_is_refused(make):
    rows = one_of_each_pair()
    gaps = rows.Y.astype(float)
    gaps[3, 2] = np.nan
    compact = OutOfFold.from_compact(CompactRows.from_dense(rows.Y, rows.P, rows.fold))
    for given, match in (
        (OutOfFold(rows.Y[:, :1], rows.P[:, :1], rows.fold), "there is one label"),
        (OutOfFold(gaps, rows.P, rows.fold), "some labels are not known"),
        (compact, "not all probabilities were kept|too many to keep all probabilities"),
    ):
        with pytest.raises(ValueError, match=match):
            make(dependence=True).fit(given)


def test_truth_values_of_numpy_are_taken():
    rows = one_of_each_pair()
    assert LearnedThresholds(dependence=np.True_).fit(rows, random_state=0).dependence_ is not None
    assert LearnedThresholds(dependence=np.False_).fit(rows, random_state=0).dependence_ is None


def test_a_fold_has_no_part_in_the_sets_and_the_numbers_that_it_is_judged_with(monkeypatch):
    rows, seen = one_of_each_pair(300), []
    ascend = _dependence_search._ascend

    def noted(parts, *arguments):
        seen.append([part.Y for part in parts])
        return ascend(parts, *arguments)

    monkeypatch.setattr(_dependence_search, "_ascend", noted)
    search = _dependence_search.DependenceSearch.of(rows, ThresholdSearch.of(rows))
    LearnedThresholds().fit(rows, random_state=0)
    inside = [rows.Y[rows.fold == k] for k in range(3)]
    assert len(seen) == 4  # without each fold, and with all
    for k in range(3):
        assert all(any(np.array_equal(Y, inside[m]) for Y in seen[k]) == (m != k) for m in range(3))
        others = LabelSets.from_rows(rows.Y[rows.fold != k])
        assert_array_equal(search.sets[k].codes, others.codes)
        assert_array_equal(search.sets[k].counts, others.counts)
    assert [len(Y) for Y in seen[3]] == [100] * 3


def test_where_rows_are_many_some_are_learned_on_and_others_judged(monkeypatch):
    rows, seen, judged = one_of_each_pair(1000), [], []
    ascend, gain = _dependence_search._ascend, _dependence_search._gain
    monkeypatch.setattr(_dependence_search, "_MOST_ROWS", 300)
    monkeypatch.setattr(_dependence_search, "_ascend", lambda *args: seen.append(args[0]) or ascend(*args))
    monkeypatch.setattr(_dependence_search, "_gain", lambda *args: judged.append(args[1:4]) or gain(*args))
    fitted = LearnedThresholds().fit(rows, "accuracy", random_state=0)
    search = _dependence_search.DependenceSearch.of(rows, ThresholdSearch.of(rows))
    inside, aside = (np.concatenate(part) for part in (search.inside, search.aside))
    assert inside.size == aside.size == np.union1d(inside, aside).size / 2 == 300
    assert all((rows.fold[part[k]] == k).all() for part in (search.inside, search.aside) for k in range(3))
    assert np.isin(np.concatenate([inside, aside]), np.concatenate(search.of_marginals)).all()
    assert len(seen) == 1
    assert_array_equal(np.concatenate([part.Y for part in seen[0]]), rows.Y[inside])
    Y, D, apart_from_sets = judged[0]
    assert_array_equal(Y, rows.Y[aside])
    difference = (Y == D).all(axis=1).mean() - (Y == apart_from_sets).all(axis=1).mean()
    assert fitted.dependence_gain_[0] == pytest.approx(difference)
    assert fitted.dependence_ is not None
    assert fitted.best_score_ == pytest.approx((Y == D).all(axis=1).mean())
    assert fitted.dependence_.sets.counts.sum() == 1000  # sets are those of all rows
    # Few more than the most are halved.
    few = one_of_each_pair(301)
    search = _dependence_search.DependenceSearch.of(few, ThresholdSearch.of(few))
    drawn = search.inside, search.aside, search.of_marginals
    assert [sum(map(len, part)) for part in drawn] == [150, 150, 301]


def rows_with_sets(n_again, n=300):
    """Rows of which so many have a set that comes again in another fold; all other sets are there once."""
    rng = np.random.default_rng(0)
    numbers = np.arange(1, n + 1)
    numbers[n - n_again :] = n + 1
    Y = (numbers[:, None] >> np.arange(10)) & 1 == 1
    P = np.clip(0.35 * Y + 0.6 * rng.random(Y.shape), 0.01, 0.99)
    return OutOfFold(Y, P, np.arange(n) % 3)


@pytest.mark.parametrize("make", [LearnedThresholds, lambda **params: ThresholdRule("micromacro", **params)])
def test_sets_that_hardly_come_again_are_not_searched_unless_that_is_asked_for(make, monkeypatch):
    searched, learn = [], _dependence_search.DependenceSearch.learn
    monkeypatch.setattr(
        _dependence_search.DependenceSearch, "learn", lambda *args, **kw: searched.append(1) or learn(*args, **kw)
    )
    few = make(dependence="auto").fit(rows_with_sets(27), random_state=0)
    assert few.dependence_ is few.marginals_ is None
    assert not searched
    make(dependence="auto").fit(rows_with_sets(33), random_state=0)
    assert len(searched) >= 1
    assert make(dependence=True).fit(rows_with_sets(27), random_state=0).dependence_ is not None
