import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse as sp
from sklearn.utils import Bunch

from sklearn_metalabel.datasets._assemble import as_dataset, check_subset, indicator, parent_indices


def test_an_indicator_equals_a_matrix_filled_one_by_one(global_random_seed):
    rng = np.random.RandomState(global_random_seed)
    row, column = rng.randint(0, 7, size=30), rng.randint(0, 5, size=30)
    slow = np.zeros((7, 5), dtype=np.int8)
    for i, j in zip(row, column, strict=True):
        slow[i, j] = 1

    Y = indicator(row, column, (7, 5))

    assert isinstance(Y, sp.csr_array)
    assert Y.dtype == np.int8
    assert Y.indices.dtype == np.int32
    assert Y.nnz == slow.sum()
    assert_array_equal(Y.toarray(), slow)


def test_a_pair_given_many_times_counts_once():
    assert indicator([0] * 300, [0] * 300, (1, 1)).toarray().tolist() == [[1]]


def test_a_parent_that_is_no_label_counts_as_none():
    parents = parent_indices(["b", "a", "c"], {"b": "a", "c": "Root"}.get)

    assert parents.tolist() == [1, -1, -1]


@pytest.mark.parametrize("subset", ["train", "test", "all"])
def test_the_names_of_the_parts_are_accepted(subset):
    check_subset(subset)


@pytest.mark.parametrize("subset", ["valid", None, 1])
def test_other_subsets_are_refused(subset):
    with pytest.raises(ValueError, match=f'subset must be "train", "test" or "all"; got {subset!r}'):
        check_subset(subset)


def test_an_empty_data_set_has_frames_with_all_columns():
    pytest.importorskip("pandas")
    bunch = Bunch(data=[], target=indicator([], [], (0, 2)), target_names=np.array(["a", "b"]), frame=None)

    framed = as_dataset(bunch, ["tokens", "start"], return_X_y=False, as_frame=True)

    assert framed.frame.columns.tolist() == ["tokens", "start", "a", "b"]
    assert framed.frame.shape == (0, 4)
