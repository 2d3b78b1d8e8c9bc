import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score, make_scorer, precision_score, recall_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from sklearn_metalabel.metrics import loose_macro_f1_score, loose_micro_f1_score, strict_accuracy_score

SCORES = [strict_accuracy_score, loose_macro_f1_score, loose_micro_f1_score]
SEEDS = range(10)


def random_case(seed, n=40, n_labels=6):
    rng = np.random.RandomState(seed)
    Y = (rng.uniform(size=(n, n_labels)) < 0.25).astype(int)
    Y[:2] = 0
    Z = np.where(rng.uniform(size=Y.shape) < 0.2, 1 - Y, Y)
    Z[1:4] = 0
    return Y, Z, rng.uniform(0.1, 2.0, size=n)


def loose_macro_by_sets(Y, Z, weight, empty):
    """Ling & Weld's definition on Python sets, one sample at a time."""
    numerators, denominators = [0.0, 0.0], [0.0, 0.0]
    for y, z, w in zip(Y, Z, weight, strict=True):
        T, P = set(np.flatnonzero(y)), set(np.flatnonzero(z))
        for k, whole in enumerate((P, T)):
            if whole:
                numerators[k] += w * len(T & P) / len(whole)
            if whole or empty == "zero":
                denominators[k] += w
    p, r = (a / b if b else 0.0 for a, b in zip(numerators, denominators, strict=True))
    return 2 * p * r / (p + r) if p + r else 0.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("empty", ["zero", "skip"])
def test_loose_macro_equals_the_loop_over_sets(seed, empty):
    Y, Z, w = random_case(seed)
    assert_allclose(loose_macro_f1_score(Y, Z, empty=empty), loose_macro_by_sets(Y, Z, np.ones(len(Y)), empty))
    got = loose_macro_f1_score(Y, Z, sample_weight=w, empty=empty)
    assert_allclose(got, loose_macro_by_sets(Y, Z, w, empty))


@pytest.mark.parametrize("seed", SEEDS)
def test_strict_accuracy_equals_accuracy_of_scikit_learn(seed):
    Y, Z, w = random_case(seed)
    assert_allclose(strict_accuracy_score(Y, Z), accuracy_score(Y, Z))
    assert_allclose(strict_accuracy_score(Y, Z, sample_weight=w), accuracy_score(Y, Z, sample_weight=w))


@pytest.mark.parametrize("seed", SEEDS)
def test_loose_micro_equals_micro_f1_of_scikit_learn(seed):
    Y, Z, w = random_case(seed)
    options = {"average": "micro", "zero_division": 0}
    assert_allclose(loose_micro_f1_score(Y, Z), f1_score(Y, Z, **options))
    assert_allclose(loose_micro_f1_score(Y, Z, sample_weight=w), f1_score(Y, Z, sample_weight=w, **options))


@pytest.mark.parametrize("seed", SEEDS)
def test_loose_macro_is_the_harmonic_mean_of_samples_precision_and_recall(seed):
    Y, Z, w = random_case(seed)
    options = {"average": "samples", "zero_division": 0, "sample_weight": w}
    p, r = precision_score(Y, Z, **options), recall_score(Y, Z, **options)
    assert_allclose(loose_macro_f1_score(Y, Z, sample_weight=w), 2 * p * r / (p + r))


@pytest.mark.parametrize("seed", SEEDS)
def test_loose_macro_is_above_the_mean_f1_of_the_samples(seed):
    Y, Z, _ = random_case(seed)
    assert loose_macro_f1_score(Y, Z) > f1_score(Y, Z, average="samples", zero_division=0)


def test_scores_of_an_example_computed_by_hand():
    Y = [[1, 1, 0], [1, 0, 0], [0, 1, 1]]
    Z = [[1, 0, 0], [1, 0, 0], [1, 1, 0]]
    # precision 1, 1, 1/2; recall 1/2, 1, 1/2; three of four predictions are right, of five labels
    assert strict_accuracy_score(Y, Z) == pytest.approx(1 / 3)
    p, r = 5 / 6, 2 / 3
    assert loose_macro_f1_score(Y, Z) == pytest.approx(2 * p * r / (p + r))
    assert loose_micro_f1_score(Y, Z) == pytest.approx(2 * 3 / (4 + 5))


def test_a_weight_counts_like_copies_of_the_sample():
    Y, Z, _ = random_case(0)
    copies = np.random.RandomState(1).randint(0, 4, size=len(Y))
    for score in SCORES:
        repeated = score(np.repeat(Y, copies, axis=0), np.repeat(Z, copies, axis=0))
        assert score(Y, Z, sample_weight=copies) == pytest.approx(repeated)


