"""Parameters of an estimator that go to a torch module, its optimiser or its loss."""

import inspect
from difflib import get_close_matches

__all__ = ["RoutedParamsMixin"]


class RoutedParamsMixin:
    """An estimator whose ``__init__`` stores parameters with one of `_routes` before their name beside its own."""

    _routes: tuple[str, ...] = ("module__", "optimizer__")

    def get_params(self, deep=True):
        """Parameters of this estimator, those routed to module and optimiser included.

        Parameters
        ----------
        deep : bool, default=True
            Also the parameters of nested estimators.

        Returns
        -------
        params : dict of str -> object
            Parameter names and values.
        """
        extra = {name: value for name, value in vars(self).items() if not name.startswith("_") and name[-1] != "_"}
        return {**super().get_params(deep=deep), **extra}

    def set_params(self, **params):
        """Set parameters of this estimator, and those that it passes on.

        Parameters
        ----------
        **params : dict
            Parameter names and values.

        Returns
        -------
        self : object
            This estimator.
        """
        routed = {name: value for name, value in params.items() if name.startswith(self._routes)}
        super().set_params(**{name: value for name, value in params.items() if name not in routed})
        vars(self).update(routed)
        return self

    def _routed_params(self):
        """Routed parameters; others that are not this estimator's own are refused, naming the nearest."""
        own = list(inspect.signature(type(self).__init__).parameters)[1:-1]
        extra = {name: value for name, value in self.get_params(deep=False).items() if name not in own}
        for name in extra:
            if not name.startswith(self._routes):
                near = get_close_matches(name, [*own, self._routes[0] + name], n=1)
                raise TypeError(
                    f"{type(self).__name__} has no parameter {name!r}; did you mean {near[0] if near else own}? "
                    f"Parameters that are passed on start with {' or '.join(self._routes)}."
                )
        return extra

    def _routed(self, prefix):
        """Routed parameters with this prefix, without it."""
        return {name.removeprefix(prefix): value for name, value in vars(self).items() if name.startswith(prefix)}
