import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import f1_score

from sklearn_metalabel.prediction import _search, learn_thresholds, pretrained_thresholds
from sklearn_metalabel.prediction._policy import N_OUTPUTS
from sklearn_metalabel.prediction._search import PredictionPolicy
from sklearn_metalabel.thresholds import decide
from sklearn_metalabel.thresholds._criteria import CRITERIA, criterion_score

THREE = ("strict_accuracy", "micro_f1", "macro_f1")
ZEROS = {name: np.zeros((N_OUTPUTS, 2)) for name in CRITERIA}


def a_case(seed=0, n=600, L=8, shift=-1.0):
    """Truth, underconfident and shifted probabilities, folds; rare labels are hard to tell."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(shift - 0.4 * np.arange(L), 2.0, (n, L))
    return rng.random((n, L)) < expit(Z), expit(0.4 * Z - 0.5), np.arange(n) % 3


def single_labels(seed=0, n=600, L=6):
    """Every sample has exactly one label, and most probabilities are below one half."""
    rng = np.random.default_rng(seed)
    Y = np.eye(L, dtype=bool)[rng.integers(L, size=n)]
    return Y, expit(rng.normal(-2, 0.7, Y.shape) + 1.8 * Y), np.arange(n) % 3


@pytest.mark.parametrize("criterion", [*sorted(CRITERIA), THREE])
def test_learned_thresholds_beat_one_half_on_rows_not_seen(criterion):
    (Y, P, fold_of), (Y_test, P_test, _) = a_case(0), a_case(1, n=3000)
    t, never_empty = learn_thresholds(Y, P, fold_of, criterion=criterion)
    learned = criterion_score(criterion, Y_test, decide(P_test, t, never_empty=never_empty) > 0)
    assert learned > criterion_score(criterion, Y_test, P_test > 0.5) + 0.02


@pytest.mark.parametrize("name", sorted(CRITERIA))
def test_the_search_improves_what_it_is_paid_for(name):
    Y, P, fold_of = a_case()
    policy = PredictionPolicy(Y, P, fold_of)
    problem, folds = policy._nested, policy.folds
    start = np.zeros((N_OUTPUTS, 2))
    end = _search._ascend(problem, folds, start, False, {name: 1.0}, np.random.RandomState(0))
    rewards = [problem.expected_reward(_search._all_cuts(p, folds), False, {name: 1.0})[0] for p in (start, end)]
    assert rewards[1] > rewards[0] + 1e-4


def test_every_instance_gets_a_label_where_all_have_one():
    Y, P, fold_of = single_labels()
    assert learn_thresholds(Y, P, fold_of, criterion=THREE)[1] is True
    assert pretrained_thresholds(Y, P, criterion=THREE)[1] is True


def test_instances_stay_empty_where_most_are():
    rng = np.random.default_rng(0)
    Y = rng.random((600, 4)) < 0.05
    P = expit(rng.normal(-3, 0.5, Y.shape) + 5 * Y)
    assert learn_thresholds(Y, P, np.arange(600) % 3, criterion="strict_accuracy")[1] is False
    assert pretrained_thresholds(Y, P, criterion="strict_accuracy")[1] is False


@pytest.mark.parametrize("never_empty", [False, True])
@pytest.mark.parametrize("make", [a_case, single_labels])
def test_a_given_fallback_is_kept(make, never_empty):
    Y, P, fold_of = make()
    assert learn_thresholds(Y, P, fold_of, criterion=THREE, never_empty=never_empty)[1] is never_empty
    assert pretrained_thresholds(Y, P, criterion=THREE, never_empty=never_empty)[1] is never_empty


def test_a_function_is_searched_for_directly():
    Y, P, fold_of = a_case()

    def recall_heavy(y_true, y_pred):
        return -(5 * ((y_true == 1) & (y_pred == 0)).sum() + ((y_true == 0) & (y_pred == 1)).sum()) / y_true.size

    paid, _ = learn_thresholds(Y, P, fold_of, criterion=recall_heavy, never_empty=False, random_state=0)
    other, _ = learn_thresholds(Y, P, fold_of, criterion="strict_accuracy", never_empty=False, random_state=0)
    Y_test, P_test, _ = a_case(1, n=3000)
    assert recall_heavy(Y_test, paid < P_test) > recall_heavy(Y_test, other < P_test) + 0.01


def test_a_function_that_is_macro_f1_comes_near_the_named_one():
    (Y, P, fold_of), (Y_test, P_test, _) = a_case(0), a_case(1, n=3000)
    own = learn_thresholds(
        Y, P, fold_of, criterion=lambda y, d: f1_score(y, d, average="macro", zero_division=0), random_state=0
    )[0]
    named = learn_thresholds(Y, P, fold_of, criterion="macro_f1")[0]
    scores = [criterion_score("macro_f1", Y_test, t < P_test) for t in (own, named)]
    assert_allclose(*scores, atol=0.02)


def test_labels_of_one_value_are_never_or_always_predicted():
    Y, P, fold_of = a_case()
    Y[:, 2], Y[:, 5] = False, True
    for t in (learn_thresholds(Y, P, fold_of, criterion=THREE)[0], pretrained_thresholds(Y, P, criterion=THREE)[0]):
        assert_array_equal(t[[2, 5]], [1, 0])
        assert ((t > 0) & (t < 1)).sum() == 6


def test_a_label_whose_positives_lie_in_one_fold_does_no_harm():
    Y, P, fold_of = a_case()
    Y[:, 3] = (np.arange(len(Y)) < 30) & (fold_of == 1)
    t, _ = learn_thresholds(Y, P, fold_of, criterion=THREE)
    assert 0 < t[3] < 1


@pytest.mark.parametrize("fold_of", [np.zeros(600, dtype=int), np.arange(600) % 2 + 7])
def test_one_fold_or_any_numbers_of_folds_will_do(fold_of):
    Y, P, _ = a_case()
    t, _ = learn_thresholds(Y, P, fold_of, criterion="macro_f1", random_state=0)
    reference, _ = learn_thresholds(Y, P, np.arange(600) % 3, criterion="macro_f1")
    assert_allclose(t, reference, atol=0.1)


def test_where_every_row_is_a_fold_several_share_the_cuts_of_the_rules():
    Y, P, _ = a_case(n=200)
    policy = PredictionPolicy(Y, P, np.arange(200))
    assert len(policy.folds) == 10
    assert [candidates.calibration.n_samples for candidates in policy.folds] == [180] * 10
    t, _ = learn_thresholds(Y, P, np.arange(200), criterion="macro_f1")
    assert ((t > 0) & (t < 1)).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_rows_are_enough_to_answer(n):
    Y, P, fold_of = a_case(n=n)
    t, never_empty = learn_thresholds(Y, P, fold_of, criterion=THREE, random_state=0)
    assert decide(P, t, never_empty=never_empty).shape == Y.shape


def test_sparse_truth_and_single_precision_are_welcome():
    Y, P, fold_of = a_case()
    dense = learn_thresholds(Y, P, fold_of, criterion=THREE)
    sparse = learn_thresholds(sp.csr_array(Y.astype(np.int8)), P.astype(np.float32), fold_of, criterion=THREE)
    assert_allclose(sparse[0], dense[0], atol=1e-3)
    assert sparse[1] == dense[1]


def test_very_many_rows_are_sampled_for_the_search_alone(monkeypatch):
    Y, P, fold_of = a_case(n=4000)
    whole = learn_thresholds(Y, P, fold_of, criterion=THREE, random_state=0)[0]
    monkeypatch.setattr(_search, "_SEARCH_ENTRIES", 8_000)
    first, second = (learn_thresholds(Y, P, fold_of, criterion=THREE, random_state=0)[0] for _ in range(2))
    assert_array_equal(first, second)
    assert not np.array_equal(first, whole)
    assert_allclose(first, whole, atol=0.1)


def test_the_scale_of_the_scores_does_not_matter():
    Y, P, fold_of = a_case()
    sharper = expit(3 * np.log(P / (1 - P)) + 1)
    decisions = [learn_thresholds(Y, p, fold_of, criterion="macro_f1", never_empty=False)[0] < p for p in (P, sharper)]
    assert (decisions[0] != decisions[1]).mean() < 0.01


@pytest.mark.parametrize("never_empty", ["sometimes", None, 1])
def test_an_unknown_fallback_is_refused(never_empty):
    Y, P, fold_of = a_case(n=30)
    with pytest.raises(ValueError, match="never_empty must be True, False or"):
        learn_thresholds(Y, P, fold_of, criterion=THREE, never_empty=never_empty)
    with pytest.raises(ValueError, match="never_empty must be True, False or"):
        pretrained_thresholds(Y, P, criterion=THREE, never_empty=never_empty)


def test_folds_of_another_length_are_refused():
    Y, P, fold_of = a_case(n=30)
    with pytest.raises(ValueError, match=r"fold_of must have shape \(30,\), one fold for each row"):
        learn_thresholds(Y, P, fold_of[:20], criterion=THREE)


def test_few_rows_keep_the_policy_near_its_start(monkeypatch):
    Y, P, fold_of = a_case(n=60)
    policy = PredictionPolicy(Y, P, fold_of)
    problem, folds = policy._nested, policy.folds
    start, far, rng = np.zeros((N_OUTPUTS, 2)), [], np.random.RandomState(0)
    for penalty in (_search._PENALTY, 0.0):
        monkeypatch.setattr(_search, "_PENALTY", penalty)
        far.append(np.abs(_search._ascend(problem, folds, start, False, {"macro_f1": 1.0}, rng)).mean())
    assert far[0] < 0.5 * far[1]


def test_the_prior_is_where_the_search_starts(monkeypatch):
    monkeypatch.setattr(_search, "_STEPS", 0)
    Y, P, fold_of = a_case()
    searched, _ = learn_thresholds(Y, P, fold_of, criterion="macro_f1", never_empty=False)
    assert_array_equal(searched, pretrained_thresholds(Y, P, criterion="macro_f1", never_empty=False)[0])
    zero, _ = PredictionPolicy(Y, P, fold_of).learn("macro_f1", never_empty=False, prior=ZEROS)
    assert not np.array_equal(searched, zero)
