"""The policies that come with the package, as numbers, and where they come from."""

import json
from functools import cache
from importlib.resources import files

import numpy as np

__all__ = ["prior_parameters", "read_prior", "read_training_prior"]


@cache
def read_prior():
    """Read `prior.json`: "parameters" by name of scoring, and "provenance"."""
    return _read("prior.json")


@cache
def read_training_prior():
    """Read `training_prior.json`: "parameters" of the training policy, and "provenance"."""
    return _read("training_prior.json")


def _read(name):
    """The content of a JSON file that lies here."""
    return json.loads(files("sklearn_metalabel.policies").joinpath(name).read_text(encoding="utf-8"))


def prior_parameters(weights, prior=None):
    """Parameters (outputs, descriptors) for weighted scorings: the weighted mean of those of its parts."""
    prior = read_prior()["parameters"] if prior is None else prior
    return sum(weight * np.asarray(prior[name]) for name, weight in weights.items())
