import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from sklearn_metalabel.utils import lazy_names


@pytest.fixture
def module(monkeypatch):
    """A module with one name of its own and two that are found elsewhere."""
    module = ModuleType("lazy_module")
    monkeypatch.setitem(sys.modules, "lazy_module", module)
    module.own = 1
    module.__getattr__, module.__dir__ = lazy_names("lazy_module", {"Fraction": "fractions", "nowhere": "fractions"})
    return module


def test_a_name_is_loaded_when_it_is_asked_for_and_then_kept(module):
    from fractions import Fraction

    assert "Fraction" not in vars(module)
    assert module.Fraction is Fraction
    assert vars(module)["Fraction"] is Fraction


def test_lazy_names_are_listed_beside_the_others_before_they_are_loaded(module):
    assert {"own", "Fraction", "nowhere"} <= set(dir(module))
    assert "Fraction" not in vars(module)


def test_unknown_names_are_refused_as_by_any_module(module):
    with pytest.raises(AttributeError, match="module 'lazy_module' has no attribute 'fraction'"):
        _ = module.fraction
    with pytest.raises(AttributeError, match="nowhere"):
        _ = module.nowhere
    assert not hasattr(module, "other")


ROOMS = ["", ".decoding", ".learners", ".metrics", ".model_selection", ".policies", ".rewards", ".thresholds", ".utils"]


@pytest.mark.parametrize("room", [*ROOMS, ".baselines", ".datasets", ".inspection", ".nn", ".text"])
def test_every_public_name_of_a_room_is_listed_and_found(room):
    module = importlib.import_module(f"sklearn_metalabel{room}")
    assert set(module.__all__) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in module.__all__)


# A fresh process: what is imported here was imported by other tests.
IMPORTS = f"""
import importlib, sys
import sklearn_metalabel
assert sklearn_metalabel.__version__
loaded = [name for name in sys.modules if name.startswith("sklearn_metalabel.")]
assert all(name.startswith("sklearn_metalabel.utils") for name in loaded), loaded
for room in {ROOMS}:
    importlib.import_module("sklearn_metalabel" + room)
from sklearn_metalabel import MetaPolicyClassifier
MetaPolicyClassifier()
assert "torch" not in sys.modules
from sklearn_metalabel.learners import TorchClassifier
assert "torch" in sys.modules
"""


def test_the_package_loads_no_estimator_and_its_rooms_no_torch_before_they_are_needed():
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
