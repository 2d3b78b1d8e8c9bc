import numpy as np
import pytest
import scipy.sparse as sp
from _policy_cases import (
    NAMED_SCORINGS,
    THREE,
    compact,
    random_rows,
    scoring,
    single_label_rows,
    uncalibrated_rows,
    untouched_randomness,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import f1_score, fbeta_score, hamming_loss, make_scorer

from sklearn_metalabel.decoding import decide
from sklearn_metalabel.policies import LearnedThresholds, _threshold_search
from sklearn_metalabel.policies._candidates import CANDIDATES
from sklearn_metalabel.policies._mixture import candidate_parameters
from sklearn_metalabel.policies._threshold_search import ThresholdSearch
from sklearn_metalabel.thresholds import OutOfFold


def fit(rows, given=THREE, n_steps=25, **options):
    """The policy with labels apart; `test_dependence_search.py` has the rest."""
    return LearnedThresholds(n_steps, dependence=False).fit(rows, given, **{"random_state": 0, **options})


both = pytest.mark.parametrize("n_steps", [25, 0], ids=["learned", "pretrained"])


@pytest.mark.parametrize("given", [*NAMED_SCORINGS, ("accuracy", "f1_micro", "f1_macro")])
def test_learned_thresholds_beat_one_half_on_rows_not_seen(given):
    rows, test = uncalibrated_rows(0), uncalibrated_rows(1, n=3000)
    policy, score = fit(rows, given), scoring(given)
    learned = score(test.Y, policy.predict(test.P) > 0)
    assert learned > score(test.Y, test.P > 0.5) + 0.02


@both
def test_every_sample_gets_a_label_where_all_have_one(n_steps):
    assert fit(single_label_rows(), n_steps=n_steps).allow_unlabeled_ is False


@both
def test_samples_stay_without_a_label_where_most_have_none(n_steps):
    rng = np.random.default_rng(0)
    Y = rng.random((600, 4)) < 0.05
    rows = OutOfFold(Y, expit(rng.normal(-3, 0.5, Y.shape) + 5 * Y), np.arange(600) % 3)
    assert fit(rows, "accuracy", n_steps).allow_unlabeled_ is True


@both
@pytest.mark.parametrize("allow_unlabeled", [False, True])
@pytest.mark.parametrize("make", [uncalibrated_rows, single_label_rows])
def test_a_given_fallback_is_kept(make, allow_unlabeled, n_steps):
    assert fit(make(), n_steps=n_steps, allow_unlabeled=allow_unlabeled).allow_unlabeled_ is allow_unlabeled


def test_a_function_is_searched_for_directly():
    def recall_heavy(y_true, y_pred):
        return -(5 * ((y_true == 1) & (y_pred == 0)).sum() + ((y_true == 0) & (y_pred == 1)).sum()) / y_true.size

    rows, test = uncalibrated_rows(0), uncalibrated_rows(1, n=3000)
    own, other = (fit(rows, given, allow_unlabeled=True).thresholds_ for given in (recall_heavy, "accuracy"))
    assert recall_heavy(test.Y, own < test.P) > recall_heavy(test.Y, other < test.P) + 0.01


def test_a_function_that_is_macro_f1_comes_near_the_named_one():
    def macro(y_true, y_pred):
        return f1_score(y_true, y_pred, average="macro", zero_division=0)

    rows, test = uncalibrated_rows(0), uncalibrated_rows(1, n=3000)
    scores = [scoring("f1_macro")(test.Y, fit(rows, given).thresholds_ < test.P) for given in (macro, "f1_macro")]
    assert_allclose(*scores, atol=0.02)


@both
def test_labels_of_one_value_are_never_or_always_predicted(n_steps):
    rows = uncalibrated_rows()
    Y = rows.truth()
    Y[:, 2], Y[:, 5] = False, True
    t = fit(OutOfFold(Y, rows.P, rows.fold), n_steps=n_steps).thresholds_
    assert_array_equal(t[[2, 5]], [1, 0])
    assert ((t > 0) & (t < 1)).sum() == 6


def test_a_label_whose_positives_lie_in_one_fold_does_no_harm():
    rows = uncalibrated_rows()
    Y = rows.truth()
    Y[:, 3] = (np.arange(len(Y)) < 30) & (rows.fold == 1)
    assert 0 < fit(OutOfFold(Y, rows.P, rows.fold)).thresholds_[3] < 1


@pytest.mark.parametrize("fold", [None, np.arange(600) % 2 + 7])
def test_one_fold_or_any_numbers_of_folds_will_do(fold):
    rows = uncalibrated_rows()
    t = fit(OutOfFold(rows.Y, rows.P, fold), "f1_macro").thresholds_
    assert_allclose(t, fit(rows, "f1_macro").thresholds_, atol=0.1)  # other folds, other candidates in the search


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_rows_are_enough_to_answer(n):
    rows = uncalibrated_rows(n=n)
    assert fit(rows).predict(rows.P).shape == (n, 8)


def test_sparse_truth_and_single_precision_are_welcome():
    rows = uncalibrated_rows()
    dense = fit(rows)
    sparse = fit(OutOfFold(sp.csr_array(rows.Y.astype(np.int8)), rows.P.astype(np.float32), rows.fold))
    assert_allclose(sparse.thresholds_, dense.thresholds_, atol=1e-3)
    assert sparse.allow_unlabeled_ == dense.allow_unlabeled_


def test_the_scale_of_the_scores_does_not_matter():
    rows = uncalibrated_rows()
    sharper = OutOfFold(rows.Y, expit(3 * np.log(rows.P / (1 - rows.P)) + 1), rows.fold)
    decisions = [fit(each, "f1_macro", allow_unlabeled=True).predict(each.P) for each in (rows, sharper)]
    assert (decisions[0] != decisions[1]).mean() < 0.01


def test_without_steps_it_is_the_pre_trained_policy(monkeypatch):
    rows = uncalibrated_rows()
    monkeypatch.setattr(_threshold_search, "_LEARNING_RATE", 0.0)
    learned, pretrained = (fit(rows, "f1_macro", n, allow_unlabeled=True).cv_results_ for n in (25, 0))
    assert learned["prediction_policy"][:2].tolist() == ["learned", "pretrained"]
    assert learned["mean_test_score"][:2].tolist() == [pretrained["mean_test_score"][0]] * 2


def test_steps_move_the_network_and_its_parameters_are_kept():
    rows = uncalibrated_rows()
    start, end = (fit(rows, n_steps=n) for n in (0, 25))
    assert start.parameters_.shape == end.parameters_.shape == (9, 2)
    assert abs(start.parameters_ - end.parameters_).max() > 0.01
    assert (start.name, end.name) == ("pretrained", "learned")
    assert end.best_score_ >= start.best_score_


@pytest.mark.parametrize("allow_unlabeled", [True, False])
def test_steps_go_up_the_score_of_what_is_allowed(allow_unlabeled):
    rows = single_label_rows()
    search = ThresholdSearch.of(rows)
    expected = search.ascend(search.start(THREE), not allow_unlabeled, THREE, 25, 0)
    learned = fit(rows, allow_unlabeled=allow_unlabeled).cv_results_
    for name, score in search.scores(expected, not allow_unlabeled, THREE).items():
        assert learned[f"mean_test_{name}"][0] == score
    other = search.ascend(search.start(THREE), allow_unlabeled, THREE, 25, 0)
    assert abs(expected - other).max() > 0.01


F2 = make_scorer(fbeta_score, beta=2, average="micro", zero_division=0)


def recall_of_two(y_true, y_pred):
    """A score of labels that no named one comes near."""
    return float((y_true[:, :2] & y_pred[:, :2]).sum() - 0.1 * y_pred.sum()) / len(y_true)


@pytest.mark.parametrize(
    "given",
    [
        *NAMED_SCORINGS,
        "jaccard_macro",
        F2,
        make_scorer(hamming_loss, greater_is_better=False),
        recall_of_two,
        [F2, "f1_macro"],
    ],
    ids=[*NAMED_SCORINGS, "jaccard", "F2", "hamming loss", "a function", "two"],
)
@pytest.mark.parametrize("allow_unlabeled", ["auto", False])
def test_nothing_it_was_made_of_scores_higher(given, allow_unlabeled, monkeypatch):
    monkeypatch.setattr(_threshold_search, "_ROUNDS", 1)
    rows, asked = uncalibrated_rows(n=150, L=5), scoring(given)
    policy, search = fit(rows, given, allow_unlabeled=allow_unlabeled), ThresholdSearch.of(rows)
    fallbacks = (True, False) if allow_unlabeled == "auto" else (False,)
    alone = [
        np.mean(list(search.candidate_scores(c, not allowed, asked).values()))
        for c in range(len(CANDIDATES))
        for allowed in fallbacks
    ]
    names = [*np.repeat(["pretrained", *(f"candidate {name}" for name in CANDIDATES)], len(fallbacks))]
    assert policy.cv_results_["prediction_policy"].tolist() == ["learned", *names]
    assert policy.cv_results_["mean_test_score"][1 + len(fallbacks) :].tolist() == alone
    assert policy.best_score_ == policy.cv_results_["mean_test_score"].max()
    assert np.mean(list(search.scores(policy.parameters_, not policy.allow_unlabeled_, asked).values())) == (
        policy.best_score_
    )


def test_an_f2_scorer_never_ends_below_one_common_cut(monkeypatch):
    monkeypatch.setattr(_threshold_search, "_ROUNDS", 1)
    won = []
    for seed in range(20):
        rows = uncalibrated_rows(seed, n=90, L=4, shift=-2.0)
        policy = fit(rows, F2, allow_unlabeled=True, random_state=seed)
        table = policy.cv_results_
        common = table["mean_test_score"][table["prediction_policy"] == "candidate global"]
        assert policy.best_score_ == table["mean_test_score"].max() >= common.max()
        won.append(table["prediction_policy"][np.argmin(table["rank_test_score"])])
    assert won.count("learned") > 10
    assert set(won) - {"learned"}  # without the comparison these were returned with a lower score


def test_a_candidate_that_wins_is_taken_to_the_last_bit():
    rows = uncalibrated_rows(n=120, L=4)
    search = ThresholdSearch.of(rows)
    for number in range(len(CANDIDATES)):
        found = search.thresholds(candidate_parameters(number, 2))
        assert_array_equal(found, search.candidate_thresholds(number))


def test_a_score_of_nan_is_taken_last():
    def nothing(y_true, y_pred):
        return float("nan") if y_pred.all(axis=1).mean() < 0.9 else 0.0

    policy = fit(uncalibrated_rows(n=60, L=3), nothing)
    assert policy.thresholds_.shape == (3,)


def test_the_score_is_that_of_decisions_with_candidates_from_the_other_folds():
    rows = uncalibrated_rows()
    policy = fit(rows, n_steps=0)
    assert policy.cv_results_["prediction_policy"].tolist() == ["pretrained"]
    assert policy.cv_results_["mean_test_score"].tolist() == [policy.best_score_]
    parts = [policy.cv_results_[f"mean_test_{name}"][0] for name in THREE.parts]
    assert np.mean(parts) == pytest.approx(policy.best_score_)
    # The network is the same on every fold, so that what it decides there can be computed from the other folds alone.
    decided = np.zeros(rows.Y.shape, dtype=bool)
    for k in range(3):
        other = fit(rows.take(rows.fold != k), n_steps=0, allow_unlabeled=policy.allow_unlabeled_)
        decided[rows.fold == k] = decide(rows.P[rows.fold == k], other.thresholds_, policy.allow_unlabeled_)
    # Candidates without a fold share its bins and its link, which are a little off.
    assert policy.best_score_ == pytest.approx(THREE(rows.Y, decided), abs=0.01)


def test_the_quick_comparison_is_that_of_the_pre_trained_policy():
    rows = uncalibrated_rows()
    quick = LearnedThresholds().compare_quickly(rows, THREE)
    assert [row["allow_unlabeled"] for row in quick] == [True, False]
    best = max(row["mean_test_score"] for row in quick)
    assert best == pytest.approx(fit(rows, n_steps=0).best_score_)


def test_the_full_comparison_is_of_policies_that_were_learned_on_the_other_folds():
    rows = uncalibrated_rows(n=150)
    (row,) = LearnedThresholds().compare(rows, THREE, random_state=0)
    decided = np.zeros(rows.Y.shape, dtype=bool)
    for k in range(3):
        other = fit(rows.take(rows.fold != k))
        decided[rows.fold == k] = decide(rows.P[rows.fold == k], other.thresholds_, other.allow_unlabeled_)
    assert row["allow_unlabeled"] == "auto"
    assert row["mean_test_score"] == pytest.approx(THREE(rows.Y, decided))


def test_find_thresholds_is_what_fit_finds():
    rows = uncalibrated_rows()
    assert_array_equal(LearnedThresholds().find_thresholds(rows, THREE, 0), fit(rows).thresholds_)


@both
def test_compact_rows_that_are_all_kept_give_the_same(n_steps):
    rows = random_rows(n=96)
    rows = rows.take(np.argsort(rows.fold, kind="stable"))
    dense, few = fit(rows, n_steps=n_steps), fit(compact(rows), n_steps=n_steps)
    # The same entries, in sums of another order.
    assert_allclose(few.thresholds_, dense.thresholds_, rtol=1e-6)
    assert few.allow_unlabeled_ == dense.allow_unlabeled_
    assert few.cv_results_.keys() == dense.cv_results_.keys()


@both
def test_from_few_entries_of_each_row_much_the_same_is_decided(n_steps):
    rng = np.random.default_rng(0)
    Z = rng.normal(-np.linspace(2, 5, 40), 1.5, (1500, 40))
    rows = OutOfFold(rng.random(Z.shape) < expit(Z), expit(Z), np.repeat([0, 1, 2], 500))
    dense, few = fit(rows, n_steps=n_steps), fit(compact(rows, n_kept=12), n_steps=n_steps)
    assert few.allow_unlabeled_ == dense.allow_unlabeled_
    decided, expected = few.thresholds_ < rows.P, dense.thresholds_ < rows.P
    assert (decided != expected).sum() < 0.1 * expected.sum()


def test_compact_rows_are_compared_quickly_and_functions_need_them_all():
    rows = compact(random_rows())
    assert LearnedThresholds().compare(rows, THREE) == LearnedThresholds().compare_quickly(rows, THREE)
    assert not LearnedThresholds().needs_all_probabilities(THREE)
    assert LearnedThresholds().needs_all_probabilities(scoring(lambda y, d: 0.0))


def test_bits_depend_on_the_seed_alone_and_global_randomness_is_left_alone():
    rows = uncalibrated_rows()

    def share(y_true, y_pred):
        return -abs(y_pred.mean() - 0.3)

    fits = []
    for world, seed in enumerate((0, 0, 1)):
        with untouched_randomness(world):
            fits.append(fit(OutOfFold(rows.Y, rows.P, rows.fold), share, random_state=seed))
    one, same, other = fits
    assert_array_equal(one.parameters_, same.parameters_)
    assert not np.array_equal(one.parameters_, other.parameters_)


@pytest.mark.parametrize("n_steps", [-1, 2.0, "many", True, None])
def test_steps_that_are_no_number_are_refused(n_steps):
    with pytest.raises(ValueError, match="n_steps must be an integer of at least 0, got"):
        LearnedThresholds(n_steps).fit(uncalibrated_rows(n=30))


@both
@pytest.mark.parametrize("allow_unlabeled", ["sometimes", None, 1])
def test_an_unknown_fallback_is_refused(allow_unlabeled, n_steps):
    with pytest.raises(ValueError, match='allow_unlabeled must be True, False or "auto", got'):
        fit(uncalibrated_rows(n=30), n_steps=n_steps, allow_unlabeled=allow_unlabeled)


def test_without_rows_it_says_what_to_do():
    with pytest.raises(ValueError, match="learned needs held-out rows, and cv=None holds none out"):
        LearnedThresholds().fit(None, proposed=np.full(3, 0.5))
