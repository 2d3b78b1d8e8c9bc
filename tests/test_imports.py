import subprocess
import sys

import pytest


def modules_after(code):
    """Names of the modules that a fresh process has imported after some lines of code."""
    lines = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, timeout=300, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_next_to_nothing():
    loaded = modules_after("import sklearn_metalabel")
    assert "sklearn_metalabel" in loaded
    rooms = {f"sklearn_metalabel.{name}" for name in ("learners", "policies", "thresholds", "metrics", "rewards")}
    assert not loaded & {"torch", "sklearn.linear_model", "sklearn.svm", "sklearn.metrics", *rooms}


DATA = """from sklearn.datasets import make_multilabel_classification
X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
"""
WITHOUT_TORCH = {
    "the names": "from sklearn_metalabel import *",
    "the rooms": "import sklearn_metalabel.policies, sklearn_metalabel.learners, sklearn_metalabel.thresholds, "
    "sklearn_metalabel.rewards, sklearn_metalabel.metrics, sklearn_metalabel.decoding, sklearn_metalabel.utils, "
    "sklearn_metalabel.datasets, sklearn_metalabel.model_selection",
    "the default on dense data": DATA + "from sklearn_metalabel import MetaPolicyClassifier\n"
    "MetaPolicyClassifier(random_state=0).fit(X, Y).predict(X)",
    "the default on sparse data": DATA + "from sklearn_metalabel import MetaPolicyClassifier\n"
    "import scipy.sparse as sp\nMetaPolicyClassifier(random_state=0).fit(sp.csr_array(X), sp.csr_array(Y)).predict(X)",
    "thresholds of a classifier": DATA + "from sklearn_metalabel import TunedThresholdsClassifierCV\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "TunedThresholdsClassifierCV(LogisticRegression(), random_state=0).fit(X, Y).predict(X)",
}


@pytest.mark.parametrize("case", WITHOUT_TORCH)
def test_torch_is_not_imported_by(case):
    loaded = modules_after(WITHOUT_TORCH[case])
    assert "sklearn_metalabel" in loaded
    assert "torch" not in loaded


def test_torch_is_imported_where_it_is_needed():
    recurrent = (
        "from sklearn_metalabel import MetaPolicyClassifier\nMetaPolicyClassifier(training_policy='gru').fit(X, Y)"
    )
    assert "torch" in modules_after(DATA + recurrent)
