"""Fit a classifier on the training part of each split, and collect its responses for the rows held out."""

import warnings

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from sklearn_metalabel.learners._one_label import fit_label
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest
from sklearn_metalabel.learners._response import label_response
from sklearn_metalabel.utils import (
    aligned,
    count_rows,
    current_threads,
    delayed_training,
    draw_seeds,
    fix_random_states,
    in_order,
    propagated,
    take_rows,
    takes_sample_weight,
    use_threads,
)

__all__ = ["by_row", "fit_parts", "params_taken", "rows_that_count", "training_parts"]


def params_taken(classifier, params):
    """Metadata that a classifier takes; a warning where these are not the weights of the samples."""
    inner = classifier.estimator if isinstance(classifier, WeightedOneVsRest) else classifier
    routing = get_config()["enable_metadata_routing"]
    if routing or params.get("sample_weight") is None or takes_sample_weight(inner.fit, by_name=False):
        return params
    warnings.warn(
        f"{type(inner).__name__}.fit takes no sample_weight, so the weights of the samples count in the thresholds "
        "alone; pass a classifier that takes them to weight its training too.",
        UserWarning,
        stacklevel=2,
    )
    return {name: value for name, value in params.items() if name != "sample_weight"}


def training_parts(splits, n, weight, refit):
    """Parts to train on: (train, test, whether the classifier is kept), None for all rows or for none held out.

    Rows of `weight` (n,) 0 are left out of the training where it is given; with `refit` all rows are the last part.
    """
    kept = None if weight is None else np.flatnonzero(weight)
    kept = None if kept is None or kept.size == n else kept
    parts = [(train if kept is None else train[np.isin(train, kept)], test, not refit) for train, test in splits]
    return parts + [(kept, None, True)] if refit else parts


def fit_parts(classifier, X, y, parts, params, method, n_labels, *, n_jobs, rng, memory, contexts):
    """Go through (classifier or None where it is not kept, responses or None) of `training_parts`, as they come.

    Parameters
    ----------
    classifier : estimator
        Cloned for each part.
    X, y : object
        All rows, and the target in the form that the classifier takes.
    parts : list
        Of `training_parts`.
    params : dict
        Metadata for its `fit`.
    method : str
        The method that gives the response.
    n_labels : int or None
        Columns of the response; None where none is wanted.
    n_jobs : int or None
    rng : RandomState
    memory : object
        Of `training_memory`.
    contexts : list
        The task of callbacks that each part is, where its steps can be told of; else None.
    """
    seeds, threads = draw_seeds(rng, len(parts)), current_threads()
    tasks = []
    for part, seed, context in zip(parts, seeds, contexts, strict=True):
        fit = fix_random_states(clone(classifier), seed), X, y, part, params, method, n_labels, threads
        options = {} if memory is None else {"key": fit}
        tasks.append(delayed_training(memory, _fit_part)(*fit, context, **options))
    return in_order(n_jobs, tasks)


def by_row(responses, tests):
    """Responses of all folds by ascending row, the rows, and the fold of each; a row may come several times."""
    rows = np.concatenate(tests)
    order = np.argsort(rows, kind="stable")
    place = np.empty(len(rows), dtype=np.intp)
    place[order] = np.arange(len(rows))
    R = np.empty((len(rows), responses[0].shape[1]), dtype=np.result_type(*responses))
    ends = np.cumsum([len(test) for test in tests])
    for block, end in zip(responses, ends, strict=True):
        R[place[end - len(block) : end]] = block
    return R, rows[order], np.repeat(np.arange(len(tests)), [len(test) for test in tests])[order]


def rows_that_count(responses, rows, fold_of, weight):
    """Responses of held-out rows of weight above 0, these rows and their folds, or raise where there are none."""
    kept = weight[rows] > 0
    if not kept.any():
        raise ValueError("cv must hold rows of positive sample_weight out, got none; pass other splits.")
    return (responses, rows, fold_of) if kept.all() else (responses[kept], rows[kept], fold_of[kept])


def _fit_part(classifier, X, y, part, params, method, n_labels, threads, context=None):
    """Fit on the training rows of a part (all for None); return the classifier if it is kept, and the responses.

    `context` is the task that this is, where its steps can be told of.
    """
    train, test, keep = part
    X, y = aligned(X), aligned(y)
    with use_threads(threads):
        if train is not None:
            params = _check_method_params(np.empty(count_rows(X)), params, indices=train)
        y_train = y if train is None else _safe_indexing(y, train)
        X_train = X if train is None else take_rows(X, train)
        if n_labels == 1 and y.ndim == 1 and not keep:
            classifier = fit_label(classifier, X_train, y_train, positive=np.unique(y)[-1], **params)
        else:
            with propagated(context, classifier):
                classifier.fit(X_train, y_train, **params)
        R = None
        if test is not None and n_labels is not None:
            R = label_response(classifier, take_rows(X, test), method, n_labels)
            R = _without_invented_scores(R, y_train) if method == "decision_function" and y_train.ndim == 2 else R
    return (classifier if keep else None), R


def _without_invented_scores(S, y_train):
    """Decision values with those of labels that had one value in training at the lower or upper end of the others.

    What a classifier answers there is no score: 0 would count as uncertain.
    """
    # NaN, which is not known, differs from itself.
    ones, unknown = (np.asarray(marks.sum(axis=0)).ravel() for marks in (y_train == 1, y_train != y_train))
    zeros = y_train.shape[0] - ones - unknown
    varied = (ones > 0) & (zeros > 0)
    if varied.all() or S.size == 0:
        return S
    S = S.copy()
    low, high = (S[:, varied].min(), S[:, varied].max()) if varied.any() else (-1.0, 1.0)
    S[:, ones == 0] = low
    S[:, (zeros == 0) & (ones > 0)] = high
    return S
