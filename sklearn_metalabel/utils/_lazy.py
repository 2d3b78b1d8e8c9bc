"""Names of a module that are loaded when they are first asked for."""

import importlib
import sys

__all__ = ["lazy_names"]


def lazy_names(module_name, places):
    """Return `__getattr__` and `__dir__` of a module; `places` maps each lazy name to the module that defines it."""

    def load(name):
        if name not in places:
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(places[name]), name)
        setattr(sys.modules[module_name], name, found)
        return found

    def names():
        return sorted({*vars(sys.modules[module_name]), *places})

    return load, names
