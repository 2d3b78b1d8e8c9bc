import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    check_cv,
    cross_val_predict,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier

from sklearn_metalabel.model_selection import MultilabelStratifiedKFold

SEEDS = range(10)


def long_tail(seed, n=600, n_labels=40):
    rng = np.random.RandomState(seed)
    return (rng.uniform(size=(n, n_labels)) < 0.4 / np.arange(1, n_labels + 1)).astype(int)


def counts_by_fold(cv, Y):
    """Positives of each label in each test part, (n_splits, L)."""
    return np.array([Y[test].sum(axis=0) for _, test in cv.split(np.zeros((len(Y), 1)), Y)])


@pytest.mark.parametrize("seed", SEEDS)
def test_label_counts_are_far_closer_to_even_than_those_of_kfold(seed):
    Y = long_tail(seed)
    ours = counts_by_fold(MultilabelStratifiedKFold(5, shuffle=True, random_state=seed), Y)
    plain = counts_by_fold(KFold(5, shuffle=True, random_state=seed), Y)
    even = Y.sum(axis=0) / 5
    assert np.abs(ours - even).mean() < 0.4 * np.abs(plain - even).mean()


@pytest.mark.parametrize("shuffle", [False, True])
def test_labels_with_as_many_positives_as_folds_are_in_every_test_part(shuffle):
    n_checked = n_missing = n_missing_plain = 0
    for seed in SEEDS:
        Y = long_tail(seed)
        enough = Y.sum(axis=0) >= 5
        ours = MultilabelStratifiedKFold(5, shuffle=shuffle, random_state=seed if shuffle else None)
        n_checked += enough.sum()
        n_missing += (counts_by_fold(ours, Y)[:, enough] == 0).any(axis=0).sum()
        plain = KFold(5, shuffle=True, random_state=seed)
        n_missing_plain += (counts_by_fold(plain, Y)[:, enough] == 0).any(axis=0).sum()
    assert n_missing <= 0.01 * n_checked
    assert n_missing_plain > 0.1 * n_checked


@pytest.mark.parametrize("shuffle", [False, True])
def test_test_parts_are_disjoint_complete_sorted_and_of_even_size(shuffle):
    Y = long_tail(0, n=603)
    splits = list(MultilabelStratifiedKFold(5, shuffle=shuffle).split(Y, Y))
    assert_array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(603))
    for train, test in splits:
        assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(603))
        assert (np.diff(test) > 0).all()
        assert test.size in (120, 121)


def test_as_many_folds_as_rows_leave_none_empty():
    Y = long_tail(0, n=12)
    assert [test.size for _, test in MultilabelStratifiedKFold(12).split(Y, Y)] == [1] * 12


@pytest.mark.parametrize("y", [np.repeat([0, 1], [37, 13]), np.repeat(["a", "b", "c"], [7, 20, 33])])
def test_classes_are_split_as_evenly_as_by_scikit_learn(y):
    one_hot = (y[:, None] == np.unique(y)).astype(int)
    X = np.zeros((len(y), 1))
    ours, theirs = (
        np.array([one_hot[test].sum(axis=0) for _, test in cv.split(X, y)])
        for cv in (MultilabelStratifiedKFold(5), StratifiedKFold(5))
    )
    assert (np.ptp(ours, axis=0) <= np.ptp(theirs, axis=0)).all()


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, np.ndarray.tolist])
def test_every_container_gives_the_split_of_arrays(kind):
    Y = long_tail(1)
    cv = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    for (_, expected), (_, test) in zip(cv.split(Y, Y), cv.split(Y, kind(Y)), strict=True):
        assert_array_equal(test, expected)


def test_an_integer_random_state_repeats_the_split_and_numpy_state_is_untouched():
    Y = long_tail(2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    cv = MultilabelStratifiedKFold(4, shuffle=True, random_state=3)
    first, second = ([test.tolist() for _, test in cv.split(Y, Y)] for _ in range(2))
    assert first == second
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_without_shuffle_the_split_depends_on_y_alone():
    Y = long_tail(2)
    first, second = ([t.tolist() for _, t in MultilabelStratifiedKFold(4).split(Y, Y)] for _ in range(2))
    assert first == second


def test_scikit_learn_takes_it_wherever_it_takes_cv():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((90, 3))
    Y = (X > 0.5).astype(int)
    cv = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    assert check_cv(cv, Y, classifier=True) is cv
    assert cross_val_score(KNeighborsClassifier(3), X, Y, cv=cv).shape == (3,)
    assert cross_val_predict(KNeighborsClassifier(3), X, Y, cv=cv).shape == Y.shape
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=cv).fit(X, Y)
    assert search.n_splits_ == 3
    assert clone(search).get_params()["cv"].get_n_splits() == 3


def test_the_repr_shows_the_parameters_and_routing_asks_for_nothing():
    cv = MultilabelStratifiedKFold(3, shuffle=True, random_state=0)
    assert repr(cv) == "MultilabelStratifiedKFold(n_splits=3, random_state=0, shuffle=True)"
    assert not hasattr(cv, "set_split_request")
    assert cv.get_metadata_routing() is not None


def test_groups_are_ignored_with_a_warning():
    Y = long_tail(0, n=20)
    with pytest.warns(UserWarning, match="groups parameter is ignored by MultilabelStratifiedKFold"):
        next(MultilabelStratifiedKFold(2).split(Y, Y, groups=np.arange(20)))


@pytest.mark.parametrize("n_splits", [1, 0, 2.0, "3"])
def test_fewer_than_two_folds_or_no_integer_are_refused(n_splits):
    with pytest.raises(ValueError, match="n_splits must be an integer of at least 2"):
        MultilabelStratifiedKFold(n_splits)


def test_a_shuffle_that_is_no_bool_is_refused():
    with pytest.raises(TypeError, match="shuffle must be True or False; got 1"):
        MultilabelStratifiedKFold(shuffle=1)


def test_a_random_state_without_shuffle_is_refused():
    with pytest.raises(ValueError, match="random_state=0 has no effect with shuffle=False"):
        MultilabelStratifiedKFold(random_state=0)


def test_more_folds_than_rows_are_refused():
    with pytest.raises(ValueError, match="n_splits=5 folds need at least as many rows; got n_samples=4"):
        next(MultilabelStratifiedKFold(5).split(np.zeros((4, 1)), np.eye(4)))


def test_a_missing_target_and_one_of_another_length_are_refused():
    with pytest.raises(ValueError, match="y is needed"):
        next(MultilabelStratifiedKFold(2).split(np.zeros((4, 1))))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(MultilabelStratifiedKFold(2).split(np.zeros((4, 1)), np.eye(3)))
