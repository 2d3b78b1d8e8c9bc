"""Docstrings of numpy, scipy and scikit-learn, which come with this package, and the parameters they describe."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from numbers import Integral
from typing import Any, Literal, NamedTuple
from zlib import crc32

import numpy as np
import scipy
import sklearn
from sklearn.utils import Bunch

from sklearn_metalabel.datasets._assemble import as_dataset, check_subset, indicator
from sklearn_metalabel.datasets._public_objects import public_objects
from sklearn_metalabel.utils import shown

# Headings of numpydoc; other headings belong to the section in which they stand.
_HEADING = re.compile(
    "^[ \t]*(Parameters|Other Parameters|Returns|Yields|Receives|Raises|Warns|Warnings|See Also|Notes|References"
    "|Examples|Attributes|Methods)[ \t]*\n[ \t]*-{3,}[ \t]*$",
    re.MULTILINE,
)
_PARAMETERS = ("Parameters", "Other Parameters")
# What tells the parameters or shows calls with their names.
_DROPPED = (*_PARAMETERS, "Attributes", "Methods", "Examples")
# Notes on what will go list parameters, some of them in the order of a set.
_DEPRECATED = re.compile(r"^([ \t]*)\.\. deprecated::.*\n(?:(?:\1[ \t]+.*)?\n)*", re.MULTILINE)
# What looks like the start of a call; values may be assigned.
_CALL = re.compile(r"[\w., ]*(?:=[ ]*)?\b[\w.]+\(")
_PARAMETER = re.compile(r"^(\*{0,2}\w+(?:[ ]*,[ ]*\*{0,2}\w+)*)[ ]*(?::|$)", re.MULTILINE)

_DESCR = """\
Docstrings and the parameters they describe
-------------------------------------------

Each sample is the docstring of a public function, class or method of numpy, scipy or scikit-learn. The labels
are the parameters that it takes, by name: those of its section "Parameters". A few are everywhere, most are rare.

:Number of samples: {n}
:Number of labels: {L}, the parameters that at least {min_count} docstrings describe
:Text: the docstring without its signature, its notes on deprecation and the sections Parameters, Other Parameters,
    Attributes, Methods and Examples; the prose that is left may mention a parameter
