import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from sklearn_metalabel.datasets import make_hierarchical_multilabel
from sklearn_metalabel.datasets._hierarchical import _ancestor_closure, _letters, _level_sizes


def ancestors(j, parents):
    """Label j and what is above it, by walking up."""
    path = set()
    while j >= 0:
        path.add(int(j))
        j = parents[j]
    return path


def micro_f1(**params):
    X, Y = make_hierarchical_multilabel(n_samples=600, n_labels=6, n_levels=2, random_state=0, **params)
    model = OneVsRestClassifier(LogisticRegression(tol=0.05)).fit(X[:300], Y[:300])
    return f1_score(Y[300:], model.predict(X[300:]), average="micro")


@pytest.mark.parametrize("seed", range(10))
def test_ancestors_of_every_label_of_a_sample_are_labels_too(seed):
    data = make_hierarchical_multilabel(n_samples=50, n_labels=25, return_X_y=False, random_state=seed)
    for y in data.target:
        labels = set(np.flatnonzero(y).tolist())
        assert labels == set().union(*(ancestors(j, data.parents) for j in labels))


@pytest.mark.parametrize("seed", range(10))
def test_the_closure_equals_walking_up_the_tree(seed):
    rng = np.random.RandomState(seed)
    parents = np.array([rng.randint(-1, j) if j else -1 for j in range(15)])
    closure = _ancestor_closure(parents).toarray()
    for j in range(15):
        assert set(np.flatnonzero(closure[j]).tolist()) == ancestors(j, parents)
    assert set(np.unique(closure)) == {0, 1}


@pytest.mark.parametrize(("n_labels", "n_levels"), [(30, 3), (1, 1), (7, 7), (10_000, 3), (12, 1), (8, 7)])
def test_level_sizes_sum_up_and_do_not_shrink(n_labels, n_levels):
    sizes = _level_sizes(n_labels, n_levels)
    assert len(sizes) == n_levels
    assert sum(sizes) == n_labels
    assert sizes == sorted(sizes)
    assert sizes[0] >= 1


@pytest.mark.parametrize("n_levels", [1, 2, 3, 5])
def test_the_tree_has_the_levels_asked_for_and_paths_name_them(n_levels):
    data = make_hierarchical_multilabel(n_labels=40, n_levels=n_levels, return_X_y=False, random_state=0)
    names = data.target_names.tolist()
    assert len(set(names)) == 40
    assert max(name.count("/") for name in names) == n_levels
    for j, parent in enumerate(data.parents):
        assert parent < j
        assert names[j].rpartition("/")[0] == ("" if parent < 0 else names[parent])


def test_letters_count_like_the_columns_of_a_spreadsheet():
    assert [_letters(k) for k in (0, 25, 26, 27, 701, 702)] == ["a", "z", "aa", "ab", "zz", "aaa"]


def test_flat_labels_follow_the_power_law():
    _, Y = make_hierarchical_multilabel(
        20_000,
        5,
        n_labels=8,
        n_levels=1,
        labels_per_sample=1.0,
        imbalance=1.0,
        n_informative=1,
        random_state=0,
    )
    expected = 1 / np.arange(1, 9)
    assert_array_equal(Y.sum(axis=1), 1)
    assert_allclose(np.sort(Y.mean(axis=0))[::-1], expected / expected.sum(), atol=0.01)


def test_imbalance_zero_makes_flat_labels_equally_common():
    _, Y = make_hierarchical_multilabel(4000, n_labels=8, n_levels=1, imbalance=0.0, random_state=0)
    assert Y.sum(axis=0).max() < 1.2 * Y.sum(axis=0).min()


def test_labels_per_sample_is_the_mean_number_of_leaves_where_none_is_drawn_twice():
    for mean, allow in ((3.0, False), (0.7, True)):
        _, Y = make_hierarchical_multilabel(
            3000, n_labels=3000, n_levels=1, imbalance=0.0, labels_per_sample=mean, allow_unlabeled=allow,
            sparse=True, random_state=0,
        )  # fmt: skip
        assert Y.sum() / 3000 == pytest.approx(mean, rel=0.05)
        assert (Y.sum(axis=1).min() == 0) == allow


