import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from sklearn_metalabel.model_selection import MultilabelStratifiedShuffleSplit


def long_tail(seed, n=600, n_labels=40):
    rng = np.random.RandomState(seed)
    return (rng.uniform(size=(n, n_labels)) < 0.4 / np.arange(1, n_labels + 1)).astype(int)


@pytest.mark.parametrize("seed", range(5))
def test_label_counts_of_the_test_part_are_far_closer_to_its_share_than_at_random(seed):
    Y = long_tail(seed)
    miss = []
    for splitter in (MultilabelStratifiedShuffleSplit, ShuffleSplit):
        cv = splitter(5, test_size=0.2, random_state=seed)
        counts = [Y[test].sum(axis=0) for _, test in cv.split(Y, Y)]
        miss.append(np.abs(np.array(counts) - 0.2 * Y.sum(axis=0)).mean())
    assert miss[0] < 0.4 * miss[1]


@pytest.mark.parametrize("n_splits", [0, -1, 1.5, "3", None])
def test_a_number_of_splits_that_is_none_is_refused(n_splits):
    with pytest.raises(ValueError, match=f"n_splits must be an integer of at least 1; got {n_splits!r}"):
        MultilabelStratifiedShuffleSplit(n_splits)


SIZES = [
    ({}, 540, 60),
    ({"test_size": 0.25}, 450, 150),
    ({"test_size": 77}, 523, 77),
    ({"train_size": 0.5}, 300, 300),
    ({"train_size": 100, "test_size": 0.1}, 100, 60),
    ({"train_size": 1, "test_size": 1}, 1, 1),
]


@pytest.mark.parametrize(("sizes", "n_train", "n_test"), SIZES)
def test_sizes_are_met_exactly_and_parts_are_disjoint(sizes, n_train, n_test):
    Y = long_tail(0)
    for train, test in MultilabelStratifiedShuffleSplit(3, random_state=0, **sizes).split(Y, Y):
        assert (train.size, test.size) == (n_train, n_test)
        assert np.unique(np.concatenate([train, test])).size == n_train + n_test


def test_rows_left_out_do_not_spoil_the_label_shares():
    Y = np.repeat(np.eye(2, dtype=int), [20, 180], axis=0)
    cv = MultilabelStratifiedShuffleSplit(4, train_size=0.3, test_size=0.2, random_state=0)
    for train, test in cv.split(Y, Y):
        assert_array_equal(Y[train].sum(axis=0), [6, 54])
        assert_array_equal(Y[test].sum(axis=0), [4, 36])


def test_splits_differ_from_each_other_and_repeat_for_one_random_state():
    Y = long_tail(0)
    cv = MultilabelStratifiedShuffleSplit(2, random_state=1)
    (_, first), (_, second) = cv.split(Y, Y)
    (_, again), _ = cv.split(Y, sparse.csr_array(Y))
    assert set(first) != set(second)
    assert_array_equal(first, again)


def test_numpy_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    list(MultilabelStratifiedShuffleSplit(2, random_state=1).split(np.eye(20), np.eye(20)))
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_indices_come_in_random_order():
    Y = long_tail(0)
    train, test = next(MultilabelStratifiedShuffleSplit(1, random_state=0).split(Y, Y))
    assert (np.diff(train) < 0).any()
    assert (np.diff(test) < 0).any()


def test_classes_and_cross_validation_work():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((80, 2))
    y = np.where(X[:, 0] > 0.8, "rare", "common")
    cv = MultilabelStratifiedShuffleSplit(3, test_size=0.25, random_state=0)
    assert cross_val_score(KNeighborsClassifier(3), X, y, cv=cv).shape == (3,)
    n_rare = {np.sum(y[test] == "rare") for _, test in cv.split(X, y)}
    assert max(n_rare) - min(n_rare) <= 1
    assert cv.get_n_splits() == 3


def test_groups_are_ignored_with_a_warning():
    with pytest.warns(UserWarning, match="groups parameter is ignored by MultilabelStratifiedShuffleSplit"):
        next(MultilabelStratifiedShuffleSplit(2).split(np.eye(20), np.eye(20), groups=np.arange(20)))


@pytest.mark.parametrize("sizes", [{"test_size": 1.5}, {"train_size": 0.9, "test_size": 0.2}, {"test_size": 20}])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ValueError, match="test_size"):
        next(MultilabelStratifiedShuffleSplit(1, **sizes).split(np.eye(20), np.eye(20)))


def test_a_missing_target_is_refused():
    with pytest.raises(ValueError, match="y is needed"):
        next(MultilabelStratifiedShuffleSplit(1).split(np.eye(20)))
