"""From what a user passes as a base learner to a classifier: one place decides of which kind it is."""

import inspect
import sys
import warnings

from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from sklearn_metalabel.learners._base import LabelClassifier
from sklearn_metalabel.learners._labelwise import LabelwiseClassifier
from sklearn_metalabel.learners._linear import LabelWeightedLogistic
from sklearn_metalabel.learners._native import NativeLabelClassifier, UnweightedLabelClassifier
from sklearn_metalabel.learners._one_vs_rest import WeightedOneVsRest

__all__ = [
    "RESPONSE_METHODS",
    "as_classifier",
    "as_fitted",
    "as_label_classifier",
    "as_multilabel",
    "as_unweighted",
    "innermost",
    "is_skorch_net",
    "is_trained_module",
    "takes_label_matrices",
]

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
    if is_skorch_net(estimator):
        from sklearn_metalabel.learners._skorch import SkorchLabelClassifier

        return SkorchLabelClassifier(clone(estimator))
    if not inspect.isclass(estimator) and hasattr(estimator, "fit") and hasattr(estimator, "predict_proba"):
        if has_fit_parameter(estimator, "label_weight"):
            return NativeLabelClassifier(clone(estimator))
        if has_fit_parameter(estimator, "sample_weight"):
            return LabelwiseClassifier(clone(estimator))
    raise TypeError(_what_is_missing(estimator))


def as_unweighted(classifier, estimator):
    """`classifier`, or where it would clone `estimator` for each label without need, one that trains it as it is.

    `classifier` is what `as_label_classifier` made of `estimator`; labels can then have equal weights alone.
    """
    is_cloned = isinstance(classifier, LabelwiseClassifier) and not isinstance(estimator, LabelClassifier)
    return UnweightedLabelClassifier(clone(estimator)) if is_cloned and takes_label_matrices(estimator) else classifier


def as_classifier(estimator):
    """An unfitted classifier for what a user passes: an estimator is cloned, torch and skorch get an adapter."""
    needs_adapter = inspect.isclass(estimator) or _is_module_source(estimator) or is_skorch_net(estimator)
    if estimator is None or needs_adapter:
        return as_label_classifier(estimator)
    if _is_stacking(estimator) and estimator.final_estimator is None:
        # What it takes then; without it, it does not say before `fit` that it will have probabilities.
        estimator = clone(estimator).set_params(final_estimator=LogisticRegression())
    _check_estimator(estimator)
    return clone(estimator)


def as_fitted(estimator, X, target):
    """A fitted classifier as it is; a trained torch module or skorch net in its adapter, for the labels of `target`."""
    if not (is_trained_module(estimator) or is_skorch_net(estimator)):
        return estimator
    if is_skorch_net(estimator):
        from sklearn_metalabel.learners._skorch import SkorchLabelClassifier as Adapter
    else:
        from sklearn_metalabel.learners._torch import TorchClassifier as Adapter
    return Adapter(estimator)._keep_trained(X, target)


def is_trained_module(estimator):
    """Whether this is a torch module, which is taken to be trained."""
    return "torch" in sys.modules and isinstance(estimator, sys.modules["torch"].nn.Module)


def as_multilabel(classifier, n_labels=2, multi_label="auto"):
    """A classifier as it is where it takes label matrices, else one clone of it for each label.

    `multi_label` says whether it does; "auto" asks its tags, and warns where they say nothing.
    """
    is_auto, is_stack = isinstance(multi_label, str), _is_stacking(innermost(classifier))
    if is_stack and multi_label is True:
        raise ValueError(
            "StackingClassifier gives the probabilities of 0 where it is fitted on a label matrix, got "
            "multi_label=True; set multi_label=False, which fits one for each label."
        )
    takes = takes_label_matrices(classifier) if is_auto else multi_label
    if is_auto and (takes is None or is_stack):
        reason = "gives no probabilities of label matrices" if is_stack else "does not tell by its tags what it takes"
        remedy = "" if is_stack else "multi_label=True if it takes label matrices, or "
        warnings.warn(
            f"{type(classifier).__name__} {reason}, so one clone of it is fitted for each label; set {remedy}"
            "multi_label=False to keep the clones and to leave this unsaid.",
            UserWarning,
            stacklevel=2,
        )
    if not takes:
        return WeightedOneVsRest(classifier)
    # Of a matrix of one column, classifiers of single targets make a vector, with a warning.
    is_ours = isinstance(classifier, LabelClassifier | FrozenEstimator)
    is_plain = n_labels == 1 and not is_ours and get_tags(classifier).target_tags.single_output
    return WeightedOneVsRest(classifier) if is_plain else classifier


def takes_label_matrices(classifier):
    """Whether `fit` takes a label matrix; None where nothing tells.

    The tags of pipelines and searches do not say it of what is inside them, so it is looked up there.
    """
    if type(classifier).__name__.startswith("Halving"):
        return False  # scikit-learn's searches by successive halving take vectors alone
    inner = innermost(classifier)
    if isinstance(inner, LabelClassifier | FrozenEstimator) or is_skorch_net(inner):
        return True
    tags = get_tags(inner)
    if tags.target_tags.multi_output:
        return True  # wrappers such as MultiOutputClassifier name label matrices as outputs only
    return None if tags.classifier_tags is None else tags.classifier_tags.multi_label


def innermost(classifier, fitted=False):
    """The classifier at the end of pipelines and inside searches; what those have fitted if `fitted`."""
    if hasattr(classifier, "steps"):
        return innermost(classifier.steps[-1][1], fitted)
    if type(classifier).__name__.endswith("SearchCV") and hasattr(classifier, "estimator"):
        return innermost(getattr(classifier, "best_estimator_", None) if fitted else classifier.estimator, fitted)
    if fitted and isinstance(classifier, FrozenEstimator):
        return innermost(classifier.estimator, fitted)
    return classifier


def _is_stacking(classifier):
    """Whether this is scikit-learn's stacking, which is not imported for the question."""
    return type(classifier).__name__ == "StackingClassifier"


def _is_module_source(estimator):
    """Whether this is a torch module, a class of modules, or a function (taken to return a module)."""
    # Who passes a module has imported torch.
    module = sys.modules["torch"].nn.Module if "torch" in sys.modules else ()
    if isinstance(estimator, module):
        return True
    if inspect.isclass(estimator):
        return issubclass(estimator, module)
    return callable(estimator) and not hasattr(estimator, "fit")


def is_skorch_net(estimator):
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
    if lacks and not (hasattr(estimator, "fit") and hasattr(estimator, "decision_function")):
        return (
            f"{name} cannot be a base learner: it has no {' and no '.join(lacks)}. Pass a classifier with both, for "
            "example LogisticRegression()."
        )
    tuned = f"TunedThresholdsClassifierCV({name}(...)) chooses thresholds for it as it is"
    if lacks:
        return (
            f"{name} cannot be a base learner: it has no predict_proba. {tuned}; to weight labels too, put "
            "CalibratedClassifierCV around it."
        )
    inside = ""
    if hasattr(estimator, "steps"):
        inside = "; to weight labels too, put transformers before MetaPolicyClassifier in the pipeline"
    return (
        f"{name} cannot weight labels: it needs fit(..., sample_weight) or fit(..., label_weight), and has neither. "
        f"{tuned}{inside}."
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
