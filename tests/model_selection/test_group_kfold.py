import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.datasets import make_multilabel_classification
from sklearn.model_selection import GridSearchCV, GroupKFold

from sklearn_metalabel import MetaPolicyClassifier, TunedThresholdsClassifierCV
from sklearn_metalabel.learners import LabelWeightedLogistic
from sklearn_metalabel.model_selection import MultilabelStratifiedGroupKFold


def grouped(seed, n=600, n_labels=6, n_groups=60):
    """Labels that hang on the group, of unequal sizes."""
    rng = np.random.default_rng(seed)
    group = rng.choice(n_groups, n, p=rng.dirichlet(np.full(n_groups, 2.0)))
    shares = rng.beta(0.3, 2.0, (n_groups, n_labels))
    return (rng.random((n, n_labels)) < shares[group]).astype(int), group


def imbalance(splits, Y):
    """Largest relative distance of a fold's share of a label from the share of all."""
    share = Y.mean(axis=0)
    return max(np.abs(Y[test].mean(axis=0) / share - 1).max() for _, test in splits)


@pytest.mark.parametrize("shuffle", [False, True])
def test_groups_stay_whole_and_every_row_is_held_out_once(shuffle, global_random_seed):
    Y, group = grouped(global_random_seed)
    seed = global_random_seed if shuffle else None
    splits = list(MultilabelStratifiedGroupKFold(4, shuffle=shuffle, random_state=seed).split(Y, Y, group))
    assert len(splits) == 4
    assert_array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(len(Y)))
    for train, test in splits:
        assert not set(group[train]) & set(group[test])
        assert len(train) + len(test) == len(Y)


def test_shares_are_nearer_than_those_of_groups_alone():
    ours, others, sizes = [], [], []
    for seed in range(10):
        Y, group = grouped(seed)
        splits = list(MultilabelStratifiedGroupKFold(5).split(Y, Y, group))
        ours.append(imbalance(splits, Y))
        others.append(imbalance(GroupKFold(5).split(Y, Y, group), Y))
        sizes += [len(test) / 120 for _, test in splits]
    assert np.mean(ours) < 0.6 * np.mean(others)
    assert 0.8 < min(sizes)
    assert max(sizes) < 1.25


def test_groups_of_one_row_are_rows_and_names_may_be_anything():
    Y, _ = grouped(0, n=90)
    splitter = MultilabelStratifiedGroupKFold(3)
    by_name = [test for _, test in splitter.split(Y, sp.csr_array(Y), [f"row {i:02}" for i in range(90)])]
    by_number = [test for _, test in splitter.split(Y, Y, np.arange(90))]
    for a, b in zip(by_name, by_number, strict=True):
        assert_array_equal(a, b)
        assert len(a) == 30


def test_every_fold_gets_a_group():
    Y = np.array([[1, 0]] * 50 + [[0, 1], [0, 1], [0, 0]])
    groups = np.r_[np.zeros(50, int), 1, 2, 3]
    assert all(len(test) for _, test in MultilabelStratifiedGroupKFold(4).split(Y, Y, groups))


def test_shuffled_splits_hang_on_the_seed_alone():
    Y, group = grouped(1)

    def folds(seed):
        splitter = MultilabelStratifiedGroupKFold(4, shuffle=True, random_state=seed)
        return [tuple(test) for _, test in splitter.split(Y, Y, group)]

    assert folds(0) == folds(0)
    assert folds(0) != folds(1)


@pytest.mark.parametrize(
    ("params", "match"), [({"n_splits": 1}, "at least 2"), ({"random_state": 0}, "no effect with shuffle=False")]
)
def test_bad_parameters_are_refused(params, match):
    with pytest.raises(ValueError, match=match):
        MultilabelStratifiedGroupKFold(**params)


def test_groups_that_are_missing_or_few_are_refused():
    Y, group = grouped(0)
    splitter = MultilabelStratifiedGroupKFold(4)
    with pytest.raises(ValueError, match="groups are missing"):
        next(splitter.split(Y, Y))
    with pytest.raises(ValueError, match="need at least as many groups; got 3"):
        next(splitter.split(Y, Y, group % 3))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        next(splitter.split(Y, Y, group[:-1]))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("make", [MetaPolicyClassifier, TunedThresholdsClassifierCV])
def test_estimators_and_searches_hand_it_the_groups(make, routing):
    X, Y = make_multilabel_classification(90, n_classes=3, random_state=0)
    group = np.arange(90) // 5
    splitter = MultilabelStratifiedGroupKFold(3)
    with config_context(enable_metadata_routing=routing):
        clf = make(cv=splitter, random_state=0).fit(X, Y, groups=group)
        search = GridSearchCV(LabelWeightedLogistic(), {"C": [1, 10]}, cv=splitter).fit(X, Y, groups=group)
    expected = make(cv=list(splitter.split(X, Y, group)), random_state=0).fit(X, Y)
    assert_array_equal(clf.thresholds_, expected.thresholds_)
    assert search.n_splits_ == 3
