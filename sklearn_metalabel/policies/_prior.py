"""The policies that come with the package, as numbers, and where they come from."""

import json
from functools import cache
from importlib.resources import files

import numpy as np

__all__ = ["dependence_start", "prior_parameters", "read_prior", "read_training_prior"]


@cache
def read_prior():
    """Read `prior.json`: "parameters" by name of scoring, "dependence" with its own "parameters", and "provenance"."""
    return _read("prior.json")


@cache
def read_training_prior():
    """Read `training_prior.json`: "parameters" of the training policy, and "provenance"."""
    return _read("training_prior.json")


def _read(name):
    """The content of a JSON file that lies here."""
    return json.loads(files("sklearn_metalabel.policies").joinpath(name).read_text(encoding="utf-8"))


def prior_parameters(weights):
    """Parameters (outputs, descriptors) for weighted scorings: the weighted mean of those of its parts."""
    return _weighted_mean(read_prior()["parameters"], weights)


def dependence_start(weights):
    """Where the search for dependence starts for weighted scorings, four numbers: the weighted mean of its parts.

    The weight of counts, what stands for it in unseen sets, and the shift of the cuts: a constant, and a factor of the
    scaled log-frequency.
    """
    return _weighted_mean(read_prior()["dependence"]["parameters"], weights)


def _weighted_mean(by_name, weights):
    return sum(weight * np.asarray(by_name[name]) for name, weight in weights.items())
