import importlib.util
import os
from pathlib import Path

# Before the libraries that read them: workers of pytest-xdist share the cores, and threads that spin while they wait
# for others to be scheduled cost many times the work itself. Tests of thread counts set their own.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from sklearn.datasets import make_multilabel_classification  # noqa: E402


def pytest_configure(config):
    """Under pytest-xdist a file stays with one worker, so that what its fixtures make is made once."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"
    # A worker of joblib ends after five idle minutes, perhaps just as new tasks come. Then loky warns and starts
    # another; the warning as an error would end the thread that does so, and the test would wait for ever.
    # Known without pytest-cov too. It is for files that fit whole estimators hundreds of times: every line that they
    # reach has a test of its own, which is to be what covers it, and counting lines takes half as long as the tests.
    config.addinivalue_line("markers", "no_cover: lines that are reached by this test alone are not covered.")
    config.addinivalue_line("filterwarnings", "ignore:A worker stopped while some jobs were given:UserWarning")
    # scikit-learn hands the filters of warnings to its jobs. Where these are threads, one may find that another has
    # just emptied them, and says that they were not handed on.
    config.addinivalue_line("filterwarnings", "ignore:`sklearn.utils.parallel.delayed` should be used:UserWarning")


@pytest.fixture(params=range(3))
def global_random_seed(request):
    return request.param


@pytest.fixture
def multilabel_data():
    """X (80, 8) standardised, Y (80, 4); every label has positives and negatives."""
    X, Y = make_multilabel_classification(n_samples=80, n_features=8, n_classes=4, n_labels=2, random_state=0)
    return (X - X.mean(axis=0)) / X.std(axis=0), Y


@pytest.fixture
def small_texts():
    """Twenty short texts and their labels (20, 3): fruit, animal, both or neither, and loud."""
    fruit, animals = ["apple", "pear", "plum", "cherry"], ["cat", "dog", "horse", "cow"]
    texts, Y = [], []
    for k in range(20):
        words, labels = ["the", "old", "house"], [k % 2, (k // 2) % 2, k % 5 == 0]
        words += [fruit[k % 4]] * labels[0] + [animals[k % 4]] * labels[1] + ["loud"] * labels[2]
        texts.append(" ".join(words))
        Y.append(labels)
    return texts, np.array(Y, dtype=int)


@pytest.fixture(scope="session")
def data_folder():
    """Folder of the real data sets."""
    folder = os.environ.get("SKLEARN_METALABEL_DATA")
    if not folder:
        pytest.skip("SKLEARN_METALABEL_DATA is not set: it names the folder of the real data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def load_real(data_folder):
    """Function from the name of a real data set to its dict of arrays."""
    spec = importlib.util.spec_from_file_location("load_real_data", data_folder / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda name: module.load(data_folder / f"{name}.npz")
