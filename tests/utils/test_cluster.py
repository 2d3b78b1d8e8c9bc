import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from joblib._parallel_backends import ThreadingBackend
from numpy.testing import assert_array_equal

from sklearn_metalabel.utils._cluster import aligned, on_cluster


class Cluster(ThreadingBackend):
    """A backend that is not joblib's own, as a cluster's is."""


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setitem(joblib.parallel.BACKENDS, "cluster", Cluster)
    with joblib.parallel_config("cluster", n_jobs=2):
        yield


def between_bounds(array):
    """The array, moved to an address that is no multiple of the size of its entries."""
    moved = np.ndarray(array.shape, array.dtype, np.empty(array.nbytes + 1, np.uint8), offset=1, order="F")
    moved[:] = array
    return moved


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential", "multiprocessing"])
def test_processes_and_threads_of_this_machine_are_no_cluster(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        assert not on_cluster()


@pytest.mark.usefixtures("cluster")
def test_another_backend_is_a_cluster():
    assert on_cluster()


def test_entries_between_bounds_are_copied_in_their_order():
    array = between_bounds(np.arange(6.0).reshape(2, 3))
    copied = aligned(array)

    assert not array.flags.aligned
    assert copied.flags.aligned
    assert copied.flags.f_contiguous
    assert_array_equal(copied, array)


@pytest.mark.parametrize("data", [np.eye(3), sp.eye_array(3, format="csr")], ids=["dense", "sparse"])
def test_data_of_this_machine_are_not_copied(data):
    assert aligned(data) is data


@pytest.mark.usefixtures("cluster")
def test_containers_on_a_cluster_are_copied():
    data = sp.eye_array(3, format="csr")
    copied = aligned(data)

    assert not np.shares_memory(copied.data, data.data)
    assert_array_equal(copied.toarray(), data.toarray())
