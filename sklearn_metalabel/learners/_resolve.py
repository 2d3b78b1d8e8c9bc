"""From what a user passes as a base learner to a label classifier."""

import inspect

from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import has_fit_parameter
from torch import nn

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._labelwise import LabelwiseClassifier
from sklearn_metalabel.learners._linear import LabelWeightedLogistic
from sklearn_metalabel.learners._native import NativeLabelClassifier
from sklearn_metalabel.learners._skorch import SkorchLabelClassifier
from sklearn_metalabel.learners._torch import TorchClassifier

__all__ = ["as_label_classifier"]


def as_label_classifier(estimator):
    """Return an unfitted label classifier that trains `estimator` under label weights.

    Parameters
    ----------
    estimator : None, estimator, skorch net, torch module, module class or callable
        None is :class:`LabelWeightedLogistic`.

    Returns
    -------
    classifier : LabelClassifier
        A clone of `estimator`, or a wrapper around one.

    Raises
    ------
    TypeError
        If labels cannot be weighted in its training.
    """
    if estimator is None:
        return LabelWeightedLogistic()
    if isinstance(estimator, LabelClassifier):
        return clone(estimator)
    if _is_module_source(estimator):
        return TorchClassifier(estimator)
    if all(hasattr(estimator, name) for name in ("initialize", "train_step", "fit_loop")):
        return SkorchLabelClassifier(clone(estimator))
    if not inspect.isclass(estimator) and hasattr(estimator, "fit") and hasattr(estimator, "predict_proba"):
        if has_fit_parameter(estimator, "label_weight"):
            return NativeLabelClassifier(clone(estimator))
        if has_fit_parameter(estimator, "sample_weight"):
            return LabelwiseClassifier(clone(estimator))
    raise TypeError(_what_is_missing(estimator))


def _is_module_source(estimator):
    """Whether this is a torch module, a class of modules, or a function (taken to return a module)."""
    if isinstance(estimator, nn.Module):
        return True
    if inspect.isclass(estimator):
        return issubclass(estimator, nn.Module)
    return callable(estimator) and not hasattr(estimator, "fit")


def _what_is_missing(estimator):
    """One sentence on why labels cannot be weighted, and what to pass."""
    if inspect.isclass(estimator):
        remedy = "an instance of it" if issubclass(estimator, BaseEstimator) else "a torch.nn.Module class"
        return (
            f"The base learner must be an estimator or a torch module, got the class {estimator.__name__}: "
            f"pass {remedy}."
        )
    name = type(estimator).__name__
    lacks = [m for m in ("fit", "predict_proba") if not hasattr(estimator, m)]
    if lacks:
        return (
            f"{name} cannot be a base learner: it has no {' and no '.join(lacks)}. Pass a classifier with both, for "
            "example LogisticRegression(), or CalibratedClassifierCV around one without probabilities."
        )
    return (
        f"{name} cannot weight labels: it needs fit(..., sample_weight) or fit(..., label_weight), and has neither. "
        "Pass the classifier inside it, for example LogisticRegression(), and put transformers before "
        "MetaPolicyClassifier in the pipeline."
    )
