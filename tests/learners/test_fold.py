import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.model_selection import GroupKFold, KFold

from sklearn_metalabel.learners import Fold, _fold
from sklearn_metalabel.learners._fold import make_folds

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)), (RNG.random((60, 4)) < 0.3).astype(np.int8)


def folds(cv, **kwargs):
    return make_folds(cv, X, Y, Y, rng=np.random.RandomState(0), **kwargs)


def test_every_row_is_held_out_once():
    held_out = np.concatenate([fold.held_out for fold in folds(4)])
    assert np.array_equal(np.sort(held_out), np.arange(60))
    for fold in folds(4):
        assert not set(fold.train) & set(fold.held_out)
        assert set(fold.scored) == set(fold.held_out)


def test_integers_stratify_over_all_labels():
    shares = np.stack([Y[fold.held_out].mean(axis=0) for fold in folds(3)])
    assert np.ptp(shares, axis=0).max() < 0.11


def test_none_holds_no_rows_out():
    (fold,) = folds(None)
    assert len(fold.train) == 60
    assert fold.scored is None
    assert fold.held_out is None


def test_splitters_iterables_and_groups_are_taken():
    assert np.array_equal(folds(KFold(3))[0].held_out, np.arange(20))
    assert np.array_equal(folds([(np.arange(30), np.arange(30, 60))])[0].held_out, np.arange(30, 60))
    groups = np.arange(60) % 5
    for fold in folds(GroupKFold(5), groups=groups):
        assert not set(groups[fold.train]) & set(groups[fold.held_out])


def test_what_is_held_out_is_bounded(monkeypatch):
    monkeypatch.setattr(_fold, "_HELD_OUT_ROWS", 5)
    monkeypatch.setattr(_fold, "_HELD_OUT_ENTRIES", 10)
    monkeypatch.setattr(_fold, "_SCORED_ROWS", (2, 2))
    for fold in folds(2):
        assert len(fold.held_out) == 5
        assert len(fold.scored) == 2
        assert set(fold.scored) <= set(fold.held_out)


def test_training_data_are_those_of_the_training_rows():
    weight = np.arange(60.0)
    fold = folds(3, sample_weight=weight)[1]
    for given, whole in zip(fold.training_data(), (X, Y, weight), strict=True):
        assert_array_equal(given, whole[fold.train])
    assert folds(3)[1].training_data()[2] is None


@pytest.mark.parametrize("form", [sp.csr_array, sp.csr_matrix])
def test_training_data_of_sparse_matrices_stay_sparse(form):
    fold = Fold(form(X), form(Y), None, np.array([5, 3, 40]))
    for given, whole in zip(fold.training_data()[:2], (X, Y), strict=True):
        assert sp.issparse(given)
        assert_array_equal(given.toarray(), whole[[5, 3, 40]])


def test_of_many_held_out_rows_a_part_is_kept_and_all_are_known(monkeypatch):
    assert all(fold.all_held_out is None for fold in folds(3))
    monkeypatch.setattr(_fold, "_HELD_OUT_ROWS", 5)
    monkeypatch.setattr(_fold, "_HELD_OUT_ENTRIES", 10)
    for fold, whole in zip(folds(KFold(3)), KFold(3).split(X), strict=True):
        assert_array_equal(fold.all_held_out, whole[1])
        assert len(fold.held_out) == 5
        assert (np.diff(fold.held_out) > 0).all()
        kept = fold.keeping_rows()
        assert kept.all_held_out is None
        assert kept.held_out is fold.held_out
        assert kept.train is fold.train


def test_fewer_samples_than_folds_is_an_error():
    with pytest.raises(ValueError, match=r"cv=5 folds need at least 5 samples, got n_samples=3"):
        make_folds(5, X[:3], Y[:3], Y[:3], rng=np.random.RandomState(0))
