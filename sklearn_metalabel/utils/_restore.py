"""A failed `fit` leaves the estimator as it was."""

from functools import wraps

__all__ = ["restore_on_error"]


def restore_on_error(method):
    """Undo every attribute that `method` set or removed on its object when it raises."""

    @wraps(method)
    def guarded(estimator, *args, **kwargs):
        before = estimator.__dict__.copy()
        try:
            return method(estimator, *args, **kwargs)
        except BaseException:
            estimator.__dict__.clear()
            estimator.__dict__.update(before)
            raise

    return guarded
