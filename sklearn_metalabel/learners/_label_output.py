"""Predictions by the names of labels: as data frames where they are asked for, and as lists of names."""

import numpy as np
import scipy.sparse as sp

from sklearn_metalabel.utils import shown

__all__ = ["LabelOutputMixin"]

_FORMS = ("default", "pandas", "polars")


class LabelOutputMixin:
    """`set_output` and `predict_labels` of a classifier that knows its `label_names_`.

    The choice is kept where scikit-learn's own `set_output` keeps it, so that `clone` copies it.
    """

    def set_output(self, *, predict=None):
        """Choose what `predict`, `predict_proba` and `decision_function` return for labels.

        A pipeline or search around this classifier returns the same.

        Parameters
        ----------
        predict : {"default", "pandas", "polars"}, default=None
            "default" are arrays; "pandas" and "polars" are data frames with a column for each label, by its name, and
            in pandas with the index of X. Sparse predictions become sparse columns in pandas, and dense ones in polars.
            Of classes, whose predictions are one-dimensional, `predict_proba` alone becomes a frame. None changes
            nothing.

        Returns
        -------
        self : object
            This estimator.
        """
        if predict is None:
            return self
        if not isinstance(predict, str) or predict not in _FORMS:
            raise ValueError(f'predict must be "default", "pandas", "polars" or None, got {shown(predict)}.')
        self._sklearn_output_config = {**getattr(self, "_sklearn_output_config", {}), "predict": predict}
        return self

    def predict_labels(self, X):
        """Predict the names of each sample's labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples, as `predict` takes them.

        Returns
        -------
        labels : list of list of str
            For each sample the names of its labels, in the order of `label_names_`; an empty list where it has none.
        """
        decided = self._predicted(X)
        if self._target.kind != "multilabel":
            raise ValueError(
                "predict_labels is about labels, and the classifier was fitted on classes, which predict gives."
            )
        names = [str(name) for name in self.label_names_]
        decided = sp.csr_array(decided)
        return [[names[j] for j in np.sort(labels)] for labels in np.split(decided.indices, decided.indptr[1:-1])]

    def _in_output_form(self, values, X):
        """Predictions for X in the form that `set_output` asks for."""
        form = getattr(self, "_sklearn_output_config", {}).get("predict", "default")
        if form == "default" or values.ndim == 1:
            return values
        names = self.label_names_ if self._target.kind == "multilabel" else self.classes_
        columns = [str(name) for name in names]
        return (_pandas_frame if form == "pandas" else _polars_frame)(values, columns, X)


def _pandas_frame(values, columns, X):
    """Values (n, L) as a frame of pandas, with the index of X where it has one."""
    pd = _imported("pandas")
    index = X.index if isinstance(X, pd.DataFrame | pd.Series) else None
    if sp.issparse(values):
        frame = pd.DataFrame.sparse.from_spmatrix(values, index=index)
        return frame.set_axis(columns, axis=1)
    return pd.DataFrame(values, columns=columns, index=index)


def _polars_frame(values, columns, X):
    """Values (n, L) as a frame of polars."""
    pl = _imported("polars")
    if len(set(columns)) < len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise ValueError(
            f"Columns of a polars frame have different names, and several labels are called {twice[:5]}; rename the "
            'columns of y, or use set_output(predict="pandas").'
        )
    return pl.DataFrame(values.toarray() if sp.issparse(values) else values, schema=columns)


def _imported(name):
    """A library of data frames, or one sentence on what is missing."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f'set_output(predict="{name}") needs {name}, which is missing; pip install {name}.'
        ) from error
