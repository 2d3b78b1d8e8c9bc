import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold

from sklearn_metalabel.meta import _folds
from sklearn_metalabel.meta._folds import make_folds

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 3)), (RNG.random((60, 4)) < 0.3).astype(np.int8)


def folds(cv, **kwargs):
    return make_folds(cv, X, Y, Y, rng=np.random.RandomState(0), **kwargs)


def test_every_row_is_held_out_once():
    held_out = np.concatenate([fold.held_out for fold in folds(4)])
    assert np.array_equal(np.sort(held_out), np.arange(60))
    for fold in folds(4):
        assert not set(fold.train) & set(fold.held_out)
        assert set(fold.rewarded) == set(fold.held_out)


def test_integers_stratify_over_all_labels():
    shares = np.stack([Y[fold.held_out].mean(axis=0) for fold in folds(3)])
    assert np.ptp(shares, axis=0).max() < 0.11


def test_none_holds_no_rows_out():
    (fold,) = folds(None)
    assert len(fold.train) == 60
    assert fold.rewarded is None
    assert fold.held_out is None


def test_splitters_iterables_and_groups_are_taken():
    assert np.array_equal(folds(KFold(3))[0].held_out, np.arange(20))
    assert np.array_equal(folds([(np.arange(30), np.arange(30, 60))])[0].held_out, np.arange(30, 60))
    groups = np.arange(60) % 5
    for fold in folds(GroupKFold(5), groups=groups):
        assert not set(groups[fold.train]) & set(groups[fold.held_out])


def test_what_is_held_out_is_bounded(monkeypatch):
    monkeypatch.setattr(_folds, "_HELD_OUT_ROWS", 5)
    monkeypatch.setattr(_folds, "_HELD_OUT_ENTRIES", 10)
    monkeypatch.setattr(_folds, "_REWARDED_ROWS", (2, 2))
    for fold in folds(2):
        assert len(fold.held_out) == 5
        assert len(fold.rewarded) == 2
        assert set(fold.rewarded) <= set(fold.held_out)


def test_fewer_instances_than_folds_is_an_error():
    with pytest.raises(ValueError, match=r"cv=5 folds need at least 5 samples, got n_samples=3"):
        make_folds(5, X[:3], Y[:3], Y[:3], rng=np.random.RandomState(0))
