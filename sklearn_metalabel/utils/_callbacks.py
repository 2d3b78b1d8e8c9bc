"""The one module that imports scikit-learn's experimental callback API."""

from sklearn.callback import CallbackSupportMixin

__all__ = ["CallbackSupportMixin"]
