"""The policy that comes with the package, as numbers, and where they come from."""

import json
from functools import cache
from importlib.resources import files

import numpy as np

__all__ = ["prior_parameters", "read_prior"]


@cache
def read_prior():
    """Read `prior.json`: "parameters" by name of scoring, and "provenance"."""
    return json.loads(files("sklearn_metalabel.policies").joinpath("prior.json").read_text(encoding="utf-8"))


def prior_parameters(weights, prior=None):
    """Parameters (outputs, descriptors) for weighted scorings: the weighted mean of those of its parts."""
    prior = read_prior()["parameters"] if prior is None else prior
    return sum(weight * np.asarray(prior[name]) for name, weight in weights.items())
