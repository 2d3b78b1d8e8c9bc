import importlib
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from _cases import mlp, small_estimators, small_torch
from torch import nn

import sklearn_metalabel
from sklearn_metalabel.utils._hash import stable_hash


def things():
    """What trainings depend on, made from a fixed seed; each is made anew."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    A, trained = rng.normal(size=(6, 3)), mlp(3, 2)
    optimizer = torch.optim.Adam(trained.parameters())
    trained(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {
        "array": A,
        "sets": [{"a", 1, None, (2, "b")}, frozenset("some letters")],
        "keys of several types": {"a": 1, 2: "b", None: 3, ("c", 4): {5: None, "d": 6}},
        "array of objects": np.array(["a", 1.0, None], dtype=object),
        "list of texts": ["some text", "some other text"],
        "sparse": sp.random_array((6, 3), density=0.5, random_state=0, format="csr"),
        "inputs": {"tokens": A.astype(int), "numbers": A},
        "pandas": pd.DataFrame({"a": A[:, 0], "b": list("uvwxyz"), "c": pd.Categorical(list("ababab"))}),
        "polars": pl.DataFrame({"a": A[:, 0], "b": list("uvwxyz")}),
        "module": mlp(3, 2),
        "trained module": trained,
        "optimizer": optimizer,
        "network": small_torch(mlp(3, 2)),
        "random state": np.random.RandomState(3),
        **{f"estimator {k}": each for k, each in enumerate(small_estimators())},
    }


def test_hashes_are_those_of_another_process():
    code = "import test_hash; print({name: test_hash.stable_hash(x) for name, x in test_hash.things().items()})"
    folders = [Path(__file__).parent, Path(__file__).parents[1], Path(sklearn_metalabel.__file__).parents[1]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "PYTHONHASHSEED": "7"}
    output = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert eval(output.stdout) == {name: stable_hash(thing) for name, thing in things().items()}


def test_what_was_looked_at_has_the_same_hash():
    before = {name: stable_hash(thing) for name, thing in things().items()}
    looked_at = things()
    assert looked_at["sparse"].has_canonical_format
    looked_at["module"](torch.ones(1, 3)).sum().backward()
    assert looked_at["pandas"].groupby("b").size().sum() == 6
    assert {name: stable_hash(thing) for name, thing in looked_at.items()} == before
    assert len(set(before.values())) == len(before)


def with_values(module, values):
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), values, strict=True):
            parameter.copy_(value)
    return module


def tied(is_tied):
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    with_values(a, [torch.ones(2, 2), torch.ones(2)])
    with_values(b, [torch.ones(2, 2), torch.ones(2)])
    if is_tied:
        b.weight = a.weight
    return nn.Sequential(a, b)


def in_order(*names):
    parts = {"a": nn.ReLU(), "b": nn.Tanh()}
    module = nn.Sequential()
    for name in names:
        module.add_module(name, parts[name])
    return module


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.ones((3, 2)), np.ones((3, 2), order="F")),
        (np.ones(3), np.ones(3, dtype=np.float32)),
        (torch.ones(3), torch.ones(3, dtype=torch.bfloat16)),
        (torch.ones(3), torch.ones(3, requires_grad=True)),
        (torch.ones(4), torch.ones(2, 2)),
        (torch.ones(()), torch.zeros(())),
        (sp.csr_array([[1.0, 0]]), sp.csr_matrix([[1.0, 0]])),
        (sp.csr_array([[1.0, 0]]), sp.csr_array([[0, 1.0]])),
        (tied(True), tied(False)),
        (in_order("a", "b"), in_order("b", "a")),
        (nn.Dropout(0.1), nn.Dropout(0.2)),
        (np.random.RandomState(0), np.random.RandomState(1)),
        (len, max),
    ],
)
def test_other_things_have_other_hashes(one, other):
    assert stable_hash(one) != stable_hash(other)


class Holder:
    def __init__(self, **held):
        self.__dict__.update(held)


@pytest.mark.parametrize("made", [threading.Lock, lambda: (each for each in ()), lambda: lambda: None])
def test_what_cannot_be_written_is_refused_however_deep_it_lies(made):
    for thing in (made(), [made()], Holder(a=made()), Holder(b=Holder(a=1, b=made(), c=2)), {1: {"x": made()}}):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError), match="pickle"):
            stable_hash(thing)


def test_parts_that_are_known_are_not_looked_at_again():
    large, key = np.ones(3), "the hash of something large"
    known = {id(large): key}
    assert stable_hash({"x": [large]}, known) == stable_hash({"x": [key]})
    assert stable_hash({"x": [large.copy()]}, known) != stable_hash({"x": [key]})


MODULE = """
from torch import nn

class Base(nn.Module):
    slope = {slope}

class Net(Base):
    def forward(self, x):
        return nn.functional.leaky_relu(x, self.slope)

def factory():
    return [Net() for _ in range(1)]

def unlike():
    return None
"""


@pytest.mark.parametrize("name", ["Base", "Net", "factory"])
def test_code_of_the_users_own_counts_and_so_does_what_it_names(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    hashes, unlike = [], []
    for slope in (0.1, 0.25):
        (tmp_path / "users_own.py").write_text(MODULE.format(slope=slope))
        sys.modules.pop("users_own", None)
        importlib.invalidate_caches()
        importlib.import_module("linecache").checkcache()
        module = importlib.import_module("users_own")
        hashes.append(stable_hash(getattr(module, name)))
        unlike.append(stable_hash(module.unlike))
    sys.modules.pop("users_own")
    assert hashes[0] != hashes[1]
    assert unlike[0] == unlike[1]


def test_code_without_a_source_has_its_name():
    names = {}
    exec("class Made: pass\nMade.__module__ = 'made'", names)
    sys.modules["made"] = type(sys)("made")
    sys.modules["made"].Made = names["Made"]
    assert stable_hash(names["Made"]) == stable_hash(names["Made"])
    del sys.modules["made"]
