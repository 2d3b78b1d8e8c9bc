"""Checks of a classifier that was fitted before it is given to an estimator."""

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_metalabel.learners._resolve import innermost, is_skorch_net, is_trained_module
from sklearn_metalabel.utils import shown

__all__ = ["check_label_order", "check_prefit"]


def check_prefit(estimator):
    """Refuse an estimator that is not fitted."""
    if is_trained_module(estimator):
        return
    if not hasattr(estimator, "fit") or isinstance(estimator, type):
        raise TypeError(f'cv="prefit" needs a fitted classifier, got {shown(estimator)}; fit one first, or set cv=3.')
    try:
        check_is_fitted(estimator, "module_" if is_skorch_net(estimator) else None)
    except NotFittedError as error:
        raise NotFittedError(
            f'cv="prefit" needs a fitted classifier, and this {type(estimator).__name__} is not fitted; '
            "fit it first, on other rows, or set cv=3."
        ) from error


def check_label_order(estimator, label_names):
    """Refuse labels in another order than the fitted estimator knows them, where both have names."""
    known = getattr(innermost(estimator, fitted=True), "label_names_", None)
    numbers = [str(j) for j in range(len(label_names))]
    if known is None or numbers in (list(known), list(label_names)):
        return
    if list(known) != list(label_names):
        raise ValueError(
            f"The labels of y, {list(label_names)[:9]}, are not in the order that the fitted estimator "
            f"knows, {list(known)[:9]}; pass their columns in that order."
        )