def test_each_difficulty_parameter_makes_labels_harder_to_learn():
    easy = micro_f1(difficulty=0.0, flip_y=0.0, class_sep=3.0)
    assert easy > 0.8
    assert micro_f1(difficulty=0.0, flip_y=0.0, class_sep=1.0) < easy - 0.05
    assert micro_f1(difficulty=2.0, flip_y=0.0, class_sep=3.0) < easy - 0.05
    assert micro_f1(difficulty=0.0, flip_y=0.5, class_sep=3.0) < easy - 0.05


def test_label_strengths_lie_between_their_limits_and_are_equal_without_difficulty():
    varied = make_hierarchical_multilabel(difficulty=1.0, class_sep=2.0, return_X_y=False, random_state=0)
    equal = make_hierarchical_multilabel(difficulty=0.0, class_sep=2.0, return_X_y=False, random_state=0)
    assert varied.label_strength.max() <= 2.0
    assert varied.label_strength.min() >= 2.0 * np.exp(-1.0)
    assert_array_equal(equal.label_strength, 2.0)


def test_without_flips_samples_with_equal_labels_share_their_mean_features():
    X, Y = make_hierarchical_multilabel(
        4000, 20, n_labels=3, n_levels=1, labels_per_sample=1.0, flip_y=0.0, difficulty=0.0, imbalance=0.0,
        random_state=0,
    )  # fmt: skip
    for j in range(3):
        rows = X[Y[:, j] == 1]
        assert_allclose(np.linalg.norm(rows.mean(axis=0)), 2.0, atol=0.2)
        assert_allclose(rows.std(axis=0), 1.0, atol=0.1)


def test_sparse_output_is_csr_with_short_indices_and_few_entries():
    X, Y = make_hierarchical_multilabel(3000, 2000, n_labels=1000, sparse=True, random_state=0)
    for matrix, shape in ((X, (3000, 2000)), (Y, (3000, 1000))):
        assert isinstance(matrix, sparse.csr_array)
        assert matrix.shape == shape
        assert matrix.indices.dtype == np.int32
    assert X.dtype == np.float64
    assert Y.dtype == np.int64
    assert set(Y.data) == {1}
    assert X.nnz < 0.05 * 3000 * 2000


def test_dense_and_sparse_targets_of_one_seed_are_equal():
    _, dense = make_hierarchical_multilabel(random_state=0)
    _, compressed = make_hierarchical_multilabel(sparse=True, random_state=0)
    assert dense.dtype == np.int64
    assert_array_equal(compressed.toarray(), dense)


def test_the_random_state_decides_and_numpy_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    (X, Y), (X2, Y2), (X3, _) = (make_hierarchical_multilabel(100, random_state=s) for s in (0, 0, 1))
    assert_array_equal(X, X2)
    assert_array_equal(Y, Y2)
    assert (X != X3).any()
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_samples": 0}, "n_samples must be an integer of at least 1; got 0"),
        ({"n_features": 2.0}, "n_features must be an integer of at least 1; got 2.0"),
        ({"n_labels": "many"}, "n_labels must be an integer"),
        ({"n_levels": 31}, r"n_levels must be an integer of at least 1 and at most 30 \(n_labels\); got 31"),
        ({"n_informative": 51}, r"n_informative must be .* at most 50 \(n_features\); got 51"),
        ({"labels_per_sample": 0.5}, "labels_per_sample must be a finite number of at least 1.0; got 0.5"),
        ({"labels_per_sample": -1, "allow_unlabeled": True}, "labels_per_sample must be .* at least 0.0"),
        ({"imbalance": np.nan}, "imbalance must be a finite number"),
        ({"class_sep": -1.0}, "class_sep must be a finite number of at least 0.0; got -1.0"),
        ({"difficulty": np.inf}, "difficulty must be a finite number"),
        ({"flip_y": 1.5}, "flip_y must be a finite number of at least 0.0 and at most 1.0; got 1.5"),
    ],
)
def test_parameters_out_of_range_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        make_hierarchical_multilabel(**params)
