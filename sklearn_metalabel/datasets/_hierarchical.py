"""A generator of multi-label data with a tree of labels and a long tail."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse as sp
from sklearn.utils import Bunch, check_random_state

from sklearn_metalabel.utils import shown


def make_hierarchical_multilabel(
    n_samples: int = 1000,
    n_features: int = 50,
    *,
    n_labels: int = 30,
    n_levels: int = 3,
    labels_per_sample: float = 2.0,
    allow_unlabeled: bool = False,
    imbalance: float = 1.0,
    n_informative: int = 10,
    class_sep: float = 2.0,
    difficulty: float = 1.0,
    flip_y: float = 0.01,
    sparse: bool = False,
    return_X_y: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Any, Any] | Any:
    """Generate a multi-label problem whose labels form a tree and have a long tail.

    Labels are drawn at the leaves of a random tree by a power law, and every ancestor of a label is a label
    too. Each label adds its own pattern to a few features, to which noise is added. Difficulty, imbalance,
    label noise and size are each set by one parameter; sparse data of 20,000 samples, 10,000 features
    and 10,000 labels take about a second.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of samples.

    n_features : int, default=50
        Number of features.

    n_labels : int, default=30
        Number of labels on all levels together.

    n_levels : int, default=3
        Number of levels of the tree, between 1 and `n_labels`; with 1 the labels are flat. Each level is
        larger than the one above by about the same factor.

    labels_per_sample : float, default=2.0
        Mean number of leaves drawn for a sample, at least 1 unless `allow_unlabeled`. The number is one
        plus a Poisson variate, or a Poisson variate with `allow_unlabeled`. A leaf drawn twice counts once.

    allow_unlabeled : bool, default=False
        Whether a sample may be without labels.

    imbalance : float, default=1.0
        Exponent of the power law: the r-th most common leaf is drawn with a weight of r ** -imbalance. With
        0.0 all are equally likely. Very rare labels may occur in no sample.

    n_informative : int, default=10
        Number of features that the pattern of a label touches, drawn with replacement; at most `n_features`.

    class_sep : float, default=2.0
        Euclidean norm of the pattern of the easiest possible label, in standard deviations of the noise.

    difficulty : float, default=1.0
        How much labels differ: the norm of each label's pattern is `class_sep * exp(-difficulty * u)` with
        `u` uniform in [0, 1]. With 0.0 all labels are equally difficult.

    flip_y : float, default=0.01
        Share of the drawn leaves, in [0, 1], whose features are those of another, random leaf.

    sparse : bool, default=False
        If True, data and target are CSR arrays. Noise is then added to `n_informative` random features of
        each sample instead of all.

    return_X_y : bool, default=True
        If False, return a Bunch, with the tree.

    random_state : int, RandomState instance or None, default=None
        Makes the output reproducible.

    Returns
    -------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Features, float64.

    Y : {ndarray, csr_array} of shape (n_samples, n_labels)
        Indicator matrix of the labels, int64.

    data : :class:`~sklearn.utils.Bunch`
        If `return_X_y=False`: `data` and `target` as above; `target_names`, ndarray of str (n_labels,), paths
        such as `"/a/c/b"`; `parents`, ndarray (n_labels,), each label's parent, which comes
        before it, or -1; `label_strength`, ndarray (n_labels,), norms of the patterns; `DESCR`, str.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    load_multidigits : Real images with a small hierarchy.
    sklearn.datasets.make_multilabel_classification : Bags of words for labels without a tree.

    Examples
    --------
    >>> from sklearn_metalabel.datasets import make_hierarchical_multilabel
    >>> X, Y = make_hierarchical_multilabel(random_state=0)
    >>> X.shape, Y.shape
    ((1000, 50), (1000, 30))
    >>> data = make_hierarchical_multilabel(
    ...     n_labels=6, n_levels=2, return_X_y=False, random_state=0
    ... )
    >>> print(*data.target_names)
    /a /b /a/a /a/b /b/a /b/b
    >>> data.parents
    array([-1, -1,  0,  0,  1,  1])
    """
    _check_sizes(n_samples, n_features, n_labels, n_levels, n_informative)
    _check_shares(labels_per_sample, allow_unlabeled, imbalance, class_sep, difficulty, flip_y)
    rng = check_random_state(random_state)
    parents = _random_tree(n_labels, n_levels, rng)
    leaves = rng.permutation(np.setdiff1d(np.arange(n_labels), parents))
    row, drawn = _draw_leaves(n_samples, leaves, labels_per_sample, allow_unlabeled, imbalance, rng)
    shown = np.where(rng.uniform(size=drawn.size) < flip_y, rng.permutation(drawn), drawn)

    closure = _ancestor_closure(parents)
    Y, Y_shown = (_label_sets(row, leaf, closure, n_samples) for leaf in (drawn, shown))
    strength = class_sep * np.exp(-difficulty * rng.uniform(size=n_labels))
    X = Y_shown @ _patterns(strength, n_features, n_informative, rng)
    if sparse:
        X = X + _sparse_rows(n_samples, n_features, n_informative, rng)
    else:
        X, Y = X.toarray() + rng.standard_normal((n_samples, n_features)), Y.toarray()
    if return_X_y:
        return X, Y
    return Bunch(
        data=X,
        target=Y,
        target_names=_paths(parents),
        parents=parents,
        label_strength=strength,
        DESCR=f"{n_samples} generated samples with {n_labels} labels in a tree of {n_levels} levels.",
    )


def _check_sizes(n_samples, n_features, n_labels, n_levels, n_informative):
    """Raise if an integer is out of its range."""
    ranges = {
        "n_samples": (n_samples, np.inf, ""),
        "n_features": (n_features, np.inf, ""),
        "n_labels": (n_labels, np.inf, ""),
        "n_levels": (n_levels, n_labels, " (n_labels)"),
        "n_informative": (n_informative, n_features, " (n_features)"),
    }
    for name, (value, upper, what) in ranges.items():
        if not isinstance(value, Integral) or not 1 <= value <= upper:
            most = "" if upper == np.inf else f" and at most {upper}{what}"
            raise ValueError(f"{name} must be an integer of at least 1{most}; got {shown(value)}.")


def _check_shares(labels_per_sample, allow_unlabeled, imbalance, class_sep, difficulty, flip_y):
    """Raise if a number is out of its range."""
    ranges = {
        "labels_per_sample": (labels_per_sample, 0.0 if allow_unlabeled else 1.0, np.inf),
        "imbalance": (imbalance, 0.0, np.inf),
        "class_sep": (class_sep, 0.0, np.inf),
        "difficulty": (difficulty, 0.0, np.inf),
        "flip_y": (flip_y, 0.0, 1.0),
    }
    for name, (value, lower, upper) in ranges.items():
        if not isinstance(value, Real) or not np.isfinite(value) or not lower <= value <= upper:
            most = "" if upper == np.inf else f" and at most {upper}"
            raise ValueError(f"{name} must be a finite number of at least {lower}{most}; got {shown(value)}.")


def _random_tree(n_labels, n_levels, rng):
    """Parents (n_labels,), level by level, so that a parent comes before its children; -1 at the top."""
    sizes = _level_sizes(n_labels, n_levels)
    parents = np.full(n_labels, -1, dtype=np.intp)
    start = 0
    for above, size in zip(sizes[:-1], sizes[1:], strict=True):
        first = start + above
        parents[first : first + size] = np.sort(rng.randint(start, first, size=size))
        start = first
    return parents


def _level_sizes(n_labels, n_levels):
    """Numbers of labels (n_levels,), at least 1 each, growing by a common factor."""
    low, high = 1.0, float(n_labels)
    for _ in range(60):
        factor = (low + high) / 2
        too_many = sum(factor**level for level in range(1, n_levels + 1)) > n_labels
        low, high = (low, factor) if too_many else (factor, high)
    sizes = [max(1, round(low**level)) for level in range(1, n_levels)]
    return [*sizes, n_labels - sum(sizes)]


def _draw_leaves(n_samples, leaves, labels_per_sample, allow_unlabeled, imbalance, rng):
    """Row and leaf of each draw; `leaves` run from the most common to the rarest."""
    least = 0 if allow_unlabeled else 1
    count = least + rng.poisson(labels_per_sample - least, size=n_samples)
    weights = np.arange(1.0, leaves.size + 1) ** -imbalance
    drawn = rng.choice(leaves, size=count.sum(), p=weights / weights.sum())
    return np.repeat(np.arange(n_samples), count), drawn


def _ancestor_closure(parents):
    """CSR (L, L) whose row j marks label j and its ancestors."""
    label = ancestor = np.arange(parents.size)
    labels, ancestors = [label], [ancestor]
    while label.size:
        above = parents[ancestor]
        label, ancestor = label[above >= 0], above[above >= 0]
        labels.append(label)
        ancestors.append(ancestor)
    row, column = np.concatenate(labels), np.concatenate(ancestors)
    return _csr(np.ones(row.size, dtype=np.int64), row, column, (parents.size, parents.size))


def _label_sets(row, leaf, closure, n_samples):
    """Mark the drawn leaves and all their ancestors in an indicator CSR (n, L)."""
    draws = _csr(np.ones(row.size, dtype=np.int64), row, leaf, (n_samples, closure.shape[0]))
    Y = sp.csr_array(draws @ closure)
    Y.data[:] = 1
    Y.sort_indices()
    return Y


def _patterns(strength, n_features, n_informative, rng):
    """CSR (L, d): a random vector of the given norm on a few features for each label."""
    W = _sparse_rows(strength.size, n_features, n_informative, rng)
    norm = np.sqrt(np.asarray((W * W).sum(axis=1)).ravel())
    return sp.csr_array(sp.diags_array(strength / norm) @ W)


def _sparse_rows(n_rows, n_columns, n_per_row, rng):
    """CSR (n_rows, n_columns) of standard normal entries, `n_per_row` at random places of each row."""
    row = np.repeat(np.arange(n_rows), n_per_row)
    column = rng.randint(n_columns, size=row.size)
    return _csr(rng.standard_normal(row.size), row, column, (n_rows, n_columns))


def _csr(values, row, column, shape):
    """CSR array with the 32-bit indices that many of scikit-learn's solvers require."""
    return sp.csr_array((values, (row.astype(np.int32), column.astype(np.int32))), shape=shape)


def _paths(parents):
    """Paths (L,) of label names: letters that count the children of each parent."""
    n_children = {}
    paths = []
    for parent in parents:
        rank = n_children[parent] = n_children.get(parent, -1) + 1
        paths.append(("" if parent < 0 else paths[parent]) + "/" + _letters(rank))
    return np.array(paths)


def _letters(number):
    """Spreadsheet-column name: a, b, ..., z, aa, ab, ..."""
    name = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        name = chr(ord("a") + letter) + name
        number -= 1
    return name