:Duplicates: aliases, re-exports and inherited methods count once, and so do equal texts
:Split: by {split_by}, a third of the {split_by}s for test; see load_docstrings
:Source: {source}, as installed, so that the samples vary with the versions
:Licence: BSD-3-Clause, that of the three packages
"""


class _Docstring(NamedTuple):
    """A text, the parameters it described, and where it was found."""

    name: str
    module: str
    text: str
    parameters: tuple

    def group(self, split_by):
        """What stays on one side of the split."""
        return self.module if split_by == "module" else self.name.rpartition(".")[2].lower()

    def part(self, split_by):
        """The side, by a checksum, so that it stays the same in other versions."""
        return "train" if crc32(self.group(split_by).encode()) % 3 else "test"


def load_docstrings(
    *,
    subset: Literal["train", "test", "all"] = "train",
    split_by: Literal["name", "module"] = "name",
    min_count: int = 15,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | Any:
    """Load the docstrings of numpy, scipy and scikit-learn, labelled with the parameters they describe.

    Real texts with a long tail of labels that need no download: the three packages are installed with this one. The
    task is to say from its description which parameters a function, class or method takes.

    ================   =====================================
    Labels             about 140, by name; most of them rare
    Samples            about 3,100
    Labels a sample    2.8 on average, at least 1
    Data               text
    ================   =====================================

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Which samples to return. `"all"` is `"train"` followed by `"test"`.

    split_by : {"name", "module"}, default="name"
        What stays on one side of the split, since texts that belong together resemble each other. With `"name"`, a
        third of the names are for test: all methods `fit`, say, or `sum` of arrays, masked arrays and sparse
        matrices. A test score then says how well the classifier does with new functions in modules it knows. With
        `"module"`, a third of the modules in which functions are defined are for test, and it says how well the
        classifier does in modules it has never seen, which is harder.

    min_count : int, default=15
        Parameters that fewer docstrings describe are no labels. Each label occurs on both sides of both splits, and
        docstrings without a label are left out.

    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    as_frame : bool, default=False
        If True, `data` is a pandas Series and `target` a DataFrame.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : {list of str, Series} of length n_samples
            The docstrings, without their signature and the sections Parameters, Other Parameters, Attributes,
            Methods and Examples.
        target : {csr_array, DataFrame} of shape (n_samples, n_labels)
            Indicator matrix of the parameters, int8.
        target_names : ndarray of str of shape (n_labels,)
            Names of the parameters, sorted; the same for every subset and both splits.
        names : ndarray of str of shape (n_samples,)
            Where each docstring was found, for example `"scipy.optimize.minimize"`.
        modules : ndarray of str of shape (n_samples,)
            The module in which it is defined, as far as it is known.
        split : ndarray of str of shape (n_samples,)
            `"train"` or `"test"`.
        frame : DataFrame of shape (n_samples, 1 + n_labels) or None
            Data and target side by side, if `as_frame=True`.
        DESCR : str
            Full description.

    (data, target) : tuple if `return_X_y` is True
        The first two attributes alone.

    Raises
    ------
    ValueError
        If a parameter is not as described, or Python has no docstrings, as under `-OO`.

    See Also
    --------
    load_multidigits : Images that need no download.
    fetch_reuters21578 : News, the usual test of thresholds for rare labels; downloaded.

    Notes
    -----
    The samples vary with the installed versions, so compare figures within one environment only. Public modules of the
    three packages are imported for it.

    Examples
    --------
    >>> from sklearn_metalabel.datasets import load_docstrings
    >>> docs = load_docstrings(subset="all")
    >>> i = docs.names.tolist().index("sklearn.metrics.zero_one_loss")
    >>> docs.target_names[docs.target[[i]].indices].tolist()
    ['sample_weight', 'y_pred', 'y_true']
    >>> docs.data[i].splitlines()[0]
    'Zero-one classification loss.'
    """
    check_subset(subset)
    _check_params(split_by, min_count)
    docstrings = _collect()
    labels = _choose_labels(docstrings, min_count)
    column = {name: j for j, name in enumerate(labels)}
    kept = [each for each in docstrings if not column.keys().isdisjoint(each.parameters)]
    kept = [
        each for side in ("train", "test") for each in kept if each.part(split_by) == side and subset in (side, "all")
    ]
    pairs = [(i, column[name]) for i, each in enumerate(kept) for name in each.parameters if name in column]
    row, label = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    source = ", ".join(f"{package.__name__} {package.__version__}" for package in (np, scipy, sklearn))
    facts = {"n": len(kept), "L": len(labels), "min_count": min_count, "split_by": split_by, "source": source}
    bunch = Bunch(
        data=[each.text for each in kept],
        target=indicator(row, label, (len(kept), len(labels))),
        target_names=np.array(labels, dtype=str),
        names=np.array([each.name for each in kept], dtype=str),
        modules=np.array([each.module for each in kept], dtype=str),
        split=np.array([each.part(split_by) for each in kept], dtype=str),
        frame=None,
        DESCR=_DESCR.format(**facts),
    )
    return as_dataset(bunch, ["text"], return_X_y=return_X_y, as_frame=as_frame)


def _check_params(split_by, min_count):
    """Raise if a parameter is out of its range."""
    if not isinstance(split_by, str) or split_by not in ("name", "module"):
        raise ValueError(f'split_by must be "name" or "module"; got {shown(split_by)}.')
    if not isinstance(min_count, Integral) or isinstance(min_count, bool) or min_count < 1:
        raise ValueError(f"min_count must be an integer of at least 1; got {shown(min_count)}.")


def _collect():
    """All docstrings with a section of parameters, each text once."""
    if sys.flags.optimize > 1:
        raise ValueError("Python has no docstrings here; run it without -OO.")
    found = {}
    for name, module, docstring in public_objects():
        text, parameters = _parse(docstring)
        if text and parameters:
            found.setdefault(text, _Docstring(name, module, text, parameters))
    return list(found.values())


def _parse(docstring):
    """Text without what tells the parameters, and their names, sorted."""
    head, *parts = _HEADING.split(_DEPRECATED.sub("", inspect.cleandoc(docstring)))
    sections = list(zip(parts[::2], parts[1::2], strict=True))
    kept = [f"{title}\n{body.strip()}" for title, body in sections if title not in _DROPPED]
    parameters = {name for title, body in sections if title in _PARAMETERS for name in _parameter_names(body)}
    return "\n\n".join(filter(None, [_without_signature(head.strip()), *kept])), tuple(sorted(parameters))


def _parameter_names(body):
    """Names in a section such as Parameters, without stars; "None" stands where there are none."""
    found = [name.strip(" *") for names in _PARAMETER.findall(inspect.cleandoc(body)) for name in names.split(",")]
    return [name for name in found if name.isidentifier() and name != "None"]


def _without_signature(head):
    """Summary and description without the calls that some docstrings start with."""
    while call := _CALL.match(head):
        depths = np.cumsum([{"(": 1, ")": -1}.get(letter, 0) for letter in head[call.end() - 1 :]])
        closed = np.flatnonzero(depths == 0)
        rest = head[call.end() + closed[0] :] if closed.size else ""
        line, _, after = rest.partition("\n")
        if line.strip() and not line.lstrip().startswith("->"):
            break  # prose that starts with a formula
        head = after.strip()
    return head


def _choose_labels(docstrings, min_count):
    """Sorted names of the parameters that are frequent enough, and occur on both sides of both splits."""
    count = Counter(name for each in docstrings for name in each.parameters)
    frequent = {name for name, n in count.items() if n >= min_count}
    for split_by in ("name", "module"):
        for side in ("train", "test"):
            frequent &= {name for each in docstrings if each.part(split_by) == side for name in each.parameters}
    if not frequent:
        raise ValueError(
            f"min_count must leave a label, got {min_count}, and no parameter is in so many docstrings; lower it."
        )
    return sorted(frequent)
