"""From what a user passes as a base learner to a classifier: one place decides of which kind it is."""

import inspect
import sys

from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._labelwise import LabelwiseClassifier
from sklearn_metalabel.learners._linear import LabelWeightedLogistic
from sklearn_metalabel.learners._native import NativeLabelClassifier
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest

__all__ = ["RESPONSE_METHODS", "as_classifier", "as_label_classifier", "as_multilabel"]

RESPONSE_METHODS = ("predict_proba", "decision_function")


def as_label_classifier(estimator):
    """Return an unfitted label classifier that trains `estimator` under label weights.

    Parameters
    ----------
    estimator : None, estimator, skorch net, torch module, module class or callable
        None is :class:`LabelWeightedLogistic`.

    Returns
    -------
    classifier : LabelClassifier
        A clone of `estimator`, or an adapter around one.

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
        from sklearn_metalabel.learners._torch import TorchClassifier

        return TorchClassifier(estimator)
    if _is_skorch_net(estimator):
        from sklearn_metalabel.learners._skorch import SkorchLabelClassifier

        return SkorchLabelClassifier(clone(estimator))
    if not inspect.isclass(estimator) and hasattr(estimator, "fit") and hasattr(estimator, "predict_proba"):
        if has_fit_parameter(estimator, "label_weight"):
            return NativeLabelClassifier(clone(estimator))
        if has_fit_parameter(estimator, "sample_weight"):
            return LabelwiseClassifier(clone(estimator))
    raise TypeError(_what_is_missing(estimator))


def as_classifier(estimator):
    """An unfitted classifier for what a user passes: an estimator is cloned, torch and skorch get an adapter."""
    needs_adapter = inspect.isclass(estimator) or _is_module_source(estimator) or _is_skorch_net(estimator)
    if estimator is None or needs_adapter:
        return as_label_classifier(estimator)
    _check_estimator(estimator)
    return clone(estimator)


def as_multilabel(classifier, n_labels=2):
    """A classifier as it is where it knows label matrices, else one clone of it for each label."""
    if not _knows_labels(classifier):
        return WeightedOneVsRest(classifier)
    # Of a matrix of one column, classifiers of single targets make a vector, with a warning.
    is_ours = isinstance(classifier, LabelClassifier | FrozenEstimator)
    is_plain = n_labels == 1 and not is_ours and get_tags(classifier).target_tags.single_output
    return WeightedOneVsRest(classifier) if is_plain else classifier


def _is_module_source(estimator):
    """Whether this is a torch module, a class of modules, or a function (taken to return a module)."""
    # Who passes a module has imported torch.
    module = sys.modules["torch"].nn.Module if "torch" in sys.modules else ()
    if isinstance(estimator, module):
        return True
    if inspect.isclass(estimator):
        return issubclass(estimator, module)
    return callable(estimator) and not hasattr(estimator, "fit")


def _is_skorch_net(estimator):
    """Whether this has the training loop of a skorch net."""
    return all(hasattr(estimator, name) for name in ("initialize", "train_step", "fit_loop"))


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


def _check_estimator(estimator):
    """Raise where something is no classifier with a response."""
    lacks = [] if hasattr(estimator, "fit") else ["fit"]
    if not any(hasattr(estimator, method) for method in RESPONSE_METHODS):
        lacks.append("predict_proba or decision_function")
    if lacks:
        raise TypeError(
            f"{type(estimator).__name__} cannot be cut at thresholds: it has no {' and no '.join(lacks)}; pass a "
            "classifier, for example LogisticRegression()."
        )


def _knows_labels(classifier):
    """Whether `fit` takes a label matrix."""
    if isinstance(classifier, LabelClassifier | FrozenEstimator):
        return True
    if isinstance(classifier, GridSearchCV | RandomizedSearchCV):
        return _knows_labels(classifier.estimator)
    tags = get_tags(classifier)
    # Wrappers such as MultiOutputClassifier name label matrices as outputs only.
    return tags.target_tags.multi_output or tags.classifier_tags.multi_label