def test_an_abstaining_classifier_scores_higher_when_empty_sets_are_skipped():
    Y, Z = [[1, 0], [1, 0]], [[1, 0], [0, 0]]
    assert loose_macro_f1_score(Y, Z) == pytest.approx(0.5)
    assert loose_macro_f1_score(Y, Z, empty="skip") == pytest.approx(2 / 3)


@pytest.mark.parametrize("empty", ["zero", "skip"])
def test_nothing_true_and_nothing_predicted_gives_zero_but_full_strict_accuracy(empty):
    nothing = np.zeros((3, 2), dtype=int)
    assert loose_macro_f1_score(nothing, nothing, empty=empty) == 0.0
    assert loose_micro_f1_score(nothing, nothing) == 0.0
    assert strict_accuracy_score(nothing, nothing) == 1.0


@pytest.mark.parametrize("score", SCORES)
def test_one_sample_fully_right_scores_one_as_a_python_float(score):
    result = score([[0, 1, 1]], [[0, 1, 1]])
    assert type(result) is float
    assert result == 1.0


@pytest.mark.parametrize("score", SCORES)
def test_weights_that_are_all_zero_give_zero(score):
    assert score([[1, 0]], [[1, 0]], sample_weight=[0.0]) == 0.0


CONTAINERS = {
    "list": lambda Y: Y.tolist(),
    "bool": lambda Y: Y.astype(bool),
    "float": lambda Y: Y.astype(float),
    "pandas": pd.DataFrame,
    "polars": lambda Y: pl.DataFrame(Y, schema=[f"label{j}" for j in range(Y.shape[1])]),
    "csr_matrix": sparse.csr_matrix,
    "csc_array": sparse.csc_array,
    "coo_array": sparse.coo_array,
}


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("true_kind", CONTAINERS)
@pytest.mark.parametrize("pred_kind", ["list", "pandas", "csr_matrix"])
def test_every_container_gives_the_score_of_arrays(score, true_kind, pred_kind):
    Y, Z, _ = random_case(3)
    # Sparse matrices may be summed in another order.
    assert_allclose(score(CONTAINERS[true_kind](Y), CONTAINERS[pred_kind](Z)), score(Y, Z), rtol=1e-12)


def test_explicit_zeros_of_a_sparse_matrix_are_no_labels():
    Y = sparse.csr_array(([1, 0], ([0, 0], [0, 1])), shape=(1, 2))
    assert strict_accuracy_score(Y, [[1, 0]]) == 1.0


@pytest.mark.parametrize("score", SCORES)
def test_matrices_of_different_shapes_are_refused(score):
    with pytest.raises(ValueError, match=r"same shape; got \(2, 2\) and \(2, 3\)"):
        score(np.eye(2), np.ones((2, 3)))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("wrong", [[[0.3, 0.7]], [[2, 0]], [[np.nan, 1]], sparse.csr_array([[2, 0]]), [["a", "b"]]])
def test_entries_other_than_zero_and_one_are_refused(score, wrong):
    with pytest.raises(ValueError, match="y_pred must hold 0 and 1 only"):
        score([[1, 0]], wrong)


def test_one_dimensional_targets_are_refused():
    with pytest.raises(ValueError, match="y_true must be an indicator matrix"):
        strict_accuracy_score([1, 0], [[1, 0]])


def test_a_matrix_without_samples_is_refused():
    with pytest.raises(ValueError, match="no samples"):
        loose_micro_f1_score(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("weight", [[1.0, 1.0], [-1.0], [np.nan], [[1.0]], []])
def test_weights_of_another_length_or_below_zero_are_refused(weight):
    with pytest.raises(ValueError, match="one finite number >= 0 for each of the 1 samples"):
        strict_accuracy_score([[1, 0]], [[1, 0]], sample_weight=weight)


def test_an_unknown_treatment_of_empty_sets_is_refused():
    with pytest.raises(ValueError, match='empty must be "zero" or "skip"; got \'nan\''):
        loose_macro_f1_score([[1]], [[1]], empty="nan")


@pytest.mark.parametrize("score", SCORES)
def test_make_scorer_needs_nothing_else_for_cross_validation(score):
    X = np.random.RandomState(0).standard_normal((60, 3))
    Y = (X > 0.3).astype(int)
    results = cross_val_score(KNeighborsClassifier(3), X, Y, scoring=make_scorer(score), cv=3)
    assert results.shape == (3,)
    assert (results > 0.3).all()
    assert (results < 1.0).all()
