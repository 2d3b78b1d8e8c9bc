import os
import re
import subprocess
import sys

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.base import BaseEstimator
from sklearn.svm import SVC

from sklearn_metalabel.datasets import load_docstrings
from sklearn_metalabel.datasets._docstrings import _parse

UFUNC = """add(x1, x2, /, out=None, *, where=True,
casting='same_kind', order='K')

total = numpy.add(x1, x2)

log(1 + x) is not this sum of `x1` and `x2`.

.. deprecated:: 1.0
    Use of argument(s) ``{'out', 'where'}`` by position.

Add them.

Parameters
----------
x1, x2 : array_like
    Summands, of

    Kinds
    -----
    any : kind
out : ndarray, optional
    Where the sum goes.
*args
    Passed on.

Returns
-------
total : ndarray
    The sum.

Examples
--------
>>> np.add(1, x2=2)
"""


@pytest.fixture(scope="module")
def everything():
    """All samples, split by name."""
    return load_docstrings(subset="all")


def labels_of(bunch, name):
    i = bunch.names.tolist().index(name)
    return set(bunch.target_names[bunch.target[[i]].indices])


def run(code, *options, **environment):
    """Run code in an interpreter of its own that shows all warnings."""
    command = [sys.executable, *options, "-W", "always", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_the_text_loses_signature_parameters_and_examples_and_the_labels_are_the_names():
    text, parameters = _parse(UFUNC)
    assert text == "log(1 + x) is not this sum of `x1` and `x2`.\n\nAdd them.\n\nReturns\ntotal : ndarray\n    The sum."
    assert parameters == ("args", "out", "x1", "x2")


def test_a_docstring_that_names_no_parameter_has_none():
    assert _parse("Do it.\n\nParameters\n----------\nNone\n")[1] == ()
    assert _parse("Do it with x : y.") == ("Do it with x : y.", ())


@pytest.mark.parametrize(
    ("name", "function"),
    [("scipy.optimize.brentq", scipy.optimize.brentq), ("numpy.percentile", np.percentile)],
)
def test_labels_are_arguments_of_the_function(everything, name, function):
    labels = labels_of(everything, name)
    assert labels
    assert labels <= set(function.__code__.co_varnames if hasattr(function, "__code__") else labels_of_numpy(function))


def labels_of_numpy(function):
    return set(function.__wrapped__.__code__.co_varnames)


def test_no_text_has_a_section_that_tells_the_labels(everything):
    dropped = {"Parameters", "Other Parameters", "Attributes", "Methods", "Examples"}
    lines = [line.strip() for text in everything.data for line in text.splitlines()]
    assert {"Returns", "Notes"} <= set(lines)
    followed = zip(lines, lines[1:], strict=False)
    assert not [title for title, rule in followed if title in dropped and set(rule) == {"-"}]
    assert not [text for text in everything.data if re.match(r"[\w.]+\(.*\)\n", text)]


def test_functions_classes_and_methods_of_all_three_packages_occur_once(everything):
    names = everything.names.tolist()
    assert len(set(names)) == len(names)
    assert len(set(everything.data)) == len(names)
    assert {name.partition(".")[0] for name in names} == {"numpy", "scipy", "sklearn"}
    assert {"numpy.add", "scipy.stats.ttest_ind", "sklearn.svm.SVC", "sklearn.svm.NuSVC"} <= set(names)
    # An alias is the same object: it is listed under one of its names.
    assert sum(name in ("numpy.abs", "numpy.absolute") for name in names) == 1


@pytest.mark.parametrize("split_by", ["name", "module"])
def test_what_belongs_together_stays_on_one_side_and_each_label_is_on_both(split_by):
    train, test = (load_docstrings(subset=subset, split_by=split_by) for subset in ("train", "test"))

    def groups(bunch):
        return set(bunch.modules if split_by == "module" else [n.rpartition(".")[2].lower() for n in bunch.names])

    assert len(groups(train)) > len(groups(test)) > 50
    assert not groups(train) & groups(test)
    assert train.target.sum(axis=0).min() > 0
    assert test.target.sum(axis=0).min() > 0
    assert set(train.split) == {"train"}


def test_both_splits_have_the_same_labels_and_samples(everything):
    other = load_docstrings(subset="all", split_by="module")
    assert_array_equal(other.target_names, everything.target_names)
    assert sorted(other.data) == sorted(everything.data)
    assert (other.split != everything.split).any()


def test_all_is_train_followed_by_test(everything):
    train, test = (load_docstrings(subset=subset) for subset in ("train", "test"))
    assert train.data + test.data == everything.data
    assert_array_equal(sp.vstack([train.target, test.target]).toarray(), everything.target.toarray())
    assert everything.split.tolist() == ["train"] * len(train.data) + ["test"] * len(test.data)


def test_min_count_says_how_frequent_a_label_is(everything):
    assert everything.target.sum(axis=0).min() >= 15
    frequent = load_docstrings(subset="all", min_count=100)
    assert 5 < len(frequent.target_names) < len(everything.target_names)
    assert frequent.target.sum(axis=0).min() >= 100
    assert frequent.target.sum(axis=1).min() >= 1
    assert set(frequent.target_names) <= set(everything.target_names)


def test_forms_are_those_of_the_other_loaders(everything):
    frames = load_docstrings(subset="all", as_frame=True)
    assert frames.data.tolist() == everything.data
    assert_array_equal(frames.target.to_numpy(), everything.target.toarray())
    assert frames.frame.shape == (len(frames.data), 1 + len(frames.target_names))
    texts, Y = load_docstrings(subset="all", return_X_y=True)
    assert texts == everything.data
    assert Y.dtype == np.int8
    X, frame = load_docstrings(subset="all", as_frame=True, return_X_y=True)
    assert_frame_equal(frame, frames.target)
    assert X.name == "text"


def test_the_description_has_what_was_counted(everything):
    assert f"samples: {len(everything.data)}" in everything.DESCR
    assert f"labels: {len(everything.target_names)}" in everything.DESCR
    assert f"numpy {np.__version__}" in everything.DESCR


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"subset": "valid"}, 'subset must be "train", "test" or "all"; got \'valid\''),
        ({"split_by": "package"}, 'split_by must be "name" or "module"; got \'package\''),
        ({"split_by": None}, "split_by must be .* got None"),
        ({"min_count": 0}, "min_count must be an integer of at least 1; got 0"),
        ({"min_count": 2.5}, "min_count must be an integer of at least 1; got 2.5"),
        ({"min_count": True}, "min_count must be an integer of at least 1; got True"),
        ({"min_count": 10_000}, "min_count must leave a label, got 10000"),
    ],
)
def test_bad_parameters_are_named(params, match):
    with pytest.raises(ValueError, match=match):
        load_docstrings(**params)


def test_it_is_quiet_leaves_experiments_off_and_has_one_order():
    code = (
        "from zlib import crc32; import sklearn.model_selection;"
        "from sklearn_metalabel.datasets import load_docstrings;"
        "docs = load_docstrings(subset='all');"
        "print(crc32('|'.join([*docs.names, *docs.data, *docs.target_names]).encode()));"
        "print('HalvingGridSearchCV' in vars(sklearn.model_selection))"
    )
    first, second = (run(code, PYTHONHASHSEED=seed) for seed in "12")
    assert first.stderr == second.stderr == ""
    assert first.stdout == second.stdout
    assert first.stdout.endswith("False\n")


def test_without_docstrings_it_says_so():
    ended = run("from sklearn_metalabel.datasets._docstrings import _collect; _collect()", "-OO")
    assert "ValueError: Python has no docstrings here; run it without -OO." in ended.stderr


def test_inherited_methods_count_once(everything):
    assert BaseEstimator.set_params.__doc__ == SVC.set_params.__doc__
    assert "sklearn.base.BaseEstimator.set_params" in everything.names
    assert "sklearn.svm.SVC.set_params" not in everything.names
