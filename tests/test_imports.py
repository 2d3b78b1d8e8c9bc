"""What is imported when, seen in one fresh process that does one thing after another."""

import subprocess
import sys

import pytest

DATA = """from sklearn.datasets import make_multilabel_classification
X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
"""
WITHOUT_TORCH = {
    "the package": "import sklearn_metalabel",
    "the names": "from sklearn_metalabel import *",
    "the rooms": "import sklearn_metalabel.policies, sklearn_metalabel.learners, sklearn_metalabel.thresholds, "
    "sklearn_metalabel.rewards, sklearn_metalabel.metrics, sklearn_metalabel.decoding, sklearn_metalabel.utils, "
    "sklearn_metalabel.datasets, sklearn_metalabel.model_selection",
    "the default on dense data": DATA + "from sklearn_metalabel import MetaPolicyClassifier\n"
    "MetaPolicyClassifier(random_state=0).fit(X, Y).predict(X)",
    "the default on sparse data": "import scipy.sparse as sp\n"
    "MetaPolicyClassifier(random_state=0).fit(sp.csr_array(X), sp.csr_array(Y)).predict(X)",
    "thresholds of a classifier": "from sklearn_metalabel import TunedThresholdsClassifierCV\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "TunedThresholdsClassifierCV(LogisticRegression(), random_state=0).fit(X, Y).predict(X)",
}
WITH_TORCH = {"a recurrent policy": "MetaPolicyClassifier(training_policy='gru').fit(X, Y)"}


@pytest.fixture(scope="module")
def loaded_after():
    """Names of the modules that the process had imported after each step, by the name of the step."""
    steps = {**WITHOUT_TORCH, **WITH_TORCH}
    lines = "\n".join(f"{code}\nprint(*sys.modules)" for code in ["import sys", *steps.values()])
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, timeout=300, check=True)
    return dict(zip(["nothing", *steps], map(set, map(str.split, done.stdout.splitlines())), strict=True))


def test_importing_the_package_imports_next_to_nothing(loaded_after):
    loaded = loaded_after["the package"]
    assert "sklearn_metalabel" in loaded - loaded_after["nothing"]
    rooms = {f"sklearn_metalabel.{name}" for name in ("learners", "policies", "thresholds", "metrics", "rewards")}
    assert not loaded & {"torch", "sklearn.linear_model", "sklearn.svm", "sklearn.metrics", *rooms}


@pytest.mark.parametrize("step", WITHOUT_TORCH)
def test_torch_is_not_imported_by(step, loaded_after):
    assert "torch" not in loaded_after[step]


@pytest.mark.parametrize("step", WITH_TORCH)
def test_torch_is_imported_where_it_is_needed(step, loaded_after):
    assert "torch" in loaded_after[step]
